//! Calls that a small PBX makes up, many at a time and in any order, with the truth beside: what the tracker tells of them
//! must be that, whatever the link does to the bytes.

// The edge of the pure crate: time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

#[path = "generated/pbx.rs"]
mod pbx;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use ami::{Charset, Decoder, Incoming, Limits};
use calls::{Call, CallEvent, CallId, CallTracker, Direction, End, LegState, Seed};
use pbx::{Kind, Script, Truth};
use proptest::prelude::*;
use replay::pbx::{Pbx, Rights};

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interleaved_calls_are_told_as_they_were(kinds in kinds(1..100), order in order(), chunk in 1..4_000_usize) {
        let scripts = scripts(&kinds);
        let bytes = interleave(&scripts, &order, |_| {});
        let mut client = Client::new();
        for part in bytes.chunks(chunk) {
            client.hear(part);
        }
        client.check(&scripts)?;
    }

    #[test]
    fn bytes_that_come_one_by_one_change_nothing(kinds in kinds(1..6), order in order()) {
        let scripts = scripts(&kinds);
        let bytes = interleave(&scripts, &order, |_| {});
        let mut client = Client::new();
        for byte in &bytes {
            client.hear(std::slice::from_ref(byte));
        }
        client.check(&scripts)?;
    }

    #[test]
    fn garbage_and_doubled_events_change_nothing(
        kinds in kinds(1..30),
        order in order(),
        noise in prop::collection::vec(garbage(), 1..20),
    ) {
        let scripts = scripts(&kinds);
        let mut at = 0;
        let bytes = interleave(&scripts, &order, |out| {
            at += 1;
            if at % 3 == 0 {
                let last = last_frame(out).to_vec();
                out.extend(last);
            }
            out.extend_from_slice(&noise[at % noise.len()]);
        });
        let mut client = Client::new();
        client.hear(&bytes);
        client.check(&scripts)?;
    }

    /// Whatever Hangups get lost: the next audit ends what has ended, counts it, and leaves all else as it is.
    #[test]
    fn lost_hangups_are_healed_by_an_audit(kinds in kinds(1..30), order in order(), lost in 2..9_usize) {
        let scripts = scripts(&kinds);
        let whole = interleave(&scripts, &order, |_| {});
        let mut client = Client::new();
        client.hear(BANNER);
        let mut pbx = Pbx::default();
        let (mut hangups, mut kept_back) = (0, 0);
        for_each_frame(&whole, |frame| {
            apply(&mut pbx, frame);
            if frame.starts_with(b"Event: Hangup\r\n") {
                hangups += 1;
                if hangups % lost == 0 {
                    kept_back += 1;
                    return;
                }
            }
            client.hear(frame);
            client.invariants();
        });
        client.audit(&pbx);
        prop_assert_eq!(client.tracker.wants_second_audit(), kept_back > 0);
        client.audit(&pbx);
        prop_assert!(client.tracker.is_idle(), "{:#?}", client.tracker);
        prop_assert_eq!(client.tracker.oddities().lost_hangups, kept_back);
        client.check_but_for_ends(&scripts)?;
    }

    /// The same while the calls go on: an audit at any moment of a whole stream finds nothing to mend.
    #[test]
    fn an_audit_of_a_whole_stream_finds_nothing(kinds in kinds(1..12), order in order(), every in 1..20_usize) {
        let scripts = scripts(&kinds);
        let whole = interleave(&scripts, &order, |_| {});
        let mut client = Client::new();
        client.hear(BANNER);
        let mut pbx = Pbx::default();
        let mut at = 0;
        for_each_frame(&whole, |frame| {
            apply(&mut pbx, frame);
            client.hear(frame);
            at += 1;
            if at % every == 0 {
                client.audit(&pbx);
            }
        });
        let oddities = client.tracker.oddities();
        prop_assert_eq!((oddities.lost_hangups, oddities.lost_births), (0, 0));
        client.check(&scripts)?;
    }
}

const BANNER: &[u8] = b"Asterisk Call Manager/11.0.0\r\n";

