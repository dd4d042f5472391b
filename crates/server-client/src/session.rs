//! The dialogue with the server, without any IO.
//!
//! Messages of the server go in by [`Session::handle_message`]; what is to be sent, what happened and when to look
//! again come out by [`Session::poll_transmit`], [`Session::poll_event`] and [`Session::poll_timeout`].

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};
use wire::{
    Answer, ClientMessage, ErrorCode, Fact, Failure, Interest, Me, Request, ServerMessage,
    UnixMillis, VERSION,
};

/// From the hello to the welcome.
const WELCOME: Duration = Duration::from_secs(10);
/// From a wish for a snapshot to the snapshot; that of a large firm is some megabytes.
const SNAPSHOT: Duration = Duration::from_secs(30);
/// Silence after which the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(5);
/// Silence after which it is not.
const DEAD: Duration = Duration::from_secs(10);
/// The network changed: an answer that takes longer will not come over this connection.
const PROBE: Duration = Duration::from_millis(500);
/// A request without an answer by then has none.
const ANSWER: Duration = Duration::from_secs(30);
/// Requests under way. A person has a few.
const REQUESTS: usize = 64;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "handed on once and not kept")]
pub enum SessionEvent {
    /// The server knows us.
    Welcome {
        /// Its name and version.
        server: String,
        me: Box<Me>,
        /// Its clock.
        now: UnixMillis,
    },
    /// All that is followed; whatever was known before is void.
    Snapshot(Vec<Fact>),
    /// Each replaces what was known of the same thing.
    Changes(Vec<Fact>),
    /// Each request gets exactly one.
    Reply { id: String, answer: Answer },
    /// How long the server took to answer a ping.
    Lag(Duration),
    /// The connection is of no use any more; nothing comes after this.
    Over(Why),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The server says so, and what to do.
    Goodbye(Failure),
    /// Nothing was heard for so long.
    Silent(Duration),
    /// It spoke, and not as agreed.
    NotUnderstood(&'static str),
}

/// So many requests wait for an answer that another one is not a person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests wait for an answer")]
pub struct TooMany;

/// One connection's dialogue, from hello to the end.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    outbox: VecDeque<ClientMessage>,
    events: VecDeque<SessionEvent>,
    /// Requests without an answer, and until when they wait.
    waiting: BTreeMap<String, Instant>,
    heard: Instant,
    pings: u32,
    /// The ping that has no answer yet.
    ping: Option<Ping>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The server has not said welcome.
    Greeting {
        until: Instant,
    },
    /// A snapshot is on its way: changes of before it are of no use.
    Waiting {
        until: Instant,
    },
    /// In step: the next changes have this number.
    InStep {
        next: u64,
    },
    Over,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    n: u32,
    sent: Instant,
    /// `None`: something was heard since, which is as good as the answer.
    dead_at: Option<Instant>,
}

impl Session {
    /// Begins with this hello, which is the first thing to transmit.
    #[must_use]
    pub fn new(hello: ClientMessage, now: Instant) -> Self {
        Self {
            phase: Phase::Greeting {
                until: now + WELCOME,
            },
            outbox: VecDeque::from([hello]),
            events: VecDeque::new(),
            waiting: BTreeMap::new(),
            heard: now,
            pings: 0,
            ping: None,
        }
    }

    /// The server knows us and requests may be sent.
    #[must_use]
    pub fn is_up(&self) -> bool {
        match self.phase {
            Phase::Waiting { .. } | Phase::InStep { .. } => true,
            Phase::Greeting { .. } | Phase::Over => false,
        }
    }

    /// Sends a request, once. Its answer comes as [`SessionEvent::Reply`].
    ///
    /// # Errors
    /// [`TooMany`]: nothing was sent.
    pub fn request(&mut self, id: String, request: Request, now: Instant) -> Result<(), TooMany> {
        if self.waiting.len() >= REQUESTS {
            return Err(TooMany);
        }
        self.waiting.insert(id.clone(), now + ANSWER);
        self.outbox
            .push_back(ClientMessage::Request { id, request });
        Ok(())
    }

    /// Follows this from now on. What comes until the snapshot still counts.
    pub fn follow(&mut self, interest: Interest) {
        self.outbox.push_back(ClientMessage::Follow { interest });
    }

