//! The server's words in the engine's, and the other way round.

use crate::shell::Now;
use engine::{
    CallUpdate, DialId, DialStamps, DialUpdate, Direction, End, Mine, Order, Outcome, People,
    Phase, PhoneState, Progress, Remote, RemoteNumber, Side,
};
use phone_number::{Action, DialPlan, InternalLength, Region, Rule, SendAs};
use std::time::{Duration, Instant};
use wire::{Answer, ErrorCode, UnixMillis};

/// Our clocks and how far the server's is ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) now: Now,
    pub(super) ahead_ms: i64,
}

impl Clock {
    /// When the server's `unix_us` was; what it says of the future is now.
    fn at_us(self, unix_us: u64) -> Instant {
        let theirs = self
            .now
            .unix_us
            .saturating_add_signed(self.ahead_ms.saturating_mul(1000));
        let ago = Duration::from_micros(theirs.saturating_sub(unix_us));
        let now = self.now.instant;
        now.checked_sub(ago).unwrap_or(now)
    }

    fn at(self, unix_ms: UnixMillis) -> Instant {
        self.at_us(unix_ms.saturating_mul(1000))
    }

    /// How long it is until the server's `unix_ms`.
    pub(super) fn until(self, unix_ms: UnixMillis) -> Duration {
        let theirs = self.now.unix_ms().saturating_add_signed(self.ahead_ms);
        Duration::from_millis(unix_ms.saturating_sub(theirs))
    }
}

/// `None`: its id is none.
pub(super) fn call(from: wire::Call, clock: Clock) -> Option<CallUpdate> {
    let number = from.party.number.map(|display| RemoteNumber {
        display,
        // Where digits are masked nothing can be called back.
        dial_back: from.call_back.unwrap_or_default(),
    });
    Some(CallUpdate {
        call: from.id.parse().ok()?,
        direction: match from.direction {
            wire::Direction::Incoming => Direction::Incoming,
            wire::Direction::Outgoing => Direction::Outgoing,
        },
        internal: from.internal,
        mine: match from.mine {
            wire::Mine::Ringing => Mine::Ringing,
            wire::Mine::Up => Mine::Up,
            wire::Mine::Gone => Mine::Gone,
        },
        phase: phase(from.state),
        remote: Remote {
            number,
            name: from.party.name,
        },
        people: from.people,
        sources: from.sources,
        remembered: from.remembered,
        line: from.line,
        since: clock.at(from.since),
        answered: from.answered.map(|at| clock.at(at)),
        ended: from.ended.map(|at| clock.at(at)),
        event_read: clock.at_us(from.event_read_us),
        dial: from.dial.map(DialId),
    })
}

fn phase(from: wire::CallState) -> Phase {
    match from {
        wire::CallState::Ringing => Phase::Ringing,
        wire::CallState::Talking => Phase::Talking,
        wire::CallState::AnsweredElsewhere { by } => Phase::AnsweredElsewhere { by },
        wire::CallState::Missed => Phase::Missed,
        wire::CallState::Ended { words, by } => Phase::Ended {
            words,
            by: by.map(|side| match side {
                wire::Side::Me => Side::Me,
                wire::Side::Them => Side::Them,
            }),
        },
        wire::CallState::Unknown { words } => Phase::Unknown { words },
    }
}

pub(super) fn phone(from: wire::Phone) -> PhoneState {
    PhoneState {
        registered: from.registered,
        in_use: from.in_use,
        ringing: from.ringing,
        busy: from.busy,
        on_hold: from.on_hold,
    }
}

/// A dial of which the server has said nothing yet.
pub(super) fn asked(dial: DialId, asked: Instant, now: Now) -> DialUpdate {
    DialUpdate {
        dial,
        call: None,
        progress: Progress::Queued,
        at: now.instant,
        people: People::Asking,
        stamps: DialStamps {
            asked,
            sent: None,
            queued: None,
            phone_rings: None,
        },
    }
}

pub(super) fn dial(from: wire::Dial, clock: Clock) -> DialUpdate {
    DialUpdate {
        dial: DialId(from.id),
        call: from.call.and_then(|call| call.parse().ok()),
        progress: progress(from.progress),
        at: clock.at(from.at),
        people: from.people,
        stamps: DialStamps {
            asked: clock.at_us(from.asked_us),
            sent: from.sent_us.map(|at| clock.at_us(at)),
            queued: from.queued_us.map(|at| clock.at_us(at)),
            phone_rings: from.phone_rings_us.map(|at| clock.at_us(at)),
        },
    }
}

fn progress(from: wire::Progress) -> Progress {
    match from {
        wire::Progress::Queued => Progress::Queued,
        wire::Progress::RingingYourPhone => Progress::RingingYourPhone,
        wire::Progress::YouPickedUp => Progress::YouPickedUp,
        wire::Progress::Calling => Progress::Calling,
        wire::Progress::RingingThere => Progress::RingingThere,
        wire::Progress::Answered => Progress::Answered,
        wire::Progress::Ended { end, words } => Progress::Ended {
            end: dial_end(end),
            words,
        },
    }
}

