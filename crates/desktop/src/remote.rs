//! Server mode: what the server's facts mean here, and what our commands are there.
//!
//! The controller speaks the engine's language in both modes. [`Remote`] turns facts into the engine's updates and
//! commands into requests; it keeps what it was told last, so that it can say what became of a call that is not in the
//! next snapshot.

mod convert;

pub(crate) use convert::dial_plan;

use crate::shell::{Now, ServerEvent};
use engine::{CallUpdate, Command, Connection, DialUpdate, End, People, Phase, Progress, Update};
use std::{collections::BTreeMap, time::Duration};
use wire::{Answer, ErrorCode, Fact, Failure, Me, PbxLine, Request, UnixMillis};

const LOST: &str = "The line to the server is lost; it is not known how the call stands.";
const GONE: &str = "It ended while there was no line to the server.";
const DIAL_LOST: &str = "The line to the server was lost; it is not known what became of the call. It is not dialled again.";
/// Clocks that differ by less are taken for equal: what a message takes on its way is not a difference of clocks.
const SAME_CLOCK_MS: i64 = 2_000;

/// The server as it was told last.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    host: String,
    server: Option<String>,
    me: Option<Me>,
    /// Its clock less ours.
    clock_ms: i64,
    /// A snapshot has come over the line that stands.
    in_step: bool,
    lag: Option<Duration>,
    lines: BTreeMap<String, PbxLine>,
    calls: BTreeMap<String, CallUpdate>,
    /// Those that were asked for here or elsewhere by this person and are not over.
    dials: BTreeMap<String, DialUpdate>,
    asked: BTreeMap<String, Asked>,
    /// Makes ids that no earlier run of this program has used.
    base: u64,
    count: u64,
}

/// A request under way that is no dial.
#[derive(Debug)]
enum Asked {
    WhoIs(u64),
    Order(engine::OrderId),
    Done,
}

/// Something to send to the server.
pub(crate) type Wish = (String, Request);

