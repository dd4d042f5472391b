//! Everything that is shown of one phone system.

use crate::{
    Now, lamp,
    parties::{self, Names},
    queues::Queues,
};
use calls::{Call, CallId, HintKind, Role};
use engine::{Connection, ExtensionFact, Fact, Subject};
use phone_number::DialPlan;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};
use wire::{Direction, Extension, Lamp, LampCall, Parked, Party, PbxLine};

/// How much of other people's calls a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// That a colleague is on the phone, not with whom.
    Lamps,
    /// With whom, without the middle digits of numbers outside.
    Masked,
    All,
}

impl Sight {
    pub const EVERY: [Self; 3] = [Self::Lamps, Self::Masked, Self::All];
}

/// Something that is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    Pbx,
    Extension(Box<str>),
    Queue(Box<str>),
    /// Lot and space.
    Parked(Box<str>, Box<str>),
}

/// Who sits at an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colleague {
    pub name: String,
    pub groups: Vec<String>,
}

/// What is shown of one phone system.
#[derive(Debug)]
pub struct Board {
    pbx: Box<str>,
    plan: DialPlan,
    colleagues: BTreeMap<Box<str>, Colleague>,
    connection: (Connection, Instant),
    hints: BTreeMap<Box<str>, Shown>,
    calls: BTreeMap<CallId, Arc<Call>>,
    /// Calls that go on at an extension.
    at: BTreeMap<Box<str>, BTreeSet<CallId>>,
    pub(crate) queues: Queues,
    parked: BTreeMap<(Box<str>, Box<str>), CallId>,
    dirty: BTreeSet<Thing>,
    order: VecDeque<Thing>,
}

#[derive(Debug)]
struct Shown {
    fact: Option<Arc<ExtensionFact>>,
    lamp: Lamp,
    since: u64,
}

/// The name of a thing on the wire: `101@main`.
#[must_use]
pub fn key(name: &str, pbx: &str) -> String {
    format!("{name}@{pbx}")
}

