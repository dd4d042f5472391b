//! A call with the bookkeeping that its readers do not see, and the verdict on how it ended.

use std::time::Instant;

use ami::{DialStatus, Linkedid};

use super::Attempt;
use crate::{
    Call, CallId, Cause, Direction, End, Leg, LegId, LegState, Parked, Party, QueueVisit, Role,
    Talk, Transfer, Transferred, Voicemail,
    extensions::{Extensions, endpoint_of},
};

slotmap::new_key_type! {
    pub(super) struct CallKey;
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) call: Call,
    /// The Linkedids under which it was seen; the first is nearly always the only one.
    pub(super) linkedids: Vec<Linkedid>,
    /// Live channels, Local halves and helpers included.
    pub(super) channels: usize,
    /// Its first channel was rung by an Originate, ours or another's.
    pub(super) originated: bool,
    /// Which side's phone hung up last: `HangupRequest` comes only from a phone that sent its own goodbye.
    pub(super) hung_up_by: Option<Role>,
    /// The caller hung up while somebody could still have answered, not on a busy tone or an announcement.
    pub(super) gave_up: bool,
    /// The caller's own hangup cause, for want of a better one.
    pub(super) caller_cause: Option<Cause>,
    /// Who took it by directed or group pickup; a queue names the member whose phone rang.
    pub(super) picked_up_by: Option<Box<str>>,
    /// `Started` has been handed out.
    pub(super) announced: bool,
    /// A change waits to be handed out.
    pub(super) queued: bool,
}

impl Entry {
    pub(super) fn new(id: CallId, now: Instant) -> Self {
        let call = Call {
            id,
            direction: Direction::Outgoing,
            caller: Party::default(),
            callee: Party::default(),
            dialled: None,
            line: None,
            legs: Vec::with_capacity(2),
            talks: Vec::new(),
            transfers: Vec::new(),
            queues: Vec::new(),
            parkings: Vec::new(),
            voicemail: None,
            originate: None,
            placed_by: None,
            started: now,
            picked_up: None,
            answered: None,
            ended: None,
            answered_by: None,
            recording: false,
            spying: false,
            end: None,
            ended_by: None,
            cause: None,
            certain: true,
        };
        Self {
            call,
            linkedids: Vec::with_capacity(1),
            channels: 0,
            originated: false,
            hung_up_by: None,
            gave_up: false,
            caller_cause: None,
            picked_up_by: None,
            announced: false,
            queued: false,
        }
    }

    /// A call of Local halves and helpers alone is no call that people see. What has been shown stays.
    pub(super) fn is_visible(&self) -> bool {
        self.announced || self.queued || !self.call.legs.is_empty()
    }

    /// By the leg's own name: a Uniqueid may come back after its channel was given up.
    pub(super) fn leg_of(&mut self, leg: Option<LegId>) -> Option<&mut Leg> {
        let id = leg?;
        self.call.legs.iter_mut().rev().find(|leg| leg.id == id)
    }

    pub(super) fn add_leg(&mut self, leg: Leg) {
        if self.call.legs.len() >= Call::LEGS {
            let oldest = |leg: &Leg| leg.state == LegState::Gone && leg.answered.is_none();
            let at = self.call.legs.iter().position(oldest).unwrap_or(1);
            self.call.legs.remove(at);
        }
        self.call.legs.push(leg);
    }

    /// What merged calls bring along.
    pub(super) fn take_history(&mut self) -> History {
        History {
            talks: std::mem::take(&mut self.call.talks),
            transfers: std::mem::take(&mut self.call.transfers),
            queues: std::mem::take(&mut self.call.queues),
            parkings: std::mem::take(&mut self.call.parkings),
            voicemail: self.call.voicemail.take(),
            line: self.call.line.take(),
            recording: std::mem::take(&mut self.call.recording),
        }
    }

    pub(super) fn take_over(&mut self, history: History) {
        let call = &mut self.call;
        call.talks.extend(history.talks);
        call.talks.sort_by_key(|talk| talk.from);
        call.transfers.extend(history.transfers);
        call.transfers.sort_by_key(|transfer| transfer.at);
        call.queues.extend(history.queues);
        call.parkings.extend(history.parkings);
        call.parkings.sort_by_key(|parked| parked.since);
        call.voicemail = call.voicemail.take().or(history.voicemail);
        call.recording |= history.recording;
        if call.line.is_none() {
            call.line = history.line;
        }
        keep_newest(&mut call.talks);
        keep_newest(&mut call.transfers);
        keep_newest(&mut call.queues);
        keep_newest(&mut call.parkings);
    }

