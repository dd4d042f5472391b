//! Two records of one call made one: pure.

use super::{CallRecord, LegRecord, Outcome, Party, Source};

/// How well a record knows how its call ended. The better one wins, whichever came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certainty {
    /// It goes on, as far as we know.
    Open,
    /// It ended while nobody was watching.
    Lost,
    /// The PBX's own record says how it ended.
    Told,
    /// It was seen to its end.
    Seen,
}

impl Certainty {
    /// Of a record as its writer gives it.
    pub(crate) fn of(record: &CallRecord) -> Self {
        match (record.ended, record.outcome, record.source) {
            (None, _, _) => Self::Open,
            (Some(_), Outcome::Unknown, _) => Self::Lost,
            (Some(_), _, Source::Cdr) => Self::Told,
            (Some(_), _, Source::Live | Source::LiveAndCdr) => Self::Seen,
        }
    }

    pub(crate) fn from_stored(number: i64) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Lost,
            2 => Self::Told,
            _ => Self::Seen,
        }
    }
}

/// A record and how much it knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) record: CallRecord,
    pub(crate) certainty: Certainty,
}

impl From<CallRecord> for Known {
    fn from(record: CallRecord) -> Self {
        Self {
            certainty: Certainty::of(&record),
            record,
        }
    }
}

/// What both know together, under the id of the first. Of equals the later one wins, so that the last write of a live
/// record stands; records of the PBX are a sum in any order.
pub(crate) fn merge(first: Known, second: Known) -> Known {
    let id = first.record.id.clone();
    let both_told = first.certainty == Certainty::Told && second.certainty == Certainty::Told;
    let (better, other) = if both_told {
        sum_of_told(first, second)
    } else if came_late(&first, &second) {
        (second, first)
    } else if came_late(&second, &first) {
        (first, second)
    } else if second.certainty >= first.certainty {
        (second, first)
    } else {
        (first, second)
    };
    let certainty = better.certainty;
    let mut record = identified(better.record, &other.record);
    record = complete(record, other.record);
    record.id = id;
    Known { record, certainty }
}

/// Whoever came while a call was talked may have seen nothing of it but its end: the phone that the PBX says has answered
/// was never seen to ring.
fn came_late(seen: &Known, told: &Known) -> bool {
    let is_unanswered = matches!(
        seen.record.outcome,
        Outcome::Missed | Outcome::NoAnswer | Outcome::Cancelled
    );
    let is_answered = told.record.outcome == Outcome::Answered;
    let by = told.record.answered_by.as_ref().filter(|_| is_answered);
    let was_seen_to_ring = |by: &String| {
        let mut legs = seen.record.legs.iter();
        legs.any(|leg| leg.extension.as_ref() == Some(by) && leg.ringing.is_some())
    };
    seen.certainty == Certainty::Seen
        && told.certainty == Certainty::Told
        && is_unanswered
        && by.is_some_and(|by| !was_seen_to_ring(by))
}

/// Who called whom is known better by whoever saw it than by the PBX's record, and of several records of the PBX by
/// the first.
fn identified(record: CallRecord, other: &CallRecord) -> CallRecord {
    let is_told = |record: &CallRecord| record.source == Source::Cdr;
    // Whoever came late may have taken the called phone for the caller.
    let is_mistaken = |record: &CallRecord| {
        record.caller.number.is_some() && record.caller.number == record.callee.number
    };
    let other_knows = match (is_told(&record), is_told(other)) {
        (true, true) => other.started < record.started,
        (true, false) => !is_mistaken(other),
        (false, true) => is_mistaken(&record) && !is_mistaken(other),
        (false, false) => false,
    };
    if !other_knows {
        return record;
    }
    CallRecord {
        direction: other.direction,
        caller: complete_party(other.caller.clone(), record.caller),
        callee: if is_told(other) {
            record.callee
        } else {
            complete_party(other.callee.clone(), record.callee)
        },
        dialled: other.dialled.clone().or(record.dialled),
        line: other.line.clone().or(record.line),
        did: other.did.clone().or(record.did),
        ..record
    }
}

/// Of two records of the PBX the one that tells more leads, of talks the first. Times cover both; each of them is a
/// minimum or a maximum, so that the sum of many is the same in any order.
fn sum_of_told(first: Known, second: Known) -> (Known, Known) {
    let weight = |known: &Known| {
        let record = &known.record;
        let lowest = record.legs.iter().map(|leg| leg.uniqueid.clone()).min();
        let talk = record.answered.unwrap_or(i64::MAX);
        std::cmp::Reverse((
            std::cmp::Reverse(rank(record.outcome)),
            talk,
            record.started,
            lowest,
        ))
    };
    let talk_end = |known: &Known| {
        let record = &known.record;
        record.answered.map(|answered| answered + record.talk_ms)
    };
    let end_of_talk = talk_end(&first).max(talk_end(&second));
    let (mut better, other) = if weight(&second) > weight(&first) {
        (second, first)
    } else {
        (first, second)
    };
    better.record.ended = better.record.ended.max(other.record.ended);
    if let (Some(answered), Some(end)) = (better.record.answered, end_of_talk) {
        better.record.talk_ms = end - answered;
    }
    (better, other)
}

fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Answered => 7,
        Outcome::Voicemail => 6,
        Outcome::Missed => 5,
        Outcome::Busy => 4,
        Outcome::NoAnswer => 3,
        Outcome::Cancelled => 2,
        Outcome::Failed => 1,
        Outcome::Unknown => 0,
    }
}

/// What one does not know is taken from the other.
fn complete(record: CallRecord, other: CallRecord) -> CallRecord {
    let started = earlier_start(&record, &other);
    let answered = if record.is_answered() || record.outcome == Outcome::Unknown {
        earlier(record.answered, other.answered)
    } else {
        record.answered
    };
    // Somebody who came late to a call that went on saw only the rest of the talk.
    let talk_ms = match (answered, record.ended) {
        (Some(answered), Some(ended))
            if record.answered.is_some_and(|own| own - answered >= SECOND) =>
        {
            ended - answered
        }
        _ => record.talk_ms,
    };
    CallRecord {
        started,
        answered,
        talk_ms,
        ring_ms: record.ring_ms.max(if record.ring_ms == 0 {
            other.ring_ms
        } else {
            0
        }),
        wait_ms: record.wait_ms.max(if record.wait_ms == 0 {
            other.wait_ms
        } else {
            0
        }),
        caller: complete_party(record.caller, other.caller),
        callee: complete_party(record.callee, other.callee),
        dialled: record.dialled.or(other.dialled),
        line: record.line.or(other.line),
        did: record.did.or(other.did),
        queues: united(record.queues, other.queues),
        answered_by: record.answered_by.or(other.answered_by),
        ended_by: record.ended_by.or(other.ended_by),
        cause: record.cause.or(other.cause),
        way: united(record.way, other.way),
        recording: record.recording.or(other.recording),
        source: both(record.source, other.source),
        legs: united_legs(record.legs, other.legs),
        linkedid: record.linkedid.or(other.linkedid),
        counts_as_missed: record.counts_as_missed || other.counts_as_missed,
        person: record.person.or(other.person),
        ..record
    }
}

const SECOND: i64 = 1000;