impl Board {
    #[must_use]
    pub fn new(pbx: &str, plan: DialPlan, now: Now) -> Self {
        Self {
            pbx: pbx.into(),
            plan,
            colleagues: BTreeMap::new(),
            connection: (Connection::NotSetUp, now.instant),
            hints: BTreeMap::new(),
            calls: BTreeMap::new(),
            at: BTreeMap::new(),
            queues: Queues::default(),
            parked: BTreeMap::new(),
            dirty: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Who sits where; replaces what was known.
    pub fn set_colleagues(&mut self, colleagues: BTreeMap<Box<str>, Colleague>, now: Now) {
        let old = std::mem::replace(&mut self.colleagues, colleagues);
        let names: BTreeSet<Box<str>> = old.keys().chain(self.colleagues.keys()).cloned().collect();
        for name in names {
            if old.get(&name) != self.colleagues.get(&name) {
                self.lit(&name, now);
                self.touch(Thing::Extension(name));
            }
        }
    }

    /// Who sits at an extension.
    #[must_use]
    pub fn colleague(&self, extension: &str) -> Option<&Colleague> {
        self.colleagues.get(extension)
    }

    #[must_use]
    pub fn pbx(&self) -> &str {
        &self.pbx
    }

    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Arc<Call>> {
        self.calls.get(&id)
    }

    /// Calls that go on.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls
            .values()
            .filter(|call| call.ended.is_none())
            .count()
    }

    /// The reader of the feed begins anew: all that was told before is void.
    pub fn clear(&mut self) {
        let extensions = self.hints.keys().cloned().map(Thing::Extension);
        let queues = self.queues.names().cloned().map(Thing::Queue);
        let parked = self.parked.keys().cloned();
        let parked = parked.map(|(lot, space)| Thing::Parked(lot, space));
        let all: Vec<Thing> = extensions.chain(queues).chain(parked).collect();
        let colleagues = &self.colleagues;
        self.hints.retain(|name, shown| {
            shown.fact = None;
            colleagues.contains_key(name)
        });
        self.calls.clear();
        self.at.clear();
        self.queues = Queues::default();
        self.parked.clear();
        for thing in all {
            self.touch(thing);
        }
    }

    /// Takes a fact of the feed; `None` is gone.
    pub fn take(&mut self, subject: Subject, fact: Option<Fact>, now: Now) {
        match (subject, fact) {
            (Subject::Connection, Some(Fact::Connection(line))) => self.line_changed(&line, now),
            (Subject::Call(id), Some(Fact::Call(call))) => self.call_changed(id, Some(call)),
            (Subject::Call(id), _) => self.call_changed(id, None),
            (Subject::Extension(extension), Some(Fact::Extension(fact))) => {
                self.hint(extension.as_str(), Some(fact), now);
            }
            (Subject::Extension(extension), _) => self.hint(extension.as_str(), None, now),
            (Subject::Queue(queue), Some(Fact::Queue(fact))) => {
                self.queues.queue(queue.as_str(), Some(fact));
                self.touch(Thing::Queue(queue.as_str().into()));
            }
            (Subject::Queue(queue), _) => {
                self.queues.queue(queue.as_str(), None);
                self.touch(Thing::Queue(queue.as_str().into()));
            }
            (Subject::QueueMember(queue, interface), fact) => {
                let member = match fact {
                    Some(Fact::QueueMember(member)) => Some(member),
                    _ => None,
                };
                self.queues
                    .member(queue.as_str(), interface.as_str(), member);
                self.touch(Thing::Queue(queue.as_str().into()));
            }
            (Subject::Parking(lot, space), fact) => {
                let place = (lot, space);
                match fact {
                    Some(Fact::Parked(parked)) => self.parked.insert(place.clone(), parked.call),
                    _ => self.parked.remove(&place),
                };
                self.touch(Thing::Parked(place.0, place.1));
            }
            (
                Subject::Connection | Subject::Room(_) | Subject::Mailbox(_) | Subject::Endpoint(_),
                _,
            ) => {}
        }
    }

    /// A thing that has to be drawn anew.
    pub fn poll(&mut self) -> Option<Thing> {
        let thing = self.order.pop_front()?;
        self.dirty.remove(&thing);
        Some(thing)
    }

    /// Everything there is.
    pub fn things(&self) -> impl Iterator<Item = Thing> {
        self.extensions().chain(self.things_besides_extensions())
    }

    /// Extensions, of which there may be thousands.
    pub fn extensions(&self) -> impl Iterator<Item = Thing> {
        self.hints.keys().cloned().map(Thing::Extension)
    }

    /// The extension with this key on the wire, if it is of this phone system.
    #[must_use]
    pub fn extension_of_key(&self, key: &str) -> Option<Thing> {
        let (name, pbx) = key.rsplit_once('@')?;
        let (name, _) = self.hints.get_key_value(name)?;
        (pbx == &*self.pbx).then(|| Thing::Extension(name.clone()))
    }

    /// Everything else there is.
    pub fn things_besides_extensions(&self) -> impl Iterator<Item = Thing> {
        let queues = self.queues.names().cloned().map(Thing::Queue);
        let parked = self.parked.keys().cloned();
        let parked = parked.map(|(lot, space)| Thing::Parked(lot, space));
        std::iter::once(Thing::Pbx).chain(queues).chain(parked)
    }

    /// The key of a thing on the wire.
    #[must_use]
    pub fn key(&self, thing: &Thing) -> String {
        match thing {
            Thing::Pbx => self.pbx.to_string(),
            Thing::Extension(name) | Thing::Queue(name) => key(name, &self.pbx),
            Thing::Parked(lot, space) => key(&format!("{lot}/{space}"), &self.pbx),
        }
    }

    /// Draws a thing for readers of one kind.
    #[must_use]
    pub fn fact(&self, thing: &Thing, sight: Sight, now: Now) -> wire::Fact {
        let key = self.key(thing);
        match thing {
            Thing::Pbx => wire::Fact::Pbx {
                key,
                value: Some(self.line(now)),
            },
            Thing::Extension(name) => wire::Fact::Extension {
                key,
                value: self.extension(name, sight, now),
            },
            Thing::Queue(name) => {
                let value = self.queues.draw(name, self, sight, now);
                wire::Fact::Queue { key, value }
            }
            Thing::Parked(lot, space) => wire::Fact::Parked {
                key,
                value: self.parked(lot, space, sight, now),
            },
        }
    }

    fn touch(&mut self, thing: Thing) {
        if self.dirty.insert(thing.clone()) {
            self.order.push_back(thing);
        }
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names {
            plan: &self.plan,
            colleagues: &self.colleagues,
        }
    }

    /// The server has its line to the phone system.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.is_certain()
    }

