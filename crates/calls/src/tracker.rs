//! The state machine between the PBX's events and calls.
//!
//! Channels are keyed by `Uniqueid`, events count in the order in which they arrive, and a `Linkedid` is read again on
//! each event because it changes without one of its own. Nothing is born from an id that `Newchannel` or the PBX's list
//! has not named, and what does not fit is counted and skipped.

mod attempt;
mod bridge;
mod channel;
mod entry;
mod events;
mod passing;
mod queue;
mod resync;
mod rooms;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::Instant,
};

use ami::{BridgeId, Extension, Linkedid, Uniqueid};
use slotmap::SlotMap;

pub(crate) use self::bridge::BridgeKind;
pub use self::rooms::Room;
use self::{
    attempt::Attempt,
    bridge::{Bridge, BridgeKey},
    channel::{Channel, ChannelKey},
    entry::{CallKey, Entry},
    rooms::Rooms,
};
use crate::{
    Call, CallId, End, LegState, Map, Originate, Progress, Seed,
    call_id::CallIds,
    extensions::{Extensions, endpoint_of},
};

/// What has changed; the state itself is read from the tracker.
///
/// Changes are merged, not queued: whoever polls seldom gets one event for many changes, and the newest state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    Started(CallId),
    Changed(CallId),
    /// The last of a call; the tracker has forgotten it.
    Ended(Box<Call>),
    /// Somebody entered or left a conference room, or was muted, or the room was locked or recorded.
    Room(Box<str>),
    /// A step of a call that we placed.
    Originate {
        id: Uniqueid,
        progress: Progress,
    },
}

/// Follows every call of one PBX.
#[derive(Debug, Clone)]
pub struct CallTracker {
    ids: CallIds,
    extensions: Extensions,
    channels: SlotMap<ChannelKey, Channel>,
    by_uniqueid: Map<Uniqueid, ChannelKey>,
    bridges: SlotMap<BridgeKey, Bridge>,
    by_bridge: Map<BridgeId, BridgeKey>,
    rooms: Rooms,
    calls: SlotMap<CallKey, Entry>,
    by_linkedid: Map<Linkedid, CallKey>,
    by_id: BTreeMap<CallId, CallKey>,
    attempts: Map<Uniqueid, Attempt>,
    /// Counts the lives of the link; what was not heard of in this one is not certain.
    link: u32,
    /// Counts the lists that were asked for, at a login or as an audit: what neither a list nor an event since has named
    /// is gone.
    epoch: u32,
    /// What the list that comes next is for.
    expects: Listing,
    /// An audit did not find channels that events have told of; the next one decides.
    doubts: bool,
    /// The last leg's name.
    last_leg: u64,
    /// Channels of which it is unclear what the dialplan does on them.
    unclear: VecDeque<ChannelKey>,
    /// Channels that ended between the login and the PBX's list, which may still name them.
    gone_before_list: Option<HashSet<Uniqueid, foldhash::fast::FixedState>>,
    changed_calls: VecDeque<CallKey>,
    changed_attempts: VecDeque<Uniqueid>,
    /// Calls that have ended and were not polled yet.
    unpolled: usize,
    oddities: Oddities,
}

/// What did not fit, counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Events about a channel that was never born or has already ended.
    pub unknown_channels: u64,
    /// A second `Newchannel` of one Uniqueid.
    pub born_twice: u64,
    /// A `DialEnd` after the leg had ended or been answered.
    pub doubled_dial_ends: u64,
    /// A channel whose Linkedid became that of another call.
    pub joined: u64,
    /// `OriginateResponse` of nobody's Originate.
    pub unknown_originates: u64,
    /// Channels beyond what the tracker is ready to hold.
    pub over_limit: u64,
    /// Ended calls that were dropped because nobody polled them.
    pub unpolled: u64,
    /// Channels whose end was never told, found by an audit.
    pub lost_hangups: u64,
    /// Channels whose birth was never told, found by an audit.
    pub lost_births: u64,
    /// Audits done.
    pub audits: u64,
}

/// Why the PBX lists its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    /// After a login: what it does not name is gone.
    Login,
    /// While events come: what it does not name may be a Hangup that is on its way.
    Audit,
}

