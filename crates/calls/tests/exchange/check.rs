//! What the tracker says against what really happened.

use std::collections::{BTreeMap, BTreeSet};

use calls::{Call, CallTracker, Direction, End, LegState, Progress, Transferred};

use crate::{
    client::Client,
    truth::{CallTruth, Passed, Truth, View, Visit},
};

/// What differs.
pub(crate) struct Fail(pub(crate) String);

/// A call's burst of events takes less, in milliseconds.
const TOLERANCE: u64 = 60;

/// What holds at any moment.
pub(crate) fn invariants(tracker: &CallTracker) -> Result<(), Fail> {
    let mut ids = BTreeSet::new();
    let mut channels = BTreeSet::new();
    for call in tracker.calls() {
        same("one call, one id", &ids.insert(call.id), &true)?;
        for leg in call.legs.iter().filter(|leg| leg.state != LegState::Gone) {
            let who = leg.uniqueid.as_str();
            same(
                &format!("{who} is in one call"),
                &channels.insert(who),
                &true,
            )?;
            let talks = call
                .talking()
                .filter(|talk| talk.legs.contains(&leg.id))
                .count();
            same(&format!("{who} talks"), &talks, &usize::from(leg.talking))?;
        }
    }
    Ok(())
}

/// What is seen of calls in which nothing happens just now.
pub(crate) fn now(tracker: &CallTracker, truth: &Truth, at: u64) -> Result<(), Fail> {
    let mut seen = BTreeMap::new();
    for call in tracker.calls() {
        let view = view(call);
        for who in view.channels.clone() {
            seen.insert(who, call);
        }
    }
    // What comes of a frame is true from the next moment on.
    for expected in truth.at(at + 1) {
        let call = expected.channels.iter().find_map(|who| seen.get(who));
        let call = call.ok_or_else(|| Fail(format!("{at}: nothing is seen of {expected:?}")))?;
        same(&format!("at {at}"), &view(call), &expected)?;
    }
    Ok(())
}

fn view(call: &Call) -> View {
    let live = call.legs.iter().filter(|leg| leg.state != LegState::Gone);
    View {
        channels: live.map(|leg| leg.uniqueid.as_str().to_owned()).collect(),
        ringing: call
            .ringing()
            .map(|leg| leg.uniqueid.as_str().to_owned())
            .collect(),
        talks: call.talking().map(|talk| talkers(call, talk)).collect(),
    }
}

fn talkers(call: &Call, talk: &calls::Talk) -> BTreeSet<String> {
    let legs = talk.legs.iter().filter_map(|id| call.leg(*id));
    legs.map(|leg| leg.uniqueid.as_str().to_owned()).collect()
}

/// What is told in the end of each call of a script.
pub(crate) fn ended(client: &Client, truth: &Truth) -> Result<(), Fail> {
    for (number, expected) in truth.calls.iter().enumerate() {
        let is_of = |call: &&Call, joined: bool| {
            let is_joined = matches!(call.end, Some(End::JoinedTo(_)));
            is_joined == joined
                && call.legs.iter().any(|leg| {
                    let by = if joined { 0 } else { u64::MAX };
                    truth.call_of(leg.uniqueid.as_str(), by) == Some(number)
                })
        };
        let found: Vec<_> = client
            .ended
            .iter()
            .filter(|call| is_of(call, false))
            .collect();
        if !truth.is_joined(number) {
            let [call] = found[..] else {
                return Err(Fail(format!("{} calls for {expected:#?}", found.len())));
            };
            one(client, truth, number, expected, call)?;
        }
        let joined = client.ended.iter().filter(|call| is_of(call, true)).count();
        same("calls that were joined", &(joined <= 1), &true)?;
    }
    Ok(())
}