    pub(crate) fn is_certain(&self) -> bool {
        matches!(self.connection.0, Connection::Connected { .. })
    }

    // The line.

    fn line_changed(&mut self, line: &Connection, now: Now) {
        let was = std::mem::discriminant(&self.connection.0);
        let is_same_kind = was == std::mem::discriminant(line);
        let since = if is_same_kind {
            self.connection.1
        } else {
            now.instant
        };
        self.connection = (line.clone(), since);
        self.touch(Thing::Pbx);
        if !is_same_kind {
            let all: Vec<Thing> = self.things().collect();
            for thing in all {
                self.touch(thing);
            }
        }
    }

    /// How the line to the phone system stands.
    #[must_use]
    pub fn line(&self, now: Now) -> PbxLine {
        match &self.connection.0 {
            Connection::NotSetUp => PbxLine::Connecting {
                words: "Not connected yet".into(),
            },
            Connection::Connecting { attempt } => PbxLine::Connecting {
                words: match attempt {
                    0 | 1 => "Connecting to the phone system".into(),
                    attempt => format!("Connecting to the phone system, attempt {attempt}"),
                },
            },
            Connection::Connected { version, lag, .. } => PbxLine::Up {
                version: version.clone(),
                lag_ms: lag.map(|lag| u32::try_from(lag.as_millis()).unwrap_or(u32::MAX)),
                since: now.unix_ms_of(self.connection.1),
            },
            Connection::Away { words, retry_in } => {
                let wait = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
                PbxLine::Away {
                    words: words.clone(),
                    retry_at: now.unix_ms_of(self.connection.1).saturating_add(wait),
                }
            }
            Connection::Refused { words } => PbxLine::Refused {
                words: words.clone(),
            },
        }
    }

    // Extensions.

    fn hint(&mut self, extension: &str, fact: Option<Arc<ExtensionFact>>, now: Now) {
        // Lamps of queues, parking spaces and night switches are no colleagues.
        let fact = fact.filter(|fact| fact.hint.kind() == HintKind::Phone);
        let is_known = self.hints.contains_key(extension);
        if fact.is_none() && !is_known {
            return;
        }
        self.hints
            .entry(extension.into())
            .or_insert_with(|| Shown::new(now))
            .fact = fact;
        self.lit(extension, now);
        self.touch(Thing::Extension(extension.into()));
    }

    /// Keeps since when the lamp shows what it shows; extensions of which nothing tells have none.
    fn lit(&mut self, extension: &str, now: Now) {
        let is_colleague = self.colleagues.contains_key(extension);
        let shown = self.hints.get(extension);
        if shown.is_none_or(|shown| shown.fact.is_none()) && !is_colleague {
            self.hints.remove(extension);
            return;
        }
        let shown = self
            .hints
            .entry(extension.into())
            .or_insert_with(|| Shown::new(now));
        let lamp = shown
            .fact
            .as_ref()
            .map_or(Lamp::Unknown, |fact| lamp::of_hint(fact.hint.state));
        if lamp != shown.lamp {
            shown.lamp = lamp;
            shown.since = now.unix_ms;
        }
    }