fn kinds(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(Kind, u16)>> {
    prop::collection::vec((prop::sample::select(&Kind::ALL[..]), any::<u16>()), count)
}

/// Whose turn it is, again and again.
fn order() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..200)
}

fn garbage() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"\r\n".to_vec()),
        Just(b"Event: TestEvent\r\nno colon here\r\n\x00\xff\xfe: \xcf\xf0\r\n\r\n".to_vec()),
        Just(b"Response: Error\r\nMessage: Permission denied\r\n\r\n".to_vec()),
        Just(b"Event: Hangup\r\nUniqueid: never.born\r\nCause: 16\r\n\r\n".to_vec()),
        Just(b"Event: NewCallerid\r\nUniqueid: never.born\r\nCallerIDNum: 1\r\n\r\n".to_vec()),
        Just(b": \r\nEvent\r\n\r\n".to_vec()),
    ]
}

fn scripts(kinds: &[(Kind, u16)]) -> Vec<Script> {
    kinds
        .iter()
        .enumerate()
        .map(|(number, (kind, dice))| Script::new(*kind, number, *dice))
        .collect()
}

/// One stream of all scripts, each in its own order; `after_each` may add to it.
fn interleave(
    scripts: &[Script],
    order: &[prop::sample::Index],
    mut after_each: impl FnMut(&mut Vec<u8>),
) -> Vec<u8> {
    let mut out = BANNER.to_vec();
    let mut next = vec![0; scripts.len()];
    let mut turns = order.iter().cycle();
    loop {
        let open: Vec<_> = (0..scripts.len())
            .filter(|at| next[*at] < scripts[*at].frames.len())
            .collect();
        let (Some(turn), false) = (turns.next(), open.is_empty()) else {
            return out;
        };
        let at = *turn.get(&open);
        out.extend_from_slice(scripts[at].frames[next[at]].as_bytes());
        next[at] += 1;
        after_each(&mut out);
    }
}

fn last_frame(bytes: &[u8]) -> &[u8] {
    let body = &bytes[..bytes.len() - 4];
    let begin = body.windows(4).rposition(|window| window == b"\r\n\r\n");
    match begin {
        Some(begin) => &bytes[begin + 4..],
        // After the banner.
        None => &bytes[BANNER.len()..],
    }
}

fn for_each_frame(bytes: &[u8], mut with: impl FnMut(&[u8])) {
    let mut rest = &bytes[BANNER.len()..];
    while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
        let (frame, after) = rest.split_at(end + 4);
        with(frame);
        rest = after;
    }
}

fn apply(pbx: &mut Pbx, frame: &[u8]) {
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    decoder.feed(BANNER);
    decoder.feed(frame);
    while let Some(incoming) = decoder.next_message() {
        if let Incoming::Message(message) = incoming {
            pbx.apply(&message);
        }
    }
}

/// A client that checks at every step what must always hold.
struct Client {
    decoder: Decoder,
    tracker: CallTracker,
    now: Instant,
    ended: Vec<Call>,
    /// Which call each channel was first seen in.
    calls: BTreeMap<String, CallId>,
}

impl Client {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            decoder: Decoder::new(Charset::default(), Limits::default()),
            tracker: CallTracker::new(Seed {
                unix_ms: 0,
                at: now,
                random: 3,
            }),
            now,
            ended: Vec::new(),
            calls: BTreeMap::new(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        let mut heard = false;
        while let Some(incoming) = self.decoder.next_message() {
            if let Incoming::Message(message) = incoming
                && let Some(event) = message.event()
            {
                self.now += std::time::Duration::from_millis(10);
                self.tracker.handle(&event, self.now);
                heard = true;
            }
        }
        if heard {
            self.poll();
        }
    }