fn one(
    client: &Client,
    truth: &Truth,
    number: usize,
    expected: &CallTruth,
    call: &Call,
) -> Result<(), Fail> {
    let legs: BTreeSet<_> = call.legs.iter().map(|leg| leg.uniqueid.as_str()).collect();
    let channels = truth.channels.iter().map(|life| life.who.as_str());
    let channels: BTreeSet<_> = channels
        .filter(|who| truth.call_of(who, u64::MAX) == Some(number))
        .collect();
    same("legs", &legs, &channels)?;
    same(
        "caller",
        &call.caller.number.as_deref(),
        &expected.caller.as_deref(),
    )?;
    same("answered", &call.answered.is_some(), &expected.is_answered)?;
    let answered_by = call.answered_by.as_ref().map(ToString::to_string);
    same("answered by", &answered_by, &expected.answered_by)?;
    let is_missed = expected.direction == Direction::Incoming && !expected.is_answered;
    same("missed", &call.is_missed(), &is_missed)?;
    same("talks", &talks(client, call), &talks_of(truth, number))?;
    times(client, truth, number, call)?;
    same("transfers", &transfers(call), &expected.transfers)?;
    same("queues", &visits(call), &expected.queues)?;
    same("parkings", &call.parkings.len(), &expected.parkings)?;
    let ended_by = call.ended_by.and_then(|id| call.leg(id));
    let ended_by = ended_by.map(|leg| leg.uniqueid.as_str());
    if call.answered.is_some() {
        same("ended by", &ended_by, &expected.ended_by.as_deref())?;
    }
    // After people have changed, nobody is "you" in a call inside.
    let has_moved = !expected.transfers.is_empty() || expected.parkings > 0;
    if expected.direction != Direction::Internal || !has_moved {
        same("end", &call.end.as_ref(), &Some(&expected.end))?;
    }
    click(client, expected, call)
}

fn talks(_: &Client, call: &Call) -> Vec<BTreeSet<String>> {
    call.talks.iter().map(|talk| talkers(call, talk)).collect()
}

fn talks_of(truth: &Truth, number: usize) -> Vec<BTreeSet<String>> {
    let talks = truth.talks_of(number).into_iter();
    talks.map(|talk| talk.who.clone()).collect()
}

fn times(client: &Client, truth: &Truth, number: usize, call: &Call) -> Result<(), Fail> {
    for (talk, expected) in call.talks.iter().zip(truth.talks_of(number)) {
        let from = client.clock(talk.from);
        let until = talk.until.map(|until| client.clock(until));
        let is_near = from.abs_diff(expected.span.from) <= TOLERANCE
            && until
                .zip(expected.span.until)
                .is_some_and(|(one, two)| one.abs_diff(two) <= TOLERANCE);
        let what = format!(
            "{:?} from {from} to {until:?} as {:?}",
            expected.who, expected.span
        );
        same(&what, &is_near, &true)?;
    }
    Ok(())
}

fn transfers(call: &Call) -> Vec<Passed> {
    let passed = call.transfers.iter().map(|transfer| Passed {
        kind: transfer.kind,
        by: transfer
            .by
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        to: match &transfer.outcome {
            Transferred::Reached(to) => to.as_ref().map(ToString::to_string),
            Transferred::Failed => None,
            Transferred::Pending => Some("pending".into()),
        },
    });
    passed.collect()
}

fn visits(call: &Call) -> Vec<Visit> {
    let visits = call.queues.iter().map(|visit| Visit {
        offered: visit.offered.iter().map(ToString::to_string).collect(),
        outcome: visit.outcome.clone(),
    });
    visits.collect()
}

/// Steps go forward, and the last is how the call ended, or that the agent passed it on.
fn click(client: &Client, expected: &CallTruth, call: &Call) -> Result<(), Fail> {
    let Some(id) = call.originate.as_ref().filter(|_| expected.clicked) else {
        return Ok(());
    };
    let steps: Vec<_> = client
        .steps
        .iter()
        .filter(|(click, _)| click == id.as_str())
        .map(|(_, step)| step)
        .collect();
    let is_answered = steps.iter().any(|step| **step == Progress::Answered);
    same("click answered", &is_answered, &expected.is_answered)?;
    let ends = steps
        .iter()
        .filter(|step| matches!(step, Progress::Ended(_)));
    same("ends of a click", &ends.count(), &1)?;
    let last = steps.last().copied();
    let has_moved = !expected.transfers.is_empty() || expected.parkings > 0;
    if has_moved {
        same(
            "last step",
            &matches!(last, Some(Progress::Ended(_))),
            &true,
        )
    } else {
        same(
            "last step",
            &last,
            &Some(&Progress::Ended(expected.end.clone())),
        )
    }
}

/// What ended while nobody listened is called nothing else.
pub(crate) fn ended_unseen(calls: &[Call]) -> Result<(), Fail> {
    for call in calls {
        let is_unknown = matches!(call.end, Some(End::Disconnected | End::JoinedTo(_)));
        same(&format!("{:?}", call.end), &is_unknown, &true)?;
        same("missed", &call.is_missed(), &false)?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, is: &T) -> Result<(), Fail> {
    if seen == is {
        return Ok(());
    }
    Err(Fail(format!("{what}: seen {seen:?}, is {is:?}")))
}
