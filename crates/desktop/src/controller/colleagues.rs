//! The panel of colleagues: what it is told while it is looked at, and what is wanted there.
//!
//! With a server its facts are passed on and wishes go to it. Without one the shell reads the engine's feed, and what
//! concerns this person alone is made here in the same words.

use super::people::Made;
use super::{Asker, Controller, LookUp, Speech, WHO_IS};
use crate::outbox::Outbox;
use crate::shell::{ClientId, Now, PeopleWish, ServerCommand, ServerEvent, Shell};
use engine::{Ability, CallUpdate, Capabilities, Command, DialUpdate, OrderId, Outcome};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use view::{RefusalCode, Reply, Source};
use wire::{Answer, ErrorCode, Fact, Failure, Interest, Names, Person};

/// An order is answered within a few seconds; later than this nobody knows.
const WISH: Duration = Duration::from_secs(15);
/// A CRM may take its time to make a new person.
const MAKING: Duration = Duration::from_secs(40);
/// Wishes that wait at once; a person has one or two.
const WISHES: usize = 64;
/// Letters of a wish's id.
const ID: usize = 128;
const LATE: &str = "There was no answer. Look whether it was done before you try again.";
const LOST: &str = "The line to the server broke before the answer. Look whether it was done before you try again.";

/// What the panel follows and waits for.
#[derive(Debug, Default)]
pub(super) struct Colleagues {
    /// The page has its colleagues open.
    wanted: bool,
    /// … and its window is.
    is_followed: bool,
    outbox: Outbox,
    /// Without a server: what this person's phone does.
    own: BTreeMap<String, Fact>,
    lacking: Capabilities,
    wishes: BTreeMap<String, Wish>,
    made: Made,
}

#[derive(Debug)]
struct Wish {
    askers: Vec<Asker>,
    until: Instant,
    wish: wire::Request,
}

/// Who carries a wish out.
enum Errand {
    Engine(Box<Command>),
    People(PeopleWish),
    Server,
}

impl Colleagues {
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let wishes = self.wishes.values().map(|wish| wish.until);
        wishes.chain(self.outbox.due()).min()
    }

    /// The same wish under way: the same id, or somebody who is made already.
    fn running(&mut self, id: &str, wish: &wire::Request) -> Option<&mut Wish> {
        let is_made = matches!(wish, wire::Request::CreatePerson { .. });
        let twice = self
            .wishes
            .iter()
            .find(|(_, other)| is_made && other.wish == *wish);
        let twice = twice.map(|(id, _)| id.clone());
        self.wishes.get_mut(twice.as_deref().unwrap_or(id))
    }

    /// Nobody waits for those answers any more.
    pub(super) fn client_gone(&mut self, client: ClientId) {
        for wish in self.wishes.values_mut() {
            wish.askers.retain(|asker| asker.client != client);
        }
    }
}

impl<S: Shell> Controller<S> {
    pub(super) fn follow(&mut self, asker: Asker, on: bool, now: Now) {
        if !self.windows.is(asker.client) {
            let words = "Only windows follow the colleagues.";
            return self.refuse(asker, RefusalCode::BadRequest, words);
        }
        self.colleagues.wanted = on;
        // A page that asks again has forgotten what it knew.
        self.colleagues.is_followed = false;
        self.look_at_colleagues(now);
        self.reply(asker, Reply::Done);
    }

    /// The window program has gone, and with it the page that was open.
    pub(super) fn forget_colleagues(&mut self, now: Now) {
        self.colleagues.wanted = false;
        self.look_at_colleagues(now);
    }

    /// Begins or ends to follow, where the panel was opened or closed.
    pub(super) fn look_at_colleagues(&mut self, now: Now) {
        let is_wanted = self.colleagues.wanted && self.panel_is_open();
        if is_wanted == self.colleagues.is_followed {
            return;
        }
        self.colleagues.is_followed = is_wanted;
        self.follow_anew(now);
    }

