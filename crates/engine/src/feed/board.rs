//! From what the tracker and the states report to facts that readers follow.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use calls::{Call, CallId, CallTracker, StateChange, States};

use tokio::sync::Notify;

use super::{ExtensionFact, Fact, Feed, MemberFact, ParkedFact, Publisher, Subject, feed};
use crate::Connection;

/// Calls that have ended stay this many, so that a reader who lags still learns how.
const ENDED: usize = 512;

/// The engine's side of the feed. While nobody follows, nothing is copied; who comes first finds all that is.
#[derive(Debug)]
pub(crate) struct Board {
    publisher: Publisher<Subject, Fact>,
    feed: Feed<Subject, Fact>,
    /// Something was not set for want of readers.
    is_stale: bool,
    /// The last calls that ended, the oldest first.
    ended: VecDeque<Arc<Call>>,
    /// Where calls are parked, as it was set last.
    parked: BTreeMap<CallId, Subject>,
}

impl Default for Board {
    fn default() -> Self {
        let (publisher, feed) = feed();
        Self {
            publisher,
            feed,
            is_stale: true,
            ended: VecDeque::new(),
            parked: BTreeMap::new(),
        }
    }
}

impl Board {
    pub(crate) fn feed(&self) -> Feed<Subject, Fact> {
        self.feed.clone()
    }

    /// Tells when it is worth to [`Board::refresh`] and [`Board::publish`] again.
    pub(crate) fn room(&self) -> Arc<Notify> {
        self.publisher.room()
    }

    pub(crate) fn publish(&mut self) {
        self.publisher.publish();
    }

    /// Sets everything anew if somebody follows again after nobody did.
    pub(crate) fn refresh(
        &mut self,
        connection: &Connection,
        tracker: &CallTracker,
        states: &States,
    ) {
        if !self.is_stale || !self.publisher.is_followed() {
            return;
        }
        self.is_stale = false;
        self.publisher.clear();
        self.parked.clear();
        self.connection(connection);
        for call in std::mem::take(&mut self.ended) {
            self.set(Subject::Call(call.id), Some(Fact::Call(call.clone())));
            self.ended.push_back(call);
        }
        for call in tracker.calls() {
            self.call(call);
        }
        for (name, _) in tracker.rooms() {
            self.room_changed(tracker, name);
        }
        for hint in states.extensions() {
            self.state(states, &StateChange::Extension(hint.extension.clone()));
        }
        for (queue, _) in states.queues() {
            self.state(states, &StateChange::Queue(queue.clone()));
            for member in states.members(queue) {
                let (queue, interface) = (member.queue.clone(), member.interface.clone());
                self.state(states, &StateChange::QueueMember { queue, interface });
            }
        }
        for (mailbox, _) in states.mailboxes() {
            self.state(states, &StateChange::Mailbox(mailbox.clone()));
        }
        for (peer, _) in states.peers() {
            self.state(states, &StateChange::Peer(peer.clone()));
        }
    }

    /// Another PBX: nothing of the old one is true any more.
    pub(crate) fn forget(&mut self, connection: &Connection) {
        self.publisher.clear();
        self.ended.clear();
        self.parked.clear();
        self.connection(connection);
    }

    pub(crate) fn connection(&mut self, connection: &Connection) {
        if self.is_followed() {
            let fact = Fact::Connection(Arc::new(connection.clone()));
            self.set(Subject::Connection, Some(fact));
        }
    }

    /// A call that goes on.
    pub(crate) fn call(&mut self, call: &Call) {
        if self.is_followed() {
            self.park(call);
            self.set(
                Subject::Call(call.id),
                Some(Fact::Call(Arc::new(call.clone()))),
            );
        }
    }

