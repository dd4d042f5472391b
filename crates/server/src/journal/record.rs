//! A call of the tracker as a record, and a record as clients read it.

use calls::{Call, Direction, End, Leg, LegState, Role};
use contacts::Question;
use phone_number::DialPlan;
use presence::{Now, Sight};
use std::time::{Duration, Instant};
use store::{CallPerson, CallRecord, LegRecord, MissedItem, Outcome, Source};
use wire::rest::{LogDirection, LogEntry, LogLeg, LogOutcome, LogPerson, LogSource};

/// What the site adds to a call.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) pbx: &'a str,
    pub(crate) plan: &'a DialPlan,
    /// Dialled numbers whose missed calls belong on the board.
    pub(crate) missed_lines: &'a [String],
    pub(crate) now: Now,
}

pub(crate) fn record(call: &Call, around: Around<'_>) -> CallRecord {
    let at = |instant: Instant| ms(around.now.unix_ms_of(instant));
    let normal = |number: &str| {
        let number = around.plan.number_of_trunk(number);
        number.map(|number| number.normal_form().to_owned())
    };
    let party = |party: &calls::Party| store::Party {
        number: party.number.as_deref().and_then(normal),
        name: party.name.as_deref().map(str::to_owned),
    };
    let over = call.ended.unwrap_or(around.now.instant);
    let callee = match (&call.callee.number, &call.dialled) {
        (None, Some(dialled)) => store::Party {
            number: normal(dialled),
            name: None,
        },
        _ => party(&call.callee),
    };
    let outcome = outcome(call);
    CallRecord {
        id: call.id.to_string().into(),
        pbx: around.pbx.to_owned(),
        direction: match call.direction {
            Direction::Incoming => store::Direction::Incoming,
            Direction::Outgoing => store::Direction::Outgoing,
            Direction::Internal => store::Direction::Internal,
        },
        caller: party(&call.caller),
        callee,
        dialled: call.dialled.as_deref().map(str::to_owned),
        line: call.line.as_deref().map(str::to_owned),
        did: (call.direction == Direction::Incoming)
            .then(|| call.dialled.as_deref().map(str::to_owned))
            .flatten(),
        queues: call
            .queues
            .iter()
            .map(|visit| visit.queue.to_string())
            .collect(),
        started: at(call.started),
        answered: call.answered.map(at),
        ended: call.ended.map(at),
        ring_ms: millis(call.ring_time(over)),
        wait_ms: millis(Some(call.wait_time(over))),
        talk_ms: millis(call.talk_time(over)),
        outcome,
        outcome_words: words(call),
        answered_by: call.answered_by.as_ref().map(ToString::to_string),
        ended_by: call
            .ended_by
            .and_then(|leg| call.leg(leg))
            .and_then(|leg| leg.extension.as_ref())
            .map(ToString::to_string),
        cause: call.cause.map(|cause| cause.0),
        way: call.way().into_iter().map(ToString::to_string).collect(),
        recording: None,
        source: Source::Live,
        legs: call.legs.iter().map(|leg| leg_record(leg, &at)).collect(),
        linkedid: call.placed_by.as_ref().map(ToString::to_string),
        counts_as_missed: counts_as_missed(call, around.missed_lines),
        person: None,
    }
}

fn leg_record(leg: &Leg, at: &impl Fn(Instant) -> i64) -> LegRecord {
    LegRecord {
        uniqueid: leg.uniqueid.to_string(),
        channel: leg.channel.to_string(),
        extension: leg.extension.as_ref().map(ToString::to_string),
        number: leg.dialled.as_deref().map(str::to_owned),
        role: match leg.role {
            Role::Caller => "caller".into(),
            Role::Callee => "callee".into(),
        },
        ringing: leg.ringing.map(at),
        answered: leg.answered.map(at),
        gone: leg.gone.map(at),
        cause: leg.cause.map(|cause| cause.0),
    }
}

/// A queue, a number of the configuration, or several phones that rang for one caller.
fn counts_as_missed(call: &Call, lines: &[String]) -> bool {
    let is_line = call
        .dialled
        .as_deref()
        .is_some_and(|dialled| lines.iter().any(|line| line == dialled));
    let mut rang: Vec<_> = call
        .legs
        .iter()
        .filter(|leg| leg.role == Role::Callee && leg.state != LegState::Dialling)
        .filter_map(|leg| leg.extension.as_ref())
        .collect();
    rang.sort();
    rang.dedup();
    call.direction == Direction::Incoming && (!call.queues.is_empty() || is_line || rang.len() > 1)
}

