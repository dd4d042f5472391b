//! What each event of Asterisk does to channels and calls.

use std::time::Instant;

use ami::{ChannelName, ChannelState, DialProgress, DialStatus, Event, Extension, Uniqueid, Value};

use super::{
    CallKey, CallTracker, Channel, ChannelKey, Entry, KnownState, MOST_CHANNELS, MOST_STATES,
};
use crate::{
    Cause, Direction, End, Leg, LegState, Party, Role,
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
            Event::DialEnd { dest, status, .. } => self.dial_end(dest, *status, now),
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
            // A channel that moves between bridges, or whose other side changes, may show a new Linkedid here first.
            Event::BridgeEnter { channel, .. } | Event::BridgeLeave { channel, .. } => {
                self.known(channel, now);
            }
            Event::NewConnectedLine(_)
            | Event::NewAccountCode(_)
            | Event::SoftHangupRequest { .. }
            | Event::BridgeCreate { .. }
            | Event::BridgeDestroy { .. }
            | Event::BridgeMerge { .. }
            | Event::LocalOptimizationBegin { .. }
            | Event::LocalOptimizationEnd { .. }
            | Event::DeviceStateChange { .. }
            | Event::ContactStatus { .. }
            | Event::PeerStatus { .. }
            | Event::AttendedTransfer(_)
            | Event::BlindTransfer(_)
            | Event::Pickup { .. }
            | Event::ParkedCall { .. }
            | Event::UnParkedCall { .. }
            | Event::ParkedCallTimeOut { .. }
            | Event::ParkedCallGiveUp { .. }
            | Event::AgentCalled(_)
            | Event::AgentConnect(_)
            | Event::AgentRingNoAnswer(_)
            | Event::AgentComplete(_)
            | Event::QueueCallerJoin { .. }
            | Event::QueueCallerLeave { .. }
            | Event::QueueCallerAbandon { .. }
            | Event::FullyBooted
            | Event::Shutdown
            | Event::Reload
            | Event::CoreShowChannel(_)
            | Event::Status(_)
            | Event::BridgeListItem(_)
            | Event::BridgeInfoChannel(_)
            | Event::ParkedCallSwap { .. }
            | Event::QueueMember(_)
            | Event::QueueMemberRemoved { .. }
            | Event::QueueParams(_)
            | Event::QueueEntry(_)
            | Event::Newexten { .. }
            | Event::MixMonitorStart(_)
            | Event::MixMonitorStop(_)
            | Event::ChanSpyStart { .. }
            | Event::ChanSpyStop { .. }
            | Event::MessageWaiting(_)
            | Event::ConfbridgeStart { .. }
            | Event::ConfbridgeEnd { .. }
            | Event::ConfbridgeJoin(_)
            | Event::ConfbridgeLeave(_)
            | Event::ConfbridgeMute(_)
            | Event::ConfbridgeUnmute(_)
            | Event::ConfbridgeRecord { .. }
            | Event::ConfbridgeLock { .. }
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
            state: LegState::Dialling,
            pair: None,
            heard: self.link,
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
        known.heard = self.link;
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
            Some(to) if *to != from => self.join(key, *to, now),
            Some(_) => {}
            None => self.add_linkedid(from, linkedid),
        }
    }

    /// Moves a channel with its leg to another call. A call that loses its last channel this way has become the other.
    fn join(&mut self, key: ChannelKey, to: CallKey, now: Instant) {
        self.oddities.joined += 1;
        let channel = &mut self.channels[key];
        let from = std::mem::replace(&mut channel.call, to);
        let uniqueid = channel.uniqueid.clone();
        self.calls[to].channels += 1;
        let left = &mut self.calls[from];
        left.channels -= 1;
        let is_over = left.channels == 0;
        if let Some(leg) = left.take_leg(&uniqueid) {
            self.calls[to].add_leg(leg);
        }
        if is_over {
            self.move_attempt(from, to);
            let id = self.calls[to].call.id;
            self.end(from, Some(End::JoinedTo(id)), now);
        } else {
            self.changed(from);
        }
        self.changed(to);
    }

    fn rename(&mut self, uniqueid: Value<'_>, new_name: Value<'_>) {
        let Some(key) = self.by_uniqueid.get(&*uniqueid.text()).copied() else {
            self.oddities.unknown_channels += 1;
            return;
        };
        let name = ChannelName::from(new_name);
        let channel = &mut self.channels[key];
        channel.name = name.clone();
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        if let Some(leg) = self.calls[call].leg_mut(&uniqueid) {
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
        } else {
            self.on_leg(key, |leg| leg.state = leg.state.max(LegState::Up));
        }
    }

    /// A dialled phone or line answered. For the call that counts when it was the callee's.
    fn answered(&mut self, key: ChannelKey, now: Instant) {
        let channel = &mut self.channels[key];
        channel.state = LegState::Up;
        if !channel.is_phone() {
            return;
        }
        let (call, role) = (channel.call, channel.role.unwrap_or(Role::Callee));
        let mut extension = None;
        let is_new = self.on_leg(key, |leg| {
            leg.state = leg.state.max(LegState::Up);
            let is_new = leg.answered.is_none() && leg.gone.is_none();
            if is_new {
                leg.answered = Some(now);
                extension.clone_from(&leg.extension);
            }
            is_new
        });
        if is_new == Some(true) && role == Role::Callee && self.calls[call].call.answered.is_none()
        {
            let call_seen = &mut self.calls[call].call;
            call_seen.answered = Some(now);
            call_seen.answered_by = extension;
            self.advance_attempt(call);
        }
    }

    /// Changes the leg of a phone, which is made now if the phone has none; Local halves and helpers have none.
    fn on_leg<T>(&mut self, key: ChannelKey, change: impl FnOnce(&mut Leg) -> T) -> Option<T> {
        let channel = &self.channels[key];
        if !channel.is_phone() {
            return None;
        }
        let (call, role) = (channel.call, channel.role.unwrap_or(Role::Callee));
        if self.calls[call].leg_mut(&channel.uniqueid).is_none() {
            self.give_leg(key, role);
        }
        let leg = self.calls[call].leg_mut(&self.channels[key].uniqueid)?;
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
        entry.add_leg(Leg {
            uniqueid: channel.uniqueid.clone(),
            channel: channel.name.clone(),
            extension,
            role,
            state: LegState::Dialling,
            on_hold: false,
            ringing: None,
            answered: None,
            gone: None,
            dial_status: None,
            cause: None,
        });
        entry.settle_direction(&self.extensions);
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
        let role = self.side_dialled_by(caller.is_some(), caller_key);
        let channel = &mut self.channels[key];
        channel.role = Some(role);
        channel.dialled = true;
        let (call, is_phone) = (channel.call, channel.is_phone());
        let entry = &mut self.calls[call];
        entry.originated |= caller.is_none();
        let had_leg = match entry.leg_mut(&channel.uniqueid) {
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
        self.calls[call].settle_direction(&self.extensions);
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

    /// Whom a channel dials stands on the callee's side, but for what Asterisk dials to reach the caller himself: the
    /// first channel of an Originate, which nobody dials, and all behind its Local pair until somebody there is up.
    fn side_dialled_by(&self, has_caller: bool, caller: Option<ChannelKey>) -> Role {
        if !has_caller {
            return Role::Caller;
        }
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
    fn dial_end(&mut self, dest: &ami::Channel<'_>, status: DialStatus, now: Instant) {
        let Some(key) = self.known(dest, now) else {
            return;
        };
        if status == DialStatus::Answer {
            self.channels[key].dialled = true;
            self.answered(key, now);
            return;
        }
        let channel = &self.channels[key];
        if !channel.is_phone() {
            return;
        }
        let (call, uniqueid) = (channel.call, &channel.uniqueid);
        let Some(leg) = self.calls[call].leg_mut(uniqueid) else {
            return;
        };
        if leg.answered.is_some() || leg.gone.is_some() {
            self.oddities.doubled_dial_ends += 1;
            return;
        }
        leg.dial_status = Some(status);
        leg.state = LegState::Gone;
        leg.gone = Some(now);
        self.changed(call);
    }

    fn local_bridge(&mut self, one: &ami::Channel<'_>, two: &ami::Channel<'_>, now: Instant) {
        let (one, two) = (self.known(one, now), self.known(two, now));
        if let (Some(one), Some(two)) = (one, two) {
            self.channels[one].pair = Some(two);
            self.channels[two].pair = Some(one);
        }
    }

    fn hold(&mut self, channel: &ami::Channel<'_>, on_hold: bool, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        let Channel {
            call, ref uniqueid, ..
        } = self.channels[key];
        let Some(leg) = self.calls[call].leg_mut(uniqueid) else {
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

    /// The last party to hang up ended the call. A phone that was only ringing has rejected it, which ends nothing for
    /// the others.
    fn hung_up(&mut self, key: ChannelKey) {
        let channel = &self.channels[key];
        let placed_it = !channel.dialled;
        let entry = &mut self.calls[channel.call];
        let Some(leg) = entry.leg_mut(&channel.uniqueid) else {
            return;
        };
        let role = leg.role;
        if leg.answered.is_some() || (role == Role::Caller && placed_it) {
            entry.hung_up(role);
        }
    }

    fn hangup(&mut self, channel: &ami::Channel<'_>, cause: Cause, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            self.gone_before_list(&channel.uniqueid.text());
            return;
        };
        self.remove(key, Some(cause), None, now);
    }

    /// Takes a channel out of its call; with the last one the call ends.
    pub(super) fn remove(
        &mut self,
        key: ChannelKey,
        cause: Option<Cause>,
        because: Option<End>,
        now: Instant,
    ) {
        let Some(channel) = self.channels.remove(key) else {
            return;
        };
        self.by_uniqueid.remove(&channel.uniqueid);
        let entry = &mut self.calls[channel.call];
        entry.channels -= 1;
        let is_over = entry.channels == 0;
        let has_leg = match entry.leg_mut(&channel.uniqueid) {
            Some(leg) => {
                leg.state = LegState::Gone;
                leg.gone.get_or_insert(now);
                leg.cause = cause;
                leg.on_hold = false;
                true
            }
            None => false,
        };
        if channel.role == Some(Role::Caller) {
            entry.caller_cause = cause.or(entry.caller_cause);
        }
        if is_over {
            self.end(channel.call, because, now);
        } else if has_leg {
            self.changed(channel.call);
        }
    }

    fn extension_status(&mut self, status: &ami::ExtensionStatus<'_>) {
        let exten = status.exten.text();
        let Some(known) = self.states.get_mut(&*exten) else {
            self.new_extension(&exten, status);
            return;
        };
        if !known.hinted && !status.hint.is_unknown() {
            known.hinted = true;
            self.extensions.learn(&status.hint.text(), &exten);
        }
        if known.state == status.status {
            return;
        }
        known.state = status.status;
        if !std::mem::replace(&mut known.queued, true) {
            self.changed_states.push_back(Extension::from(&*exten));
        }
    }

    fn new_extension(&mut self, exten: &str, status: &ami::ExtensionStatus<'_>) {
        if self.states.len() >= MOST_STATES {
            self.oddities.over_limit += 1;
            return;
        }
        let hinted = !status.hint.is_unknown();
        if hinted {
            self.extensions.learn(&status.hint.text(), exten);
        }
        let known = KnownState {
            state: status.status,
            queued: true,
            hinted,
        };
        self.states.insert(exten.into(), known);
        self.changed_states.push_back(exten.into());
    }
}

impl Entry {
    /// Keeps the first number that was dialled. `s` is the start of a context, `h` its end: no numbers.
    pub(super) fn note_dialled(&mut self, exten: &str) {
        if self.call.dialled.is_none() && !matches!(exten, "" | "s" | "h" | "i" | "t") {
            self.call.dialled = Some(exten.into());
        }
    }

    /// Who was taken for the caller turns out to have been dialled.
    fn forget_caller(&mut self) {
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