    /// True if it was parked.
    pub(super) fn unpark(&mut self, now: Instant) -> bool {
        let parked = self.call.parkings.last_mut();
        let Some(parked) = parked.filter(|parked| parked.until.is_none()) else {
            return false;
        };
        parked.until = Some(now);
        true
    }

    /// Nobody has answered, or whoever did has passed the call on and nobody has taken it.
    pub(super) fn may_reach_voicemail(&self) -> bool {
        let is_pending = |transfer: &Transfer| transfer.outcome == Transferred::Pending;
        let was_passed_on = self.call.transfers.last().is_some_and(is_pending);
        self.call.answered.is_none() || (was_passed_on && self.call.talking().next().is_none())
    }

    pub(super) fn add_transfer(&mut self, transfer: Transfer) {
        if self.call.transfers.len() >= Call::STEPS {
            self.call.transfers.remove(0);
        }
        self.call.transfers.push(transfer);
    }

    pub(super) fn legs(&self, role: Role) -> impl Iterator<Item = &Leg> {
        self.call.legs.iter().filter(move |leg| leg.role == role)
    }

    /// Reads the direction off the legs: a line outside that calls makes it incoming, whoever it reaches.
    pub(super) fn settle_direction(&mut self, extensions: &Extensions) {
        if self.call.line.is_none() {
            let line = self.call.legs.iter().find(|leg| leg.extension.is_none());
            self.call.line = line.map(|leg| endpoint_of(leg.channel.as_str()).into());
        }
        let Some(caller) = self.legs(Role::Caller).next() else {
            return;
        };
        let inside = if caller.extension.is_none() {
            self.call.direction = Direction::Incoming;
            return;
        } else if self.legs(Role::Callee).next().is_some() {
            self.legs(Role::Callee).all(|leg| leg.extension.is_some())
        } else {
            self.call
                .dialled
                .as_deref()
                .is_some_and(|number| extensions.is_extension(number))
        };
        self.call.direction = if inside {
            Direction::Internal
        } else {
            Direction::Outgoing
        };
    }

    /// It has just become known whose phone an endpoint is; true when that is news to its legs.
    pub(super) fn name_legs(&mut self, endpoint: &str, extensions: &Extensions) -> bool {
        let extension = extensions.of_endpoint(endpoint);
        let mut is_news = false;
        for leg in &mut self.call.legs {
            if endpoint_of(leg.channel.as_str()) == endpoint && leg.extension != extension {
                leg.extension.clone_from(&extension);
                is_news = true;
            }
        }
        if !is_news {
            return false;
        }
        if self.call.line.as_deref() == Some(endpoint) && extension.is_some() {
            self.call.line = None;
        }
        let first = self.legs(Role::Caller).next();
        if first.is_some_and(|leg| endpoint_of(leg.channel.as_str()) == endpoint) {
            let caller = std::mem::take(&mut self.call.caller);
            self.call.caller = caller.of_extension(extension.as_ref());
        }
        self.settle_direction(extensions);
        true
    }

    /// How the call ended, or would have if it ended now, with the cause that says so.
    pub(super) fn verdict(&self, attempt: Option<&Attempt>) -> (End, Option<Cause>) {
        // Whoever answered without the caller was rung for nobody, by the caller's voicemail or forwarding.
        if self.originated && !self.caller_picked_up(attempt) {
            return self.why_caller_was_not_reached(attempt);
        }
        if self.call.answered.is_some() {
            return (self.who_hung_up(attempt), self.caller_cause);
        }
        if attempt.is_some_and(|attempt| attempt.cancelled) {
            return (End::Cancelled, self.caller_cause);
        }
        if let Some(voicemail) = &self.call.voicemail {
            let message = voicemail.message;
            return (End::Voicemail { message }, self.caller_cause);
        }
        // On a busy tone of the dialplan's own (`Busy`, for somebody who is not to be disturbed) the caller's phone says
        // goodbye too.
        let was_turned_away = self.legs(Role::Callee).next().is_none()
            && self.caller_cause.is_some_and(Cause::is_telling);
        if self.gave_up && !was_turned_away {
            let end = if self.was_with_pbx() {
                End::ByYou
            } else {
                End::Cancelled
            };
            return (end, self.caller_cause);
        }
        self.why_nobody_answered()
    }