impl Remote {
    /// Begins with another server, of which nothing is known.
    pub(crate) fn of(host: String) -> Self {
        Self {
            host,
            ..Self::default()
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Name and version of the server.
    pub(crate) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Known by enrolment before the line says it.
    pub(crate) fn is(&mut self, me: Me) {
        self.me = Some(me);
    }

    /// A snapshot has come over the line that stands.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step
    }

    pub(crate) fn me(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    /// What the server said, as updates of an engine.
    pub(crate) fn event(&mut self, event: ServerEvent, now: Now) -> Vec<Update> {
        match event {
            ServerEvent::Connecting { attempt } => {
                vec![Update::Connection(Connection::Connecting { attempt })]
            }
            ServerEvent::Up { server, me, now_ms } => {
                self.welcome(server, *me, now_ms, now);
                Vec::new()
            }
            ServerEvent::Snapshot(facts) => self.snapshot(facts, now),
            ServerEvent::Changes(facts) => self.facts(facts, now),
            ServerEvent::Reply { id, answer } => self.reply(&id, answer, now),
            ServerEvent::Lag(lag) => {
                self.lag = Some(lag);
                self.connection(now)
            }
            ServerEvent::Down { words, retry_in } => {
                let words = format!("No connection to the server {}: {words}.", self.host);
                self.lost(Connection::Away { words, retry_in }, now)
            }
            ServerEvent::Refused(failure) => {
                let words = failure.message;
                self.lost(Connection::Refused { words }, now)
            }
        }
    }

    /// What is to be sent for a command; nothing for what only an engine can do.
    pub(crate) fn command(&mut self, command: Command, now: Now) -> Option<Wish> {
        let wish = match command {
            Command::Dial {
                dial,
                number,
                tones,
                asked,
                ..
            } => {
                let text = match tones {
                    Some(tones) => format!("tel:{number};ext={tones}"),
                    None => number,
                };
                let update = convert::asked(dial.clone(), asked, now);
                self.dials.insert(dial.0.clone(), update);
                (dial.0, Request::Dial { text })
            }
            Command::Cancel { dial } => (self.id(Asked::Done), Request::Cancel { dial: dial.0 }),
            Command::HangUp { call } => {
                let call = call.map(|call| call.to_string());
                (self.id(Asked::Done), Request::HangUp { call })
            }
            Command::Order { order, call, what } => {
                let call = call.map(|call| call.to_string());
                let what = convert::order(what);
                let id = self.id(Asked::Order(order));
                (id, Request::Order { call, order: what })
            }
            Command::WhoIs { key, number } => {
                (self.id(Asked::WhoIs(key)), Request::WhoIs { number })
            }
            Command::Configure(_)
            | Command::Connect(_)
            | Command::Seat(_)
            | Command::Disconnect
            | Command::Test { .. }
            | Command::RetryNow
            | Command::Shutdown => return None,
        };
        Some(wish)
    }

    fn id(&mut self, asked: Asked) -> String {
        self.count += 1;
        let id = format!("x{:x}-{}", self.base, self.count);
        self.asked.insert(id.clone(), asked);
        id
    }

    fn welcome(&mut self, server: String, me: Me, theirs: UnixMillis, now: Now) {
        let ahead = i64::try_from(theirs).unwrap_or_default()
            - i64::try_from(now.unix_ms()).unwrap_or_default();
        self.clock_ms = if ahead.abs() < SAME_CLOCK_MS {
            0
        } else {
            ahead
        };
        self.server = Some(server);
        self.me = Some(me);
        self.base = now.unix_us;
    }

    /// Everything anew: what is not in it is over, and nobody saw how.
    fn snapshot(&mut self, facts: Vec<Fact>, now: Now) -> Vec<Update> {
        self.in_step = true;
        self.lines.clear();
        let is_call = |id: &String| {
            facts
                .iter()
                .any(|fact| matches!(fact, Fact::Call { key, value: Some(_) } if key == id))
        };
        let is_dial = |id: &String| {
            facts
                .iter()
                .any(|fact| matches!(fact, Fact::Dial { key, value: Some(_) } if key == id))
        };
        let calls: Vec<String> = self
            .calls
            .keys()
            .filter(|id| !is_call(id))
            .cloned()
            .collect();
        let dials: Vec<String> = self
            .dials
            .keys()
            .filter(|id| !is_dial(id))
            .cloned()
            .collect();
        let mut updates = self.gone(&calls, &dials, now);
        updates.extend(self.facts(facts, now));
        updates
    }

    /// Nothing more will be heard: of what goes on nobody knows how it ends.
    pub(crate) fn forget(&mut self, now: Now) -> Vec<Update> {
        self.in_step = false;
        let calls: Vec<String> = self.calls.keys().cloned().collect();
        let dials: Vec<String> = self.dials.keys().cloned().collect();
        self.gone(&calls, &dials, now)
    }

    fn gone(&mut self, calls: &[String], dials: &[String], now: Now) -> Vec<Update> {
        let mut updates = Vec::new();
        updates.extend(calls.iter().filter_map(|id| self.call_gone(id, now)));
        updates.extend(dials.iter().filter_map(|id| self.dial_gone(id, now)));
        updates
    }

    fn facts(&mut self, facts: Vec<Fact>, now: Now) -> Vec<Update> {
        let mut updates = Vec::new();
        for fact in facts {
            updates.extend(self.fact(fact, now));
        }
        // First whether there is a line: what a call means depends on it.
        let mut all = self.connection(now);
        all.extend(updates);
        all
    }

    fn fact(&mut self, fact: Fact, now: Now) -> Option<Update> {
        match fact {
            Fact::Pbx { key, value } => {
                match value {
                    Some(line) => self.lines.insert(key, line),
                    None => self.lines.remove(&key),
                };
                None
            }
            Fact::Me { value } => {
                self.me = Some(value);
                None
            }
            Fact::Phone { value } => Some(Update::Phone(convert::phone(value))),
            Fact::Call {
                key,
                value: Some(call),
            } => {
                let update = convert::call(call, self.clock(now))?;
                self.calls.insert(key, update.clone());
                Some(Update::Call(Box::new(update)))
            }
            Fact::Call { key, value: None } => self.call_gone(&key, now),
            Fact::Dial {
                key,
                value: Some(dial),
            } => {
                let update = convert::dial(dial, self.clock(now));
                if is_over(&update.progress) {
                    self.dials.remove(&key);
                } else {
                    self.dials.insert(key, update.clone());
                }
                Some(Update::Dial(Box::new(update)))
            }
            Fact::Dial { key, value: None } => self.dial_gone(&key, now),
            // Lamps, queues and boards are not shown in the panel yet.
            Fact::Extension { .. }
            | Fact::Queue { .. }
            | Fact::Parked { .. }
            | Fact::Missed { .. } => None,
        }
    }

    /// The server forgets a call some seconds after its end. One whose end was not told ended unseen.
    fn call_gone(&mut self, id: &str, now: Now) -> Option<Update> {
        let call = self.calls.remove(id).filter(goes_on)?;
        Some(Update::Call(Box::new(CallUpdate {
            mine: engine::Mine::Gone,
            phase: Phase::Unknown { words: GONE.into() },
            ended: Some(now.instant),
            ..call
        })))
    }

    fn dial_gone(&mut self, id: &str, now: Now) -> Option<Update> {
        let dial = self.dials.remove(id)?;
        Some(dial_ended(dial, End::Unknown, DIAL_LOST, now))
    }

    fn reply(&mut self, id: &str, answer: Answer, now: Now) -> Vec<Update> {
        if self.dials.contains_key(id) {
            return self.dial_answer(id, answer, now);
        }
        let update = match (self.asked.remove(id), answer) {
            (Some(Asked::WhoIs(key)), Answer::People { people }) => Update::WhoIs { key, people },
            (Some(Asked::WhoIs(key)), _) => Update::WhoIs {
                key,
                people: People::Nobody,
            },
            (Some(Asked::Order(order)), answer) => Update::Order {
                order,
                outcome: convert::outcome(answer),
            },
            (Some(Asked::Done), Answer::Failed(failure)) => {
                tracing::warn!(code = ?failure.code, "the server did not do it");
                return Vec::new();
            }
            (Some(Asked::Done) | None, _) => return Vec::new(),
        };
        vec![update]
    }

    /// That it has begun, facts tell. A dial that the server did not take is over; of one whose line broke nobody knows,
    /// and its fact tells after the line is back.
    fn dial_answer(&mut self, id: &str, answer: Answer, now: Now) -> Vec<Update> {
        let Answer::Failed(failure) = answer else {
            return Vec::new();
        };
        let (end, words) = match failure.code {
            ErrorCode::Unknown => (End::Unknown, DIAL_LOST.to_owned()),
            ErrorCode::Unauthenticated
            | ErrorCode::Version
            | ErrorCode::Forbidden
            | ErrorCode::RateLimited
            | ErrorCode::Refused
            | ErrorCode::PbxAway
            | ErrorCode::NotFound
            | ErrorCode::BadRequest
            | ErrorCode::TooLarge
            | ErrorCode::Busy
            | ErrorCode::TooSlow
            | ErrorCode::Internal => (End::Refused, not_called(&failure)),
        };
        let dial = self.dials.remove(id);
        dial.map(|dial| dial_ended(dial, end, &words, now))
            .into_iter()
            .collect()
    }

    /// No line: how it all stands is not known. What was known stays, to be compared with the next snapshot.
    fn lost(&mut self, connection: Connection, now: Now) -> Vec<Update> {
        self.in_step = false;
        self.lag = None;
        let mut updates = vec![Update::Connection(connection)];
        updates.extend(
            self.calls
                .values()
                .filter(|call| goes_on(call))
                .map(|call| {
                    Update::Call(Box::new(CallUpdate {
                        phase: Phase::Unknown { words: LOST.into() },
                        ..call.clone()
                    }))
                }),
        );
        updates.extend(
            self.dials
                .values()
                .map(|dial| dial_ended(dial.clone(), End::Unknown, DIAL_LOST, now)),
        );
        let unanswered: Vec<String> = self.asked.keys().cloned().collect();
        let unknown = || Answer::Failed(Failure::new(ErrorCode::Unknown, LOST));
        for id in unanswered {
            updates.extend(self.reply(&id, unknown(), now));
        }
        updates
    }

    /// Two lines make one: ours to the server and the server's to the phone system.
    fn connection(&self, now: Now) -> Vec<Update> {
        let host = &self.host;
        if !self.in_step {
            return Vec::new();
        }
        let up = |version: String, lag| Connection::Connected {
            pbx: host.clone(),
            version,
            lag,
        };
        let pbx = self.me.as_ref().and_then(|me| me.pbx.as_ref());
        let connection = match pbx.map(|pbx| self.lines.get(pbx)) {
            None => up(String::new(), self.lag),
            Some(None) => Connection::Connecting { attempt: 1 },
            Some(Some(PbxLine::Up {
                version, lag_ms, ..
            })) => {
                let pbx_lag = lag_ms.map(|ms| Duration::from_millis(ms.into()));
                up(version.clone(), self.lag.or(pbx_lag))
            }
            Some(Some(PbxLine::Connecting { .. })) => Connection::Connecting { attempt: 1 },
            Some(Some(PbxLine::Away { words, retry_at })) => Connection::Away {
                words: format!("The server {host} has no line to the phone system: {words}"),
                retry_in: self.clock(now).until(*retry_at),
            },
            Some(Some(PbxLine::Refused { words })) => Connection::Refused {
                words: format!("The server {host} cannot use the phone system: {words}"),
            },
        };
        vec![Update::Connection(connection)]
    }

    fn clock(&self, now: Now) -> convert::Clock {
        convert::Clock {
            now,
            ahead_ms: self.clock_ms,
        }
    }
}

/// For the person at our phone it is not over yet.
fn goes_on(call: &CallUpdate) -> bool {
    match call.phase {
        Phase::Ringing | Phase::Talking | Phase::Unknown { .. } => call.ended.is_none(),
        Phase::AnsweredElsewhere { .. } | Phase::Missed | Phase::Ended { .. } => false,
    }
}

fn is_over(progress: &Progress) -> bool {
    matches!(progress, Progress::Ended { .. })
}

fn dial_ended(dial: DialUpdate, end: End, words: &str, now: Now) -> Update {
    let words = words.to_owned();
    Update::Dial(Box::new(DialUpdate {
        progress: Progress::Ended { end, words },
        at: now.instant,
        ..dial
    }))
}

fn not_called(failure: &Failure) -> String {
    match failure.message.strip_prefix("Not called: ") {
        Some(_) => failure.message.clone(),
        None => format!("Not called: {}", failure.message),
    }
}
