//! Calls that we placed: from the Originate's ChannelId to what the person is told.

use std::time::{Duration, Instant};

use ami::Uniqueid;

use super::{CallKey, CallTracker, Entry};
use crate::{End, Leg, LegState, Progress, Role, extensions::endpoint_of};

/// An Originate on its way.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// `PJSIP/101`: the phone that is to ring first.
    pub(super) agent: Box<str>,
    pub(super) progress: Progress,
    pub(super) call: Option<CallKey>,
    /// We asked for a hangup.
    pub(super) cancelled: bool,
    /// `Reason` of a failed `OriginateResponse`.
    pub(super) failure: Option<u8>,
    pub(super) queued: bool,
    /// The link's life in which it was sent.
    pub(super) link: u32,
    /// When to give up if nothing at all is heard of it.
    pub(super) deadline: Instant,
}

/// Longer than any ring time-out that we send: by then an `OriginateResponse` has come or never will.
const SILENCE: Duration = Duration::from_secs(90);

impl CallTracker {
    /// Announces an Originate before it is sent. `id` is its `ChannelId`, `agent` the phone that is to ring first
    /// (`PJSIP/101`), also where the action's `Channel` is a Local one.
    ///
    /// A second announcement of the same id is the same attempt.
    pub fn expect_originate(&mut self, id: Uniqueid, agent: &str, now: Instant) {
        if self.attempts.contains_key(&id) {
            return;
        }
        let attempt = Attempt {
            agent: agent.into(),
            progress: Progress::Queued,
            call: None,
            cancelled: false,
            failure: None,
            queued: true,
            link: self.link,
            deadline: now + SILENCE,
        };
        self.changed_attempts.push_back(id.clone());
        self.attempts.insert(id, attempt);
    }

    /// The action was answered with an error, or could not be sent: nothing will ring.
    pub fn originate_refused(&mut self, id: &Uniqueid, why: &str) {
        self.end_attempt(id, End::Refused(why.into()));
    }

    /// A hangup is being asked for: what ends now ended because the person wanted it.
    pub fn originate_cancelled(&mut self, id: &Uniqueid) {
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.cancelled = true;
        }
    }

    /// When [`CallTracker::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.attempts
            .values()
            .filter(|attempt| attempt.is_silent())
            .map(|attempt| attempt.deadline)
            .min()
    }

    /// Ends the attempts of which nothing was ever heard.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.end_attempts(&End::Disconnected, |attempt| {
            attempt.is_silent() && attempt.deadline <= now
        });
    }

    pub(super) fn end_attempts(&mut self, end: &End, which: impl Fn(&Attempt) -> bool) {
        let ids: Vec<_> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| which(attempt))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.end_attempt(&id, end.clone());
        }
    }

    pub(super) fn end_attempt(&mut self, id: &Uniqueid, end: End) {
        let attempt = self.attempts.get_mut(id);
        if attempt.is_some_and(|attempt| attempt.advance(Progress::Ended(end))) {
            self.changed_attempts.push_back(id.clone());
        }
    }

    /// `OriginateResponse`. Success says only that the first phone came up; a failure may come before or after the
    /// `Hangup` of its channel, which knows more.
    pub(super) fn originate_response(&mut self, id: &str, success: bool, reason: u8) {
        let Some((id, attempt)) = self.attempts.get_key_value(id) else {
            self.oddities.unknown_originates += 1;
            return;
        };
        if success {
            return;
        }
        let end = if attempt.cancelled {
            End::Cancelled
        } else {
            End::of_refused_phone(Some(reason))
        };
        let (id, has_call) = (id.clone(), attempt.call.is_some());
        if !has_call {
            self.end_attempt(&id, end);
        } else if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.failure = Some(reason);
        }
    }

    /// Ties a channel that was just born to the attempt that asked for it.
    pub(super) fn claim_for_attempt(&mut self, uniqueid: &Uniqueid, key: CallKey) {
        let Some(attempt) = self.attempts.get_mut(uniqueid) else {
            return;
        };
        attempt.call = Some(key);
        let entry = &mut self.calls[key];
        entry.originated = true;
        let id = entry.call.originate.get_or_insert_with(|| uniqueid.clone());
        if id != uniqueid {
            // Asterisk has put it into a call that we placed before, which goes by that name.
            let end = End::JoinedTo(entry.call.id);
            self.end_attempt(uniqueid, end);
        }
    }

    /// Whether this channel is the phone that an attempt rings first.
    pub(super) fn is_agents_phone(&self, key: CallKey, channel: &str) -> bool {
        let originate = self.calls[key].call.originate.as_ref();
        let attempt = originate.and_then(|id| self.attempts.get(id));
        attempt.is_some_and(|attempt| attempt.is_agents_phone(channel))
    }

    /// A call was joined to another: what we placed goes on there.
    pub(super) fn move_attempt(&mut self, from: CallKey, to: CallKey) {
        let Some(id) = self.calls[from].call.originate.clone() else {
            return;
        };
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.call = Some(to);
        self.calls[from].call.originate = None;
        let joined = &mut self.calls[to].call;
        if joined.originate.is_none() {
            joined.originate = Some(id);
        } else {
            // Two calls that we placed have become one, which goes by the other's name.
            let end = End::JoinedTo(joined.id);
            self.end_attempt(&id, end);
        }
    }

    pub(super) fn advance_attempt(&mut self, key: CallKey) {
        let entry = &self.calls[key];
        let Some(id) = &entry.call.originate else {
            return;
        };
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        let progress = entry.progress(attempt);
        if attempt.advance(progress) {
            self.changed_attempts.push_back(id.clone());
        }
    }
}

