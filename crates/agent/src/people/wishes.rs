//! What people want of the contact sources: somebody found, chosen, taken back, made anew.

use super::{Done, People, unix_ms};
use contacts::{Directory, Link, Unlink};
use desktop::{AboutCall, Input, PeopleWish};
use phone_number::PhoneNumber;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;
use wire::{Answer, ErrorCode, Failure, Remember};

/// A list that a person reads.
const FOUND: usize = 30;
/// As the protocol promises for a search.
const SEARCH: Duration = Duration::from_millis(500);
/// A person is made, or nobody knows.
const CREATE: Duration = Duration::from_secs(30);
const MAYBE: &str = "The contact source did not answer in time. Look there whether it made the contact before you try again.";

impl People {
    /// What is known at once comes back at once, the rest by `done`.
    pub(crate) fn wish(&mut self, id: String, wish: PeopleWish) -> Option<Input> {
        match wish {
            PeopleWish::Find { text } => {
                self.find(id, text);
                None
            }
            PeopleWish::Link {
                call,
                record,
                remember,
            } => {
                self.is_memory_new = true;
                let linked = self.link(&call, record, remember);
                Some(done(id, Answer::Done, linked))
            }
            PeopleWish::Unlink { call, shown } => {
                self.is_memory_new = true;
                if let Some(number) = self.number(&call) {
                    self.directory.unlink(Unlink {
                        number,
                        line: call.line,
                        call: Some(call.call),
                        record: shown,
                    });
                }
                Some(done(id, Answer::Done, None))
            }
            PeopleWish::Forms { call } => {
                let number = call.and_then(|call| self.number(&call));
                let made = self
                    .kept
                    .iter()
                    .filter_map(|(kept, _)| kept.now().borrow().made.clone());
                let forms = made.filter_map(|made| made.form(number.as_ref()));
                let forms = forms.collect();
                Some(done(id, Answer::Forms { forms }, None))
            }
            PeopleWish::Create {
                source,
                call,
                fields,
            } => self.create(id, &source, call, fields),
        }
    }

    /// Once, whatever comes of it.
    fn create(
        &mut self,
        id: String,
        source: &str,
        call: Option<AboutCall>,
        fields: BTreeMap<String, String>,
    ) -> Option<Input> {
        let refused = |code, words: &str| {
            let failure = Failure::new(code, words);
            Some(done(id.clone(), Answer::Failed(failure), None))
        };
        let Some(made) = self.made(source) else {
            return refused(ErrorCode::NotFound, "This contact source is not ready.");
        };
        let number = call.as_ref().and_then(|call| self.number(call));
        let Some(number) = number else {
            let words = "A new person needs a number: choose a call that has one.";
            return refused(ErrorCode::BadRequest, words);
        };
        self.is_memory_new = true;
        let (directory, sender) = (self.directory.clone(), self.done.clone());
        let source = source.to_owned();
        tokio::spawn(async move {
            let is_asked = sources::is_filled_in(&made, &fields, &number);
            let made = match timeout(CREATE, made.create(&fields, &number)).await {
                Ok(Ok(person)) => Ok(person),
                Ok(Err(why)) => Err(sources::not_made(why, is_asked)),
                Err(_) => Err(Failure::new(ErrorCode::Unknown, MAYBE)),
            };
            let answer = match made {
                Ok(made) => {
                    let person = learnt(&directory, &source, made);
                    directory.forget_number(&number);
                    if let Some(call) = call {
                        link_new(&directory, call, number, person.record.clone());
                    }
                    Answer::Created { person }
                }
                Err(failure) => Answer::Failed(failure),
            };
            let (answer, linked) = (Box::new(answer), None);
            drop(sender.send(Done::Wish { id, answer, linked }).await);
        });
        None
    }

    fn find(&self, id: String, text: String) {
        let (directory, done) = (self.directory.clone(), self.done.clone());
        tokio::spawn(async move {
            let found = directory.find(&text, FOUND, SEARCH).await;
            let answer = Box::new(Answer::Found {
                people: found.people,
                sources: found.sources,
            });
            let linked = None;
            drop(done.send(Done::Wish { id, answer, linked }).await);
        });
    }

    /// Nothing can be remembered of a number that is withheld; the controller knows the person then.
    fn link(
        &self,
        call: &AboutCall,
        record: wire::Record,
        remember: Remember,
    ) -> Option<wire::Person> {
        self.directory.link(Link {
            number: self.number(call)?,
            line: call.line.clone(),
            call: Some(call.call.clone()),
            record,
            remember,
            by: None,
            at: unix_ms(),
        })
    }

    fn number(&self, call: &AboutCall) -> Option<PhoneNumber> {
        let number = call.number.as_deref()?;
        self.plan.number_of_trunk(number)
    }
}

/// Whoever was made for a call has its number, so that nothing need be remembered.
fn link_new(directory: &Directory, call: AboutCall, number: PhoneNumber, record: wire::Record) {
    directory.link(Link {
        number,
        line: call.line,
        call: Some(call.call),
        record,
        remember: Remember::No,
        by: None,
        at: unix_ms(),
    });
}

/// A source that is being changed at this moment has made him all the same: to say that it failed would make a second.
fn learnt(directory: &Directory, source: &str, made: contacts::Person) -> wire::Person {
    let told = wire::Person {
        name: made.name.clone(),
        source: source.to_owned(),
        record: wire::Record {
            source: source.to_owned(),
            ..made.record.clone()
        },
        ..wire::Person::default()
    };
    directory.learn(source, made).unwrap_or(told)
}

fn done(id: String, answer: Answer, linked: Option<wire::Person>) -> Input {
    Input::People {
        id,
        answer,
        linked: linked.map(Box::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_was_made_by_a_source_that_has_gone_meanwhile_was_made() {
        let plan = phone_number::DialPlan::new(phone_number::Region::GB);
        let directory = Directory::new(contacts::directory::Settings::new(plan));
        let record = wire::Record {
            id: "900".into(),
            ..wire::Record::default()
        };
        let made = contacts::Person {
            name: "Nina Neu".into(),
            record,
            ..contacts::Person::default()
        };
        let person = learnt(&directory, "crm", made);
        assert_eq!(
            (person.name.as_str(), person.record.id.as_str()),
            ("Nina Neu", "900")
        );
        assert_eq!(person.record.source, "crm");
    }
}
