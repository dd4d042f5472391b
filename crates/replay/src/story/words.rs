//! A call's changes in the words of a telephone engineer.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ami::DialStatus;
use calls::{
    Call, CallId, Direction, End, Leg, LegId, LegState, Party, Progress, QueueVisit, Role, Taken,
    Transfer, TransferKind, Transferred,
};
use serde_json::{Value, json};

use super::ToldCall;

/// What has changed since `before`, a line each.
pub(super) fn changes(
    before: Option<&Call>,
    call: &Call,
    numbers: &BTreeMap<CallId, usize>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if before.map(headline) != Some(headline(call)) {
        lines.push(headline(call));
    }
    let was_certain = before.is_none_or(|before| before.certain);
    if was_certain && !call.certain {
        lines.push("uncertain".into());
    } else if !was_certain && call.certain && call.end != Some(End::Disconnected) {
        lines.push("certain again".into());
    }
    let gone = |leg: &&Leg| leg.state == LegState::Gone;
    for leg in call.legs.iter().filter(|leg| !gone(leg)) {
        lines.extend(leg_changes(before, call, leg));
    }
    if before.is_none_or(|before| before.picked_up.is_none())
        && call.picked_up.is_some()
        && call.answered.is_none()
        && call.ended.is_none()
    {
        lines.push("the PBX picks up".into());
    }
    queue_changes(before, call, &mut lines);
    transfer_changes(before, call, &mut lines);
    let parked = before.and_then(Call::parked);
    match (call.parked(), parked) {
        (Some(now), None) => lines.push(format!("parked on {}", now.space)),
        (None, Some(then)) if call.ended.is_none() => {
            let timed_out = call.parkings.last().is_some_and(|parked| parked.timed_out);
            lines.push(match timed_out {
                true => format!("nobody fetches it from {}", then.space),
                false => format!("fetched from {}", then.space),
            });
        }
        (Some(_) | None, _) => {}
    }
    if before.is_none_or(|before| before.answered.is_none()) && call.answered.is_some() {
        lines.push(match &call.answered_by {
            Some(extension) => format!("answered by {extension}"),
            None => "answered".into(),
        });
    }
    let talks_before = before.map_or(0, |before| before.talks.len());
    let is_new = |talk: &&calls::Talk| talk.until.is_none();
    for talk in call.talks.iter().skip(talks_before).filter(is_new) {
        lines.push(format!("{} talk", names(call, &talk.legs)));
    }
    voicemail_changes(before, call, &mut lines);
    let recorded = before.is_some_and(|before| before.recording);
    if call.ended.is_none() && recorded != call.recording {
        let words = if call.recording {
            "recording"
        } else {
            "recording is over"
        };
        lines.push(words.into());
    }
    if call.spying && before.is_none_or(|before| !before.spying) {
        lines.push("listens to another call".into());
    }
    // Who goes over to another call does not leave.
    if !matches!(call.end, Some(End::JoinedTo(_))) {
        for leg in call.legs.iter().filter(gone) {
            lines.extend(leg_changes(before, call, leg));
        }
    }
    if call.ended.is_some() {
        lines.push(ending(call, numbers));
    }
    lines
}

fn headline(call: &Call) -> String {
    let direction = match call.direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
        Direction::Internal => "internal",
    };
    let dialled = call.dialled.as_deref().unwrap_or("?");
    let line = call.line.as_deref();
    let by = line.map(|line| format!(" by {line}")).unwrap_or_default();
    format!("{direction}: {} to {dialled}{by}", party(&call.caller))
}

fn party(party: &Party) -> String {
    match (&party.number, &party.name) {
        (None, None) => "anonymous".into(),
        (Some(number), None) => number.to_string(),
        (None, Some(name)) => format!("{name:?}"),
        (Some(number), Some(name)) => format!("{number} {name:?}"),
    }
}