    /// The network changed or the computer slept: the server has half a second to show that it is there.
    pub fn probe(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Over) {
            self.send_ping(now, PROBE);
        }
    }

    /// Takes a message of the server.
    pub fn handle_message(&mut self, message: ServerMessage, now: Instant) {
        if matches!(self.phase, Phase::Over) {
            return;
        }
        self.heard(now);
        match message {
            ServerMessage::Welcome {
                version,
                server,
                me,
                now: theirs,
            } => self.welcome(version, server, me, theirs, now),
            ServerMessage::Goodbye(failure) => self.over(Why::Goodbye(failure)),
            ServerMessage::Pong { n } => self.pong(n, now),
            ServerMessage::Snapshot { .. }
            | ServerMessage::Changes { .. }
            | ServerMessage::Reply { .. }
                if !self.is_up() =>
            {
                self.over(Why::NotUnderstood("it spoke before its welcome"));
            }
            ServerMessage::Snapshot { seq, facts } => self.snapshot(seq, facts),
            ServerMessage::Changes { seq, facts } => self.changes(seq, facts, now),
            ServerMessage::Reply { id, answer } => {
                if self.waiting.remove(&id).is_some() {
                    self.events.push_back(SessionEvent::Reply { id, answer });
                }
            }
        }
    }

    /// The server lives, even if it said nothing of meaning.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        if let Some(ping) = &mut self.ping {
            ping.dead_at = None;
        }
    }

    /// Ends the session: nobody knows what became of requests without an answer.
    pub fn close(&mut self) {
        self.phase = Phase::Over;
        self.outbox.clear();
        for id in std::mem::take(&mut self.waiting).into_keys() {
            self.events.push_back(unknown(id));
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<ClientMessage> {
        self.outbox.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Over => return None,
            Phase::Greeting { until } | Phase::Waiting { until } => Some(until),
            Phase::InStep { .. } => None,
        };
        let alive = self.dead_at().unwrap_or(self.heard + QUIET);
        let answers = self.waiting.values().min().copied();
        [phase, Some(alive), answers].into_iter().flatten().min()
    }

    /// Looks at the clock.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Over => return,
            Phase::Greeting { until } if until <= now => return self.over(Why::Silent(WELCOME)),
            Phase::Waiting { until } if until <= now => {
                return self.over(Why::NotUnderstood("the snapshot did not come"));
            }
            Phase::Greeting { .. } | Phase::Waiting { .. } | Phase::InStep { .. } => {}
        }
        self.give_up_late_requests(now);
        match self.dead_at() {
            Some(dead_at) if dead_at <= now => {
                self.over(Why::Silent(now.saturating_duration_since(self.heard)));
            }
            None if self.heard + QUIET <= now => self.send_ping(now, DEAD - QUIET),
            Some(_) | None => {}
        }
    }

    fn dead_at(&self) -> Option<Instant> {
        self.ping.and_then(|ping| ping.dead_at)
    }

    fn welcome(&mut self, version: u16, server: String, me: Me, theirs: UnixMillis, now: Instant) {
        if version != VERSION {
            let words = format!(
                "The server {server} speaks version {version} and this program version {VERSION}: update the older one."
            );
            return self.over(Why::Goodbye(Failure::new(ErrorCode::Version, words)));
        }
        if self.is_up() {
            return self.over(Why::NotUnderstood("it said welcome twice"));
        }
        self.phase = Phase::Waiting {
            until: now + SNAPSHOT,
        };
        self.events.push_back(SessionEvent::Welcome {
            server,
            me: Box::new(me),
            now: theirs,
        });
    }

    fn snapshot(&mut self, seq: u64, facts: Vec<Fact>) {
        self.phase = Phase::InStep {
            next: seq.saturating_add(1),
        };
        self.events.push_back(SessionEvent::Snapshot(facts));
    }

    /// A number that was had already is a repetition; one that is too high tells of a gap, and all until the snapshot
    /// is in the snapshot.
    fn changes(&mut self, seq: u64, facts: Vec<Fact>, now: Instant) {
        let Phase::InStep { next } = self.phase else {
            return;
        };
        if seq == next {
            self.phase = Phase::InStep {
                next: next.saturating_add(1),
            };
            self.events.push_back(SessionEvent::Changes(facts));
        } else if seq > next {
            self.phase = Phase::Waiting {
                until: now + SNAPSHOT,
            };
            self.outbox.push_back(ClientMessage::Resync);
        }
    }

    /// A deadline that runs already is not put off: a network that changes all the time must not keep a dead line.
    fn send_ping(&mut self, now: Instant, within: Duration) {
        let dead_at = now + within;
        let dead_at = self.dead_at().map_or(dead_at, |first| first.min(dead_at));
        self.pings = self.pings.wrapping_add(1);
        self.ping = Some(Ping {
            n: self.pings,
            sent: now,
            dead_at: Some(dead_at),
        });
        self.outbox.push_back(ClientMessage::Ping { n: self.pings });
    }

    fn pong(&mut self, n: u32, now: Instant) {
        if let Some(ping) = self.ping.take_if(|ping| ping.n == n) {
            let lag = now.saturating_duration_since(ping.sent);
            self.events.push_back(SessionEvent::Lag(lag));
        }
    }

    fn give_up_late_requests(&mut self, now: Instant) {
        let Self {
            waiting, events, ..
        } = self;
        waiting.retain(|id, until| {
            let is_late = *until <= now;
            if is_late {
                events.push_back(unknown(id.clone()));
            }
            !is_late
        });
    }

    fn over(&mut self, why: Why) {
        self.close();
        self.events.push_back(SessionEvent::Over(why));
    }
}

fn unknown(id: String) -> SessionEvent {
    let words = "The line to the server was lost; it is not known whether that was done.";
    SessionEvent::Reply {
        id,
        answer: Answer::Failed(Failure::new(ErrorCode::Unknown, words)),
    }
}