    pub(crate) fn call_ended(&mut self, call: &Call) {
        let call = Arc::new(call.clone());
        if self.ended.len() == ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.set(Subject::Call(oldest.id), None);
        }
        self.ended.push_back(call.clone());
        if self.is_followed() {
            self.park(&call);
            self.set(Subject::Call(call.id), Some(Fact::Call(call)));
        }
    }

    pub(crate) fn room_changed(&mut self, tracker: &CallTracker, name: &str) {
        if self.is_followed() {
            let room = tracker.room(name);
            let fact = room.map(|room| Fact::Room(Arc::new(room.clone())));
            self.set(Subject::Room(name.into()), fact);
        }
    }

    pub(crate) fn state(&mut self, states: &States, change: &StateChange) {
        if !self.is_followed() {
            return;
        }
        match change {
            StateChange::Extension(extension) => {
                let fact = states.extension(extension).map(|hint| {
                    Fact::Extension(Arc::new(ExtensionFact {
                        hint: hint.clone(),
                        do_not_disturb: states.do_not_disturb(extension),
                        presence: states.presence(extension).map(|known| (**known).clone()),
                    }))
                });
                self.set(Subject::Extension(extension.clone()), fact);
            }
            StateChange::Queue(queue) => {
                let known = states.queue(queue);
                let fact = known.map(|known| Fact::Queue(Arc::new(known.clone())));
                self.set(Subject::Queue(queue.clone()), fact);
            }
            StateChange::QueueMember { queue, interface } => {
                let fact = states.member(queue, interface).map(|member| {
                    Fact::QueueMember(Arc::new(MemberFact {
                        extension: states.extension_of(member),
                        member: member.clone(),
                    }))
                });
                self.set(Subject::QueueMember(queue.clone(), interface.clone()), fact);
            }
            StateChange::Mailbox(mailbox) => {
                let fact = states.mailbox(mailbox).cloned().map(Fact::Mailbox);
                self.set(Subject::Mailbox(mailbox.clone()), fact);
            }
            StateChange::Peer(peer) => {
                let known = states.peer(peer);
                let fact = known.map(|known| Fact::Endpoint(Arc::new(known.clone())));
                self.set(Subject::Endpoint(peer.clone()), fact);
            }
            // Shown by the extensions.
            StateChange::Device(_) | StateChange::Presence(_) => {}
        }
    }

    fn park(&mut self, call: &Call) {
        let now = call.parked().filter(|_| call.ended.is_none());
        let now = now.map(|parked| Subject::Parking(parked.lot.clone(), parked.space.clone()));
        if self.parked.get(&call.id) == now.as_ref() {
            return;
        }
        if let Some(before) = self.parked.remove(&call.id)
            && !self.parked.values().any(|other| *other == before)
        {
            self.set(before, None);
        }
        if let Some(now) = now {
            self.parked.insert(call.id, now.clone());
            self.set(now, Some(Fact::Parked(ParkedFact { call: call.id })));
        }
    }

    /// Who comes later must not find what was true once.
    fn is_followed(&mut self) -> bool {
        let is_followed = self.publisher.is_followed();
        if !is_followed && !self.is_stale {
            self.is_stale = true;
            self.publisher.clear();
        }
        is_followed && !self.is_stale
    }

    fn set(&mut self, subject: Subject, fact: Option<Fact>) {
        if !self.is_stale {
            self.publisher.set(subject, fact);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pulled, Subscription};
    use ami::{Event, Extension};
    use calls::{CallEvent, Seed};
    use replay::{Recording, recording};
    use std::{path::Path, time::Instant};

    /// A board with what it shows.
    struct Desk {
        board: Board,
        tracker: CallTracker,
        states: States,
        now: Instant,
    }

    /// One who keeps what it was given.
    struct Reader {
        subscription: Subscription<Subject, Fact>,
        facts: BTreeMap<Subject, Fact>,
    }

    impl Desk {
        fn new() -> Self {
            let now = Instant::now();
            let seed = Seed {
                unix_ms: 1_795_228_715_000,
                at: now,
                random: 7,
            };
            Self {
                board: Board::default(),
                tracker: CallTracker::new(seed),
                states: States::default(),
                now,
            }
        }

        fn hear(&mut self, event: &Event<'_>) {
            self.states.handle(event);
            self.tracker.handle(event, self.now);
            self.tell();
        }

        fn tell(&mut self) {
            while let Some(event) = self.tracker.poll_event() {
                match event {
                    CallEvent::Started(id) | CallEvent::Changed(id) => {
                        if let Some(call) = self.tracker.call(id) {
                            self.board.call(call);
                        }
                    }
                    CallEvent::Ended(call) => self.board.call_ended(&call),
                    CallEvent::Room(name) => self.board.room_changed(&self.tracker, &name),
                    CallEvent::Originate { .. } => {}
                }
            }
            while let Some(change) = self.states.poll_change() {
                self.board.state(&self.states, &change);
            }
            let connection = Connection::default();
            self.board.refresh(&connection, &self.tracker, &self.states);
            self.board.publish();
        }

        fn play(&mut self, recording: &Recording, mut then: impl FnMut(usize)) {
            let mut at = 0;
            recording.for_each(|message| {
                if let Some(event) = message.event() {
                    self.hear(&event);
                    at += 1;
                    then(at);
                }
            });
        }

        fn reader(&mut self) -> Reader {
            let subscription = self.board.feed().subscribe();
            self.tell();
            Reader {
                subscription,
                facts: BTreeMap::new(),
            }
        }

        /// What a board shows that has only now begun.
        fn afresh(&mut self) -> BTreeMap<Subject, Fact> {
            let mut board = Board {
                ended: self.board.ended.clone(),
                ..Board::default()
            };
            let mut reader = Reader {
                subscription: board.feed().subscribe(),
                facts: BTreeMap::new(),
            };
            board.refresh(&Connection::default(), &self.tracker, &self.states);
            board.publish();
            reader.read_all();
            reader.facts
        }
    }

    impl Reader {
        fn read(&mut self, limit: usize) -> Pulled<Subject, Fact> {
            let pulled = self.subscription.pull(limit);
            if pulled.from_nothing {
                self.facts.clear();
            }
            for (subject, fact) in pulled.changes.clone() {
                match fact {
                    Some(fact) => self.facts.insert(subject, fact),
                    None => self.facts.remove(&subject),
                };
            }
            pulled
        }

        fn read_all(&mut self) {
            while self.read(3).has_more {}
        }
    }

    #[test]
    fn readers_at_any_pace_end_with_what_one_finds_who_comes_last() {
        let names = recording::names().expect("recordings");
        assert!(names.len() > 100, "{}", names.len());
        for name in names {
            let recording = Recording::named(&name).expect("a recording");
            let mut desk = Desk::new();
            let mut at_once = desk.reader();
            let mut often = desk.reader();
            let mut never = desk.reader();
            desk.play(&recording, |at| {
                at_once.read_all();
                if at % 17 == 0 {
                    often.read(2);
                }
            });
            let truth = desk.afresh();
            for reader in [&mut at_once, &mut often, &mut never] {
                reader.read_all();
                assert_eq!(reader.facts, truth, "{name}");
            }
        }
    }

    #[test]
    fn without_readers_nothing_is_copied_and_the_first_finds_everything() {
        let mut desk = Desk::new();
        desk.hear(&lamp("101", 1));
        assert!(!desk.board.publisher.is_pending());
        let mut reader = desk.reader();
        reader.read_all();
        let anna = Subject::Extension(Extension::from("101"));
        assert!(reader.facts.contains_key(&anna));
        drop(reader);
        desk.hear(&lamp("101", -1));
        desk.hear(&lamp("102", 0));
        assert!(!desk.board.publisher.is_pending());
        let mut early = desk.board.feed().subscribe();
        assert!(early.pull(usize::MAX).changes.is_empty());
        let mut reader = desk.reader();
        reader.read_all();
        assert!(!reader.facts.contains_key(&anna));
        assert_eq!(reader.facts, desk.afresh());
    }

    #[test]
    fn calls_that_have_ended_stay_up_to_a_number() {
        let slice = Path::new(env!("CARGO_MANIFEST_DIR"));
        let slice = slice.join("../calls/tests/data/load-slice.ami.gz");
        let slice = Recording::open(&slice).expect("the slice of the load recording");
        let mut desk = Desk::new();
        let mut reader = desk.reader();
        desk.play(&slice, |_| {});
        reader.read_all();
        let has_ended = |fact: &&Fact| matches!(fact, Fact::Call(call) if call.ended.is_some());
        assert_eq!(reader.facts.values().filter(has_ended).count(), ENDED);
        assert_eq!(reader.facts, desk.afresh());
    }

    #[test]
    fn another_pbx_leaves_nothing_of_the_old_one() {
        let mut desk = Desk::new();
        let mut reader = desk.reader();
        desk.hear(&lamp("101", 1));
        reader.read_all();
        assert_eq!(reader.facts.len(), 2);
        desk.states = States::default();
        desk.board.forget(&Connection::NotSetUp);
        desk.board.publish();
        reader.read_all();
        let left: Vec<_> = reader.facts.keys().collect();
        assert_eq!(left, [&Subject::Connection]);
    }

    fn lamp(extension: &str, status: i16) -> Event<'_> {
        Event::ExtensionStatus(ami::ExtensionStatus {
            exten: extension.into(),
            context: "internal".into(),
            hint: "PJSIP/101".into(),
            status: ami::ExtensionState(status),
            text: ami::Value::default(),
        })
    }
}
