//! The engine's words in those of the wire, and orders back: for a server, and for a desktop without one.

use crate::Now;
use engine::{
    Ability, CallUpdate, Capabilities, DialUpdate, Order, OrderId, Outcome, Phase, Progress,
};
use phone_number::{DialPlan, Dialable, Target, Tones};
use wire::{Answer, ErrorCode, Failure};

/// A call as its own person sees it.
#[must_use]
pub fn call(from: &CallUpdate, now: Now) -> wire::Call {
    wire::Call {
        id: from.call.to_string(),
        direction: match from.direction {
            engine::Direction::Incoming => wire::Direction::Incoming,
            engine::Direction::Outgoing => wire::Direction::Outgoing,
        },
        internal: from.internal,
        mine: match from.mine {
            engine::Mine::Ringing => wire::Mine::Ringing,
            engine::Mine::Up => wire::Mine::Up,
            engine::Mine::Gone => wire::Mine::Gone,
        },
        state: state(&from.phase),
        party: wire::Party {
            number: from
                .remote
                .number
                .as_ref()
                .map(|number| number.display.clone()),
            name: from.remote.name.clone(),
        },
        call_back: from
            .remote
            .number
            .as_ref()
            .map(|number| number.dial_back.clone()),
        people: from.people.clone(),
        sources: from.sources.clone(),
        remembered: from.remembered.clone(),
        line: from.line.clone(),
        since: now.unix_ms_of(from.since),
        answered: from.answered.map(|at| now.unix_ms_of(at)),
        ended: from.ended.map(|at| now.unix_ms_of(at)),
        dial: from.dial.as_ref().map(ToString::to_string),
        event_read_us: unix_us(from.event_read, now),
    }
}

fn state(from: &Phase) -> wire::CallState {
    match from {
        Phase::Ringing => wire::CallState::Ringing,
        Phase::Talking => wire::CallState::Talking,
        Phase::AnsweredElsewhere { by } => wire::CallState::AnsweredElsewhere { by: by.clone() },
        Phase::Missed => wire::CallState::Missed,
        Phase::Ended { words, by } => wire::CallState::Ended {
            words: words.clone(),
            by: by.map(|by| match by {
                engine::Side::Me => wire::Side::Me,
                engine::Side::Them => wire::Side::Them,
            }),
        },
        Phase::Unknown { words } => wire::CallState::Unknown {
            words: words.clone(),
        },
    }
}

/// A dial; `display` is its number as a person reads it.
#[must_use]
pub fn dial(from: &DialUpdate, display: &str, now: Now) -> wire::Dial {
    wire::Dial {
        id: from.dial.to_string(),
        call: from.call.map(|call| call.to_string()),
        progress: progress(&from.progress),
        at: now.unix_ms_of(from.at),
        display: display.to_owned(),
        people: from.people.clone(),
        asked_us: unix_us(from.stamps.asked, now),
        sent_us: from.stamps.sent.map(|at| unix_us(at, now)),
        queued_us: from.stamps.queued.map(|at| unix_us(at, now)),
        phone_rings_us: from.stamps.phone_rings.map(|at| unix_us(at, now)),
    }
}

fn unix_us(at: std::time::Instant, now: Now) -> u64 {
    let ago = now.instant.saturating_duration_since(at);
    let ago = u64::try_from(ago.as_micros()).unwrap_or(u64::MAX);
    (now.unix_ms * 1_000).saturating_sub(ago)
}

fn progress(from: &Progress) -> wire::Progress {
    match from {
        Progress::Queued => wire::Progress::Queued,
        Progress::RingingYourPhone => wire::Progress::RingingYourPhone,
        Progress::YouPickedUp => wire::Progress::YouPickedUp,
        Progress::Calling => wire::Progress::Calling,
        Progress::RingingThere => wire::Progress::RingingThere,
        Progress::Answered => wire::Progress::Answered,
        Progress::Ended { end, words } => wire::Progress::Ended {
            end: dial_end(*end),
            words: words.clone(),
        },
    }
}

fn dial_end(from: engine::End) -> wire::DialEnd {
    match from {
        engine::End::ByThem => wire::DialEnd::ByThem,
        engine::End::ByYou => wire::DialEnd::ByYou,
        engine::End::Busy => wire::DialEnd::Busy,
        engine::End::NoAnswer => wire::DialEnd::NoAnswer,
        engine::End::YourPhoneOffline => wire::DialEnd::YourPhoneOffline,
        engine::End::YouDidNotPickUp => wire::DialEnd::YouDidNotPickUp,
        engine::End::YouRejected => wire::DialEnd::YouRejected,
        engine::End::Cancelled => wire::DialEnd::Cancelled,
        engine::End::NoSuchNumber => wire::DialEnd::NoSuchNumber,
        engine::End::Refused => wire::DialEnd::Refused,
        engine::End::Failed => wire::DialEnd::Failed,
        engine::End::Unknown => wire::DialEnd::Unknown,
    }
}

/// One's own phone.
#[must_use]
pub fn phone(from: engine::PhoneState) -> wire::Phone {
    wire::Phone {
        registered: from.registered,
        in_use: from.in_use,
        ringing: from.ringing,
        busy: from.busy,
        on_hold: from.on_hold,
    }
}

/// What became of an order, as the answer to its request.
#[must_use]
pub fn outcome(from: Outcome) -> Answer {
    match from {
        Outcome::Done => Answer::Done,
        Outcome::Refused { words } => Answer::Failed(Failure::new(ErrorCode::Refused, words)),
        Outcome::Unknown { words } => Answer::Failed(Failure::new(ErrorCode::Unknown, words)),
    }
}