fn leg_changes(before: Option<&Call>, call: &Call, leg: &Leg) -> Vec<String> {
    let mut lines = Vec::new();
    let who = name(call, leg);
    let old = before.and_then(|before| before.leg(leg.id));
    let old_state = old.map_or(LegState::Dialling, |old| old.state);
    let came_along = before.is_some() && old.is_none();
    // Of who had left the other call before it was joined, that call has told.
    if came_along && leg.state == LegState::Gone {
        return lines;
    }
    if came_along && leg.state == LegState::Up {
        lines.push(format!("{who} comes in"));
    } else if old_state != leg.state {
        lines.extend(leg_step(leg, old_state).map(|step| format!("{who} {step}")));
    }
    if leg.state == LegState::Gone {
        return lines;
    }
    if old.is_some_and(|old| old.on_hold) != leg.on_hold {
        let step = if leg.on_hold {
            "puts on hold"
        } else {
            "takes off hold"
        };
        lines.push(format!("{who} {step}"));
    }
    match (old.and_then(|old| old.room.as_ref()), &leg.room) {
        (None, Some(room)) => lines.push(format!("{who} enters room {room}")),
        (Some(room), None) => lines.push(format!("{who} leaves room {room}")),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if old.is_some_and(|old| old.muted) != leg.muted {
        let step = if leg.muted {
            "is muted"
        } else {
            "is heard again"
        };
        lines.push(format!("{who} {step}"));
    }
    lines
}

fn leg_step(leg: &Leg, old: LegState) -> Option<String> {
    match leg.state {
        LegState::Dialling => None,
        LegState::Ringing => Some("rings".into()),
        LegState::Up if leg.answered.is_some() => Some("picks up".into()),
        LegState::Up => None,
        LegState::Gone => match (leg.answered, leg.ringing, leg.gone) {
            (Some(answered), _, Some(gone)) => {
                Some(format!("leaves after {}", seconds(gone - answered)))
            }
            (None, Some(ringing), Some(gone))
                if leg.role == Role::Callee || old == LegState::Ringing =>
            {
                let step = if leg.dial_status == Some(DialStatus::Busy) {
                    "rejects"
                } else {
                    "stops ringing"
                };
                Some(format!("{step} after {}", seconds(gone - ringing)))
            }
            _ if leg.role == Role::Caller || old == LegState::Up => Some("leaves".into()),
            _ if leg.dial_status == Some(DialStatus::Busy) => Some("is busy".into()),
            _ => Some("is not reached".into()),
        },
    }
}

/// An extension, or the number of the party outside.
fn name(call: &Call, leg: &Leg) -> String {
    if let Some(extension) = &leg.extension {
        return extension.to_string();
    }
    let number = match leg.role {
        Role::Caller => call.caller.number.as_deref(),
        Role::Callee => leg.dialled.as_deref().or_else(|| {
            let dialled = call.dialled.as_deref();
            dialled.filter(|_| call.direction == Direction::Outgoing)
        }),
    };
    number.map_or_else(|| leg.channel.endpoint().to_owned(), str::to_owned)
}

fn names(call: &Call, legs: &[LegId]) -> String {
    let names: Vec<_> = legs
        .iter()
        .filter_map(|id| call.leg(*id))
        .map(|leg| name(call, leg))
        .collect();
    names.join(" and ")
}

fn queue_changes(before: Option<&Call>, call: &Call, lines: &mut Vec<String>) {
    for (at, visit) in call.queues.iter().enumerate() {
        let old = before.and_then(|before| before.queues.get(at));
        if old.is_none() {
            lines.push(format!(
                "waits in queue {}, place {}",
                visit.queue, visit.position
            ));
        }
        let tried = old.map_or(0, |old| old.offered.len());
        for member in visit.offered.iter().skip(tried) {
            lines.push(format!("queue {} tries {member}", visit.queue));
        }
        if old.and_then(outcome).is_none() {
            lines.extend(outcome(visit));
        }
    }
}

fn outcome(visit: &QueueVisit) -> Option<String> {
    let waited = visit.left? - visit.joined;
    match visit.outcome.as_ref()? {
        Taken::By(member) => Some(format!(
            "queue {}: taken by {member} after {}",
            visit.queue,
            seconds(waited)
        )),
        Taken::Abandoned => Some(format!(
            "queue {}: the caller gives up after {}",
            visit.queue,
            seconds(waited)
        )),
    }
}

fn transfer_changes(before: Option<&Call>, call: &Call, lines: &mut Vec<String>) {
    for (at, transfer) in call.transfers.iter().enumerate() {
        let old = before.and_then(|before| before.transfers.get(at));
        if old.is_none() {
            lines.push(transferred(call, transfer));
        }
        // Being parked is told by itself.
        let is_parked = transfer.outcome == Transferred::Reached(None) && call.parked().is_some();
        if !is_parked && old.is_some_and(|old| old.outcome != transfer.outcome) {
            lines.push(match &transfer.outcome {
                Transferred::Pending => "the transfer is open again".into(),
                Transferred::Reached(Some(extension)) => {
                    format!("the transfer reaches {extension}")
                }
                Transferred::Reached(None) => "the transfer is taken".into(),
                Transferred::Failed => "the transfer reaches nobody".into(),
            });
        }
    }
}

fn transferred(call: &Call, transfer: &Transfer) -> String {
    let leg = transfer.by_leg.and_then(|id| call.leg(id));
    let by = match (&transfer.by, leg) {
        (Some(by), _) => by.to_string(),
        (None, Some(leg)) => name(call, leg),
        (None, None) => "the line".into(),
    };
    let to = transfer.to.as_deref().unwrap_or("?");
    let kind = match transfer.kind {
        TransferKind::Blind => "transfers to",
        TransferKind::Attended => "transfers, having asked, to",
    };
    let failed = match transfer.outcome {
        Transferred::Failed => ", which is refused",
        Transferred::Pending | Transferred::Reached(_) => "",
    };
    format!("{by} {kind} {to}{failed}")
}

fn voicemail_changes(before: Option<&Call>, call: &Call, lines: &mut Vec<String>) {
    let old = before.and_then(|before| before.voicemail.as_ref());
    let Some(voicemail) = &call.voicemail else {
        return;
    };
    if old.is_none() {
        lines.push("goes to voicemail".into());
    }
    if voicemail.message && !old.is_some_and(|old| old.message) {
        let mailbox = voicemail.mailbox.as_deref().unwrap_or("?");
        lines.push(format!("a message is left in {mailbox}"));
    }
}

fn ending(call: &Call, numbers: &BTreeMap<CallId, usize>) -> String {
    let mut words = vec![format!("ended: {}", end(call, numbers))];
    let at = call.ended.unwrap_or(call.started);
    if let Some(talk) = call.talk_time(at) {
        words.push(format!("talk {}", seconds(talk)));
    }
    if matches!(call.end, Some(End::JoinedTo(_))) {
        return words.swap_remove(0);
    }
    let way = call.way();
    if way.len() > 1 {
        let way: Vec<_> = way.iter().map(|extension| extension.as_str()).collect();
        words.push(way.join(" → "));
    }
    if call.is_missed() {
        words.push("missed".into());
    }
    // "busy, busy (17)" says nothing more than "busy (17)".
    let cause = call
        .cause
        .map(|cause| match words[0].strip_prefix("ended: ") {
            Some(end) if end == cause.words() => format!("cause {}", cause.0),
            Some(_) | None => cause.to_string(),
        });
    words.extend(cause);
    words.join(", ")
}

fn end(call: &Call, numbers: &BTreeMap<CallId, usize>) -> String {
    let by = || {
        let leg = call.ended_by.and_then(|id| call.leg(id));
        leg.map_or_else(|| "somebody".into(), |leg| name(call, leg))
    };
    match &call.end {
        Some(End::ByThem | End::ByYou) => format!("{} hung up", by()),
        Some(End::Cancelled) if was_rung_first(call) => "taken back".into(),
        Some(end) => end_words(end, numbers),
        None => "not ended".into(),
    }
}

/// A click is taken back while the caller's own phone rings; who has dialled himself gives up.
fn was_rung_first(call: &Call) -> bool {
    let mut callers = call.legs.iter().filter(|leg| leg.role == Role::Caller);
    callers.any(|leg| leg.ringing.is_some() && leg.answered.is_none())
}

fn end_words(end: &End, numbers: &BTreeMap<CallId, usize>) -> String {
    match end {
        End::ByThem | End::ByYou => "somebody hung up".into(),
        End::ByPbx => "the PBX hung up".into(),
        End::Busy => "busy".into(),
        End::NoAnswer => "no answer".into(),
        End::YourPhoneOffline => "the agent's phone is offline".into(),
        End::YouDidNotPickUp => "the agent did not pick up".into(),
        End::YouRejected => "the agent rejected it".into(),
        End::Cancelled => "the caller gave up".into(),
        End::Voicemail { message: true } => "voicemail, with a message".into(),
        End::Voicemail { message: false } => "voicemail, no message".into(),
        End::Transferred => "passed on".into(),
        End::NoSuchNumber => "no such number".into(),
        End::Refused(why) => format!("refused: {why}"),
        End::Failed { cause } => format!("failed: {cause}"),
        End::JoinedTo(id) => match numbers.get(id) {
            Some(number) => format!("goes on as #{number}"),
            None => "goes on in another call".into(),
        },
        End::Disconnected => "while disconnected".into(),
    }
}

pub(super) fn progress(progress: &Progress, numbers: &BTreeMap<CallId, usize>) -> String {
    match progress {
        Progress::Queued => "queued".into(),
        Progress::RingingYourPhone => "your phone rings".into(),
        Progress::YouPickedUp => "you picked up".into(),
        Progress::Calling => "calling".into(),
        Progress::RingingThere => "rings there".into(),
        Progress::Answered => "answered".into(),
        Progress::Ended(End::ByThem) => "over, they hung up".into(),
        Progress::Ended(End::ByYou) => "over, you hung up".into(),
        Progress::Ended(End::Cancelled) => "over, taken back".into(),
        Progress::Ended(end) => format!("over, {}", end_words(end, numbers)),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

pub(super) fn json_of(told: &ToldCall) -> Value {
    let call = &told.call;
    let at = |instant: Instant| told.seconds(instant);
    let leg_name = |id: &LegId| call.leg(*id).map(|leg| leg.uniqueid.as_str().to_owned());
    let legs: Vec<_> = call
        .legs
        .iter()
        .map(|leg| {
            json!({
                "uniqueid": leg.uniqueid.as_str(),
                "channel": leg.channel.as_str(),
                "extension": leg.extension.as_ref().map(|extension| extension.as_str()),
                "party": name(call, leg),
                "caller": leg.role == Role::Caller,
                "ringing": leg.ringing.map(at),
                "answered": leg.answered.map(at),
                "gone": leg.gone.map(at),
                "cause": leg.cause.map(|cause| cause.0),
            })
        })
        .collect();
    let talks: Vec<_> = call
        .talks
        .iter()
        .map(|talk| {
            json!({
                "legs": talk.legs.iter().filter_map(leg_name).collect::<Vec<_>>(),
                "from": at(talk.from),
                "until": talk.until.map(at),
            })
        })
        .collect();
    let now = call.ended.unwrap_or(call.started);
    json!({
        "call": told.number,
        "headline": headline(call),
        "direction": format!("{:?}", call.direction).to_lowercase(),
        "number": call.caller.number,
        "name": call.caller.name,
        "dialled": call.dialled,
        "line": call.line,
        "started": at(call.started),
        "answered": call.answered.map(at),
        "answered_by": call.answered_by.as_ref().map(|extension| extension.as_str()),
        "ended": call.ended.map(at),
        "end": call.end.as_ref().map(|end| format!("{end:?}")),
        "ended_by": call.ended_by.as_ref().and_then(leg_name),
        "missed": call.is_missed(),
        "wait": call.wait_time(now).as_secs_f64(),
        "ring": call.ring_time(now).map(|time| time.as_secs_f64()),
        "talk": call.talk_time(now).map(|time| time.as_secs_f64()),
        "way": call.way().iter().map(|extension| extension.as_str()).collect::<Vec<_>>(),
        "legs": legs,
        "talks": talks,
    })
}