    pub(crate) fn lamp(&self, extension: &str) -> Option<Lamp> {
        self.hints.get(extension).map(|shown| shown.lamp)
    }

    fn extension(&self, name: &str, sight: Sight, now: Now) -> Option<Extension> {
        let shown = self.hints.get(name)?;
        let colleague = self.colleagues.get(name);
        let fact = shown.fact.as_ref();
        let ids = self.at.get(name).into_iter().flatten();
        let calls = ids.filter_map(|id| self.calls.get(id));
        let calls = calls.filter_map(|call| self.lamp_call(name, call, sight, now));
        Some(Extension {
            extension: name.to_owned(),
            pbx: self.pbx.to_string(),
            name: colleague
                .map(|colleague| colleague.name.clone())
                .unwrap_or_default(),
            groups: colleague
                .map(|colleague| colleague.groups.clone())
                .unwrap_or_default(),
            lamp: shown.lamp,
            since: shown.since,
            do_not_disturb: fact.and_then(|fact| fact.do_not_disturb),
            presence: fact
                .and_then(|fact| fact.presence.as_ref())
                .map(lamp::presence),
            calls: calls.collect(),
            certain: self.is_certain() && fact.is_none_or(|fact| fact.hint.certain),
        })
    }

    fn lamp_call(&self, extension: &str, call: &Call, sight: Sight, now: Now) -> Option<LampCall> {
        let mut legs: Vec<_> = call.legs_of(extension).collect();
        // Of several phones the one that talks tells, else the last.
        legs.sort_by_key(|leg| (leg.talking, leg.state != calls::LegState::Gone));
        let leg = legs.into_iter().next_back()?;
        let state = parties::state(leg)?;
        let names = self.names();
        let party = names.far_end(call, leg);
        let line = call.queues.last().map(|visit| visit.queue.to_string());
        let line = line.or_else(|| {
            let dialled = call.dialled.as_deref()?;
            let line = (leg.role == Role::Callee && dialled != extension).then_some(dialled)?;
            // What a colleague dialled first may be a number outside.
            let number = Party {
                number: Some(line.to_owned()),
                name: None,
            };
            names.seen(&number, sight).number
        });
        let since = leg.answered.or(leg.ringing).unwrap_or(call.started);
        Some(LampCall {
            call: call.id.to_string(),
            direction: match leg.role {
                Role::Caller => Direction::Outgoing,
                Role::Callee => Direction::Incoming,
            },
            state,
            party: names.seen(&party, sight),
            line: line.filter(|_| sight != Sight::Lamps),
            since: now.unix_ms_of(since),
        })
    }

    // Calls.

    fn call_changed(&mut self, id: CallId, call: Option<Arc<Call>>) {
        // First away from wherever it was: the new state alone says where it is.
        if let Some(old) = self.calls.remove(&id) {
            self.touch_call(&old, true);
        }
        if let Some(call) = call {
            let is_over = call.ended.is_some();
            self.touch_call(&call, is_over);
            self.calls.insert(id, call);
        }
    }

    /// Whatever shows this call has to be drawn anew.
    fn touch_call(&mut self, call: &Call, is_over: bool) {
        let extensions: BTreeSet<&str> = call
            .legs
            .iter()
            .filter_map(|leg| leg.extension.as_ref())
            .map(|extension| extension.as_str())
            .collect();
        for extension in extensions {
            if is_over {
                if let Some(calls) = self.at.get_mut(extension) {
                    calls.remove(&call.id);
                    if calls.is_empty() {
                        self.at.remove(extension);
                    }
                }
            } else {
                self.at.entry(extension.into()).or_default().insert(call.id);
            }
            if self.hints.contains_key(extension) {
                self.touch(Thing::Extension(extension.into()));
            }
        }
        for visit in &call.queues {
            let waits = visit.left.is_none() && !is_over && visit.outcome.is_none();
            if self.queues.waiting(&visit.queue, call.id, waits) {
                self.touch(Thing::Queue(visit.queue.clone()));
            }
        }
        if let Some(parked) = call.parked() {
            self.touch(Thing::Parked(parked.lot.clone(), parked.space.clone()));
        }
    }