/// Far beyond what one Asterisk carries.
const MOST_CHANNELS: usize = 100_000;
const MOST_UNPOLLED: usize = 4_096;

impl CallTracker {
    /// A tracker that knows of no call. It takes the PBX's list by [`CallTracker::resync`] after the first login as
    /// after any other.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            ids: CallIds::new(seed),
            extensions: Extensions::default(),
            channels: SlotMap::with_key(),
            by_uniqueid: Map::default(),
            bridges: SlotMap::with_key(),
            by_bridge: Map::default(),
            rooms: Rooms::default(),
            calls: SlotMap::with_key(),
            by_linkedid: Map::default(),
            by_id: BTreeMap::new(),
            attempts: Map::default(),
            link: 0,
            epoch: 0,
            expects: Listing::Login,
            doubts: false,
            last_leg: 0,
            unclear: VecDeque::new(),
            gone_before_list: Some(HashSet::default()),
            changed_calls: VecDeque::new(),
            changed_attempts: VecDeque::new(),
            unpolled: 0,
            oddities: Oddities::default(),
        }
    }

    /// Says whose phone an endpoint (`PJSIP/anna`) is, or with `None` that it is a line outside.
    /// Without it the hints of the PBX tell, and else the endpoint's name: up to six digits are an extension.
    /// Calls that go on are read anew where that is news.
    pub fn set_extension(&mut self, endpoint: &str, extension: Option<Extension>) {
        if self.extensions.configure(endpoint, extension) {
            self.name_legs_anew(endpoint);
        }
    }

    /// Takes back what [`CallTracker::set_extension`] said of an endpoint; calls that go on keep it.
    pub fn forget_extension(&mut self, endpoint: &str) {
        self.extensions.forget(endpoint);
    }

    /// The channels that live now, Local halves and helpers included.
    pub fn uniqueids(&self) -> impl Iterator<Item = &Uniqueid> {
        self.channels.values().map(|channel| &channel.uniqueid)
    }

    fn name_legs_anew(&mut self, endpoint: &str) {
        let is_its = |name: &str| endpoint_of(name) == endpoint;
        let live = self
            .channels
            .values()
            .filter(|one| is_its(one.name.as_str()));
        let mut calls: Vec<_> = live.map(|channel| channel.call).collect();
        calls.sort_unstable();
        calls.dedup();
        for key in calls {
            if self.calls[key].name_legs(endpoint, &self.extensions) {
                self.changed(key);
            }
        }
    }

    /// A call that is going on, or has ended and waits to be polled.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        let entry = &self.calls[*self.by_id.get(&id)?];
        entry.is_visible().then_some(&entry.call)
    }

    /// The calls that are going on, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        let going_on = |entry: &&Entry| entry.call.ended.is_none() && entry.is_visible();
        let entries = self.by_id.values().map(|key| &self.calls[*key]);
        entries.filter(going_on).map(|entry| &entry.call)
    }

    /// How far an announced Originate is; `None` once its end has been polled.
    #[must_use]
    pub fn originate(&self, id: &Uniqueid) -> Option<Originate> {
        let attempt = self.attempts.get(id)?;
        let first = self
            .by_uniqueid
            .get(id)
            .map(|key| &self.channels[*key].name);
        // A call that nobody saw is forgotten before its attempt's end is polled.
        let call = attempt.call.and_then(|key| self.calls.get(key));
        let phone = || {
            let mut legs = call?.call.legs.iter();
            legs.find(|leg| {
                leg.state != LegState::Gone && attempt.is_agents_phone(leg.channel.as_str())
            })
        };
        Some(Originate {
            id: id.clone(),
            progress: attempt.progress.clone(),
            call: call.map(|entry| entry.call.id),
            channel: first.or_else(|| Some(&phone()?.channel)).cloned(),
        })
    }

    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// True when no channel, call, attempt or change is held: memory is back where it began.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.channels.is_empty()
            && self.by_uniqueid.is_empty()
            && self.bridges.is_empty()
            && self.by_bridge.is_empty()
            && self.rooms.is_empty()
            && self.calls.is_empty()
            && self.by_linkedid.is_empty()
            && self.by_id.is_empty()
            && self.attempts.is_empty()
            && !self
                .changed_calls
                .iter()
                .any(|key| self.calls.contains_key(*key))
            && self.changed_attempts.is_empty()
    }

    /// The next change. Steps of our own calls come first, so that their end is told before the call is forgotten.
    pub fn poll_event(&mut self) -> Option<CallEvent> {
        self.poll_attempt()
            .or_else(|| self.poll_call())
            .or_else(|| self.rooms.poll().map(CallEvent::Room))
    }

    fn poll_attempt(&mut self) -> Option<CallEvent> {
        let id = self.changed_attempts.pop_front()?;
        let attempt = self.attempts.get_mut(&id)?;
        attempt.queued = false;
        let progress = attempt.progress.clone();
        if matches!(progress, Progress::Ended(_)) {
            self.attempts.remove(&id);
        }
        Some(CallEvent::Originate { id, progress })
    }

    fn poll_call(&mut self) -> Option<CallEvent> {
        let key = loop {
            let key = self.changed_calls.pop_front()?;
            if self.calls.contains_key(key) {
                break key;
            }
        };
        let entry = &mut self.calls[key];
        entry.queued = false;
        let (id, has_ended) = (entry.call.id, entry.call.ended.is_some());
        if !entry.announced {
            entry.announced = true;
            if has_ended {
                entry.queued = true;
                self.changed_calls.push_front(key);
            }
            return Some(CallEvent::Started(id));
        }
        if !has_ended {
            return Some(CallEvent::Changed(id));
        }
        self.unpolled -= 1;
        self.forget(key)
            .map(|call| CallEvent::Ended(Box::new(call)))
    }

    fn forget(&mut self, key: CallKey) -> Option<Call> {
        let entry = self.calls.remove(key)?;
        self.by_id.remove(&entry.call.id);
        Some(entry.call)
    }

    /// Marks a call as changed and carries the news to the attempt that made it.
    fn changed(&mut self, key: CallKey) {
        self.advance_attempt(key);
        let entry = &mut self.calls[key];
        if !entry.queued && entry.is_visible() {
            entry.queued = true;
            self.changed_calls.push_back(key);
        }
    }

    /// Ends a call whose channels are all gone. `because` overrules what the legs tell.
    fn end(&mut self, key: CallKey, because: Option<End>, now: Instant) {
        let entry = &mut self.calls[key];
        let attempt = entry
            .call
            .originate
            .as_ref()
            .and_then(|id| self.attempts.get(id));
        entry.fail_transfers();
        let (end, cause) = match because {
            Some(end) => (end, None),
            None => entry.verdict(attempt),
        };
        entry.call.end = Some(end);
        entry.call.cause = cause;
        entry.call.ended = Some(now);
        entry.call.certain = true;
        for leg in &mut entry.call.legs {
            leg.state = LegState::Gone;
            leg.gone.get_or_insert(now);
            leg.talking = false;
        }
        for talk in &mut entry.call.talks {
            talk.until.get_or_insert(now);
        }
        entry.unpark(now);
        for visit in &mut entry.call.queues {
            visit.left.get_or_insert(now);
        }
        entry.call.recording = false;
        for linkedid in &entry.linkedids {
            self.by_linkedid.remove(linkedid);
        }
        if !entry.is_visible() {
            self.advance_attempt(key);
            self.forget(key);
            return;
        }
        self.changed(key);
        self.unpolled += 1;
        if self.unpolled > MOST_UNPOLLED {
            self.drop_oldest_unpolled();
        }
    }

    fn drop_oldest_unpolled(&mut self) {
        let has_ended = |key: &CallKey| {
            self.calls
                .get(*key)
                .is_some_and(|entry| entry.call.ended.is_some())
        };
        let Some(at) = self.changed_calls.iter().position(has_ended) else {
            return;
        };
        if let Some(key) = self.changed_calls.remove(at) {
            self.forget(key);
            self.unpolled -= 1;
            self.oddities.unpolled += 1;
        }
    }
}
