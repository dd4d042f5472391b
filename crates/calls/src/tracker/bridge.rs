//! Bridges and who talks with whom: two phones talk when a way leads from one to the other through bridges and the
//! pipes of Local pairs. Calls whose phones talk are one call.

use std::time::{Duration, Instant};

use ami::{BridgeId, Value};
use smallvec::SmallVec;

use super::{CallKey, CallTracker, ChannelKey};
use crate::{Call, Direction, End, LegId, Role, Talk, Transferred};

slotmap::new_key_type! {
    pub(super) struct BridgeKey;
}

/// What channels in a bridge do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BridgeKind {
    /// They hear each other.
    Talk,
    /// So they do, as guests of a conference room, each with his own call.
    Room,
    /// Parking and the like: each waits for himself.
    Holding,
}

/// A bridge with somebody in it; an empty one is not remembered.
#[derive(Debug, Clone)]
pub(super) struct Bridge {
    pub(super) id: BridgeId,
    pub(super) kind: BridgeKind,
    pub(super) members: SmallVec<[ChannelKey; 2]>,
}

/// Phones between which a way leads.
pub(super) type Group = SmallVec<[ChannelKey; 4]>;

/// When a Local pair is taken out from between two parties they are apart for a moment.
const SAME_TALK: Duration = Duration::from_millis(500);

impl BridgeKind {
    pub(crate) fn of(bridge: &ami::Bridge<'_>) -> Self {
        match (bridge.kind.bytes(), bridge.creator.bytes()) {
            (_, b"ConfBridge") => Self::Room,
            (b"basic" | b"stasis" | b"", _) => Self::Talk,
            _ => Self::Holding,
        }
    }
}

