//! Whatever is lost, repeated or cut on the way: the client ends with the server's state.

use crate::support::{changes, hello, lamp, snapshot, welcome};
use proptest::prelude::*;
use server_client::{Session, SessionEvent};
use std::{collections::BTreeMap, time::Instant};
use wire::{ClientMessage, Fact, ServerMessage};

/// What may happen.
#[derive(Clone, Debug)]
enum Act {
    /// The server's lamp changes; `None`: it is gone.
    Change { extension: u16, since: Option<u64> },
    /// The next message to the client is lost.
    Lose,
    /// The last message is delivered again.
    Repeat,
    /// Everything on its way arrives.
    Deliver,
    /// The line breaks and is made again.
    Cut,
}

proptest! {
    #[test]
    fn any_sequence_ends_in_the_servers_state(acts in prop::collection::vec(act(), 0..60)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        // A change that is not lost shows every gap before it.
        world.act(&Act::Change { extension: 199, since: Some(u64::MAX) });
        for _ in 0..3 {
            world.deliver();
        }
        prop_assert_eq!(&world.client, &world.server);
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (100_u16..105, prop::option::of(0_u64..9)).prop_map(|(extension, since)| Act::Change { extension, since }),
        2 => Just(Act::Lose),
        1 => Just(Act::Repeat),
        3 => Just(Act::Deliver),
        1 => Just(Act::Cut),
    ]
}

type State = BTreeMap<String, Fact>;

struct World {
    server: State,
    seq: u64,
    session: Session,
    on_the_way: Vec<ServerMessage>,
    last: Option<ServerMessage>,
    client: State,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let mut world = Self {
            server: State::new(),
            seq: 0,
            session: Session::new(hello(), now),
            on_the_way: Vec::new(),
            last: None,
            client: State::new(),
            now,
        };
        world.serve();
        world
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Change { extension, since } => {
                self.seq += 1;
                let fact = lamp(*extension, *since);
                apply(&mut self.server, fact.clone());
                self.on_the_way.push(changes(self.seq, vec![fact]));
            }
            // Welcome and snapshot come over a stream that loses nothing of what it has begun with.
            Act::Lose => {
                let is_change =
                    |message: &ServerMessage| matches!(message, ServerMessage::Changes { .. });
                if let Some(at) = self.on_the_way.iter().position(is_change) {
                    self.on_the_way.remove(at);
                }
            }
            Act::Repeat => self.on_the_way.extend(
                self.last
                    .clone()
                    .filter(|last| matches!(last, ServerMessage::Changes { .. })),
            ),
            Act::Deliver => self.deliver(),
            Act::Cut => {
                self.session = Session::new(hello(), self.now);
                self.on_the_way.clear();
                self.last = None;
                self.serve();
            }
        }
    }

    fn deliver(&mut self) {
        for message in std::mem::take(&mut self.on_the_way) {
            self.last = Some(message.clone());
            self.session.handle_message(message, self.now);
        }
        self.serve();
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Snapshot(facts) => {
                    self.client.clear();
                    facts
                        .into_iter()
                        .for_each(|fact| apply(&mut self.client, fact));
                }
                SessionEvent::Changes(facts) => facts
                    .into_iter()
                    .for_each(|fact| apply(&mut self.client, fact)),
                SessionEvent::Welcome { .. } => {}
                other @ (SessionEvent::Reply { .. }
                | SessionEvent::Lag(_)
                | SessionEvent::Over(_)) => panic!("{other:?}"),
            }
        }
    }

    /// The server's answers to what the client has sent.
    fn serve(&mut self) {
        while let Some(message) = self.session.poll_transmit() {
            if matches!(message, ClientMessage::Hello { .. }) {
                self.on_the_way.push(welcome());
            }
            let facts = self.server.values().cloned().collect();
            self.on_the_way.push(snapshot(self.seq, facts));
        }
    }
}

fn apply(state: &mut State, fact: Fact) {
    let Fact::Extension { key, value } = &fact else {
        panic!("lamps only")
    };
    match value {
        Some(_) => drop(state.insert(key.clone(), fact)),
        None => drop(state.remove(key)),
    }
}
