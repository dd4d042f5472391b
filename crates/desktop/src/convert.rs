//! The engine's facts in the words of the windows.

use crate::Now;
use engine::{CallUpdate, Mine, Phase, Side};
use view::{
    Card, CardPhase, Connection, DialEnd, DialStep, Direction, Explanation, Party, Recent,
    RecentOutcome, RefusalCode, Reply, WhyStep,
};
use wire::{Answer, ErrorCode, Explained, Failure};

pub(crate) fn connection(from: engine::Connection, now: Now, since: u64, to: &str) -> Connection {
    match from {
        engine::Connection::NotSetUp => Connection::default(),
        engine::Connection::Connecting { attempt: 1 } => Connection::Connecting {
            words: format!("Connecting to {to}"),
        },
        engine::Connection::Connecting { attempt } => Connection::Connecting {
            words: format!("Connecting to {to}, attempt {attempt}"),
        },
        engine::Connection::Connected { pbx, version, lag } => {
            let lag_ms = lag.map(|lag| u32::try_from(lag.as_millis()).unwrap_or(u32::MAX));
            Connection::Connected {
                pbx,
                version,
                lag_ms,
                since,
            }
        }
        engine::Connection::Away { words, retry_in } => {
            let wait = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
            Connection::Away {
                words,
                retry_at: now.unix_ms().saturating_add(wait),
            }
        }
        engine::Connection::Refused { words } => Connection::Refused { words },
    }
}

/// A reply in the words of the wire.
pub(crate) fn answer(from: Reply) -> Answer {
    match from {
        Reply::Answer(answer) => answer,
        // A feature code asks in its own window; what comes of it is told there.
        Reply::Done | Reply::Dialling { .. } | Reply::AskedFirst { .. } => Answer::Done,
        Reply::Explanation(explanation) => Answer::Explained(explained(explanation)),
        Reply::Refused(refusal) => {
            Answer::Failed(Failure::new(error_code(refusal.code), refusal.words))
        }
        Reply::Snapshot(_)
        | Reply::Status(_)
        | Reply::Enrolled(_)
        | Reply::Findings(_)
        | Reply::ConnectorKind(_) => Answer::Failed(Failure::new(
            ErrorCode::Internal,
            "This was answered by something else.",
        )),
    }
}

fn error_code(from: RefusalCode) -> ErrorCode {
    match from {
        RefusalCode::NoNumber | RefusalCode::NeedsConsent | RefusalCode::NotSetUp => {
            ErrorCode::Refused
        }
        RefusalCode::NotConnected => ErrorCode::PbxAway,
        RefusalCode::NoSuchCall => ErrorCode::NotFound,
        RefusalCode::TooMany => ErrorCode::RateLimited,
        RefusalCode::BadRequest => ErrorCode::BadRequest,
        RefusalCode::Keychain
        | RefusalCode::Settings
        | RefusalCode::Connector
        | RefusalCode::Enrolment => ErrorCode::Internal,
    }
}

fn explained(from: Explanation) -> Explained {
    let pairs = |steps: Vec<WhyStep>| {
        let steps = steps.into_iter();
        steps.map(|step| (step.what, step.result)).collect()
    };
    match from {
        Explanation::Dials {
            display,
            dials,
            steps,
            question,
            people,
            ..
        } => Explained {
            display,
            dials: Some(dials),
            steps: pairs(steps),
            words: None,
            question,
            people,
        },
        Explanation::Refused { words, steps } => Explained {
            display: String::new(),
            dials: None,
            steps: pairs(steps),
            words: Some(words),
            question: None,
            people: wire::People::Nobody,
        },
    }
}

pub(crate) fn party(from: &engine::Remote) -> Party {
    Party {
        number: from.number.as_ref().map(|number| number.display.clone()),
        name: from.name.clone(),
    }
}

pub(crate) fn direction(from: engine::Direction) -> Direction {
    match from {
        engine::Direction::Incoming => Direction::Incoming,
        engine::Direction::Outgoing => Direction::Outgoing,
    }
}