    /// The same from another source: the settings have changed.
    pub(super) fn follow_anew(&mut self, now: Now) {
        let is_followed = self.colleagues.is_followed;
        let of_server = is_followed && self.is_server_mode();
        let of_engine = is_followed && !self.is_server_mode();
        self.colleagues.outbox.end();
        if self.is_server_mode() {
            let interest = if of_server {
                everything()
            } else {
                Interest::default()
            };
            self.shell.server(ServerCommand::Follow(interest));
            self.colleagues.own.clear();
        }
        let settings = self.state.settings.settings.clone();
        self.shell.follow(of_engine.then_some(&settings));
        if of_engine {
            let mut facts = vec![self.me_fact(), self.phone_fact()];
            facts.extend(self.colleagues.own.values().cloned());
            self.colleagues.outbox.begin(facts);
        }
        self.send_facts(now);
    }

    /// Of the engine's feed, by the shell.
    pub(super) fn engine_facts(&mut self, facts: Vec<Fact>) {
        if !self.is_server_mode() {
            self.colleagues.outbox.take(facts);
        }
    }

    /// What the server says goes to the panel as it is.
    pub(super) fn pass_on(&mut self, event: &ServerEvent) {
        match event {
            ServerEvent::Snapshot(facts) if self.colleagues.is_followed => {
                let me = self.remote.me().cloned().map(|value| Fact::Me { value });
                let facts = me.into_iter().chain(facts.iter().cloned());
                self.colleagues.outbox.begin(facts);
            }
            ServerEvent::Changes(facts) => self.colleagues.outbox.take(facts.iter().cloned()),
            ServerEvent::Reply { id, answer } => self.answer(id, answer),
            ServerEvent::Down { .. } | ServerEvent::Refused(_) => self.wishes_lost(),
            ServerEvent::Snapshot(_)
            | ServerEvent::Connecting { .. }
            | ServerEvent::Up { .. }
            | ServerEvent::Lag(_) => {}
        }
    }

    pub(super) fn expire_colleagues(&mut self, now: Now) {
        let wishes = &self.colleagues.wishes;
        let late = wishes.iter().filter(|(_, wish)| wish.until <= now.instant);
        let late: Vec<String> = late.map(|(id, _)| id.clone()).collect();
        for id in late {
            self.answer(&id, &failed(ErrorCode::Unknown, LATE));
        }
        self.send_facts(now);
    }

    fn send_facts(&mut self, now: Now) {
        for message in self.colleagues.outbox.flush(now.instant) {
            self.shell.publish(message);
        }
    }

    // --- one's own, without a server ---------------------------------------------------------------------------------

    pub(super) fn own_call(&mut self, call: &CallUpdate, is_over: bool, now: Now) {
        let value = (!is_over).then(|| presence::convert::call(call, now.presence()));
        let key = call.call.to_string();
        self.own(Fact::Call { key, value });
    }

    pub(super) fn own_dial(&mut self, dial: &DialUpdate, now: Now) {
        let key = dial.dial.to_string();
        let shown = self.state.dials.iter().find(|shown| shown.id == key);
        let display = shown.map(|shown| shown.display.clone());
        let value = display.map(|display| presence::convert::dial(dial, &display, now.presence()));
        self.own(Fact::Dial { key, value });
    }