/// The earlier one, but records of the PBX have whole seconds: one within a second of what was seen is the same.
fn earlier_start(record: &CallRecord, other: &CallRecord) -> i64 {
    let is_rounded = |told: &CallRecord, seen: &CallRecord| {
        told.source == Source::Cdr
            && seen.source != Source::Cdr
            && (told.started - seen.started).abs() < SECOND
    };
    if is_rounded(other, record) {
        record.started
    } else if is_rounded(record, other) {
        other.started
    } else {
        record.started.min(other.started)
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

fn both(one: Source, other: Source) -> Source {
    if one == other {
        one
    } else {
        Source::LiveAndCdr
    }
}

fn complete_party(party: Party, other: Party) -> Party {
    let name = match (&party.number, &other.number) {
        // A name belongs to its number.
        (Some(number), Some(others)) if number != others => party.name,
        _ => party.name.or(other.name),
    };
    Party {
        number: party.number.or(other.number),
        name,
    }
}

fn united(mut words: Vec<String>, others: Vec<String>) -> Vec<String> {
    for word in others {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn united_legs(mut legs: Vec<LegRecord>, others: Vec<LegRecord>) -> Vec<LegRecord> {
    for other in others {
        match legs.iter_mut().find(|leg| leg.uniqueid == other.uniqueid) {
            Some(leg) => complete_leg(leg, other),
            None => legs.push(other),
        }
    }
    legs
}

fn complete_leg(leg: &mut LegRecord, other: LegRecord) {
    if leg.channel.is_empty() {
        leg.channel = other.channel;
    }
    if leg.role.is_empty() {
        leg.role = other.role;
    }
    leg.extension = leg.extension.take().or(other.extension);
    leg.number = leg.number.take().or(other.number);
    leg.ringing = earlier(leg.ringing, other.ringing);
    leg.answered = earlier(leg.answered, other.answered);
    leg.gone = leg.gone.or(other.gone);
    leg.cause = leg.cause.or(other.cause);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallId;
    use crate::calls::Direction;

    #[test]
    fn records_of_the_pbx_are_the_same_sum_in_any_order() {
        let rows = [
            told("1.1", 0, Outcome::Missed, 0),
            told("1.2", 1_000, Outcome::Answered, 7_000),
            told("1.3", 6_000, Outcome::Answered, 3_000),
        ];
        let sums = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ]
        .map(|order| {
            let rows = order.map(|place: usize| rows[place].clone());
            let mut sum = rows.into_iter().reduce(merge).unwrap().record;
            sum.id = "sum".into();
            sum.legs.sort_by(|a, b| a.uniqueid.cmp(&b.uniqueid));
            sum
        });
        for sum in &sums {
            assert_eq!(sum, &sums[0]);
        }
        // From 2,000, when the first answered, to 10,000, when the last hung up.
        assert_eq!((sums[0].started, sums[0].talk_ms), (0, 8_000));
        assert_eq!(sums[0].caller.number.as_deref(), Some("from 1.1"));
    }

    #[test]
    fn what_was_merged_already_changes_nothing() {
        let first = told("1.1", 0, Outcome::Missed, 0);
        let second = told("1.2", 1_000, Outcome::Answered, 7_000);
        let once = merge(first.clone(), second.clone());
        assert_eq!(merge(once.clone(), second), once);
        assert_eq!(merge(once.clone(), first), once);
    }

    #[test]
    fn a_talk_of_which_only_the_end_was_seen_is_as_long_as_it_was() {
        let mut before = seen("1.1", 0);
        before.answered = Some(5_000);
        let mut after = seen("1.1", 60_000);
        after.answered = Some(60_000);
        after.ended = Some(65_000);
        after.outcome = Outcome::Answered;
        after.talk_ms = 5_000;
        let whole = merge(before.into(), after.into()).record;
        assert_eq!((whole.started, whole.answered), (0, Some(5_000)));
        assert_eq!(whole.talk_ms, 60_000);
    }

    #[test]
    fn who_saw_only_the_end_is_told_who_called_and_that_it_was_answered() {
        let mut late = seen("1.1", 3_000);
        late.caller.number = Some("104".into());
        late.callee.number = Some("104".into());
        late.ended = Some(5_000);
        late.outcome = Outcome::Missed;
        let mut pbx = told("1.1", 0, Outcome::Answered, 4_000);
        pbx.record.answered_by = Some("104".into());
        for whole in [
            merge(late.clone().into(), pbx.clone()),
            merge(pbx.clone(), late.clone().into()),
        ] {
            assert_eq!(whole.record.outcome, Outcome::Answered);
            assert_eq!(whole.record.caller.number.as_deref(), Some("from 1.1"));
        }
        // Whoever saw that phone ring saw whether anybody talked.
        late.legs.push(LegRecord {
            uniqueid: "1.2".into(),
            extension: Some("104".into()),
            ringing: Some(3_500),
            ..LegRecord::default()
        });
        let whole = merge(pbx, late.into());
        assert_eq!(whole.record.outcome, Outcome::Missed);
    }

    #[test]
    fn what_the_pbx_tells_of_a_lost_call_keeps_who_was_seen_to_call() {
        let mut lost = seen("1.1", 0);
        lost.ended = Some(90_000);
        lost.caller.name = Some("Anna".into());
        let told = told("1.1", 0, Outcome::Answered, 7_000);
        for (first, second) in [(lost.clone().into(), told.clone()), (told, lost.into())] {
            let call = merge(first, second).record;
            assert_eq!(call.caller.number.as_deref(), Some("seen 1.1"));
            assert_eq!((call.outcome, call.talk_ms), (Outcome::Answered, 7_000));
            assert_eq!(call.source, Source::LiveAndCdr);
        }
    }

    fn told(uniqueid: &str, started: i64, outcome: Outcome, talk_ms: i64) -> Known {
        let mut record = seen(uniqueid, started);
        record.caller.number = Some(format!("from {uniqueid}"));
        record.answered = (talk_ms > 0).then_some(started + 1_000);
        record.ended = Some(started + 1_000 + talk_ms);
        record.source = Source::Cdr;
        Known::from(CallRecord {
            outcome,
            talk_ms,
            ..record
        })
    }

    fn seen(uniqueid: &str, started: i64) -> CallRecord {
        CallRecord {
            id: CallId::from(uniqueid),
            pbx: "office".into(),
            direction: Direction::Incoming,
            caller: Party {
                number: Some(format!("seen {uniqueid}")),
                name: None,
            },
            callee: Party::default(),
            dialled: None,
            line: None,
            did: None,
            queues: Vec::new(),
            started,
            answered: None,
            ended: None,
            ring_ms: 0,
            wait_ms: 0,
            talk_ms: 0,
            outcome: Outcome::Unknown,
            outcome_words: String::new(),
            answered_by: None,
            ended_by: None,
            cause: None,
            way: Vec::new(),
            recording: None,
            source: Source::Live,
            legs: vec![LegRecord {
                uniqueid: uniqueid.into(),
                ..LegRecord::default()
            }],
            linkedid: None,
            counts_as_missed: true,
            person: None,
        }
    }
}