/// The card of an incoming call.
pub(crate) fn card(call: &CallUpdate, extension: &str, now: Now) -> Card {
    let millis = |instant| now.unix_us_of(instant) / 1000;
    let phase = match &call.phase {
        Phase::Ringing => CardPhase::Ringing,
        Phase::Talking => CardPhase::Talking {
            talking_since: millis(call.answered.unwrap_or(call.since)),
        },
        Phase::AnsweredElsewhere { by } => CardPhase::AnsweredElsewhere { by: by.clone() },
        Phase::Missed => CardPhase::Missed,
        Phase::Ended { words, .. } => CardPhase::Ended {
            words: words.clone(),
        },
        Phase::Unknown { words } => CardPhase::Unknown {
            words: words.clone(),
        },
    };
    Card {
        call: call.call.to_string(),
        phase,
        party: party(&call.remote),
        people: call.people.clone(),
        sources: call.sources.clone(),
        remembered: call.remembered.clone(),
        line: call.line.clone(),
        extension: extension.to_owned(),
        since: millis(call.since),
        can_hang_up: matches!(call.mine, Mine::Ringing | Mine::Up)
            && matches!(call.phase, Phase::Ringing | Phase::Talking),
    }
}

/// The line in the list of recent calls, once the call is over for this person.
pub(crate) fn recent(call: &CallUpdate, now: Now) -> Option<Recent> {
    let talked = |from, to: Option<std::time::Instant>| {
        let to = to.unwrap_or(now.instant);
        let seconds = to.saturating_duration_since(from).as_secs();
        RecentOutcome::Talked {
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
        }
    };
    let outcome = match (&call.phase, call.answered) {
        (Phase::AnsweredElsewhere { by }, _) => RecentOutcome::AnsweredElsewhere { by: by.clone() },
        (Phase::Missed, _) => RecentOutcome::Missed,
        (Phase::Ended { .. }, Some(answered)) => talked(answered, call.ended),
        (Phase::Ended { words, .. }, None) => RecentOutcome::NotReached {
            words: words.clone(),
        },
        (Phase::Unknown { words }, _) if call.ended.is_some() => RecentOutcome::Unknown {
            words: words.clone(),
        },
        (Phase::Ringing | Phase::Talking | Phase::Unknown { .. }, _) => return None,
    };
    Some(Recent {
        call: call.call.to_string(),
        direction: direction(call.direction),
        party: party(&call.remote),
        person: call.people.one().cloned(),
        line: call.line.clone(),
        at: now.unix_us_of(call.since) / 1000,
        outcome,
        call_back: call
            .remote
            .number
            .as_ref()
            .map(|number| number.dial_back.clone())
            .filter(|number| !number.is_empty()),
    })
}

pub(crate) fn step(from: engine::Progress) -> DialStep {
    match from {
        engine::Progress::Queued => DialStep::Queued,
        engine::Progress::RingingYourPhone => DialStep::RingingYourPhone,
        engine::Progress::YouPickedUp => DialStep::YouPickedUp,
        engine::Progress::Calling => DialStep::Calling,
        engine::Progress::RingingThere => DialStep::RingingThere,
        engine::Progress::Answered => DialStep::Answered,
        engine::Progress::Ended { end, words } => DialStep::Ended {
            end: dial_end(end),
            words,
        },
    }
}

fn dial_end(from: engine::End) -> DialEnd {
    match from {
        engine::End::ByThem => DialEnd::ByThem,
        engine::End::ByYou => DialEnd::ByYou,
        engine::End::Busy => DialEnd::Busy,
        engine::End::NoAnswer => DialEnd::NoAnswer,
        engine::End::YourPhoneOffline => DialEnd::YourPhoneOffline,
        engine::End::YouDidNotPickUp => DialEnd::YouDidNotPickUp,
        engine::End::YouRejected => DialEnd::YouRejected,
        engine::End::Cancelled => DialEnd::Cancelled,
        engine::End::NoSuchNumber => DialEnd::NoSuchNumber,
        engine::End::Refused => DialEnd::Refused,
        engine::End::Failed => DialEnd::Failed,
        engine::End::Unknown => DialEnd::Unknown,
    }
}

/// A call's state in one word, for scripts.
pub(crate) fn call_word(call: &CallUpdate) -> &'static str {
    match (&call.phase, call.direction) {
        (Phase::Ringing, engine::Direction::Incoming) => "ringing",
        (Phase::Ringing, engine::Direction::Outgoing) => "calling",
        (Phase::Talking, _) => "talking",
        (Phase::Unknown { .. }, _) => "unknown",
        (
            Phase::AnsweredElsewhere { .. }
            | Phase::Missed
            | Phase::Ended {
                by: None | Some(Side::Me | Side::Them),
                ..
            },
            _,
        ) => "ended",
    }
}
