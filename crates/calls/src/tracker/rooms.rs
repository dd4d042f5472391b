//! Conference rooms: who is in each. Everybody there has his own call.

use std::{collections::VecDeque, time::Instant};

use ami::{ChannelState, ConfbridgeMember, Uniqueid};

use super::{CallTracker, ChannelKey};
use crate::{Map, Role};

/// A conference room with somebody in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// The channels of its participants, in the order in which they came.
    pub members: Vec<Uniqueid>,
    pub locked: bool,
    pub recording: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Rooms {
    rooms: Map<Box<str>, Room>,
    changed: VecDeque<Box<str>>,
}

/// Far beyond what one Asterisk carries.
const MOST_ROOMS: usize = 10_000;

impl Rooms {
    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.changed.is_empty()
    }

    /// Changes a room that is open.
    pub(super) fn set(&mut self, name: &str, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(name) {
            change(room);
            self.tell(name);
        }
    }

    pub(super) fn poll(&mut self) -> Option<Box<str>> {
        self.changed.pop_front()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rooms.keys().map(|name| &**name)
    }

    fn enter(&mut self, name: &str, member: &Uniqueid) {
        if !self.rooms.contains_key(name) {
            if self.rooms.len() >= MOST_ROOMS {
                return;
            }
            self.rooms.insert(name.into(), Room::default());
        }
        let is_new = self.rooms.get_mut(name).is_some_and(|room| {
            let is_new = !room.members.contains(member);
            if is_new {
                room.members.push(member.clone());
            }
            is_new
        });
        if is_new {
            self.tell(name);
        }
    }

    fn leave(&mut self, name: &str, member: &Uniqueid) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        room.members.retain(|other| other != member);
        if room.members.is_empty() {
            self.rooms.remove(name);
        }
        self.tell(name);
    }

    fn tell(&mut self, name: &str) {
        if !self.changed.iter().any(|told| **told == *name) {
            self.changed.push_back(name.into());
        }
    }
}

impl CallTracker {
    /// A conference room by its name, while somebody is in it.
    #[must_use]
    pub fn room(&self, name: &str) -> Option<&Room> {
        self.rooms.rooms.get(name)
    }

    /// All conference rooms in use, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = (&str, &Room)> {
        self.rooms.rooms.iter().map(|(name, room)| (&**name, room))
    }

    pub(super) fn confbridge_join(&mut self, member: &ConfbridgeMember<'_>, now: Instant) {
        if let Some(key) = self.known(&member.channel, now) {
            self.enter_room(key, &member.room.text(), member.muted, now);
        }
    }

    pub(super) fn confbridge_leave(&mut self, member: &ConfbridgeMember<'_>, now: Instant) {
        if let Some(key) = self.known(&member.channel, now) {
            self.leave_room(key);
        }
    }

    pub(super) fn confbridge_mute(
        &mut self,
        member: &ConfbridgeMember<'_>,
        muted: bool,
        now: Instant,
    ) {
        if let Some(key) = self.known(&member.channel, now) {
            self.mute(key, &member.room.text(), muted);
        }
    }

    pub(super) fn mute(&mut self, key: ChannelKey, room: &str, muted: bool) {
        let (call, leg) = (self.channels[key].call, self.channels[key].leg);
        if let Some(leg) = self.calls[call].leg_of(leg)
            && std::mem::replace(&mut leg.muted, muted) != muted
        {
            self.changed(call);
            self.rooms.tell(room);
        }
    }

    /// Somebody came into a room, as two events tell in either order. The caller is answered by that.
    pub(super) fn enter_room(&mut self, key: ChannelKey, room: &str, muted: bool, now: Instant) {
        if !self.channels[key].is_phone() {
            return;
        }
        self.give_leg_once(key);
        // Asterisk 13 and 16 may tell this before the channel's Newstate.
        self.take_state(key, ChannelState::Up, now);
        let channel = &self.channels[key];
        let (call, is_caller) = (channel.call, channel.role == Some(Role::Caller));
        let uniqueid = channel.uniqueid.clone();
        let entry = &mut self.calls[call];
        let Some(leg) = entry.leg_of(channel.leg) else {
            return;
        };
        if leg.room.as_deref() == Some(room) {
            return;
        }
        let (left, id) = (leg.room.replace(room.into()), leg.id);
        leg.muted = muted;
        if is_caller {
            entry.call.answered.get_or_insert(now);
            entry.goes_on(&[id]);
        }
        if let Some(left) = left {
            self.rooms.leave(&left, &uniqueid);
        }
        self.rooms.enter(room, &uniqueid);
        self.advance_attempt(call);
        self.changed(call);
    }

    pub(super) fn leave_room(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        let call = channel.call;
        let Some(entry) = self.calls.get_mut(call) else {
            return;
        };
        let Some(leg) = entry.leg_of(channel.leg) else {
            return;
        };
        if let Some(room) = leg.room.take() {
            leg.muted = false;
            self.rooms.leave(&room, &channel.uniqueid);
            self.changed(call);
        }
    }
}