impl CallTracker {
    pub(super) fn bridge_enter(
        &mut self,
        bridge: &ami::Bridge<'_>,
        channel: &ami::Channel<'_>,
        now: Instant,
    ) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        let kind = BridgeKind::of(bridge);
        self.channels[key].bridge_heard = self.epoch;
        if !self.is_in(key, bridge) {
            self.take_place(key, Some((bridge.uniqueid, kind)), now);
        }
        if kind == BridgeKind::Room
            && let Some(room) = bridge.name.known()
        {
            self.enter_room(key, &room.text(), false, now);
        }
    }

    pub(super) fn bridge_leave(
        &mut self,
        bridge: &ami::Bridge<'_>,
        channel: &ami::Channel<'_>,
        now: Instant,
    ) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        self.channels[key].bridge_heard = self.epoch;
        // A late word about a bridge that the channel has left for another says nothing.
        if self.is_in(key, bridge) {
            self.take_place(key, None, now);
        }
    }

    fn is_in(&self, key: ChannelKey, bridge: &ami::Bridge<'_>) -> bool {
        let here = self.channels[key].bridge.map(|at| &self.bridges[at]);
        here.is_some_and(|here| here.id.as_str().as_bytes() == bridge.uniqueid.bytes())
    }

    /// Moves a channel to another bridge, or out of any, and sees who talks now.
    pub(super) fn take_place(
        &mut self,
        key: ChannelKey,
        to: Option<(Value<'_>, BridgeKind)>,
        now: Instant,
    ) {
        let before = self.group(key);
        self.seat(key, to);
        self.settle_talk(&before, now);
        if to.is_some() {
            let group = self.group(key);
            self.settle_talk(&group, now);
        }
    }

    /// Moves a channel to another bridge without a look at who talks.
    pub(super) fn seat(&mut self, key: ChannelKey, to: Option<(Value<'_>, BridgeKind)>) {
        self.leave_bridge(key);
        if let Some((id, kind)) = to {
            let bridge = self.bridge_named(id, kind);
            self.bridges[bridge].members.push(key);
            self.channels[key].bridge = Some(bridge);
        }
    }

    /// Without a word to anybody.
    pub(super) fn leave_bridge(&mut self, key: ChannelKey) {
        let Some(at) = self.channels.get_mut(key).and_then(|c| c.bridge.take()) else {
            return;
        };
        let members = &mut self.bridges[at].members;
        members.retain(|member| *member != key);
        if members.is_empty()
            && let Some(bridge) = self.bridges.remove(at)
        {
            self.by_bridge.remove(&bridge.id);
        }
    }

    fn bridge_named(&mut self, id: Value<'_>, kind: BridgeKind) -> BridgeKey {
        if let Some(key) = self.by_bridge.get(&*id.text()) {
            return *key;
        }
        let id = BridgeId::from(id);
        let key = self.bridges.insert(Bridge {
            id: id.clone(),
            kind,
            members: SmallVec::new(),
        });
        self.by_bridge.insert(id, key);
        key
    }

    /// All phones to which a way leads from this channel, itself included if it is one. Spies hear, and are not heard of.
    pub(super) fn group(&self, from: ChannelKey) -> Group {
        let mut seen = Group::new();
        seen.push(from);
        let mut next = 0;
        while let Some(key) = seen.get(next).copied() {
            next += 1;
            let Some(channel) = self.channels.get(key) else {
                continue;
            };
            let pair = channel
                .pair
                .filter(|pair| self.channels.contains_key(*pair));
            let bridge = channel.bridge.map(|at| &self.bridges[at]);
            let near = bridge
                .filter(|bridge| bridge.kind == BridgeKind::Talk)
                .map(|bridge| bridge.members.iter().copied());
            for other in pair.into_iter().chain(near.into_iter().flatten()) {
                if !seen.contains(&other) {
                    seen.push(other);
                }
            }
        }
        seen.retain(|key| {
            self.channels
                .get(*key)
                .is_some_and(|channel| channel.is_phone() && channel.bridge.is_some())
        });
        seen
    }

    /// Who is to be moved when a phone that rings is not to ring any more: whoever had it dialled, by himself or through
    /// Local pairs. `None` while that is not known, and of somebody who is asked first (`Atxfer`), where it is not said.
    #[must_use]
    pub fn rung_by(&self, leg: &crate::Leg) -> Option<LegId> {
        self.dialler_of(leg).filter(|by| *by != leg.id)
    }

    fn dialler_of(&self, leg: &crate::Leg) -> Option<LegId> {
        let mut key = *self.by_uniqueid.get(&leg.uniqueid)?;
        // Three pairs are the most that a followed extension in a group has.
        for _ in 0..16 {
            let by = self.channels.get(key)?.dialled_by?;
            let channel = self.channels.get(by)?;
            if channel.is_phone() {
                return channel.leg;
            }
            let near = channel.pair?;
            if self.channels.get(near)?.dialled_by.is_none() {
                return self.passed_on_through(near);
            }
            key = near;
        }
        None
    }

    /// Whoever was passed on while a Local pair stood between the two: he is in the bridge at its near end.
    fn passed_on_through(&self, near: ChannelKey) -> Option<LegId> {
        let channel = self.channels.get(near)?;
        let transfer = self.calls.get(channel.call)?.call.transfers.last()?;
        if transfer.outcome != Transferred::Pending {
            return None;
        }
        let members = &self.bridges.get(channel.bridge?)?.members;
        let mut phones = members.iter().filter_map(|key| self.channels.get(*key));
        phones.find(|channel| channel.is_phone())?.leg
    }

    /// Reads off anew with whom each of these talks.
    pub(super) fn settle_talk(&mut self, phones: &[ChannelKey], now: Instant) {
        for (at, key) in phones.iter().enumerate() {
            if !self.channels.contains_key(*key) {
                continue;
            }
            let group = self.group(*key);
            if group.iter().any(|other| phones[..at].contains(other)) {
                continue;
            }
            if group.len() < 2 {
                self.end_talk(*key, now);
            } else {
                self.talk(&group, now);
            }
        }
    }

    fn talk(&mut self, group: &Group, now: Instant) {
        let Some(call) = self.one_call(group, now) else {
            return;
        };
        for key in group {
            self.give_leg_once(*key);
        }
        let mut legs: SmallVec<[LegId; 2]> = group
            .iter()
            .filter_map(|key| self.channels[*key].leg)
            .collect();
        legs.sort_unstable();
        let entry = &self.calls[call];
        if entry.call.talking().any(|talk| talk.legs == legs) {
            return;
        }
        for key in group {
            self.end_talk(*key, now);
        }
        self.calls[call].begin_talk(legs, now);
        self.answer_by_talk(call, group, now);
        self.changed(call);
    }

    /// The call of a group of phones that talk; more than one become one.
    fn one_call(&mut self, group: &Group, now: Instant) -> Option<CallKey> {
        let first = self.channels.get(*group.first()?)?.call;
        let mut to = first;
        for key in group {
            let other = self.channels[*key].call;
            if other != to {
                to = self.merge(to, other, now);
            }
        }
        Some(to)
    }

    /// Joins two calls and says which is left. A call with a line outside as its caller stays his, else the older stays.
    pub(super) fn merge(&mut self, one: CallKey, two: CallKey, now: Instant) -> CallKey {
        let rank = |key: CallKey| {
            let call = &self.calls[key].call;
            (!call.has_outside_caller(), call.id)
        };
        let (to, from) = if rank(one) <= rank(two) {
            (one, two)
        } else {
            (two, one)
        };
        let moved: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.call == from)
            .map(|(key, _)| key)
            .collect();
        self.oddities.joined += 1;
        let left = self.calls[from].call.legs.clone();
        for mut leg in left {
            leg.role = self.calls[to].role_of_joining(&leg);
            self.calls[to].add_leg(leg);
        }
        for key in &moved {
            let channel = &mut self.channels[*key];
            channel.call = to;
            let leg = channel.leg;
            if let Some(leg) = leg
                && let Some(leg) = self.calls[to].call.leg(leg)
            {
                self.channels[*key].role = Some(leg.role);
            }
        }
        self.calls[to].channels += moved.len();
        self.calls[from].channels = 0;
        let joined = self.calls[from].take_history();
        self.calls[to].take_over(joined);
        for linkedid in std::mem::take(&mut self.calls[from].linkedids) {
            self.by_linkedid.insert(linkedid.clone(), to);
            self.calls[to].linkedids.push(linkedid);
        }
        self.move_attempt(from, to);
        if self.calls[to].call.direction != Direction::Incoming {
            self.calls[to].settle_direction(&self.extensions);
        }
        if self.calls[from].announced {
            let id = self.calls[to].call.id;
            self.end(from, Some(End::JoinedTo(id)), now);
        } else {
            // Nobody has heard of it yet.
            self.forget(from);
        }
        self.changed(to);
        to
    }

    /// The first talk answers the call; every talk shows where a transfer has led.
    fn answer_by_talk(&mut self, call: CallKey, group: &Group, now: Instant) {
        for key in group {
            let is_callee = self.channels[*key].role != Some(Role::Caller);
            let leg = self.channels[*key].leg;
            let entry = &mut self.calls[call];
            let Some(leg) = entry.leg_of(leg) else {
                continue;
            };
            leg.talking = true;
            leg.state = leg.state.max(crate::LegState::Up);
            if is_callee {
                leg.answered.get_or_insert(now);
            }
        }
        let legs: SmallVec<[LegId; 4]> = group
            .iter()
            .filter_map(|key| self.channels[*key].leg)
            .collect();
        let entry = &mut self.calls[call];
        let extension_of = |id: &LegId| entry.call.leg(*id).and_then(|leg| leg.extension.clone());
        let is_callee = |id: &&LegId| {
            let leg = entry.call.leg(**id);
            leg.is_some_and(|leg| leg.role == Role::Callee && leg.extension.is_some())
        };
        let answerer = legs.iter().find(is_callee).and_then(extension_of);
        let newest = legs.iter().max().and_then(extension_of);
        if entry.call.answered.is_none() {
            entry.call.answered = Some(now);
            entry.call.answered_by = answerer;
        }
        // Who passed the call on is not its aim, and still talks while he consults.
        for transfer in &mut entry.call.transfers {
            let is_back = transfer.by_leg.is_some_and(|by| legs.contains(&by));
            if transfer.outcome == Transferred::Pending && !is_back {
                transfer.outcome = Transferred::Reached(newest.clone());
            }
        }
        self.advance_attempt(call);
    }

    /// This phone talks with nobody any more. Its talk ends for all who were in it; who goes on begins another.
    pub(super) fn end_talk(&mut self, key: ChannelKey, now: Instant) {
        let Some(leg) = self.channels.get(key).and_then(|channel| channel.leg) else {
            return;
        };
        let call = self.channels[key].call;
        if self.calls[call].end_talk(leg, now) {
            self.changed(call);
        }
    }
}

