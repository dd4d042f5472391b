//! The link is cut at every message of every recording, and what the PBX lists afterwards brings the state back: to that
//! of a client that never lost the link.
//!
//! The lists come from a model of the PBX (`replay::pbx`), written as Asterisk writes them and read as any other.

// The edge of the pure crate: recordings are files, and time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use ami::Event;
use calls::{Call, CallEvent, CallTracker, End, LegState, Role, Seed};
use replay::{
    Recording,
    pbx::{Pbx, Rights},
    recording,
};

/// Whoever lost the link for a moment knows all that he knew, and nothing else: the same calls to the last field.
#[test]
fn link_lost_at_any_message_leaves_no_trace() {
    let mut cuts = 0;
    let mut wrong = BTreeMap::new();
    every_recording(|name, steady, pbx, now| {
        for rights in [Rights::All, Rights::Call] {
            let mut cut = steady.clone();
            cut.link_lost(now);
            cut.resync(&pbx.lists(rights), now);
            while cut.poll_event().is_some() {}
            let found = differences(steady, &cut);
            if !found.is_empty() {
                wrong.entry(format!("{name} {rights:?}")).or_insert(found);
            }
        }
        cuts += 1;
    });
    assert!(wrong.is_empty(), "{} recordings: {wrong:#?}", wrong.len());
    assert!(cuts > 35_000, "{cuts}");
}

/// Whoever comes new at any message sees the same calls as one who was there from the beginning: who is in each, who
/// talks with whom, who rings, who is parked or in a room.
#[test]
fn newcomer_at_any_message_sees_what_is() {
    let mut cuts = 0;
    let mut wrong = BTreeMap::new();
    every_recording(|name, steady, pbx, now| {
        let mut new = tracker(now);
        new.resync(&pbx.lists(Rights::All), now);
        while new.poll_event().is_some() {}
        let live: BTreeSet<_> = pbx.channels().collect();
        let (seen, known) = (
            view(&new, &unsettled(steady, &live)),
            view(steady, &BTreeSet::new()),
        );
        if seen != known || !is_same_partition(&new, steady, pbx) {
            wrong
                .entry(name.to_owned())
                .or_insert(format!("seen {seen:#?}\nis {known:#?}"));
        }
        cuts += 1;
    });
    assert!(wrong.is_empty(), "{} recordings: {wrong:#?}", wrong.len());
    assert!(cuts > 35_000, "{cuts}");
}

/// Away from one message to a later one: the calls that go on are as they are, and those that ended meanwhile ended
/// while disconnected, not as anything that was guessed.
#[test]
fn calls_that_end_while_the_link_is_down_end_as_unknown() {
    let mut lost = 0;
    for name in recording::names().expect("recordings") {
        for away in [3, 40, 400] {
            lost += gaps(&name, away);
        }
    }
    assert!(lost > 200, "{lost}");
}

/// Cuts the link at every `away`-th message for as many messages; says how many calls ended meanwhile.
fn gaps(name: &str, away: usize) -> usize {
    let recording = Recording::named(name).expect("a recording");
    let mut ended = 0;
    let now = Instant::now();
    let mut steady = tracker(now);
    let mut pbx = Pbx::default();
    let mut absent: Option<CallTracker> = None;
    let mut at = 0;
    recording.for_each(|message| {
        if at % away == 0 {
            if let Some(mut back) = absent.take() {
                back.resync(&pbx.lists(Rights::All), now);
                ended += check_return(name, &mut back, &steady, &pbx);
            }
            let mut leaves = steady.clone();
            leaves.link_lost(now);
            while leaves.poll_event().is_some() {}
            absent = Some(leaves);
        }
        hear(&mut steady, &mut pbx, message, now);
        at += 1;
    });
    ended
}

fn check_return(name: &str, back: &mut CallTracker, steady: &CallTracker, pbx: &Pbx) -> usize {
    let mut ended = 0;
    while let Some(event) = back.poll_event() {
        if let CallEvent::Ended(call) = event {
            assert!(
                matches!(call.end, Some(End::Disconnected | End::JoinedTo(_))),
                "{name}: {:?}",
                call.end
            );
            assert!(!call.is_missed(), "{name}");
            ended += 1;
        }
    }
    let live: BTreeSet<_> = pbx.channels().collect();
    let seen = view(back, &unsettled(steady, &live));
    assert_eq!(seen, view(steady, &BTreeSet::new()), "{name}");
    assert!(is_same_partition(back, steady, pbx), "{name}");
    ended
}

fn every_recording(mut at_each: impl FnMut(&str, &CallTracker, &Pbx, Instant)) {
    for name in recording::names().expect("recordings") {
        let now = Instant::now();
        let mut steady = tracker(now);
        let mut pbx = Pbx::default();
        let recording = Recording::named(&name).expect("a recording");
        recording.for_each(|message| {
            hear(&mut steady, &mut pbx, message, now);
            at_each(&name, &steady, &pbx, now);
        });
    }
}

