//! Who somebody is: found by name, chosen for a call, taken back, made anew; and the links that people have.
//!
//! Without a server the shell asks the contact sources. Either way a choice is laid over what is shown here: the card, and
//! the line of the recent calls, which nobody else knows of once the call is over.

use super::{Asker, Controller};
use crate::shell::{AboutCall, Now, PeopleWish, Shell};
use engine::CallUpdate;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use view::{Change, People, Person, RefusalCode, Reply};
use wire::{Answer, ErrorCode, Failure, Record, Remember, Remembered};

/// People found last, from several searches; what is chosen was seen a moment ago.
const FOUND: usize = 200;
/// A double click, by whatever ids.
const TWICE: Duration = Duration::from_secs(2);
/// People made last; the same wish again makes no second one.
const MADE: usize = 16;

/// The people that were found last, to know who is chosen and which links were shown.
#[derive(Debug, Default)]
pub(super) struct Found {
    people: VecDeque<Person>,
    /// Who calls without a number, as chosen, by call.
    nameless: BTreeMap<String, Person>,
}

impl Found {
    fn take(&mut self, people: &[Person]) {
        for person in people {
            self.people.retain(|known| known != person);
            self.people.push_front(person.clone());
        }
        self.people.truncate(FOUND);
    }

    /// Lays over the news of a call what only its person knows.
    pub(super) fn name(&self, id: &str, mut call: CallUpdate) -> CallUpdate {
        if let Some(person) = self.nameless.get(id) {
            call.people = People::One {
                person: person.clone(),
            };
        }
        call
    }

    pub(super) fn forget(&mut self, call: &str) {
        self.nameless.remove(call);
    }
}

/// People that were made, with whoever wished for them.
#[derive(Debug, Default)]
pub(super) struct Made(VecDeque<Making>);

#[derive(Debug)]
struct Making {
    id: String,
    wish: wire::Request,
    answer: Answer,
    at: Instant,
}

impl Made {
    /// What became of the same wish before, where it makes something.
    pub(super) fn again(&self, id: &str, wish: &wire::Request, now: Instant) -> Option<Answer> {
        let is_same = |made: &&Making| {
            made.id == id || (made.wish == *wish && now.saturating_duration_since(made.at) < TWICE)
        };
        self.0.iter().find(is_same).map(|made| made.answer.clone())
    }

    /// What failed may be tried again, and what nobody knows of may not.
    pub(super) fn keep(&mut self, id: &str, wish: &wire::Request, answer: &Answer, at: Instant) {
        let is_made = matches!(wish, wire::Request::CreatePerson { .. });
        let may_be_there = match answer {
            Answer::Failed(failure) => failure.code == ErrorCode::Unknown,
            Answer::Done
            | Answer::Created { .. }
            | Answer::Explained(_)
            | Answer::People { .. }
            | Answer::Found { .. }
            | Answer::Forms { .. } => true,
        };
        if is_made && may_be_there {
            self.0.push_front(Making {
                id: id.to_owned(),
                wish: wish.clone(),
                answer: answer.clone(),
                at,
            });
            self.0.truncate(MADE);
        }
    }
}

impl<S: Shell> Controller<S> {
    // --- wishes ------------------------------------------------------------------------------------------------------

    /// The wish with what is known of its call.
    ///
    /// # Errors
    /// The call is not known here, or the wish is none of people.
    pub(super) fn people_wish(&self, wish: &wire::Request) -> Result<PeopleWish, Failure> {
        use wire::Request;
        let known =
            |call: &Option<String>| call.as_deref().map(|call| self.about(call)).transpose();
        Ok(match wish {
            Request::FindPeople { text } => PeopleWish::Find { text: text.clone() },
            Request::LinkPerson {
                call,
                record,
                remember,
            } => {
                let call = self.about(call)?;
                let remember = if call.number.is_some() {
                    *remember
                } else {
                    Remember::No
                };
                PeopleWish::Link {
                    call,
                    record: record.clone(),
                    remember,
                }
            }
            Request::UnlinkPerson { call } => PeopleWish::Unlink {
                call: self.about(call)?,
                shown: self.shown_at(call),
            },
            Request::PersonForms { call } => PeopleWish::Forms { call: known(call)? },
            Request::CreatePerson {
                source,
                call,
                fields,
            } => PeopleWish::Create {
                source: source.clone(),
                call: known(call)?,
                fields: fields.clone(),
            },
            Request::Dial { .. }
            | Request::Cancel { .. }
            | Request::HangUp { .. }
            | Request::Order { .. }
            | Request::Explain { .. }
            | Request::WhoIs { .. }
            | Request::CloseMissed { .. } => {
                let words = "This is asked of nobody.";
                return Err(Failure::new(ErrorCode::BadRequest, words));
            }
        })
    }

