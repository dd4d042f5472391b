//! What each event of Asterisk does to channels and calls.

use std::time::Instant;

use ami::{ChannelName, ChannelState, DialProgress, DialStatus, Event, Uniqueid, Value};

use super::{CallKey, CallTracker, Channel, ChannelKey, Entry, MOST_CHANNELS};
use crate::{
    Cause, Direction, End, Leg, LegId, LegState, Party, Role,
    extensions::{Technology, technology_of},
};

impl CallTracker {
    /// Takes one event, in the order in which events arrive. It cannot fail: what does not fit is counted.
    pub fn handle(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::Newchannel(channel) => self.newchannel(channel, now),
            Event::Newstate(channel) => self.newstate(channel, now),
            Event::NewCallerid(channel) => self.new_callerid(channel, now),
            Event::Rename {
                new_name, uniqueid, ..
            } => self.rename(*uniqueid, *new_name),
            Event::Hangup { channel, cause, .. } => self.hangup(channel, Cause(*cause), now),
            Event::HangupRequest { channel, .. } => self.hangup_request(channel, now),
            Event::DialBegin {
                caller,
                dest,
                dial_string,
            } => {
                self.dial_begin(caller.as_ref(), dest, *dial_string, now);
            }
            Event::DialState { dest, status, .. } => self.dial_state(dest, *status, now),
            Event::DialEnd {
                caller,
                dest,
                status,
                ..
            } => self.dial_end(caller.as_ref(), dest, *status, now),
            Event::LocalBridge { one, two, .. } => self.local_bridge(one, two, now),
            Event::Hold(channel) => self.hold(channel, true, now),
            Event::Unhold(channel) => self.hold(channel, false, now),
            Event::OriginateResponse(response) => {
                self.originate_response(
                    &response.uniqueid.text(),
                    response.success,
                    response.reason,
                );
            }
            Event::ExtensionStatus(status) => self.extension_status(status),
            Event::BridgeEnter {
                bridge, channel, ..
            } => self.bridge_enter(bridge, channel, now),
            Event::BridgeLeave { bridge, channel } => self.bridge_leave(bridge, channel, now),
            Event::NewConnectedLine(channel) => self.new_connected_line(channel, now),
            Event::AttendedTransfer(transfer) => self.attended_transfer(transfer, now),
            Event::BlindTransfer(transfer) => self.blind_transfer(transfer, now),
            Event::Pickup { channel, target } => self.pickup(channel, target, now),
            Event::ParkedCall {
                parkee, lot, space, ..
            } => self.parked(parkee, *lot, *space, now),
            Event::ParkedCallSwap { parkee, space } => self.parked(parkee, *space, *space, now),
            Event::UnParkedCall {
                parkee, retriever, ..
            } => self.unparked(parkee, Some(retriever), now),
            Event::ParkedCallTimeOut { parkee, .. } => {
                self.parked_too_long(parkee, now);
            }
            Event::ParkedCallGiveUp { parkee, .. } => self.unparked(parkee, None, now),
            Event::QueueCallerJoin {
                channel,
                queue,
                position,
            } => self.queue_join(channel, *queue, *position, now),
            Event::QueueCallerLeave { channel, .. } => self.queue_leave(channel, now),
            Event::QueueCallerAbandon { channel, .. } => self.queue_abandon(channel, now),
            Event::AgentCalled(call) => self.agent_called(call, now),
            Event::AgentConnect(call) => self.agent_connect(call, now),
            Event::Newexten {
                channel,
                application,
                app_data,
            } => self.application(channel, *application, *app_data, now),
            Event::MixMonitorStart(channel) => self.record(channel, true, now),
            Event::MixMonitorStop(channel) => self.record(channel, false, now),
            Event::ChanSpyStart { spyer, .. } => self.spy(spyer, now),
            Event::MessageWaiting(waiting) => self.message_waiting(waiting, now),
            Event::ConfbridgeJoin(member) => self.confbridge_join(member, now),
            Event::ConfbridgeLeave(member) => self.confbridge_leave(member, now),
            Event::ConfbridgeMute(member) => self.confbridge_mute(member, true, now),
            Event::ConfbridgeUnmute(member) => self.confbridge_mute(member, false, now),
            Event::ConfbridgeRecord { room, recording } => {
                self.rooms
                    .set(&room.text(), |room| room.recording = *recording);
            }
            Event::ConfbridgeLock { room, locked } => {
                self.rooms.set(&room.text(), |room| room.locked = *locked);
            }
            Event::NewAccountCode(_)
            | Event::SoftHangupRequest { .. }
            | Event::BridgeCreate { .. }
            | Event::BridgeDestroy { .. }
            | Event::BridgeMerge { .. }
            | Event::LocalOptimizationBegin { .. }
            | Event::LocalOptimizationEnd { .. }
            | Event::DeviceStateChange { .. }
            | Event::ContactStatus { .. }
            | Event::PeerStatus { .. }
            | Event::AgentRingNoAnswer(_)
            | Event::AgentComplete(_)
            | Event::FullyBooted
            | Event::Shutdown
            | Event::Reload
            | Event::CoreShowChannel(_)
            | Event::Status(_)
            | Event::BridgeListItem(_)
            | Event::BridgeInfoChannel(_)
            | Event::QueueMember(_)
            | Event::QueueMemberRemoved { .. }
            | Event::QueueParams(_)
            | Event::QueueEntry(_)
            | Event::ChanSpyStop { .. }
            | Event::ConfbridgeStart { .. }
            | Event::ConfbridgeEnd { .. }
            | Event::ConfbridgeListRooms { .. }
            | Event::ConfbridgeList(_)
            | Event::PresenceStatus { .. }
            | Event::PresenceStateChange { .. }
            | Event::Other(_) => {}
        }
    }

    fn newchannel(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        let uniqueid = channel.uniqueid.text();
        if uniqueid.is_empty() || self.by_uniqueid.contains_key(&*uniqueid) {
            self.oddities.born_twice += 1;
            return;
        }
        let party = Party::new(&channel.caller.num.text(), &channel.caller.name.text());
        let Some(key) = self.birth(
            &uniqueid,
            &channel.linkedid.text(),
            &channel.name.text(),
            party,
            now,
        ) else {
            return;
        };
        let known = &self.channels[key];
        let call = known.call;
        if known.role == Some(Role::Caller) && known.is_phone() {
            self.calls[call].note_dialled(&channel.exten.text());
            self.changed(call);
        }
    }

    /// Takes a channel in, into the call that its Linkedid names or into a new one. The first of a call places it.
    pub(super) fn birth(
        &mut self,
        uniqueid: &str,
        linkedid: &str,
        name: &str,
        party: Party,
        now: Instant,
    ) -> Option<ChannelKey> {
        if self.channels.len() >= MOST_CHANNELS {
            self.oddities.over_limit += 1;
            return None;
        }
        let (call, is_first) = match self.by_linkedid.get(linkedid) {
            Some(call) => (*call, false),
            None => (self.new_call(linkedid, now), true),
        };
        self.note_origin(call, uniqueid, linkedid, is_first);
        let uniqueid = Uniqueid::from(uniqueid);
        let technology = technology_of(name);
        self.calls[call].channels += 1;
        let key = self.channels.insert(Channel {
            uniqueid: uniqueid.clone(),
            linkedid: linkedid.into(),
            name: ChannelName::from(name),
            technology,
            call,
            party,
            role: is_first.then_some(Role::Caller),
            dialled: false,
            dialled_by: None,
            dialled_by_phone: false,
            state: LegState::Dialling,
            pair: None,
            bridge: None,
            leg: None,
            recording: false,
            application_known: false,
            doubted: false,
            heard: self.epoch,
            bridge_heard: self.epoch,
        });
        if !self.attempts.is_empty() {
            self.claim_for_attempt(&uniqueid, call);
        }
        self.by_uniqueid.insert(uniqueid, key);
        if is_first && technology == Technology::Phone {
            self.give_leg(key, Role::Caller);
        }
        Some(key)
    }

    fn note_origin(&mut self, call: CallKey, uniqueid: &str, linkedid: &str, is_first: bool) {
        let placed_by = &mut self.calls[call].call.placed_by;
        if is_first && uniqueid != linkedid {
            *placed_by = Some(Uniqueid::from(linkedid));
        } else {
            placed_by.take_if(|origin| origin.as_str() == uniqueid);
        }
    }

    fn new_call(&mut self, linkedid: &str, now: Instant) -> CallKey {
        let id = self.ids.next(now);
        let key = self.calls.insert(Entry::new(id, now));
        self.by_id.insert(id, key);
        self.add_linkedid(key, linkedid);
        key
    }

    fn add_linkedid(&mut self, key: CallKey, linkedid: &str) {
        self.by_linkedid.insert(linkedid.into(), key);
        self.calls[key].linkedids.push(linkedid.into());
    }

    /// The channel of an event, its Linkedid read again.
    pub(super) fn known(&mut self, channel: &ami::Channel<'_>, now: Instant) -> Option<ChannelKey> {
        let Some(key) = self.by_uniqueid.get(&*channel.uniqueid.text()).copied() else {
            self.oddities.unknown_channels += 1;
            return None;
        };
        let known = &mut self.channels[key];
        known.heard = self.epoch;
        known.doubted = false;
        let linkedid = channel.linkedid;
        if known.linkedid.as_str().as_bytes() != linkedid.bytes() && !linkedid.is_unknown() {
            self.relink(key, &linkedid.text(), now);
        }
        Some(key)
    }

    /// A channel has another Linkedid: if that is of another call, it joins it; else its call has one more name.
    pub(super) fn relink(&mut self, key: ChannelKey, linkedid: &str, now: Instant) {
        if self.channels[key].linkedid.as_str() == linkedid {
            return;
        }
        self.channels[key].linkedid = linkedid.into();
        let from = self.channels[key].call;
        match self.by_linkedid.get(linkedid) {
            Some(to) if *to != from => {
                let to = *to;
                self.merge(from, to, now);
            }
            Some(_) => {}
            None => self.add_linkedid(from, linkedid),
        }
    }

    fn rename(&mut self, uniqueid: Value<'_>, new_name: Value<'_>) {
        let Some(key) = self.by_uniqueid.get(&*uniqueid.text()).copied() else {
            self.oddities.unknown_channels += 1;
            return;
        };
        let name = ChannelName::from(new_name);
        let channel = &mut self.channels[key];
        channel.name = name.clone();
        let (call, leg) = (channel.call, channel.leg);
        if let Some(leg) = self.calls[call].leg_of(leg) {
            leg.channel = name;
            self.changed(call);
        }
    }

    fn newstate(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        self.take_state(key, channel.state, now);
    }

    /// A state only rises: events of different kinds overtake each other.
    pub(super) fn take_state(&mut self, key: ChannelKey, state: ChannelState, now: Instant) {
        match state {
            ChannelState::Ringing => self.ring(key, now),
            ChannelState::Up => self.up(key, now),
            ChannelState::Down
            | ChannelState::Reserved
            | ChannelState::OffHook
            | ChannelState::Dialing
            | ChannelState::Ring
            | ChannelState::Busy
            | ChannelState::DialingOffHook
            | ChannelState::PreRing
            | ChannelState::Unknown => {}
        }
    }

    fn ring(&mut self, key: ChannelKey, now: Instant) {
        if self.channels[key].state >= LegState::Ringing {
            return;
        }
        self.channels[key].state = LegState::Ringing;
        self.on_leg(key, |leg| {
            leg.state = leg.state.max(LegState::Ringing);
            leg.ringing = Some(now);
        });
    }

    fn up(&mut self, key: ChannelKey, now: Instant) {
        if self.channels[key].state >= LegState::Up {
            return;
        }
        self.channels[key].state = LegState::Up;
        if self.channels[key].dialled {
            self.answered(key, now);
            if self.channels[key].dialled_by_phone {
                self.answered_by_dial(key, now);
            }
        } else {
            self.on_leg(key, |leg| leg.state = leg.state.max(LegState::Up));
            let (call, is_caller) = (
                self.channels[key].call,
                self.channels[key].role == Some(Role::Caller),
            );
            let tried = self.calls[call]
                .legs(Role::Callee)
                .any(|leg| leg.answered.is_some());
            if is_caller && self.channels[key].is_phone() && !tried {
                self.calls[call].call.picked_up.get_or_insert(now);
                self.wonder(key);
            }
        }
    }

    /// A dialled phone or line answered. The call is answered when it talks with somebody: a mobile of a follow-me may
    /// yet decline, and a voicemail of the caller's own talks with nobody.
    fn answered(&mut self, key: ChannelKey, now: Instant) {
        let channel = &mut self.channels[key];
        channel.state = LegState::Up;
        if !channel.is_phone() {
            return;
        }
        let call = channel.call;
        self.on_leg(key, |leg| {
            leg.state = leg.state.max(LegState::Up);
            if leg.gone.is_none() {
                leg.answered.get_or_insert(now);
            }
        });
        self.advance_attempt(call);
    }

    /// Changes the leg of a phone, which is made now if the phone has none; Local halves and helpers have none.
    fn on_leg<T>(&mut self, key: ChannelKey, change: impl FnOnce(&mut Leg) -> T) -> Option<T> {
        let channel = &self.channels[key];
        if !channel.is_phone() {
            return None;
        }
        let (call, role) = (channel.call, channel.role.unwrap_or(Role::Callee));
        if self.calls[call].leg_of(channel.leg).is_none() {
            self.give_leg(key, role);
        }
        let leg = self.calls[call].leg_of(self.channels[key].leg)?;
        let result = change(leg);
        self.changed(call);
        Some(result)
    }

    /// Shows a phone or line in its call. The first that calls gives the call its caller.
    pub(super) fn give_leg(&mut self, key: ChannelKey, role: Role) {
        let channel = &self.channels[key];
        let entry = &mut self.calls[channel.call];
        let extension = self.extensions.of(channel.name.as_str());
        if role == Role::Caller && entry.call.caller.is_anonymous() {
            entry.call.caller = channel.party.clone().of_extension(extension.as_ref());
        }
        self.last_leg += 1;
        let id = LegId(self.last_leg);
        entry.add_leg(Leg {
            id,
            uniqueid: channel.uniqueid.clone(),
            channel: channel.name.clone(),
            extension,
            dialled: None,
            role,
            state: LegState::Dialling,
            talking: false,
            on_hold: false,
            room: None,
            muted: false,
            ringing: None,
            answered: None,
            gone: None,
            dial_status: None,
            cause: None,
        });
        entry.settle_direction(&self.extensions);
        self.channels[key].leg = Some(id);
    }

    pub(super) fn give_leg_once(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        if channel.leg.is_none() && channel.is_phone() {
            self.give_leg(key, channel.role.unwrap_or(Role::Callee));
        }
    }

    fn new_callerid(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        let known = &self.channels[key];
        let call = known.call;
        let caller = &self.calls[call].call.caller;
        let is_complete = caller.number.is_some() && caller.name.is_some();
        if known.role != Some(Role::Caller) || known.dialled || !known.is_phone() || is_complete {
            return;
        }
        let party = Party::new(&channel.caller.num.text(), &channel.caller.name.text());
        if self.calls[call].complete_caller(party) {
            self.changed(call);
        }
    }

    /// Somebody is being dialled. Who, by whom and for which side of the call is known from here on.
    fn dial_begin(
        &mut self,
        caller: Option<&ami::Channel<'_>>,
        dest: &ami::Channel<'_>,
        dial_string: Value<'_>,
        now: Instant,
    ) {
        let caller_key = caller.and_then(|caller| self.known(caller, now));
        if let (Some(caller), Some(key)) = (caller, caller_key) {
            self.take_state(key, caller.state, now);
        }
        let Some(key) = self.known(dest, now) else {
            return;
        };
        let role = match caller {
            Some(_) => self.side_dialled_by(caller_key),
            None => self.side_dialled_by_nobody(key),
        };
        let caller_is_phone =
            caller.is_some_and(|caller| technology_of(&caller.name.text()) == Technology::Phone);
        let channel = &mut self.channels[key];
        channel.role = Some(role);
        channel.dialled = true;
        channel.dialled_by = caller_key;
        channel.dialled_by_phone = caller_is_phone;
        let (call, is_phone) = (channel.call, channel.is_phone());
        let entry = &mut self.calls[call];
        entry.originated |= caller.is_none() && role == Role::Caller;
        let had_leg = match entry.leg_of(channel.leg) {
            Some(leg) if leg.role == role => true,
            Some(leg) => {
                leg.role = role;
                entry.forget_caller();
                true
            }
            None => false,
        };
        if role == Role::Callee {
            let exten = caller.map(|caller| caller.exten.text()).unwrap_or_default();
            entry.note_dialled(&exten);
            entry.note_dialled(dialled_number(&dial_string.text()));
        }
        if !is_phone {
            return;
        }
        if !had_leg {
            self.give_leg(key, role);
        }
        let entry = &mut self.calls[call];
        if let Some(leg) = entry.leg_of(self.channels[key].leg)
            && leg.extension.is_none()
            && leg.dialled.is_none()
        {
            let number = dial_string.text();
            let number = Some(dialled_number(&number)).filter(|number| is_number(number));
            leg.dialled = number.map(Into::into);
        }
        entry.settle_direction(&self.extensions);
        if let (Some(caller), None) = (caller, caller_key) {
            self.take_unseen_caller(call, caller);
        }
        self.changed(call);
    }

    /// The caller's own birth was missed, or comes with the list: `DialBegin` says enough for the card.
    fn take_unseen_caller(&mut self, call: CallKey, caller: &ami::Channel<'_>) {
        let name = caller.name.text();
        let entry = &mut self.calls[call];
        let is_known = entry.legs(Role::Caller).next().is_some();
        if is_known || technology_of(&name) != Technology::Phone {
            return;
        }
        let extension = self.extensions.of(&name);
        let party = Party::new(&caller.caller.num.text(), &caller.caller.name.text());
        entry.call.direction = match extension {
            Some(_) => Direction::Outgoing,
            None => Direction::Incoming,
        };
        entry.call.caller = party.of_extension(extension.as_ref());
    }

    /// The first channel of an Originate is dialled by nobody. `Page` says as little of whom it calls, but puts them into
    /// a call that has a caller.
    fn side_dialled_by_nobody(&self, key: ChannelKey) -> Role {
        let channel = &self.channels[key];
        let entry = &self.calls[channel.call];
        let is_another = |leg: &Leg| Some(leg.id) != channel.leg;
        let is_called = channel.role != Some(Role::Caller)
            && !self.attempts.contains_key(&channel.uniqueid)
            && entry.legs(Role::Caller).any(is_another);
        if is_called {
            Role::Callee
        } else {
            Role::Caller
        }
    }

    /// Whom a channel dials stands on the callee's side, but for what Asterisk dials to reach the caller himself: all
    /// behind an Originate's Local pair until somebody there is up.
    fn side_dialled_by(&self, caller: Option<ChannelKey>) -> Role {
        let Some(caller) = caller.map(|key| &self.channels[key]) else {
            return Role::Callee;
        };
        let is_far_half =
            caller.technology == Technology::Local && caller.name.as_str().ends_with(";2");
        let near_half = caller.pair.and_then(|pair| self.channels.get(pair));
        match near_half {
            Some(near_half) if is_far_half && near_half.state < LegState::Up => {
                near_half.role.unwrap_or(Role::Callee)
            }
            Some(_) | None => Role::Callee,
        }
    }

    fn dial_state(&mut self, dest: &ami::Channel<'_>, status: DialProgress, now: Instant) {
        let Some(key) = self.known(dest, now) else {
            return;
        };
        match status {
            DialProgress::Ringing => self.ring(key, now),
            DialProgress::Progress | DialProgress::Proceeding | DialProgress::Other => {}
        }
    }

    /// Dial is done with a phone: it answered, or it rings no longer. Its `Hangup` brings the cause.
    fn dial_end(
        &mut self,
        caller: Option<&ami::Channel<'_>>,
        dest: &ami::Channel<'_>,
        status: DialStatus,
        now: Instant,
    ) {
        let Some(key) = self.known(dest, now) else {
            return;
        };
        if status == DialStatus::Answer {
            // Who picks up a call that rings elsewhere answers for it without having been dialled.
            let caller = caller.and_then(|caller| self.by_uniqueid.get(&*caller.uniqueid.text()));
            let caller = caller.copied();
            if let Some(caller) = caller.map(|key| self.channels[key].call)
                && caller != self.channels[key].call
            {
                self.merge(caller, self.channels[key].call, now);
            }
            if caller.is_some_and(|caller| self.channels[caller].is_phone()) {
                self.channels[key].dialled = true;
                self.answered(key, now);
                self.answered_by_dial(key, now);
                return;
            }
            self.channels[key].dialled = true;
            self.answered(key, now);
            return;
        }
        let channel = &self.channels[key];
        if !channel.is_phone() {
            return;
        }
        let call = channel.call;
        let Some(leg) = self.calls[call].leg_of(channel.leg) else {
            return;
        };
        if leg.gone.is_some() {
            self.oddities.doubled_dial_ends += 1;
            return;
        }
        if leg.answered.is_some() {
            self.declined(key);
            return;
        }
        leg.dial_status = Some(status);
        leg.state = LegState::Gone;
        leg.gone = Some(now);
        self.changed(call);
    }

    /// Up, and yet Dial goes on: who picked up was asked whether he takes the call, and did not (`CONTINUE`).
    fn declined(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        let entry = &mut self.calls[channel.call];
        let talked = entry.call.talks.iter().any(|talk| {
            let leg = channel.leg;
            leg.is_some_and(|leg| talk.legs.contains(&leg))
        });
        if talked {
            self.oddities.doubled_dial_ends += 1;
            return;
        }
        if entry.call.talks.is_empty() && entry.call.answered.take().is_some() {
            entry.call.answered_by = None;
            self.changed(channel.call);
        }
    }

    /// A phone that another phone's channel has dialled is up: they will talk in a moment. Behind a Local pair this is not
    /// certain.
    fn answered_by_dial(&mut self, key: ChannelKey, now: Instant) {
        let channel = &self.channels[key];
        let answered = &mut self.calls[channel.call].call;
        let is_callee = channel.is_phone() && channel.role == Some(Role::Callee);
        if is_callee && answered.answered.is_none() {
            answered.answered = Some(now);
            answered.answered_by = self.extensions.of(channel.name.as_str());
            self.changed(channel.call);
        }
    }

    fn local_bridge(&mut self, one: &ami::Channel<'_>, two: &ami::Channel<'_>, now: Instant) {
        let (one, two) = (self.known(one, now), self.known(two, now));
        if let (Some(one), Some(two)) = (one, two) {
            self.pair(one, two, now);
        }
    }

    pub(super) fn pair(&mut self, one: ChannelKey, two: ChannelKey, now: Instant) {
        self.channels[one].pair = Some(two);
        self.channels[two].pair = Some(one);
        let group = self.group(one);
        self.settle_talk(&group, now);
    }

    fn unpair(&mut self, key: ChannelKey) {
        if let Some(pair) = self.channels[key].pair.take()
            && let Some(other) = self.channels.get_mut(pair)
        {
            other.pair = None;
        }
    }

    fn hold(&mut self, channel: &ami::Channel<'_>, on_hold: bool, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        let Channel { call, leg, .. } = self.channels[key];
        let Some(leg) = self.calls[call].leg_of(leg) else {
            return;
        };
        if std::mem::replace(&mut leg.on_hold, on_hold) != on_hold {
            self.changed(call);
        }
    }

    /// A phone said goodbye by itself.
    fn hangup_request(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        if let Some(key) = self.known(channel, now) {
            self.hung_up(key);
        }
    }

    /// Notes that we ask Asterisk to hang this channel up: then no `HangupRequest` tells who wanted it.
    pub fn hangup_asked(&mut self, uniqueid: &Uniqueid) {
        if let Some(key) = self.by_uniqueid.get(uniqueid).copied() {
            self.hung_up(key);
        }
    }

    /// Asterisk refused to.
    pub fn hangup_refused(&mut self, uniqueid: &Uniqueid) {
        let Some(channel) = self
            .by_uniqueid
            .get(uniqueid)
            .map(|key| &self.channels[*key])
        else {
            return;
        };
        if let Some(leg) = channel.leg {
            self.calls[channel.call].not_hung_up(leg);
        }
    }

    /// A phone that talks ends the talk. One that was only ringing has rejected the call, which ends nothing for the
    /// others; a caller whom nobody has answered gives up.
    fn hung_up(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        let placed_it = !channel.dialled;
        let entry = &mut self.calls[channel.call];
        let Some(leg) = channel.leg.and_then(|id| entry.call.leg(id)) else {
            return;
        };
        let (id, role) = (leg.id, leg.role);
        let others_talk = entry.call.talking().next().is_some();
        let takes_part = leg.answered.is_some() || (role == Role::Caller && placed_it);
        if leg.talking || (takes_part && !others_talk) {
            entry.hung_up(role, id);
        }
    }

    fn hangup(&mut self, channel: &ami::Channel<'_>, cause: Cause, now: Instant) {
        // The list that is on its way may have been written before.
        self.gone_before_list(&channel.uniqueid.text());
        if let Some(key) = self.known(channel, now) {
            self.remove(key, Some(cause), None, now);
        }
    }

    /// Takes a channel out of its call; with the last one the call ends.
    pub(super) fn remove(
        &mut self,
        key: ChannelKey,
        cause: Option<Cause>,
        because: Option<End>,
        now: Instant,
    ) {
        if !self.channels.contains_key(key) {
            return;
        }
        if self.channels[key].bridge.is_some() || self.channels[key].pair.is_some() {
            let before = self.group(key);
            self.leave_bridge(key);
            self.unpair(key);
            self.settle_talk(&before, now);
        }
        self.leave_room(key);
        let Some(channel) = self.channels.remove(key) else {
            return;
        };
        self.by_uniqueid.remove(&channel.uniqueid);
        let entry = &mut self.calls[channel.call];
        entry.channels -= 1;
        let is_over = entry.channels == 0;
        let has_leg = match entry.leg_of(channel.leg) {
            Some(leg) => {
                leg.state = LegState::Gone;
                leg.gone.get_or_insert(now);
                leg.cause = cause;
                leg.on_hold = false;
                leg.room = None;
                true
            }
            None => false,
        };
        if channel.role == Some(Role::Caller) {
            entry.caller_cause = cause.or(entry.caller_cause);
        }
        if channel.recording {
            self.settle_recording(channel.call);
        }
        if is_over {
            self.end(channel.call, because, now);
        } else if has_leg {
            self.changed(channel.call);
        }
    }

    /// What a hint stands for says whose phones they are; its state is kept by [`States`](crate::States).
    fn extension_status(&mut self, status: &ami::ExtensionStatus<'_>) {
        if !status.hint.is_unknown() {
            self.extensions
                .learn(&status.hint.text(), &status.exten.text());
        }
    }
}