    /// The panel forgets a dial with the window above it.
    pub(super) fn own_dials_gone(&mut self) {
        let dials = &self.state.dials;
        let is_gone = |fact: &&Fact| match fact {
            Fact::Dial { key, .. } => dials.iter().all(|dial| dial.id != *key),
            Fact::Me { .. }
            | Fact::Phone { .. }
            | Fact::Pbx { .. }
            | Fact::Call { .. }
            | Fact::Extension { .. }
            | Fact::Queue { .. }
            | Fact::Parked { .. }
            | Fact::Missed { .. } => false,
        };
        let own = self.colleagues.own.iter();
        let gone = own.filter(|(_, fact)| is_gone(fact));
        let gone: Vec<String> = gone.map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.own(Fact::Dial { key, value: None });
        }
    }

    pub(super) fn own_phone(&mut self) {
        let phone = self.phone_fact();
        self.own_news(phone);
    }

    pub(super) fn own_rights(&mut self, capabilities: Capabilities) {
        self.colleagues.lacking = capabilities;
        let me = self.me_fact();
        self.own_news(me);
    }

    fn own(&mut self, fact: Fact) {
        let own = &mut self.colleagues.own;
        match &fact {
            Fact::Call { key, value: None } | Fact::Dial { key, value: None } => own.remove(key),
            Fact::Call { key, .. } | Fact::Dial { key, .. } => {
                own.insert(key.clone(), fact.clone())
            }
            Fact::Me { .. }
            | Fact::Phone { .. }
            | Fact::Pbx { .. }
            | Fact::Extension { .. }
            | Fact::Queue { .. }
            | Fact::Parked { .. }
            | Fact::Missed { .. } => None,
        };
        self.own_news(fact);
    }

    fn own_news(&mut self, fact: Fact) {
        if !self.is_server_mode() {
            self.colleagues.outbox.take([fact]);
        }
    }

    fn phone_fact(&self) -> Fact {
        let value = presence::convert::phone(self.phone);
        Fact::Phone { value }
    }

    /// Without a server one may do and see whatever the PBX lets one.
    fn me_fact(&self) -> Fact {
        let extension = self.extension();
        let lacking = &self.colleagues.lacking;
        Fact::Me {
            value: wire::Me {
                user: extension.clone(),
                login: extension.clone(),
                name: extension.clone(),
                role: wire::Role::Agent,
                pbx: Some(self.state.settings.settings.pbx_host.trim().to_owned()),
                extension: Some(extension).filter(|extension| !extension.is_empty()),
                rights: wire::Rights {
                    dial: lacking.can(Ability::Dial),
                    see_calls: true,
                    see_numbers: true,
                    see_log: false,
                    export_log: false,
                    administer: false,
                    lacking: presence::convert::lacking(lacking),
                },
                dial_plan: Some(presence::convert::dial_plan(&self.dial_plan())),
            },
        }
    }

    // --- wishes ------------------------------------------------------------------------------------------------------

    /// Dials and hang-ups go the way of those from the panel above, so that tray and windows know of them.
    pub(super) fn wish(&mut self, asker: Asker, id: String, wish: wire::Request, now: Now) {
        use wire::Request;
        let asker = Asker {
            speech: Speech::Wire,
            ..asker
        };
        if id.is_empty() || id.len() > ID {
            let words = "The id of a wish has 1 to 128 letters.";
            return self.refuse(asker, RefusalCode::BadRequest, words);
        }
        match wish {
            Request::Dial { text } => self.dial(asker, &text, &Source::Typed, &id, now),
            Request::Cancel { dial } => self.cancel(asker, &dial),
            Request::HangUp { call } => self.hang_up(asker, call.as_deref()),
            Request::Explain { text } => self.explain(asker, &text, now),
            Request::WhoIs { number } => {
                let until = now.instant + WHO_IS;
                self.look_up(number, LookUp::Wish { asker, until });
            }
            Request::Order { .. }
            | Request::CloseMissed { .. }
            | Request::FindPeople { .. }
            | Request::LinkPerson { .. }
            | Request::UnlinkPerson { .. }
            | Request::PersonForms { .. }
            | Request::CreatePerson { .. } => {
                self.ask_for(asker, id, wish, now);
            }
        }
    }

    /// Sends it off once; whoever asks again meanwhile gets the same answer.
    fn ask_for(&mut self, asker: Asker, id: String, wish: wire::Request, now: Now) {
        if let Some(answer) = self.colleagues.made.again(&id, &wish, now.instant) {
            return self.reply(asker, Reply::Answer(answer));
        }
        if let Some(running) = self.colleagues.running(&id, &wish) {
            return running.askers.push(asker);
        }
        if self.colleagues.wishes.len() >= WISHES {
            let words = "Too much at once. Try again when the rest is done.";
            return self.refuse(asker, RefusalCode::TooMany, words);
        }
        let errand = match self.errand(&id, &wish) {
            Ok(errand) => errand,
            Err(failure) => return self.reply(asker, Reply::Answer(Answer::Failed(failure))),
        };
        // Contact sources are asked whether there is a line to the phone system or not.
        if let Some(trouble) = self.trouble()
            && !matches!(errand, Errand::People(_))
        {
            return self.refuse(asker, RefusalCode::NotConnected, trouble);
        }
        let running = Wish {
            askers: vec![asker],
            until: now.instant + patience(&wish),
            wish: wish.clone(),
        };
        self.colleagues.wishes.insert(id.clone(), running);
        match errand {
            Errand::Engine(command) => self.shell.backend(*command),
            Errand::People(wish) => self.shell.people(&id, wish),
            Errand::Server => self.shell.server(ServerCommand::Send { id, request: wish }),
        }
    }

    fn errand(&self, id: &str, wish: &wire::Request) -> Result<Errand, Failure> {
        use wire::Request;
        if self.is_server_mode() {
            return Ok(Errand::Server);
        }
        match wish {
            Request::Order { call, order } => {
                let call = call.as_deref().map(presence::convert::call_id);
                Ok(Errand::Engine(Box::new(Command::Order {
                    order: presence::convert::order_id(id),
                    call: call.transpose()?,
                    what: presence::convert::order(order.clone(), &self.dial_plan())?,
                })))
            }
            Request::FindPeople { .. }
            | Request::LinkPerson { .. }
            | Request::UnlinkPerson { .. }
            | Request::PersonForms { .. }
            | Request::CreatePerson { .. } => self.people_wish(wish).map(Errand::People),
            Request::CloseMissed { .. }
            | Request::Dial { .. }
            | Request::Cancel { .. }
            | Request::HangUp { .. }
            | Request::Explain { .. }
            | Request::WhoIs { .. } => {
                let words = "This needs an integration server.";
                Err(Failure::new(ErrorCode::NotFound, words))
            }
        }
    }

    pub(super) fn ordered(&mut self, order: &OrderId, outcome: Outcome) {
        self.answer(&order.0, &presence::convert::outcome(outcome));
    }

    fn answer(&mut self, id: &str, answer: &Answer) {
        self.answer_of_people(id, answer, None);
    }

    /// Lays it over what is shown before the window is told that it is done.
    pub(super) fn answer_of_people(&mut self, id: &str, answer: &Answer, linked: Option<Person>) {
        let Some(Wish { askers, wish, .. }) = self.colleagues.wishes.remove(id) else {
            return;
        };
        self.people_answered(&wish, answer, linked);
        if let Some(now) = self.now {
            let made = &mut self.colleagues.made;
            made.keep(id, &wish, answer, now.instant);
        }
        for asker in askers {
            self.reply(asker, Reply::Answer(answer.clone()));
        }
    }

    /// Whether they were done nobody knows, and nothing is asked a second time.
    pub(super) fn wishes_lost(&mut self) {
        let all: Vec<String> = self.colleagues.wishes.keys().cloned().collect();
        for id in all {
            self.answer(&id, &failed(ErrorCode::Unknown, LOST));
        }
    }

    pub(super) fn wish_looked_up(&mut self, asker: Asker, found: view::People) {
        let people = found;
        self.reply(asker, Reply::Answer(Answer::People { people }));
    }
}

fn patience(wish: &wire::Request) -> Duration {
    if matches!(wish, wire::Request::CreatePerson { .. }) {
        return MAKING;
    }
    WISH
}

fn everything() -> Interest {
    Interest {
        extensions: Names::All,
        queues: Names::All,
        parked: true,
        missed: true,
    }
}

fn failed(code: ErrorCode, words: &str) -> Answer {
    Answer::Failed(Failure::new(code, words))
}