    /// A call that goes on, or one of the recent ones.
    fn about(&self, call: &str) -> Result<AboutCall, Failure> {
        if let Some(running) = self.calls.get(call) {
            let number = running.remote.number.as_ref();
            return Ok(AboutCall {
                call: call.to_owned(),
                number: number.map(|number| number.display.clone()),
                line: running.line.clone(),
            });
        }
        let recent = self.state.recent.iter().find(|recent| recent.call == call);
        let gone = || Failure::new(ErrorCode::NotFound, "This call is not known any more.");
        let recent = recent.ok_or_else(gone)?;
        Ok(AboutCall {
            call: call.to_owned(),
            number: recent.party.number.clone(),
            line: recent.line.clone(),
        })
    }

    fn shown_at(&self, call: &str) -> Option<Record> {
        let running = self.calls.get(call).and_then(|call| call.people.one());
        let recent = || {
            let mut recent = self.state.recent.iter();
            let recent = recent.find(|recent| recent.call == call)?;
            recent.person.as_ref()
        };
        let person = running.or_else(recent)?;
        Some(person.record.clone()).filter(|record| *record != Record::default())
    }

    /// Lays over what is shown what has become of a wish. `linked`: who it is, where the sources said so.
    pub(super) fn people_answered(
        &mut self,
        wish: &wire::Request,
        answer: &Answer,
        linked: Option<Person>,
    ) {
        use wire::Request;
        match (wish, answer) {
            (Request::FindPeople { .. }, Answer::Found { people, .. }) => self.found.take(people),
            (
                Request::LinkPerson {
                    call,
                    record,
                    remember,
                },
                Answer::Done,
            ) => {
                if let Some(person) = linked.or_else(|| self.person_of(record)) {
                    self.link(call, person, *remember);
                }
            }
            (Request::UnlinkPerson { call }, Answer::Done) => self.unlink(call),
            (Request::CreatePerson { call, .. }, Answer::Created { person }) => {
                self.found.take(std::slice::from_ref(person));
                if let Some(call) = call {
                    self.link(call, person.clone(), Remember::No);
                }
            }
            (
                Request::FindPeople { .. }
                | Request::LinkPerson { .. }
                | Request::UnlinkPerson { .. }
                | Request::CreatePerson { .. }
                | Request::PersonForms { .. }
                | Request::Dial { .. }
                | Request::Cancel { .. }
                | Request::HangUp { .. }
                | Request::Order { .. }
                | Request::Explain { .. }
                | Request::WhoIs { .. }
                | Request::CloseMissed { .. },
                Answer::Done
                | Answer::Explained(_)
                | Answer::People { .. }
                | Answer::Found { .. }
                | Answer::Forms { .. }
                | Answer::Created { .. }
                | Answer::Failed(_),
            ) => {}
        }
    }

    fn link(&mut self, call: &str, person: Person, remember: Remember) {
        if self.is_server_mode() {
            return self.show_in_recent(call, Some(person));
        }
        let about = self.about(call).ok();
        let is_withheld = about.as_ref().is_none_or(|about| about.number.is_none());
        let at = self.now.map_or(0, Now::unix_ms);
        let remembered = |line| Remembered { by: None, at, line };
        let remembered = match remember {
            Remember::No => None,
            Remember::Number => Some(remembered(None)),
            Remember::NumberOnLine => Some(remembered(about.and_then(|about| about.line))),
        };
        let remembered = remembered.filter(|_| !is_withheld);
        if is_withheld && self.calls.contains_key(call) {
            // No source can say it again with the next news of the call.
            let nameless = &mut self.found.nameless;
            nameless.insert(call.to_owned(), person.clone());
        }
        let people = People::One {
            person: person.clone(),
        };
        self.show_people(call, &people, remembered.as_ref());
        self.show_in_recent(call, Some(person));
    }

    /// Wrong person: nobody stands there until somebody is chosen. A server tells by itself who is left to choose from, and
    /// before it answers.
    fn unlink(&mut self, call: &str) {
        if self.is_server_mode() {
            return self.show_in_recent(call, None);
        }
        self.found.nameless.remove(call);
        self.show_people(call, &People::Nobody, None);
        self.show_in_recent(call, None);
    }