    /// One of our people called the PBX itself, not anybody: a feature code, his mailbox, an announcement.
    fn was_with_pbx(&self) -> bool {
        let is_up = self.call.picked_up.is_some() || self.caller_picked_up(None);
        self.call.direction != Direction::Incoming
            && is_up
            && self.legs(Role::Callee).next().is_none()
    }

    fn who_hung_up(&self, attempt: Option<&Attempt>) -> End {
        let incoming = self.call.direction == Direction::Incoming || self.took_over_the_caller();
        match self.hung_up_by {
            _ if attempt.is_some_and(|attempt| attempt.cancelled) => End::ByYou,
            Some(Role::Caller) if incoming => End::ByThem,
            Some(Role::Caller) => End::ByYou,
            Some(Role::Callee) if incoming => End::ByYou,
            Some(Role::Callee) => End::ByThem,
            None => End::ByPbx,
        }
    }

    /// Who hung up was called from inside and talked with a line outside: a colleague to whom the caller of an outgoing
    /// call had passed it on.
    fn took_over_the_caller(&self) -> bool {
        let leg = |id| self.call.leg(id);
        let Some(by) = self.call.ended_by.and_then(leg) else {
            return false;
        };
        let last = self.call.talks.iter().rev();
        let mut last = last.filter(|talk| talk.legs.contains(&by.id));
        let talked_outside = last.next().is_some_and(|talk| {
            let mut others = talk.legs.iter().filter_map(|id| leg(*id));
            others.any(|other| other.extension.is_none())
        });
        self.call.direction == Direction::Outgoing
            && by.role == Role::Callee
            && by.extension.is_some()
            && talked_outside
    }

    /// A phone sent its goodbye, or we asked for it. Who hangs up first ends the talk; whoever passed the call on does
    /// not end it by leaving.
    pub(super) fn hung_up(&mut self, role: Role, leg: LegId) {
        let passed_on = |transfer: &Transfer| transfer.by_leg == Some(leg);
        if self.hung_up_by.is_some() || self.call.transfers.iter().any(passed_on) {
            return;
        }
        self.hung_up_by = Some(role);
        self.call.ended_by = Some(leg);
        let is_tried = |leg: &Leg| leg.state != LegState::Gone;
        let all_failed =
            self.legs(Role::Callee).next().is_some() && !self.legs(Role::Callee).any(is_tried);
        self.gave_up = role == Role::Caller && !all_failed;
    }

    /// These talk now: whoever said goodbye before has not ended the call. Unless he is one of them: on a busy PBX his
    /// channel comes into the bridge after that.
    pub(super) fn goes_on(&mut self, legs: &[LegId]) {
        if self.call.ended_by.is_none_or(|by| !legs.contains(&by)) {
            self.hung_up_by = None;
            self.call.ended_by = None;
        }
    }

    /// It was asked for and refused: the phone has not said goodbye.
    pub(super) fn not_hung_up(&mut self, leg: LegId) {
        if self.call.ended_by == Some(leg) && self.call.ended.is_none() {
            self.hung_up_by = None;
            self.call.ended_by = None;
            self.gave_up = false;
        }
    }

    /// Nobody took what was passed on.
    pub(super) fn fail_transfers(&mut self) {
        for transfer in &mut self.call.transfers {
            if transfer.outcome == Transferred::Pending {
                transfer.outcome = Transferred::Failed;
            }
        }
    }

    /// For a call of ours the agent's own phone, whatever else answered on his side.
    pub(super) fn caller_picked_up(&self, attempt: Option<&Attempt>) -> bool {
        self.call.legs.iter().any(|leg| {
            let is_his = match attempt {
                Some(known) => known.is_agents_phone(leg.channel.as_str()),
                None => leg.role == Role::Caller,
            };
            is_his && leg.answered.is_some()
        })
    }