/// Reads an order; numbers in it go through the dial plan like any other.
///
/// # Errors
/// What the person is told.
pub fn order(from: wire::Order, plan: &DialPlan) -> Result<Order, Failure> {
    let to = |text: &str| dialable(plan, text);
    Ok(match from {
        wire::Order::BlindTransfer { to: text } => Order::BlindTransfer { to: to(&text)? },
        wire::Order::AttendedTransfer { to: text } => Order::AttendedTransfer { to: to(&text)? },
        wire::Order::CancelTransfer => Order::CancelTransfer,
        wire::Order::Join { with } => Order::Join {
            with: call_id(&with)?,
        },
        wire::Order::Redirect { to: text } => Order::Redirect { to: to(&text)? },
        wire::Order::Hold => Order::Hold,
        wire::Order::Park => Order::Park,
        wire::Order::PickUp => Order::PickUp,
        wire::Order::Conference => Order::Conference,
        wire::Order::Add => Order::Add,
        wire::Order::MuteMember { member, on } => Order::MuteMember {
            member: member.as_str().into(),
            on,
        },
        wire::Order::Kick { member } => Order::Kick {
            member: member.as_str().into(),
        },
        wire::Order::Tones { tones } => Order::Tones {
            tones: Tones::new(tones).map_err(|_| refused("Only 0–9, * and # can be pressed."))?,
        },
        wire::Order::Record { on } => Order::Record { on },
        wire::Order::Mute { on } => Order::Mute { on },
        wire::Order::QueueLogin { queue } => Order::QueueLogin { queue },
        wire::Order::QueueLogout { queue } => Order::QueueLogout { queue },
        wire::Order::QueuePause {
            queue,
            paused,
            reason,
        } => Order::QueuePause {
            queue,
            paused,
            reason,
        },
        wire::Order::DoNotDisturb { on } => Order::DoNotDisturb { on },
    })
}

fn dialable(plan: &DialPlan, text: &str) -> Result<Dialable, Failure> {
    match plan.resolve(Target::Text(text)) {
        Ok(resolved) => Ok(resolved.dial),
        Err(refusal) => Err(refused(&format!("Not passed on: {}.", refusal.reason))),
    }
}

/// The id of a call.
///
/// # Errors
/// [`ErrorCode::NotFound`].
pub fn call_id(text: &str) -> Result<engine::CallId, Failure> {
    text.parse()
        .map_err(|_| Failure::new(ErrorCode::NotFound, "There is no such call."))
}

/// Names an order of one request.
#[must_use]
pub fn order_id(request: &str) -> OrderId {
    OrderId(request.to_owned())
}

fn refused(words: &str) -> Failure {
    Failure::new(ErrorCode::Refused, words)
}

/// The dial plan as clients read it.
#[must_use]
pub fn dial_plan(from: &DialPlan) -> wire::DialPlan {
    let send_as = |send_as| match send_as {
        phone_number::SendAs::E164 => wire::SendAs::E164,
        phone_number::SendAs::E164Digits => wire::SendAs::E164Digits,
        phone_number::SendAs::National => wire::SendAs::National,
        phone_number::SendAs::AsDialled => wire::SendAs::AsDialled,
    };
    let rule = |rule: &phone_number::Rule| wire::Rule {
        prefix: rule.prefix.clone(),
        action: match &rule.action {
            phone_number::Action::Send {
                send_as: form,
                outside_prefix,
            } => wire::RuleAction::Send {
                send_as: send_as(*form),
                outside_prefix: outside_prefix.clone(),
            },
            phone_number::Action::Replace { with } => {
                wire::RuleAction::Replace { with: with.clone() }
            }
            phone_number::Action::Refuse { reason } => wire::RuleAction::Refuse {
                reason: reason.clone(),
            },
        },
    };
    wire::DialPlan {
        country: from.country.to_string(),
        area_code: from.area_code.clone(),
        outside_prefix: from.outside_prefix.clone(),
        international_prefix: from.international_prefix.clone(),
        national_prefix: from.national_prefix.clone(),
        internal_length: wire::InternalLength {
            min: from.internal_length.min,
            max: from.internal_length.max,
        },
        send_as: send_as(from.send_as),
        rules: from.rules.iter().map(rule).collect(),
    }
}

/// What the phone system does not do, by the names of the wire, with a sentence each.
#[must_use]
pub fn lacking(from: &Capabilities) -> Vec<(String, String)> {
    let lacking = from.lacking.iter();
    lacking
        .map(|(ability, words)| (ability_name(*ability).to_owned(), words.clone()))
        .collect()
}

fn ability_name(ability: Ability) -> &'static str {
    match ability {
        Ability::Dial => "dial",
        Ability::HangUp => "hang_up",
        Ability::Transfer => "blind_transfer",
        Ability::AttendedTransfer => "attended_transfer",
        Ability::Join => "join",
        Ability::Redirect => "redirect",
        Ability::Park => "park",
        Ability::PickUp => "pick_up",
        Ability::Conference => "conference",
        Ability::MuteMember => "mute_member",
        Ability::Tones => "tones",
        Ability::Record => "record",
        Ability::Mute => "mute",
        Ability::Queues => "queues",
        Ability::DoNotDisturb => "do_not_disturb",
        Ability::FindCalls => "find_calls",
        Ability::SeeColleagues => "see_colleagues",
        Ability::SeeParking => "see_parking",
        Ability::SeeConferences => "see_conferences",
    }
}