    fn show_people(&mut self, call: &str, people: &People, remembered: Option<&Remembered>) {
        self.cards.name(call, people, remembered);
        self.draw_cards();
        let Some(running) = self.calls.get_mut(call) else {
            return;
        };
        running.people = people.clone();
        running.remembered = remembered.cloned();
        let running = running.clone();
        if let Some(now) = self.now
            && !self.is_server_mode()
        {
            self.own_call(&running, false, now);
        }
    }

    fn show_in_recent(&mut self, call: &str, person: Option<Person>) {
        let mut list = self.state.recent.clone();
        if let Some(recent) = list.iter_mut().find(|recent| recent.call == call) {
            recent.person = person;
        }
        self.change(Change::Recent(list));
    }

    // --- people that are shown ---------------------------------------------------------------------------------------

    fn person_of(&self, record: &Record) -> Option<Person> {
        self.people_shown()
            .find(|person| person.record == *record)
            .cloned()
    }

    /// Everybody who is on a card, in the recent calls, asked about, dialled, or was found.
    fn people_shown(&self) -> impl Iterator<Item = &Person> {
        let state = &self.state;
        let cards = state.cards.iter().map(|card| &card.people);
        let dials = state.dials.iter().map(|dial| &dial.people);
        let calls = self.calls.values().map(|call| &call.people);
        let recent = state.recent.iter();
        let recent = recent.filter_map(|recent| recent.person.as_ref());
        let several = cards.chain(dials).chain(calls).flat_map(each);
        several.chain(recent).chain(&self.found.people)
    }

    // --- links -------------------------------------------------------------------------------------------------------

    /// Only what stands at somebody who is shown here: a page that was taken over opens nothing else.
    pub(super) fn open_link(&mut self, asker: Asker, url: &str) {
        let is_shown = self.people_shown().any(|person| has_link(person, url));
        if !is_shown {
            let words = "This link is not shown any more.";
            return self.refuse(asker, RefusalCode::BadRequest, words);
        }
        if !is_harmless(url) {
            let words = "This link is not opened: it is neither a web page nor a record of a known program.";
            return self.refuse(asker, RefusalCode::BadRequest, words);
        }
        self.shell.open_link(url);
        self.reply(asker, Reply::Done);
    }
}

fn each(people: &People) -> std::slice::Iter<'_, Person> {
    match people {
        People::Asking | People::Nobody => [].iter(),
        People::One { person } => std::slice::from_ref(person).iter(),
        People::Several { people } => people.iter(),
    }
}

fn has_link(person: &Person, url: &str) -> bool {
    let facts = person.facts.iter().filter_map(|fact| fact.url.as_deref());
    let links = person.url.as_deref().into_iter().chain(facts);
    links.into_iter().any(|link| link == url)
}

/// Sources keep to `http`, `https` and the schemes that their descriptions name. Whatever a description says, what runs
/// programs, reads this computer's files or is a page of its own is opened by nobody.
fn is_harmless(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    let is_text =
        !rest.is_empty() && !url.contains(|letter: char| letter.is_control() || letter == ' ');
    let scheme = scheme.to_ascii_lowercase();
    let is_ours_or_the_systems = scheme.starts_with("ms-")
        || scheme.contains("script")
        || scheme.starts_with("search")
        || HARMFUL.contains(&scheme.as_str());
    is_scheme && is_text && scheme.len() > 1 && !is_ours_or_the_systems
}

const HARMFUL: [&str; 24] = [
    "about",
    "admin",
    "blob",
    "callto",
    "data",
    "file",
    "filesystem",
    "ftp",
    "help",
    "hcp",
    "intent",
    "jar",
    "mhtml",
    "mk",
    "res",
    "shell",
    "sidetone",
    "sip",
    "sips",
    "smb",
    "ssh",
    "tel",
    "telnet",
    "view-source",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_a_page_or_a_record_and_runs_nothing() {
        for url in [
            "https://crm.example/contact/7",
            "http://10.0.0.5:8069/odoo/contacts/7",
            "e1c://server/host/base#e1cib/data/7",
        ] {
            assert!(is_harmless(url), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "vbscript:x",
            "file:///etc/passwd",
            "data:text/html,x",
            "ms-msdt:/id",
            "search-ms:query=x",
            "sidetone://enrol/x",
            "C:\\windows\\calc.exe",
            "c:/windows/calc.exe",
            "https://crm.example/ --new",
            "https:",
            "\\\\host\\share",
            "-x:y",
            "no link",
        ] {
            assert!(!is_harmless(url), "{url}");
        }
    }
}