    fn parked(&self, lot: &str, space: &str, sight: Sight, now: Now) -> Option<Parked> {
        let id = *self.parked.get(&(Box::from(lot), Box::from(space)))?;
        let call = self.calls.get(&id)?;
        let parked = call.parked()?;
        let names = self.names();
        let waits = parked.leg.and_then(|leg| call.leg(leg));
        let party = match waits {
            Some(leg) => match &leg.extension {
                Some(extension) => Party {
                    number: Some(extension.to_string()),
                    name: self
                        .colleagues
                        .get(extension.as_str())
                        .map(|c| c.name.clone()),
                },
                None => names.caller(call),
            },
            None => names.caller(call),
        };
        Some(Parked {
            lot: lot.to_owned(),
            space: space.to_owned(),
            pbx: self.pbx.to_string(),
            call: id.to_string(),
            party: names.seen(&party, sight),
            since: now.unix_ms_of(parked.since),
        })
    }
}

impl Shown {
    fn new(now: Now) -> Self {
        Self {
            fact: None,
            lamp: Lamp::Unknown,
            since: now.unix_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calls::{Party as CallParty, QueueVisit, Taken};
    use phone_number::Region;

    #[test]
    fn a_caller_who_was_answered_waits_no_more() {
        let now = now();
        let mut board = Board::new("main", DialPlan::new(Region::GB), now);
        let waits = call(now, None);
        let id = waits.id;
        let tell = |board: &mut Board, call: Call| {
            let fact = Fact::Call(Arc::new(call));
            board.take(Subject::Call(id), Some(fact), now);
        };
        tell(&mut board, waits);
        assert_eq!(waiting(&board, now), ["+44 20 7946 0958"]);
        tell(&mut board, call(now, Some(now.instant)));
        assert_eq!(waiting(&board, now), [""; 0]);
    }

    fn now() -> Now {
        Now {
            instant: Instant::now(),
            unix_ms: 1_795_228_715_000,
        }
    }

    fn waiting(board: &Board, now: Now) -> Vec<String> {
        let fact = board.fact(&Thing::Queue("sales".into()), Sight::All, now);
        let wire::Fact::Queue { value, .. } = fact else {
            panic!("{fact:?}")
        };
        let waiting = value.map(|queue| queue.waiting).unwrap_or_default();
        let numbers = waiting.into_iter().filter_map(|caller| caller.party.number);
        numbers.collect()
    }

    /// A caller in the queue until `left`, when 101 took the call.
    fn call(now: Now, left: Option<Instant>) -> Call {
        Call {
            id: "01a1fbf8-47f8-7000-8000-000000000001"
                .parse()
                .expect("an id"),
            direction: calls::Direction::Incoming,
            caller: CallParty::new("+442079460958", ""),
            callee: CallParty::default(),
            dialled: None,
            line: None,
            legs: Vec::new(),
            talks: Vec::new(),
            transfers: Vec::new(),
            queues: vec![QueueVisit {
                queue: "sales".into(),
                joined: now.instant,
                left,
                position: 1,
                offered: Vec::new(),
                outcome: left.map(|_| Taken::By("101".into())),
            }],
            parkings: Vec::new(),
            voicemail: None,
            originate: None,
            placed_by: None,
            started: now.instant,
            picked_up: None,
            answered: left,
            ended: None,
            answered_by: None,
            recording: false,
            spying: false,
            end: None,
            ended_by: None,
            cause: None,
            certain: true,
        }
    }
}