    fn poll(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            if let CallEvent::Ended(call) = event {
                assert!(call.legs.iter().all(|leg| leg.state == LegState::Gone));
                assert!(call.talks.iter().all(|talk| talk.until.is_some()));
                self.ended.push(*call);
            }
        }
    }

    fn audit(&mut self, pbx: &Pbx) {
        self.tracker.begin_audit();
        self.tracker.resync(&pbx.lists(Rights::All), self.now);
        self.poll();
    }

    fn invariants(&mut self) {
        let mut talkers = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for call in self.tracker.calls() {
            assert!(ids.insert(call.id), "one call, one id");
            for leg in &call.legs {
                let uniqueid = leg.uniqueid.as_str().to_owned();
                if leg.talking {
                    assert!(talkers.insert(uniqueid.clone()), "{uniqueid} talks twice");
                    assert_eq!(leg.state, LegState::Up);
                }
                self.calls.entry(uniqueid).or_insert(call.id);
            }
        }
    }

    /// Every call was told once, as it was, and nothing is left.
    fn check(&self, scripts: &[Script]) -> Result<(), TestCaseError> {
        prop_assert!(self.tracker.is_idle(), "{:#?}", self.tracker);
        self.check_but_for_ends(scripts)?;
        for (truth, call) in self.matched(scripts)? {
            prop_assert_eq!(call.end.as_ref(), Some(&truth.end), "{}", &truth.what);
            prop_assert_eq!(call.is_missed(), truth.missed, "{}", &truth.what);
        }
        Ok(())
    }

    fn check_but_for_ends(&self, scripts: &[Script]) -> Result<(), TestCaseError> {
        for (truth, call) in self.matched(scripts)? {
            let what = &truth.what;
            let number = call.caller.number.as_deref();
            prop_assert_eq!(number, Some(truth.caller.as_str()), "{}", what);
            prop_assert_eq!(call.direction, truth.direction, "{}", what);
            let by = call.answered_by.as_ref().map(ToString::to_string);
            prop_assert_eq!(&by, &truth.answered_by, "{}", what);
            let way: Vec<_> = call.way().iter().map(ToString::to_string).collect();
            prop_assert_eq!(&way, &truth.way, "{}", what);
            let talks: Vec<BTreeSet<String>> = call
                .talks
                .iter()
                .map(|talk| {
                    let legs = talk.legs.iter().filter_map(|id| call.leg(*id));
                    legs.map(|leg| leg.uniqueid.as_str().to_owned()).collect()
                })
                .collect();
            prop_assert_eq!(&talks, &truth.talks, "{}", what);
        }
        Ok(())
    }

    fn matched<'a>(
        &'a self,
        scripts: &'a [Script],
    ) -> Result<Vec<(&'a Truth, &'a Call)>, TestCaseError> {
        let lasting: Vec<_> = self
            .ended
            .iter()
            .filter(|call| !matches!(call.end, Some(End::JoinedTo(_))))
            .collect();
        let truths: Vec<_> = scripts.iter().flat_map(|script| &script.truths).collect();
        prop_assert_eq!(lasting.len(), truths.len());
        truths
            .into_iter()
            .map(|truth| {
                let mut found = lasting
                    .iter()
                    .filter(|call| call.legs[0].uniqueid.as_str() == truth.first_leg);
                match (found.next(), found.next()) {
                    (Some(call), None) => Ok((truth, *call)),
                    _ => Err(TestCaseError::fail(format!("no one call for {truth:?}"))),
                }
            })
            .collect()
    }
}

#[test]
fn every_kind_of_call_has_a_truth_of_its_own() {
    for kind in Kind::ALL {
        let scripts = [Script::new(kind, 0, 7)];
        let mut client = Client::new();
        client.hear(BANNER);
        client.hear(&interleave_plain(&scripts));
        assert!(!scripts[0].truths.is_empty());
        assert!(matches!(
            scripts[0].truths[0].direction,
            Direction::Incoming | Direction::Outgoing | Direction::Internal
        ));
        if let Err(error) = client.check(&scripts) {
            panic!("{kind:?}: {error}");
        }
    }
}

fn interleave_plain(scripts: &[Script]) -> Vec<u8> {
    let frames = scripts.iter().flat_map(|script| &script.frames);
    frames.flat_map(|frame| frame.bytes()).collect()
}