fn dial_end(from: wire::DialEnd) -> End {
    match from {
        wire::DialEnd::ByThem => End::ByThem,
        wire::DialEnd::ByYou => End::ByYou,
        wire::DialEnd::Busy => End::Busy,
        wire::DialEnd::NoAnswer => End::NoAnswer,
        wire::DialEnd::YourPhoneOffline => End::YourPhoneOffline,
        wire::DialEnd::YouDidNotPickUp => End::YouDidNotPickUp,
        wire::DialEnd::YouRejected => End::YouRejected,
        wire::DialEnd::Cancelled => End::Cancelled,
        wire::DialEnd::NoSuchNumber => End::NoSuchNumber,
        wire::DialEnd::Refused => End::Refused,
        wire::DialEnd::Failed => End::Failed,
        wire::DialEnd::Unknown => End::Unknown,
    }
}

/// Numbers of orders are extensions here; the server reads them by the same plan.
pub(super) fn order(from: Order) -> wire::Order {
    let to = |dialable: phone_number::Dialable| dialable.to_string();
    match from {
        Order::BlindTransfer { to: target } => wire::Order::BlindTransfer { to: to(target) },
        Order::AttendedTransfer { to: target } => wire::Order::AttendedTransfer { to: to(target) },
        Order::CancelTransfer => wire::Order::CancelTransfer,
        Order::Join { with } => wire::Order::Join {
            with: with.to_string(),
        },
        Order::Redirect { to: target } => wire::Order::Redirect { to: to(target) },
        Order::Hold => wire::Order::Hold,
        Order::Park => wire::Order::Park,
        Order::PickUp => wire::Order::PickUp,
        Order::Conference => wire::Order::Conference,
        Order::Add => wire::Order::Add,
        Order::MuteMember { member, on } => wire::Order::MuteMember {
            member: member.to_string(),
            on,
        },
        Order::Kick { member } => wire::Order::Kick {
            member: member.to_string(),
        },
        Order::Tones { tones } => wire::Order::Tones {
            tones: tones.to_string(),
        },
        Order::Record { on } => wire::Order::Record { on },
        Order::Mute { on } => wire::Order::Mute { on },
        Order::QueueLogin { queue } => wire::Order::QueueLogin { queue },
        Order::QueueLogout { queue } => wire::Order::QueueLogout { queue },
        Order::QueuePause {
            queue,
            paused,
            reason,
        } => wire::Order::QueuePause {
            queue,
            paused,
            reason,
        },
        Order::DoNotDisturb { on } => wire::Order::DoNotDisturb { on },
    }
}

pub(super) fn outcome(from: Answer) -> Outcome {
    match from {
        Answer::Done
        | Answer::Explained(_)
        | Answer::People { .. }
        | Answer::Found { .. }
        | Answer::Forms { .. }
        | Answer::Created { .. } => Outcome::Done,
        Answer::Failed(failure) => {
            let words = failure.message;
            match failure.code {
                ErrorCode::Unknown => Outcome::Unknown { words },
                ErrorCode::Unauthenticated
                | ErrorCode::Version
                | ErrorCode::Forbidden
                | ErrorCode::RateLimited
                | ErrorCode::Refused
                | ErrorCode::PbxAway
                | ErrorCode::NotFound
                | ErrorCode::BadRequest
                | ErrorCode::TooLarge
                | ErrorCode::Busy
                | ErrorCode::TooSlow
                | ErrorCode::Internal => Outcome::Refused { words },
            }
        }
    }
}

/// The site's plan as the server has it; `None`: its country is none.
pub(crate) fn dial_plan(from: &wire::DialPlan) -> Option<DialPlan> {
    let country: Region = from.country.parse().ok()?;
    Some(DialPlan {
        country,
        area_code: from.area_code.clone(),
        outside_prefix: from.outside_prefix.clone(),
        international_prefix: from.international_prefix.clone(),
        national_prefix: from.national_prefix.clone(),
        internal_length: InternalLength {
            min: from.internal_length.min,
            max: from.internal_length.max,
        },
        send_as: send_as(from.send_as),
        rules: from.rules.iter().map(rule).collect(),
    })
}

fn send_as(from: wire::SendAs) -> SendAs {
    match from {
        wire::SendAs::E164 => SendAs::E164,
        wire::SendAs::E164Digits => SendAs::E164Digits,
        wire::SendAs::National => SendAs::National,
        wire::SendAs::AsDialled => SendAs::AsDialled,
    }
}

fn rule(from: &wire::Rule) -> Rule {
    let action = match from.action.clone() {
        wire::RuleAction::Send {
            send_as: form,
            outside_prefix,
        } => Action::Send {
            send_as: send_as(form),
            outside_prefix,
        },
        wire::RuleAction::Replace { with } => Action::Replace { with },
        wire::RuleAction::Refuse { reason } => Action::Refuse { reason },
    };
    Rule {
        prefix: from.prefix.clone(),
        action,
    }
}