fn outcome(call: &Call) -> Outcome {
    let Some(end) = &call.end else {
        return match call.answered {
            Some(_) => Outcome::Answered,
            None => Outcome::Unknown,
        };
    };
    if call.answered.is_some() && !matches!(end, End::Disconnected) {
        return Outcome::Answered;
    }
    match end {
        End::ByThem | End::ByYou | End::ByPbx | End::Cancelled | End::NoAnswer
            if call.direction == Direction::Incoming =>
        {
            Outcome::Missed
        }
        End::ByThem | End::ByYou | End::ByPbx | End::Cancelled | End::YouDidNotPickUp => {
            Outcome::Cancelled
        }
        End::Busy | End::YouRejected => Outcome::Busy,
        End::NoAnswer => Outcome::NoAnswer,
        End::Voicemail { .. } => Outcome::Voicemail,
        End::Transferred | End::JoinedTo(_) => Outcome::Answered,
        End::YourPhoneOffline | End::NoSuchNumber | End::Refused(_) | End::Failed { .. } => {
            Outcome::Failed
        }
        End::Disconnected => Outcome::Unknown,
    }
}

fn words(call: &Call) -> String {
    let Some(end) = &call.end else {
        return "Still goes on.".into();
    };
    match end {
        End::ByThem => "The other side hung up.".into(),
        End::ByYou => "Our side hung up.".into(),
        End::ByPbx => "The phone system ended it.".into(),
        End::Busy => "Busy.".into(),
        End::NoAnswer => "Nobody answered.".into(),
        End::YourPhoneOffline => "The phone that should ring first is offline.".into(),
        End::YouDidNotPickUp => "The phone that rang first was not picked up.".into(),
        End::YouRejected => "The phone that rang first refused the call.".into(),
        End::Cancelled => "The caller gave up.".into(),
        End::Voicemail { message: true } => "A message was left.".into(),
        End::Voicemail { message: false } => "The voicemail took it.".into(),
        End::Transferred => "Passed on.".into(),
        End::NoSuchNumber => "The number does not exist.".into(),
        End::Refused(_) => "The phone system refused it.".into(),
        End::Failed { cause } => format!("Failed: {}.", cause.words()),
        End::JoinedTo(_) => "Joined with another call.".into(),
        End::Disconnected => "It ended while there was no connection to the phone system.".into(),
    }
}

fn millis(duration: Option<Duration>) -> i64 {
    let duration = duration.unwrap_or_default();
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn ms(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}

fn unix(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default()
}

/// A person as the log keeps him.
pub(crate) fn call_person(person: &wire::Person) -> CallPerson {
    CallPerson {
        source: person.record.source.clone(),
        kind: person.record.kind.clone(),
        id: person.record.id.clone(),
        name: person.name.clone(),
        company: person.company.clone(),
        url: person.url.clone(),
    }
}

/// Who is asked for at the end of a call: the other end outside, as the desks of the call ask for it.
pub(crate) fn question(call: &Call, plan: &DialPlan) -> Option<Question> {
    let (number, line) = match call.direction {
        Direction::Incoming => (call.caller.number.as_deref(), call.dialled.as_deref()),
        Direction::Outgoing => (
            call.dialled.as_deref().map(|text| outside(text, plan)),
            None,
        ),
        Direction::Internal => return None,
    };
    Some(Question {
        number: plan.number_of_trunk(number?)?,
        line: line.map(str::to_owned),
        extension: None,
    })
}

/// The outside line is no part of a number.
fn outside<'a>(dialled: &'a str, plan: &DialPlan) -> &'a str {
    let rest = dialled.strip_prefix(plan.outside_prefix.as_str());
    rest.filter(|rest| !plan.internal_length.contains(dialled) && !rest.is_empty())
        .unwrap_or(dialled)
}

