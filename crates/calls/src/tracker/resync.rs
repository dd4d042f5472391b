//! A lost link: nothing tells what happened meanwhile, so all is uncertain until the PBX has listed its channels.

use std::{collections::HashSet, time::Instant};

use ami::{ChannelState, Uniqueid};

use super::{CallTracker, ChannelKey};
use crate::{
    End, LiveChannel, Role,
    extensions::{Technology, technology_of},
};

/// More are not remembered: by then the list is complete or the link is lost again.
const MOST_GONE: usize = 10_000;

impl CallTracker {
    /// The link is gone. Calls stay as they were last seen, marked as uncertain.
    pub fn link_lost(&mut self, _now: Instant) {
        self.link += 1;
        self.gone_before_list = Some(HashSet::default());
        for key in self.by_id.values().copied().collect::<Vec<_>>() {
            let call = &mut self.calls[key].call;
            if call.ended.is_none() && std::mem::replace(&mut call.certain, false) {
                self.changed(key);
            }
        }
    }

    /// Takes the PBX's complete list of channels, after the first login and after every other.
    ///
    /// Calls of which no channel is listed have ended as [`End::Disconnected`]; listed channels that are new are born;
    /// what events have told since the login stays. An Originate of which there is no channel is lost: whether it ever
    /// rang cannot be known.
    pub fn resync(&mut self, list: &[LiveChannel], now: Instant) {
        let gone = self.gone_before_list.take().unwrap_or_default();
        let mut unknown = Vec::new();
        for live in list {
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
        self.pair_locals(&unknown);
        self.drop_unheard(now);
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
        self.channels[key].heard = self.link;
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
        let call = self.channels[key].call;
        let entry = &mut self.calls[call];
        entry.call.started = entry.call.started.min(born);
        let placed_it = live.uniqueid.as_str() == live.linkedid.as_str() && !live.was_dialled();
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
        }
        if technology_of(live.channel.as_str()) == Technology::Phone {
            self.give_leg_once(key);
        }
        self.take_state(key, live.state, now);
        if live.state != ChannelState::Ringing {
            self.changed(call);
        }
    }

    fn give_leg_once(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        let role = channel.role.unwrap_or(Role::Callee);
        if self.calls[channel.call]
            .leg_mut(&channel.uniqueid)
            .is_none()
        {
            self.give_leg(key, role);
        }
    }

    /// The halves of a Local pair differ in the last digit of their names only.
    fn pair_locals(&mut self, list: &[&LiveChannel]) {
        let locals = || {
            list.iter()
                .filter(|live| technology_of(live.channel.as_str()) == Technology::Local)
        };
        for far in locals() {
            let Some(stem) = far.channel.as_str().strip_suffix(";2") else {
                continue;
            };
            let near = locals().find(|near| near.channel.as_str().strip_suffix(";1") == Some(stem));
            let keys = near.and_then(|near| {
                Some((
                    *self.by_uniqueid.get(&near.uniqueid)?,
                    *self.by_uniqueid.get(&far.uniqueid)?,
                ))
            });
            if let Some((near, far)) = keys {
                self.channels[near].pair = Some(far);
                self.channels[far].pair = Some(near);
            }
        }
    }

    /// Channels that neither the list nor an event since the login has named are gone.
    fn drop_unheard(&mut self, now: Instant) {
        let unheard: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.heard != self.link)
            .map(|(key, _)| key)
            .collect();
        for key in unheard {
            self.remove(key, None, Some(End::Disconnected), now);
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
