//! What the PBX lists against what its events have told: after a lost link, when nothing tells what happened meanwhile,
//! and as an audit, since events can be lost on a link that stands.

use std::{collections::HashSet, time::Instant};

use ami::{ChannelName, ChannelState, Uniqueid, Value};

use super::{BridgeKind, CallTracker, ChannelKey, Listing};
use crate::{
    Direction, End, LiveChannel, PbxLists, Role,
    extensions::{Technology, technology_of},
};

/// More are not remembered: by then the list is complete or the link is lost again.
const MOST_GONE: usize = 10_000;

impl CallTracker {
    /// The link is gone. Calls stay as they were last seen, marked as uncertain.
    pub fn link_lost(&mut self, _now: Instant) {
        self.link += 1;
        self.begin_list(Listing::Login);
        for key in self.by_id.values().copied().collect::<Vec<_>>() {
            let call = &mut self.calls[key].call;
            if call.ended.is_none() && std::mem::replace(&mut call.certain, false) {
                self.changed(key);
            }
        }
    }

    /// To be called just before the PBX is asked for its list of channels as an audit: what events tell from here on
    /// counts more than the list. After a lost link and before the first list it need not be called.
    ///
    /// A channel that two audits running have not found has lost its Hangup: the first time the Hangup may be on its way,
    /// since events and lists do not come by the same queue.
    pub fn begin_audit(&mut self) {
        self.begin_list(Listing::Audit);
        self.oddities.audits += 1;
    }

    fn begin_list(&mut self, expects: Listing) {
        self.expects = expects;
        self.epoch += 1;
        self.gone_before_list = Some(HashSet::default());
    }

    /// Whether there is anything that an audit could mend: calls that go on.
    #[must_use]
    pub fn wants_audit(&self) -> bool {
        !self.channels.is_empty()
    }

    /// Whether the last audit has left a doubt that another, a moment later, will settle.
    #[must_use]
    pub fn wants_second_audit(&self) -> bool {
        self.doubts
    }

    /// A channel of which only the PBX can say what happens on it: `Status` asked for it, and its answer taken by
    /// [`CallTracker::take_status`], tells voicemail from an announcement where the class `dialplan` is not read.
    pub fn poll_unclear(&mut self) -> Option<ChannelName> {
        while let Some(key) = self.unclear.pop_front() {
            let Some(channel) = self.channels.get(key) else {
                continue;
            };
            let is_open = self.calls[channel.call].call.answered.is_none();
            if is_open && !channel.application_known {
                return Some(channel.name.clone());
            }
        }
        None
    }

    /// The answer to a question about one channel.
    pub fn take_status(&mut self, live: &LiveChannel, now: Instant) {
        if let Some(key) = self.by_uniqueid.get(&live.uniqueid).copied() {
            self.runs(key, live.application.as_bytes(), now);
        }
    }

    /// Takes the PBX's complete lists, after the first login, after every other, and after
    /// [`CallTracker::begin_audit`].
    ///
    /// Calls of which no channel is listed have ended as [`End::Disconnected`]; listed channels that are new are born;
    /// what events have told since the login stays. An Originate of which there is no channel is lost: whether it ever
    /// rang cannot be known.
    pub fn resync(&mut self, lists: &PbxLists, now: Instant) {
        let is_audit = std::mem::replace(&mut self.expects, Listing::Login) == Listing::Audit;
        let gone = self.gone_before_list.take().unwrap_or_default();
        let mut unknown = Vec::new();
        for live in &lists.channels {
            match self.by_uniqueid.get(&live.uniqueid).copied() {
                Some(key) => self.refresh(key, live, now),
                None if gone.contains(&live.uniqueid) => {}
                None => unknown.push(live),
            }
        }
        // Who placed a call comes before whom it dialled.
        unknown.sort_by_key(|live| {
            (
                live.uniqueid.as_str() != live.linkedid.as_str(),
                live.was_dialled(),
            )
        });
        for live in &unknown {
            self.discover(live, now);
        }
        if is_audit {
            self.oddities.lost_births += unknown.len() as u64;
        }
        self.pair_locals(&lists.channels, now);
        self.drop_unheard(is_audit, now);
        let moved = self.place(lists, now);
        self.refill(lists, &moved, now);
        self.settle();
    }

    pub(super) fn gone_before_list(&mut self, uniqueid: &str) {
        if let Some(gone) = self
            .gone_before_list
            .as_mut()
            .filter(|gone| gone.len() < MOST_GONE)
        {
            gone.insert(Uniqueid::from(uniqueid));
        }
    }

    fn refresh(&mut self, key: ChannelKey, live: &LiveChannel, now: Instant) {
        self.channels[key].heard = self.epoch;
        self.channels[key].doubted = false;
        self.relink(key, live.linkedid.as_str(), now);
        self.take_state(key, live.state, now);
    }