/// A text as whoever may not see all digits reads it: a source may know somebody by his number alone.
pub(crate) fn without_digits(text: String) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_sign = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-–().*#/".contains(c);
    match digits >= 7 && text.chars().all(is_sign) {
        true => phone_number::masked(&text),
        false => text,
    }
}

/// A record as somebody with this sight may read it.
pub(crate) fn entry(record: CallRecord, sight: Sight, plan: Option<&DialPlan>) -> LogEntry {
    let shown = |number: String| {
        let number = plan.map_or_else(|| number.clone(), |plan| plan.caller(&number));
        let is_inside = number.len() <= 6;
        match sight {
            Sight::All => number,
            Sight::Masked | Sight::Lamps if is_inside => number,
            Sight::Masked | Sight::Lamps => phone_number::masked(&number),
        }
    };
    let named = |text: String| match sight {
        Sight::All => text,
        Sight::Masked | Sight::Lamps => without_digits(text),
    };
    let party = |party: store::Party| wire::Party {
        number: party.number.map(&shown),
        name: party.name.map(named),
    };
    LogEntry {
        id: record.id.to_string(),
        pbx: record.pbx,
        direction: match record.direction {
            store::Direction::Incoming => LogDirection::Incoming,
            store::Direction::Outgoing => LogDirection::Outgoing,
            store::Direction::Internal => LogDirection::Internal,
        },
        caller: party(record.caller),
        callee: party(record.callee),
        dialled: record.dialled.map(&shown),
        line: record.did.or(record.line),
        queue: record.queues.last().cloned(),
        started: unix(record.started),
        answered: record.answered.map(unix),
        ended: record.ended.map(unix),
        ring_ms: Some(unix(record.ring_ms)),
        wait_ms: Some(unix(record.wait_ms)),
        talk_ms: Some(unix(record.talk_ms)),
        outcome: match (record.outcome, record.ended) {
            (Outcome::Unknown, None) => LogOutcome::Open,
            (Outcome::Answered, _) => LogOutcome::Answered,
            (Outcome::Missed, _) => LogOutcome::Missed,
            (Outcome::Busy, _) => LogOutcome::Busy,
            (Outcome::NoAnswer, _) => LogOutcome::NoAnswer,
            (Outcome::Cancelled, _) => LogOutcome::Cancelled,
            (Outcome::Voicemail, _) => LogOutcome::Voicemail,
            (Outcome::Failed, _) => LogOutcome::Failed,
            (Outcome::Unknown, Some(_)) => LogOutcome::Unknown,
        },
        words: record.outcome_words,
        answered_by: record.answered_by,
        way: record.way,
        legs: record
            .legs
            .into_iter()
            .map(|leg| LogLeg {
                extension: leg.extension,
                number: leg.number.map(&shown),
                ringing: leg.ringing.map(unix),
                answered: leg.answered.map(unix),
                gone: leg.gone.map(unix),
                cause: leg.cause,
            })
            .collect(),
        source: match record.source {
            Source::Live => LogSource::Live,
            Source::Cdr => LogSource::Cdr,
            Source::LiveAndCdr => LogSource::LiveAndCdr,
        },
        person: record.person.map(|person| LogPerson {
            name: named(person.name),
            company: person.company.map(named),
            record: wire::Record {
                source: person.source,
                kind: person.kind,
                id: person.id,
            },
            url: person.url,
        }),
    }
}

/// An item of the board as clients read it; `by` names who closed it.
pub(crate) fn item(
    item: MissedItem,
    by: Option<String>,
    plan: Option<&DialPlan>,
) -> wire::MissedCall {
    let closed_by = item.closed.as_ref().map(|closed| {
        by.or_else(|| closed.by_extension.clone())
            .unwrap_or_else(|| "somebody".to_owned())
    });
    let shown = item.number.clone();
    wire::MissedCall {
        item: item.id.to_string(),
        pbx: item.pbx,
        party: wire::Party {
            number: shown
                .map(|number| plan.map_or_else(|| number.clone(), |plan| plan.caller(&number))),
            name: item.name,
        },
        call_back: item.number,
        line: item.queue.or(item.line),
        first_at: unix(item.first_at),
        last_at: unix(item.last_at),
        times: u32::try_from(item.times).unwrap_or(u32::MAX),
        closed_by,
        closed_at: item.closed.map(|closed| unix(closed.at)),
    }
}