fn hear(tracker: &mut CallTracker, pbx: &mut Pbx, message: &ami::Message<'_>, now: Instant) {
    pbx.apply(message);
    if message.get("ActionID").is_none()
        && let Some(event) = message.event()
        && !matches!(event, Event::CoreShowChannel(_) | Event::Status(_))
    {
        tracker.handle(&event, now);
    }
    while tracker.poll_event().is_some() {}
}

fn tracker(now: Instant) -> CallTracker {
    CallTracker::new(Seed {
        unix_ms: 1_795_228_715_000,
        at: now,
        random: 1,
    })
}

/// Where the calls of the two differ, field by field; empty if nowhere.
fn differences(steady: &CallTracker, cut: &CallTracker) -> Vec<String> {
    let told = |tracker: &CallTracker| -> Vec<String> {
        let calls = tracker.calls().map(|call: &Call| format!("{call:#?}"));
        calls
            .flat_map(|call| call.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    if tracker_calls_equal(steady, cut) {
        return Vec::new();
    }
    let (steady, cut) = (told(steady), told(cut));
    let differing = steady.iter().zip(&cut).filter(|(one, two)| one != two);
    let mut found: Vec<_> = differing
        .map(|(one, two)| format!("{one} / {two}"))
        .take(6)
        .collect();
    found.push(format!("{} / {} lines", steady.len(), cut.len()));
    found
}

fn tracker_calls_equal(one: &CallTracker, two: &CallTracker) -> bool {
    one.calls().eq(two.calls())
}

/// Channels that the PBX still lists and of which Dial has said that they are out: their Hangup is on its way.
fn unsettled<'a>(steady: &CallTracker, live: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let gone: BTreeSet<_> = steady
        .calls()
        .flat_map(|call| &call.legs)
        .filter(|leg| leg.state == LegState::Gone)
        .map(|leg| leg.uniqueid.as_str().to_owned())
        .collect();
    live.iter()
        .copied()
        .filter(|id| gone.contains(*id))
        .collect()
}

/// What can be seen of the calls that go on: the phones that ring or are up, by channel.
fn view(tracker: &CallTracker, but: &BTreeSet<&str>) -> BTreeMap<String, Seen> {
    let mut view = BTreeMap::new();
    for call in tracker.calls() {
        let legs = call.legs.iter().filter(|leg| {
            matches!(leg.state, LegState::Ringing | LegState::Up)
                && !but.contains(leg.uniqueid.as_str())
        });
        for leg in legs {
            let with = call
                .talking()
                .filter(|talk| talk.legs.contains(&leg.id))
                .flat_map(|talk| &talk.legs)
                .filter_map(|id| call.leg(*id))
                .map(|other| other.uniqueid.as_str().to_owned())
                .collect();
            let seen = Seen {
                extension: leg.extension.as_ref().map(ToString::to_string),
                state: leg.state,
                with,
                room: leg.room.as_deref().map(str::to_owned),
                parked: call
                    .parked()
                    .filter(|_| leg.role == Role::Caller)
                    .map(|parked| parked.space.to_string()),
            };
            view.insert(leg.uniqueid.as_str().to_owned(), seen);
        }
    }
    view
}

/// Which phones are one call must be the same, but for one that waits alone with a Linkedid of its own: a transferer who
/// is about to be let go, a retriever in the moment before he is put through. That he belongs to the call is not to be
/// seen in a list.
fn is_same_partition(new: &CallTracker, steady: &CallTracker, pbx: &Pbx) -> bool {
    let linkedids: BTreeMap<_, _> = pbx.linkedids().collect();
    let groups = |tracker: &CallTracker| -> BTreeMap<String, usize> {
        let legs = tracker.calls().enumerate().flat_map(|(at, call)| {
            let live = call.legs.iter().filter(|leg| leg.state != LegState::Gone);
            live.map(move |leg| (leg.uniqueid.as_str().to_owned(), at))
                .collect::<Vec<_>>()
        });
        legs.collect()
    };
    let (new, steady) = (groups(new), groups(steady));
    let both: Vec<_> = new.keys().filter(|id| steady.contains_key(*id)).collect();
    both.iter().enumerate().all(|(at, one)| {
        both[at + 1..].iter().all(|two| {
            let is_one_anew = new[*one] == new[*two];
            let is_one = steady[*one] == steady[*two];
            let is_linked = linkedids.get(one.as_str()) == linkedids.get(two.as_str());
            is_one_anew == is_one || (is_one && !is_linked)
        })
    })
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    extension: Option<String>,
    state: LegState,
    /// With whom it talks, itself included.
    with: BTreeSet<String>,
    room: Option<String>,
    parked: Option<String>,
}
