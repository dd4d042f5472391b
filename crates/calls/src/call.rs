//! One call as people see it: who called whom, which phones rang, who answered, how it ended.

mod history;

pub use history::{
    Parked, QueueVisit, Taken, Talk, Transfer, TransferKind, Transferred, Voicemail,
};

use std::time::{Duration, Instant};

use ami::{ChannelName, DialStatus, Extension, Uniqueid};

use crate::{CallId, Cause};

/// A call: all channels that belong together, Local pairs folded away.
///
/// Instants are those that the caller of [`CallTracker::handle`](crate::CallTracker::handle) gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub id: CallId,
    pub direction: Direction,
    /// Who calls. The first name and number seen are kept: queues and ring groups put prefixes before them later.
    pub caller: Party,
    /// Whom the caller's phone shows as the other side, as far as the PBX has told it.
    pub callee: Party,
    /// What was dialled: the DID of an incoming call, the number or extension of an outgoing one.
    pub dialled: Option<Box<str>>,
    /// The line to the outside by which it came or went: `PJSIP/trunk`.
    pub line: Option<Box<str>>,
    /// Every phone and line that took part, in the order in which they came; at most [`Call::LEGS`].
    pub legs: Vec<Leg>,
    /// Who talked with whom and when, oldest first; at most [`Call::STEPS`], as for the other histories.
    pub talks: Vec<Talk>,
    /// How it was passed on.
    pub transfers: Vec<Transfer>,
    /// The queues in which the caller waited.
    pub queues: Vec<QueueVisit>,
    /// Where it was parked, the last maybe still.
    pub parkings: Vec<Parked>,
    /// The caller was sent to voicemail.
    pub voicemail: Option<Voicemail>,
    /// The ChannelId of the Originate that made this call, when it was announced to the tracker.
    pub originate: Option<Uniqueid>,
    /// The channel that placed it, where nobody has seen it: it had gone before the PBX was first asked, and its
    /// Linkedid on others is all that is left of it.
    pub placed_by: Option<Uniqueid>,
    pub started: Instant,
    /// When the PBX itself picked up for the caller (IVR, queue, announcement, voicemail), which is no answer.
    pub picked_up: Option<Instant>,
    /// When two parties first talked, or the caller came into a conference room.
    pub answered: Option<Instant>,
    pub ended: Option<Instant>,
    /// The extension that answered first; `None` when nobody did, or a line outside did.
    pub answered_by: Option<Extension>,
    /// Being recorded now by MixMonitor.
    pub recording: bool,
    /// A channel of it listens to another call (ChanSpy); it is no party of that one.
    pub spying: bool,
    pub end: Option<End>,
    /// The leg whose phone hung up and so ended it.
    pub ended_by: Option<LegId>,
    /// Why, in the PBX's terms: the Q.850 cause that decided the end.
    pub cause: Option<Cause>,
    /// False while the link is down: the call may have gone on or ended since.
    pub certain: bool,
}

/// Whose call it is, seen from our extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a line outside.
    Incoming,
    /// From one of our extensions to a line outside.
    Outgoing,
    /// Between our extensions.
    Internal,
}

/// Number and name as the PBX gave them; `None` for what is withheld.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Party {
    pub number: Option<Box<str>>,
    pub name: Option<Box<str>>,
}

/// Names a leg for as long as its tracker lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub(crate) u64);

/// One channel of a phone or line in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub id: LegId,
    pub uniqueid: Uniqueid,
    /// What `Hangup` and `Redirect` want in their `Channel`.
    pub channel: ChannelName,
    /// Whose phone it is; `None` for a line outside.
    pub extension: Option<Extension>,
    /// The number that was dialled to reach a line outside.
    pub dialled: Option<Box<str>>,
    pub role: Role,
    pub state: LegState,
    /// In a bridge with another party; on hold it still is.
    pub talking: bool,
    pub on_hold: bool,
    /// The conference room it is in.
    pub room: Option<Box<str>>,
    /// Muted in that room.
    pub muted: bool,
    /// When the phone began to ring.
    pub ringing: Option<Instant>,
    /// When the party answered.
    pub answered: Option<Instant>,
    pub gone: Option<Instant>,
    /// What Dial said of it at the end, if it ended unanswered.
    pub dial_status: Option<DialStatus>,
    /// Why the leg ended.
    pub cause: Option<Cause>,
}

/// On which end of the call a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Placed the call; of an originated call the phone that is rung first.
    Caller,
    /// Was dialled.
    Callee,
}

/// Where a leg is in its life. It only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegState {
    /// Known to the PBX; not heard of from the phone yet. A caller stays here until something answers.
    Dialling,
    Ringing,
    Up,
    Gone,
}

/// How a call, or an attempt to make one, ended. "You" is our side: of an internal call, the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The other side hung up after the answer.
    ByThem,
    /// Our side hung up after the answer.
    ByYou,
    /// No phone hung up: the dialplan, a time limit or an administrator ended it.
    ByPbx,
    /// The dialled party was busy or rejected the call.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The phone that should ring first is not registered or does not exist.
    YourPhoneOffline,
    /// The phone that should ring first rang, and nobody picked it up.
    YouDidNotPickUp,
    /// The phone that should ring first rejected the call.
    YouRejected,
    /// The caller gave up before anybody answered.
    Cancelled,
    /// Nobody talked with the caller; the voicemail took the call. A message was left, or not.
    Voicemail { message: bool },
    /// Of a call that we placed: the agent passed it on, and it goes on without him.
    Transferred,
    /// The network does not know the number.
    NoSuchNumber,
    /// Asterisk refused the Originate at once; its own words.
    Refused(Box<str>),
    /// Anything else that went wrong.
    Failed { cause: Cause },
    /// It was joined to another call (attended transfer, pickup), which goes on.
    JoinedTo(CallId),
    /// It ended, or its outcome was lost, while there was no link to the PBX.
    Disconnected,
}