    fn discover(&mut self, live: &LiveChannel, now: Instant) {
        let born = now.checked_sub(live.duration).unwrap_or(now);
        let (uniqueid, linkedid) = (live.uniqueid.as_str(), live.linkedid.as_str());
        let Some(key) = self.birth(
            uniqueid,
            linkedid,
            live.channel.as_str(),
            live.caller.clone(),
            now,
        ) else {
            return;
        };
        // Nothing is known of a bridge before the list.
        self.channels[key].bridge_heard = self.epoch.wrapping_sub(1);
        let call = self.channels[key].call;
        let entry = &mut self.calls[call];
        entry.call.started = entry.call.started.min(born);
        let placed_it = live.uniqueid.as_str() == live.linkedid.as_str() && !live.was_dialled();
        if self.is_left_alone(key, live) {
            self.make_callee(key, live);
        }
        let is_callers = self.channels[key].role == Some(Role::Caller)
            || placed_it
            || self.is_agents_phone(call, live.channel.as_str());
        let channel = &mut self.channels[key];
        channel.role = Some(if is_callers {
            Role::Caller
        } else {
            Role::Callee
        });
        channel.dialled = !placed_it || self.calls[call].originated;
        if is_callers {
            self.calls[call].note_dialled(&live.exten);
            if technology_of(live.channel.as_str()) == Technology::Phone
                && self.calls[call].call.callee.is_anonymous()
            {
                self.calls[call].call.callee = live.connected.clone();
            }
        }
        self.give_leg_once(key);
        self.take_state(key, live.state, now);
        self.runs(key, live.application.as_bytes(), now);
        if live.state != ChannelState::Ringing {
            self.changed(call);
        }
    }

    /// A phone that rings for a caller who is not listed any more: he hung up a moment ago, and the first channel of a
    /// call is not always the one that placed it.
    fn is_left_alone(&self, key: ChannelKey, live: &LiveChannel) -> bool {
        let call = &self.calls[self.channels[key].call].call;
        let is_alone = matches!(call.legs.as_slice(), [leg] if leg.role == Role::Caller);
        is_alone
            && live.was_dialled()
            && live.state != ChannelState::Up
            && live.uniqueid.as_str() != live.linkedid.as_str()
            && call.originate.is_none()
    }

    fn make_callee(&mut self, key: ChannelKey, live: &LiveChannel) {
        self.channels[key].role = Some(Role::Callee);
        let entry = &mut self.calls[self.channels[key].call];
        entry.forget_caller();
        for leg in &mut entry.call.legs {
            leg.role = Role::Callee;
        }
        let caller = live.connected.clone();
        let is_inside = |number: &str| self.extensions.is_extension(number);
        entry.call.direction = if caller.number.as_deref().is_some_and(is_inside) {
            Direction::Internal
        } else {
            Direction::Incoming
        };
        entry.call.caller = caller;
    }