    /// An Originate whose first phone never came up. `Reason` 3 is a timeout, 5 busy, 0 all the rest.
    fn why_caller_was_not_reached(&self, attempt: Option<&Attempt>) -> (End, Option<Cause>) {
        if attempt.is_some_and(|attempt| attempt.cancelled) {
            return (End::Cancelled, self.caller_cause);
        }
        let reason = attempt.and_then(|attempt| attempt.failure);
        let Some(leg) = self.legs(Role::Caller).last() else {
            return (End::of_refused_phone(reason), self.caller_cause);
        };
        let cause = leg.cause.or(self.caller_cause);
        let told = cause.filter(|cause| cause.is_telling());
        let end = match (&leg.dial_status, told) {
            _ if reason == Some(3) && leg.ringing.is_some() => End::YouDidNotPickUp,
            (_, Some(cause)) if cause.is_busy() => End::YouRejected,
            (Some(DialStatus::Busy), _) => End::YouRejected,
            _ if reason == Some(5) => End::YouRejected,
            // A registered phone that is switched off or out of reach: dialled, and never heard of.
            (_, Some(cause)) if cause.is_no_answer() && leg.ringing.is_none() => {
                End::YourPhoneOffline
            }
            (_, Some(cause)) if cause.is_no_answer() => End::YouDidNotPickUp,
            (Some(DialStatus::ChanUnavail), _) => End::YourPhoneOffline,
            (_, Some(cause)) if cause.is_no_such_number() || cause == Cause::NOT_REGISTERED => {
                End::YourPhoneOffline
            }
            (_, Some(cause)) => End::Failed { cause },
            // Nobody's phone hung up and no time ran out: an administrator or another program did it.
            (Some(DialStatus::NoAnswer), None) if cause == Some(Cause::NORMAL) => End::Cancelled,
            (_, None) if leg.ringing.is_none() => End::YourPhoneOffline,
            (_, None) => End::YouDidNotPickUp,
        };
        (end, cause)
    }

    /// The best that can be said of several attempts: a phone that rang outweighs one that was busy, and so on.
    fn why_nobody_answered(&self) -> (End, Option<Cause>) {
        let verdicts = self.legs(Role::Callee).map(|leg| {
            let cause = leg.cause.or(self.caller_cause);
            (unanswered(leg, cause), cause)
        });
        let weight = |end: &End| {
            [End::NoSuchNumber, End::Busy, End::NoAnswer]
                .iter()
                .position(|known| known == end)
        };
        if let Some(best) = verdicts.max_by_key(|(end, _)| weight(end)) {
            return best;
        }
        let end = match self.caller_cause {
            Some(cause) if cause.is_no_such_number() => End::NoSuchNumber,
            Some(cause) if cause.is_busy() => End::Busy,
            Some(cause) if cause.is_telling() => End::Failed { cause },
            Some(_) | None => End::ByPbx,
        };
        (end, self.caller_cause)
    }
}

/// What a call has been through, on its way to the call that it became.
pub(super) struct History {
    talks: Vec<Talk>,
    transfers: Vec<Transfer>,
    queues: Vec<QueueVisit>,
    parkings: Vec<Parked>,
    voicemail: Option<Voicemail>,
    line: Option<Box<str>>,
    recording: bool,
}

fn keep_newest<T>(steps: &mut Vec<T>) {
    let excess = steps.len().saturating_sub(Call::STEPS);
    steps.drain(..excess);
}

impl End {
    /// An Originate that failed before there was a channel of a phone.
    pub(super) fn of_refused_phone(reason: Option<u8>) -> Self {
        match reason {
            Some(3) => Self::YouDidNotPickUp,
            Some(5) => Self::YouRejected,
            Some(_) | None => Self::YourPhoneOffline,
        }
    }
}

fn unanswered(leg: &Leg, cause: Option<Cause>) -> End {
    match (&leg.dial_status, cause.filter(|cause| cause.is_telling())) {
        (_, Some(cause)) if cause.is_no_such_number() => End::NoSuchNumber,
        (_, Some(cause)) if cause.is_busy() => End::Busy,
        (_, Some(cause)) if cause.is_no_answer() => End::NoAnswer,
        (Some(DialStatus::Busy), _) => End::Busy,
        (_, Some(cause)) => End::Failed { cause },
        (Some(DialStatus::Congestion | DialStatus::ChanUnavail), None) => End::Failed {
            cause: cause.unwrap_or(Cause::UNKNOWN),
        },
        (_, None) => End::NoAnswer,
    }
}
