//! One call as people see it: who called whom, which phones rang, who answered, how it ended.

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
    /// What was dialled: the DID of an incoming call, the number or extension of an outgoing one.
    pub dialled: Option<Box<str>>,
    /// Every phone and line that took part, in the order in which they came; at most [`Call::LEGS`].
    pub legs: Vec<Leg>,
    /// The ChannelId of the Originate that made this call, when it was announced to the tracker.
    pub originate: Option<Uniqueid>,
    pub started: Instant,
    /// When the first dialled party answered. The caller's own channel being up (IVR, queue, voicemail) is no answer.
    pub answered: Option<Instant>,
    pub ended: Option<Instant>,
    /// The extension that answered first; `None` when nobody did, or a line outside did.
    pub answered_by: Option<Extension>,
    pub end: Option<End>,
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

/// One channel of a phone or line in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub uniqueid: Uniqueid,
    /// What `Hangup` and `Redirect` want in their `Channel`.
    pub channel: ChannelName,
    /// Whose phone it is; `None` for a line outside.
    pub extension: Option<Extension>,
    pub role: Role,
    pub state: LegState,
    pub on_hold: bool,
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

    /// From the answer until the last party that was dialled and answered has left, or to `now` while one talks.
    /// The caller's own channel can outlive the talk: what the dialplan does after a call is done on it.
    #[must_use]
    pub fn talk_time(&self, now: Instant) -> Option<Duration> {
        let answered = self.answered?;
        let talked = self
            .legs
            .iter()
            .filter(|leg| leg.role == Role::Callee && leg.answered.is_some());
        let until = talked.map(|leg| leg.gone.unwrap_or(now)).max();
        Some(
            until
                .or(self.ended)
                .unwrap_or(now)
                .saturating_duration_since(answered),
        )
    }
}

impl Party {
    /// Takes what AMI gives for a party. Empty, `<unknown>`, the words for a withheld number, and `s`
    /// (the start extension, which a channel dialled from inside a Gosub shows as its number) are nothing.
    #[must_use]
    pub fn new(number: &str, name: &str) -> Self {
        let number = number.trim();
        let name = name.trim();
        let hidden = is_withheld(number) || number == "s";
        Self {
            number: (!hidden).then(|| number.into()),
            name: (!is_withheld(name)).then(|| name.into()),
        }
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