impl Attempt {
    fn is_silent(&self) -> bool {
        self.call.is_none() && self.progress == Progress::Queued
    }

    /// Not a phone to which his is forwarded.
    pub(super) fn is_agents_phone(&self, channel: &str) -> bool {
        *self.agent == *endpoint_of(channel)
    }

    /// Goes forward, never back; true when that has to be told and no earlier step waits to be.
    fn advance(&mut self, progress: Progress) -> bool {
        if progress.step() <= self.progress.step() {
            return false;
        }
        self.progress = progress;
        !std::mem::replace(&mut self.queued, true)
    }
}

impl Entry {
    /// How far the attempt is, read off the legs.
    ///
    /// As long as no phone of the agent is up nothing beyond counts, whatever Asterisk dials: behind a Local channel his
    /// voicemail can "answer", and then the other party is rung for nobody.
    fn progress(&self, attempt: &Attempt) -> Progress {
        if let Some(end) = &self.call.end {
            return Progress::Ended(end.clone());
        }
        if !self.caller_picked_up(Some(attempt)) {
            let rings = self
                .legs(Role::Caller)
                .any(|leg| leg.ringing.is_some() && attempt.is_agents_phone(leg.channel.as_str()));
            return if rings {
                Progress::RingingYourPhone
            } else {
                Progress::Queued
            };
        }
        // Joined to another call, his leg may stand on the other side of it.
        let own = |leg: &&Leg| attempt.is_agents_phone(leg.channel.as_str());
        let mut own_legs = self.call.legs.iter().filter(own);
        if own_legs.all(|leg| leg.state == LegState::Gone) {
            let passed_on = self.call.transfers.iter().any(|transfer| {
                let by = transfer.by_leg.and_then(|by| self.call.leg(by));
                by.is_some_and(|by| own(&by))
            });
            if passed_on || self.call.talking().next().is_some() {
                return Progress::Ended(End::Transferred);
            }
            return Progress::Ended(self.verdict(Some(attempt)).0);
        }
        if self.call.answered.is_some() {
            return Progress::Answered;
        }
        if self.legs(Role::Callee).any(|leg| leg.ringing.is_some()) {
            return Progress::RingingThere;
        }
        let is_dialled = self.legs(Role::Callee).next().is_some();
        if is_dialled {
            Progress::Calling
        } else {
            Progress::YouPickedUp
        }
    }
}