impl Call {
    /// The most legs that one call remembers; beyond it the oldest that ended unanswered is dropped
    /// (a caller who waits for hours in a queue rings every member again and again).
    pub const LEGS: usize = 64;
    /// The most talks, transfers and visits of queues that one call remembers; the oldest go first.
    pub const STEPS: usize = 32;

    /// An incoming call that ended without an answer, the link being up.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        let lost = matches!(self.end, None | Some(End::Disconnected | End::JoinedTo(_)));
        self.direction == Direction::Incoming && self.answered.is_none() && !lost
    }

    /// The legs that ring now.
    pub fn ringing(&self) -> impl Iterator<Item = &Leg> {
        self.legs
            .iter()
            .filter(|leg| leg.state == LegState::Ringing)
    }

    /// The legs of this extension: several when it has several phones or rang several times.
    pub fn legs_of<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a Leg> {
        let is_its = move |leg: &&Leg| {
            leg.extension
                .as_ref()
                .is_some_and(|own| own.as_str() == extension)
        };
        self.legs.iter().filter(is_its)
    }

    /// A leg by its name.
    #[must_use]
    pub fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id == id)
    }

    /// Where it is parked now.
    #[must_use]
    pub fn parked(&self) -> Option<&Parked> {
        self.parkings.last().filter(|parked| parked.until.is_none())
    }

    /// The talks that go on now.
    pub fn talking(&self) -> impl Iterator<Item = &Talk> {
        self.talks.iter().filter(|talk| talk.until.is_none())
    }

    /// How long people talked in it, or have until `now`; holds count, waiting and ringing between transfers do not.
    /// Two talks at the same time (a consultation while the caller is on hold) count once. In a conference room the
    /// stay counts.
    #[must_use]
    pub fn talk_time(&self, now: Instant) -> Option<Duration> {
        let answered = self.answered?;
        let mut total = Duration::ZERO;
        let mut counted = answered;
        for talk in &self.talks {
            let until = talk.until.unwrap_or(now);
            total += until.saturating_duration_since(talk.from.max(counted));
            counted = counted.max(until);
        }
        if self.talks.is_empty() {
            total = self
                .ended
                .unwrap_or(now)
                .saturating_duration_since(answered);
        }
        Some(total)
    }

    /// From the first ring of a phone that was called until somebody answered or all was over.
    #[must_use]
    pub fn ring_time(&self, now: Instant) -> Option<Duration> {
        let rang = self.legs.iter().filter(|leg| leg.role == Role::Callee);
        let first = rang.filter_map(|leg| leg.ringing).min()?;
        let until = self.answered.or(self.ended).unwrap_or(now);
        Some(until.saturating_duration_since(first))
    }

    /// How long the caller waited for a person, or has until `now`.
    #[must_use]
    pub fn wait_time(&self, now: Instant) -> Duration {
        let until = self.answered.or(self.ended).unwrap_or(now);
        until.saturating_duration_since(self.started)
    }

    /// The extensions that talked for us, in their order, each once in a row: `101`, `103` after a transfer. Of an internal
    /// call those on the called side.
    #[must_use]
    pub fn way(&self) -> Vec<&Extension> {
        let mut way = Vec::new();
        for talk in &self.talks {
            let legs = talk.legs.iter().filter_map(|id| self.leg(*id));
            let is_ours =
                |leg: &&Leg| leg.role == Role::Callee || self.direction == Direction::Outgoing;
            for leg in legs.filter(is_ours) {
                if let Some(extension) = &leg.extension
                    && way.last() != Some(&extension)
                {
                    way.push(extension);
                }
            }
        }
        way
    }
}

impl Party {
    /// Takes what AMI gives for a party. Empty, `<unknown>`, the words for a withheld number, and `s`
    /// (the start extension, which a channel dialled from inside a Gosub shows as its number) are nothing.
    #[must_use]
    pub fn new(number: &str, name: &str) -> Self {
        Self {
            number: told_number(number).map(Into::into),
            name: told_name(name).map(Into::into),
        }
    }

    /// Whether this is what [`Party::new`] would make of it.
    pub(crate) fn is(&self, number: &str, name: &str) -> bool {
        self.number.as_deref() == told_number(number) && self.name.as_deref() == told_name(name)
    }

    /// Our own people call from their extension, whatever number the PBX shows for them.
    pub(crate) fn of_extension(mut self, extension: Option<&Extension>) -> Self {
        if let Some(extension) = extension {
            self.number = Some(extension.as_str().into());
        }
        self
    }

    /// Neither number nor name is known.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.number.is_none() && self.name.is_none()
    }
}

fn told_number(number: &str) -> Option<&str> {
    let number = number.trim();
    (!is_withheld(number) && number != "s").then_some(number)
}

fn told_name(name: &str) -> Option<&str> {
    let name = name.trim();
    (!is_withheld(name)).then_some(name)
}

fn is_withheld(text: &str) -> bool {
    const WORDS: [&str; 7] = [
        "<unknown>",
        "unknown",
        "anonymous",
        "private",
        "restricted",
        "unavailable",
        "withheld",
    ];
    text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn withheld_callers_are_nobody() {
        for (number, name) in [
            ("<unknown>", "<unknown>"),
            ("", ""),
            ("anonymous", "Anonymous"),
            ("s", " "),
        ] {
            assert!(
                Party::new(number, name).is_anonymous(),
                "{number:?} {name:?}"
            );
        }
    }

    #[test]
    fn a_name_without_number_is_kept() {
        let party = Party::new("anonymous", "Ada");
        assert_eq!((party.number, party.name.as_deref()), (None, Some("Ada")));
    }
}
