//! Stores and calls for tests of the store.

mod databases;

pub use databases::{Scratch, on_both, postgres};

use store::{CallRecord, CdrRow, Direction, Disposition, LegRecord, Outcome, Party, Source};

/// An incoming call that goes on, with these channels.
pub fn open_call(id: &str, number: &str, started: i64, channels: &[&str]) -> CallRecord {
    let leg = |uniqueid: &&str| LegRecord {
        uniqueid: (*uniqueid).to_owned(),
        channel: format!("PJSIP/trunk-{uniqueid}"),
        role: "caller".into(),
        ..LegRecord::default()
    };
    CallRecord {
        id: id.into(),
        pbx: "office".into(),
        direction: Direction::Incoming,
        caller: Party {
            number: Some(number.to_owned()).filter(|number| !number.is_empty()),
            name: None,
        },
        callee: Party::default(),
        dialled: None,
        line: Some("trunk".into()),
        did: None,
        queues: vec!["sales".into()],
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
        legs: channels.iter().map(leg).collect(),
        linkedid: channels.first().map(|first| (*first).to_owned()),
        counts_as_missed: true,
        person: None,
    }
}

/// As [`open_call`], at its end: nobody answered.
pub fn missed_call(id: &str, number: &str, started: i64, channels: &[&str]) -> CallRecord {
    CallRecord {
        ended: Some(started + 20_000),
        outcome: Outcome::Missed,
        outcome_words: "nobody answered".into(),
        ..open_call(id, number, started, channels)
    }
}

/// As [`open_call`], at its end: an extension talked for ten seconds.
pub fn answered_call(
    id: &str,
    number: &str,
    started: i64,
    channels: &[&str],
    by: &str,
) -> CallRecord {
    CallRecord {
        answered: Some(started + 5_000),
        ended: Some(started + 15_000),
        talk_ms: 10_000,
        outcome: Outcome::Answered,
        outcome_words: format!("answered by {by}"),
        answered_by: Some(by.into()),
        way: vec![by.into()],
        ..open_call(id, number, started, channels)
    }
}

/// A call from one of ours to a number, answered there.
pub fn outgoing_call(
    id: &str,
    from: &str,
    number: &str,
    started: i64,
    channels: &[&str],
) -> CallRecord {
    CallRecord {
        direction: Direction::Outgoing,
        caller: Party {
            number: Some(from.into()),
            name: None,
        },
        callee: Party {
            number: Some(number.into()),
            name: None,
        },
        way: vec![from.into()],
        queues: Vec::new(),
        counts_as_missed: false,
        ..answered_call(id, number, started, channels, from)
    }
}

/// The PBX's own record of an incoming call that `by` answered, or nobody.
pub fn cdr_row(
    uniqueid: &str,
    linkedid: &str,
    number: &str,
    start: i64,
    by: Option<&str>,
) -> CdrRow {
    CdrRow {
        uniqueid: uniqueid.into(),
        linkedid: Some(linkedid.into()),
        sequence: None,
        src: number.into(),
        clid_name: None,
        dst: "700".into(),
        dcontext: "from-trunk".into(),
        channel: format!("PJSIP/trunk-{uniqueid}"),
        dst_channel: by
            .map(|by| format!("PJSIP/{by}-0000abcd"))
            .unwrap_or_default(),
        start,
        answer: by.map(|_| start + 5_000),
        end: start + 15_000,
        duration_s: 15,
        billsec: if by.is_some() { 10 } else { 0 },
        disposition: if by.is_some() {
            Disposition::Answered
        } else {
            Disposition::NoAnswer
        },
        did: None,
        userfield: None,
        accountcode: None,
        direction: Some(Direction::Incoming),
        counts_as_missed: true,
    }
}