    /// The halves of a Local pair differ in the last digit of their names only.
    fn pair_locals(&mut self, list: &[LiveChannel], now: Instant) {
        let locals = |end: &'static str| {
            list.iter().filter_map(move |live| {
                let is_local = technology_of(live.channel.as_str()) == Technology::Local;
                let stem = live
                    .channel
                    .as_str()
                    .strip_suffix(end)
                    .filter(|_| is_local)?;
                Some((stem, &live.uniqueid))
            })
        };
        let near: crate::Map<&str, &Uniqueid> = locals(";1").collect();
        for (stem, far) in locals(";2") {
            let keys = near.get(stem).and_then(|near| {
                Some((*self.by_uniqueid.get(*near)?, *self.by_uniqueid.get(far)?))
            });
            if let Some((near, far)) = keys
                && self.channels[near].pair.is_none()
            {
                self.pair(near, far, now);
            }
        }
    }

    /// Channels that neither the list nor an event since it was asked for has named are gone.
    fn drop_unheard(&mut self, is_audit: bool, now: Instant) {
        let epoch = self.epoch;
        let mut unheard = Vec::new();
        self.doubts = false;
        for (key, channel) in &mut self.channels {
            if channel.heard == epoch {
                continue;
            }
            if is_audit && !std::mem::replace(&mut channel.doubted, true) {
                self.doubts = true;
            } else {
                unheard.push(key);
            }
        }
        if is_audit {
            self.oddities.lost_hangups += unheard.len() as u64;
        }
        for key in unheard {
            self.remove(key, None, Some(End::Disconnected), now);
        }
    }

    /// Puts everybody into the bridge that the list shows, unless an event has told better since. All are seated before
    /// anybody is taken to talk: half-filled bridges would end talks that go on.
    fn place(&mut self, lists: &PbxLists, now: Instant) -> HashSet<ChannelKey> {
        let kinds: crate::Map<&str, BridgeKind> = lists
            .bridges
            .iter()
            .map(|(id, kind)| (id.as_str(), *kind))
            .collect();
        let rooms: crate::Map<&str, &str> = lists
            .members
            .iter()
            .map(|member| (member.uniqueid.as_str(), &*member.room))
            .collect();
        let holding: HashSet<&str> = lists
            .parked
            .iter()
            .map(|parked| parked.uniqueid.as_str())
            .collect();
        let mut moved = Vec::new();
        for live in &lists.channels {
            let Some(key) = self.by_uniqueid.get(&live.uniqueid).copied() else {
                continue;
            };
            let channel = &self.channels[key];
            let here = channel.bridge.map(|at| self.bridges[at].id.as_str());
            let there = live.bridge.as_ref().map(ami::BridgeId::as_str);
            if channel.bridge_heard == self.epoch || here == there {
                continue;
            }
            let kind = there.map(|id| {
                let guess = if rooms.contains_key(live.uniqueid.as_str()) || live.is_in_room() {
                    BridgeKind::Room
                } else if holding.contains(live.uniqueid.as_str()) || live.is_parked() {
                    BridgeKind::Holding
                } else {
                    BridgeKind::Talk
                };
                kinds.get(id).copied().unwrap_or(guess)
            });
            moved.push((key, there, kind));
        }
        let mut parted = super::bridge::Group::new();
        let mut seated = HashSet::new();
        for (key, there, kind) in moved {
            seated.insert(key);
            parted.extend(self.group(key));
            parted.push(key);
            self.seat(key, there.map(Value::from).zip(kind));
        }
        parted.sort_unstable();
        parted.dedup();
        self.settle_talk(&parted, now);
        seated
    }

    /// Rooms, parking lots and queues as listed. What a list does not tell of a call that is known stays.
    fn refill(&mut self, lists: &PbxLists, moved: &HashSet<ChannelKey>, now: Instant) {
        let is_listed = |uniqueid: &Uniqueid| {
            let mut members = lists.members.iter();
            !lists.rooms_listed || members.any(|member| member.uniqueid == *uniqueid)
        };
        for live in &lists.channels {
            let Some(key) = self.by_uniqueid.get(&live.uniqueid).copied() else {
                continue;
            };
            if self.channels[key].bridge_heard != self.epoch && !is_listed(&live.uniqueid) {
                self.leave_room(key);
            }
            if !moved.contains(&key) {
                continue;
            }
            let room = live.room().filter(|_| live.bridge.is_some());
            if let Some(room) = room.filter(|_| !lists.rooms_listed) {
                self.enter_room(key, room, false, now);
            } else if room.is_none() {
                self.leave_room(key);
            }
        }
        for member in &lists.members {
            if let Some(key) = self.by_uniqueid.get(&member.uniqueid).copied() {
                self.enter_room(key, &member.room, member.muted, now);
                self.mute(key, &member.room, member.muted);
            }
        }
        for room in &lists.rooms {
            if self.rooms.names().any(|name| *name == *room.name) {
                self.rooms.set(&room.name, |open| open.locked = room.locked);
            }
        }
        for parked in &lists.parked {
            if let Some(key) = self.by_uniqueid.get(&parked.uniqueid).copied() {
                self.parked_at(key, &parked.lot, &parked.space, now);
            }
        }
        self.end_waits(lists, now);
        for waiting in &lists.waiting {
            if let Some(key) = self.by_uniqueid.get(&waiting.uniqueid).copied() {
                let joined = now.checked_sub(waiting.wait).unwrap_or(now);
                let call = self.channels[key].call;
                self.joined_queue(call, &waiting.queue, waiting.position, joined);
            }
        }
    }

    /// Whoever was parked or waited in a queue, and is not listed there, does so no more.
    fn end_waits(&mut self, lists: &PbxLists, now: Instant) {
        let call_of = |uniqueid: &Uniqueid| {
            let key = self.by_uniqueid.get(uniqueid)?;
            Some(self.channels[*key].call)
        };
        let parked: HashSet<_> = lists
            .parked
            .iter()
            .filter_map(|parked| call_of(&parked.uniqueid))
            .collect();
        let waiting: HashSet<_> = lists
            .waiting
            .iter()
            .filter_map(|waiting| Some((call_of(&waiting.uniqueid)?, &*waiting.queue)))
            .collect();
        for key in self.by_id.values().copied().collect::<Vec<_>>() {
            let entry = &mut self.calls[key];
            let still_parked = if lists.parked_listed {
                parked.contains(&key)
            } else {
                entry.call.talking().next().is_none()
            };
            let mut is_news = !still_parked && entry.unpark(now);
            for visit in entry
                .call
                .queues
                .iter_mut()
                .filter(|visit| visit.left.is_none())
            {
                if lists.queues_listed && !waiting.contains(&(key, &*visit.queue)) {
                    visit.left = Some(now);
                    is_news = true;
                }
            }
            if is_news {
                self.changed(key);
            }
        }
    }

    fn settle(&mut self) {
        for key in self.by_id.values().copied().collect::<Vec<_>>() {
            let call = &mut self.calls[key].call;
            if !std::mem::replace(&mut call.certain, true) {
                self.changed(key);
            }
        }
        let link = self.link;
        self.end_attempts(&End::Disconnected, |attempt| {
            attempt.link != link && attempt.call.is_none()
        });
    }
}