impl Entry {
    /// Keeps the first number that was dialled.
    pub(super) fn note_dialled(&mut self, exten: &str) {
        if self.call.dialled.is_none() && is_number(exten) {
            self.call.dialled = Some(exten.into());
        }
    }

    /// Who was taken for the caller turns out to have been dialled.
    pub(super) fn forget_caller(&mut self) {
        self.call.caller = Party::default();
        self.call.dialled = None;
    }

    /// Fills in what is missing of the caller; what is there stays. A name that holds the number is a prefix that a
    /// queue put before it (`Support:+7916…`), not a name.
    fn complete_caller(&mut self, party: Party) -> bool {
        let caller = &mut self.call.caller;
        let before = (caller.number.is_some(), caller.name.is_some());
        if caller.number.is_none() {
            caller.number = party.number;
        }
        if caller.name.is_none() {
            let holds_number = |name: &str| {
                caller
                    .number
                    .as_deref()
                    .is_some_and(|number| name.contains(number))
            };
            caller.name = party.name.filter(|name| !holds_number(name));
        }
        before != (caller.number.is_some(), caller.name.is_some())
    }
}

/// `s` is the start of a context, `h` its end: no numbers.
fn is_number(exten: &str) -> bool {
    !matches!(exten, "" | "s" | "h" | "i" | "t")
}

/// The number in a dial string: `79161112233@trunk`, `101/sip:101@127.0.0.1:42638;ob`, `trunk/79161112233`.
fn dialled_number(dial_string: &str) -> &str {
    let before_at = dial_string
        .split_once('@')
        .map_or(dial_string, |(number, _)| number);
    before_at.split_once('/').map_or(
        before_at,
        |(endpoint, rest)| if rest.contains(':') { endpoint } else { rest },
    )
}