impl Call {
    fn has_outside_caller(&self) -> bool {
        let is_outside = |leg: &crate::Leg| leg.extension.is_none() && leg.role == Role::Caller;
        self.direction == Direction::Incoming || self.legs.iter().any(is_outside)
    }
}

impl super::Entry {
    fn begin_talk(&mut self, legs: SmallVec<[LegId; 2]>, now: Instant) {
        self.goes_on(&legs);
        let resumed = self.call.talks.iter_mut().rev().take(2).find(|talk| {
            talk.legs == legs
                && talk
                    .until
                    .is_some_and(|until| now.saturating_duration_since(until) <= SAME_TALK)
        });
        if let Some(talk) = resumed {
            talk.until = None;
            return;
        }
        if self.call.talks.len() >= Call::STEPS {
            let oldest = self.call.talks.iter().position(|talk| talk.until.is_some());
            self.call.talks.remove(oldest.unwrap_or_default());
        }
        self.call.talks.push(Talk {
            legs,
            from: now,
            until: None,
        });
    }

    /// True if there was a talk to end.
    pub(super) fn end_talk(&mut self, leg: LegId, now: Instant) -> bool {
        let running = self
            .call
            .talks
            .iter_mut()
            .rev()
            .find(|talk| talk.until.is_none() && talk.legs.contains(&leg));
        let Some(talk) = running else {
            return false;
        };
        talk.until = Some(now);
        for leg in &mut self.call.legs {
            leg.talking &= !talk.legs.contains(&leg.id);
        }
        true
    }

    /// On which side a leg of another call comes in: the side where its extension is already, else the one that was
    /// called. Who dials to pick up or to fetch a parked call has answered it.
    fn role_of_joining(&self, joining: &crate::Leg) -> Role {
        let own = joining.extension.as_ref().and_then(|extension| {
            let same = |leg: &&crate::Leg| leg.extension.as_ref() == Some(extension);
            self.call.legs.iter().find(same)
        });
        own.map_or(Role::Callee, |leg| leg.role)
    }
}
