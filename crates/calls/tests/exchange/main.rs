//! Calls of any shape, played on a little PBX with the truth beside: rung in groups, queues and hunts, picked up, parked,
//! transferred again and again by either side, many at a time. What the tracker says while nothing happens and what it
//! says in the end must be what was played, whatever the link did meanwhile.

// The edge of the pure crate: time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

mod check;
mod client;
mod pbx;
mod script;
mod truth;

use std::collections::BTreeSet;

use check::Fail;
use client::Client;
use pbx::Frame;
use proptest::prelude::*;
use replay::pbx::{Pbx, Rights};
use script::{Played, script};

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_of_any_shape_is_told_as_it_was(script in script(0)) {
        let stream = Stream::of(&[script]);
        let mut client = Client::new();
        stream.play(&mut client, 1)?;
        stream.compare(&client)?;
    }

    #[test]
    fn what_is_doubled_broken_into_pieces_or_no_event_at_all_changes_nothing(
        script in script(0),
        piece in 1..90_usize,
        twice in 1..5_usize,
    ) {
        let stream = Stream::of(&[script]);
        let mut client = Client::new();
        for (at, (_, frame)) in stream.frames.iter().enumerate() {
            client.hears_in_pieces(frame, piece);
            if at % twice == 0 {
                client.hears(frame);
            }
            client.hears(&Frame { text: GARBAGE[at % GARBAGE.len()].to_owned(), ..frame.clone() });
        }
        stream.compare(&client)?;
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever loses the link for a moment tells the rest as one who never did, to the last field.
    #[test]
    fn a_lost_link_changes_nothing_of_what_comes_after(
        scripts in prop::collection::vec(script(9_000), 1..4),
        cut in any::<prop::sample::Index>(),
        all_rights in any::<bool>(),
    ) {
        let stream = Stream::of(&scripts);
        let cut = cut.index(stream.frames.len());
        let rights = if all_rights { Rights::All } else { Rights::Call };
        let (mut steady, mut pbx) = (Client::new(), Pbx::default());
        let mut cut_off = None;
        for (at, (_, frame)) in stream.frames.iter().enumerate() {
            if at == cut {
                let mut client = steady.clone();
                client.loses_link(&pbx.lists(rights));
                cut_off = Some(client);
            }
            client::apply(&mut pbx, frame);
            steady.hears(frame);
            if let Some(client) = &mut cut_off {
                client.hears(frame);
            }
        }
        let cut_off = cut_off.ok_or_else(|| TestCaseError::fail("no cut"))?;
        prop_assert_eq!(&cut_off.ended, &steady.ended);
        prop_assert!(cut_off.tracker.is_idle());
    }

    /// Whoever comes new, or was away for some time, sees from then on what is; what ended meanwhile ended while
    /// disconnected.
    #[test]
    fn who_comes_back_sees_what_is(
        scripts in prop::collection::vec(script(9_000), 1..4),
        cut in any::<prop::sample::Index>(),
        away in 0..200_usize,
        is_new in any::<bool>(),
    ) {
        let stream = Stream::of(&scripts);
        let (cut, mut client, mut pbx) = (cut.index(stream.frames.len()), Client::new(), Pbx::default());
        if is_new {
            client.is_away();
        }
        for at in 0..stream.frames.len() {
            let frame = &stream.frames[at].1;
            let is_back = at == cut + away;
            if at == cut && away > 0 && !is_new {
                client.is_away();
            }
            if is_back {
                let told = client.ended.len();
                client.comes_back(&pbx.lists(Rights::All));
                check::ended_unseen(&client.ended[told..]).map_err(stream.fail())?;
            }
            client::apply(&mut pbx, frame);
            if (at < cut && !is_new) || at >= cut + away {
                client.hears(frame);
            }
            if at >= cut + away {
                stream.look(&client, at)?;
            }
        }
        if stream.frames.len() <= cut + away {
            client.comes_back(&pbx.lists(Rights::All));
        }
        prop_assert!(client.tracker.is_idle(), "{:#?}", client.tracker);
    }

    /// Hangups get lost. An audit ends what the PBX does not list, and nothing else.
    #[test]
    fn lost_hangups_are_healed_while_calls_go_on(
        scripts in prop::collection::vec(script(9_000), 1..6),
        lost in 2..6_usize,
        audit in 5..60_usize,
    ) {
        let stream = Stream::of(&scripts);
        let (mut client, mut pbx) = (Client::new(), Pbx::default());
        let mut hangups = 0;
        let mut deaf = BTreeSet::new();
        for at in 0..stream.frames.len() {
            let (script, frame) = &stream.frames[at];
            client::apply(&mut pbx, frame);
            let is_hangup = frame.text.starts_with("Event: Hangup\r\n");
            hangups += usize::from(is_hangup);
            if is_hangup && hangups % lost == 0 {
                deaf.insert(*script);
            } else {
                client.hears(frame);
            }
            if at % audit == 0 {
                client.audits(&pbx.lists(Rights::All));
                deaf.clear();
            }
            if deaf.is_empty() {
                stream.look(&client, at)?;
            }
        }
        client.audits(&pbx.lists(Rights::All));
        prop_assert!(client.tracker.is_idle(), "{:#?}", client.tracker);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hundred_calls_at_once_are_each_told_as_it_was(scripts in prop::collection::vec(script(20_000), 100)) {
        let stream = Stream::of(&scripts);
        let mut client = Client::new();
        stream.play(&mut client, 23)?;
        stream.compare(&client)?;
    }
}

const GARBAGE: [&str; 6] = [
    "\r\n",
    "Event: TestEvent\r\nno colon here\r\n\u{0}\u{fffd}: x\r\n\r\n",
    "Response: Error\r\nMessage: Permission denied\r\n\r\n",
    "Event: Hangup\r\nChannel: PJSIP/101-00000001\r\nUniqueid: never.born\r\nLinkedid: never.born\r\nCause: 16\r\n\r\n",
    ": \r\nEvent\r\n\r\n",
    "Event: BridgeEnter\r\nBridgeUniqueid: b\r\nChannel: PJSIP/101-00000001\r\nUniqueid: never.born\r\n\r\n",
];

/// Scripts played at the same time, and the link that carries them all.
struct Stream {
    played: Vec<Played>,
    /// Whose each is.
    frames: Vec<(usize, Frame)>,
}

impl Stream {
    fn of(scripts: &[script::Script]) -> Self {
        let played: Vec<_> = scripts
            .iter()
            .enumerate()
            .map(|(number, script)| script.play(number))
            .collect();
        let mut frames: Vec<_> = played
            .iter()
            .enumerate()
            .flat_map(|(number, played)| {
                let frames = played.frames.iter().cloned();
                frames.map(move |frame| (number, frame))
            })
            .collect();
        frames.sort_by_key(|(_, frame)| frame.at);
        Self { played, frames }
    }

    /// Plays all, and looks at every so many frames.
    fn play(&self, client: &mut Client, every: usize) -> Result<(), TestCaseError> {
        let mut begun = BTreeSet::new();
        for (at, (script, frame)) in self.frames.iter().enumerate() {
            if begun.insert(*script)
                && let Some((id, agent)) = &self.played[*script].click
            {
                client.clicks(id, agent, frame.at);
            }
            client.hears(frame);
            if at % every == 0 {
                self.look(client, at)?;
            }
        }
        Ok(())
    }

    /// Compares what is seen after a frame, of the scripts in which nothing happens just then.
    fn look(&self, client: &Client, after: usize) -> Result<(), TestCaseError> {
        let at = self.frames[after].1.at;
        check::invariants(&client.tracker).map_err(self.fail())?;
        for played in &self.played {
            let next = played.frames.partition_point(|frame| frame.at <= at);
            let until = played.frames.get(next).map(|frame| frame.at);
            let since = next.checked_sub(1).map(|last| played.frames[last].at);
            let (Some(since), Some(until)) = (since, until) else {
                continue;
            };
            let is_at_rest = until - since > 400;
            let is_told = self
                .frames
                .get(after + 1)
                .is_none_or(|(_, next)| next.at > since);
            if is_at_rest && is_told {
                check::now(&client.tracker, &played.truth, since).map_err(self.fail())?;
            }
        }
        Ok(())
    }

    fn compare(&self, client: &Client) -> Result<(), TestCaseError> {
        for played in &self.played {
            check::ended(client, &played.truth).map_err(self.fail())?;
        }
        prop_assert!(client.tracker.is_idle(), "{:#?}", client.tracker);
        Ok(())
    }

    /// What went wrong, and after which events.
    fn fail(&self) -> impl Fn(Fail) -> TestCaseError {
        |Fail(why)| {
            let whole = self.frames.iter().filter(|(_, frame)| !frame.silent);
            let events = whole
                .filter(|_| self.played.len() < 10)
                .map(|(script, frame)| {
                    let of = |key: &str| {
                        let mut lines = frame.text.lines();
                        lines
                            .find_map(|line| line.strip_prefix(key))
                            .unwrap_or_default()
                    };
                    let dest = of("DestChannel: ");
                    format!(
                        "{script} {} {} {} {dest}\n",
                        frame.at,
                        of("Event: "),
                        of("Channel: ")
                    )
                });
            TestCaseError::fail(format!("{why}\n{}", events.collect::<String>()))
        }
    }
}
