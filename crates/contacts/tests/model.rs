//! The directory beside a simple model of what it promises, whatever happens in whatever order. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Directory, SourceErrorKind};
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};
use support::{Fake, asked, directory, person};
use tokio::task::yield_now;
use wire::SourceState;

const NUMBERS: [&str; 3] = ["+79060000001", "+79060000002", "+79060000003"];
/// Quarters of a second, so that what happens at a time of its own never falls together with something else.
const SECOND: u64 = 4;
const DEADLINE: u64 = 13;
const HITS: u64 = 600 * SECOND;
const MISSES: u64 = 60 * SECOND;
const FAILURES: u64 = 5 * SECOND;

#[derive(Clone, Debug)]
enum Step {
    /// A phone rings.
    Who(usize),
    Sleep(u64),
    /// Somebody gets this number, or loses it.
    Turn(usize),
    /// The source goes away, or comes back.
    Break,
    /// It takes so many seconds and a half from now on.
    Slow(u64),
    Forget(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0..NUMBERS.len();
    let time = prop::sample::select(vec![0, 1, 2, 3, 5, 10, 31, 40, 100, 301, 610]);
    let step = prop_oneof![
        6 => number.clone().prop_map(Step::Who),
        4 => time.prop_map(Step::Sleep),
        1 => number.clone().prop_map(Step::Turn),
        1 => Just(Step::Break),
        1 => prop::sample::select(vec![0, 2, 5, 20, 60]).prop_map(Step::Slow),
        1 => number.prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Found,
    Nobody,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Asking,
    Overdue,
    Said(Said),
}

#[derive(Clone, Default)]
struct Number {
    has_owner: bool,
    /// The last answer that was one.
    said: Option<(Said, u64)>,
    /// Since when it is asked, and when that ends.
    asking: Option<(u64, u64)>,
    /// After a failure.
    paused_until: u64,
}

#[derive(Default)]
struct Model {
    now: u64,
    numbers: [Number; 3],
    is_broken: bool,
    slow: u64,
    asked: usize,
}

impl Model {
    fn who(&mut self, index: usize) -> Shown {
        let (now, slow) = (self.now, self.slow);
        let number = &mut self.numbers[index];
        let valid = number.said.filter(|(said, at)| now < at + life(*said));
        let is_paused = now < number.paused_until;
        let wanted = match valid {
            Some((said, at)) => now >= at + life(said) / 2 && !is_paused,
            None => !is_paused,
        };
        if wanted && number.asking.is_none() {
            number.asking = Some((now, now + slow.min(DEADLINE * 10)));
            self.asked += 1;
        }
        match (valid, number.asking) {
            (Some((said, _)), _) => Shown::Said(said),
            (None, _) if is_paused => Shown::Said(Said::Failed),
            (None, Some((since, _))) if now >= since + DEADLINE => Shown::Overdue,
            (None, _) => Shown::Asking,
        }
    }

    fn sleep(&mut self, time: u64) {
        self.now += time;
        let now = self.now;
        for number in &mut self.numbers {
            let Some((since, end)) = number.asking.filter(|(_, end)| *end <= now) else {
                continue;
            };
            number.asking = None;
            let said = match number.has_owner {
                _ if self.is_broken || end - since == DEADLINE * 10 => Said::Failed,
                true => Said::Found,
                false => Said::Nobody,
            };
            match said {
                Said::Failed => number.paused_until = end + FAILURES,
                Said::Found | Said::Nobody => {
                    number.said = Some((said, end));
                    number.paused_until = 0;
                }
            }
        }
    }
}

fn life(said: Said) -> u64 {
    match said {
        Said::Found => HITS,
        Said::Nobody => MISSES,
        Said::Failed => FAILURES,
    }
}

fn shown(directory: &Directory, index: usize) -> Shown {
    let who = directory.who(&asked(NUMBERS[index]), None);
    match &who.sources[0].state {
        SourceState::Asking => Shown::Asking,
        SourceState::Found { .. } => Shown::Said(Said::Found),
        SourceState::Nobody => Shown::Said(Said::Nobody),
        SourceState::Failed { words } if words.contains("still waited") => Shown::Overdue,
        SourceState::Failed { .. } => Shown::Said(Said::Failed),
    }
}

fn turned(crm: Arc<Fake>, index: usize, has_owner: bool) -> Arc<Fake> {
    let name = format!("p{index}");
    if has_owner {
        crm.knows(person(&name, &[NUMBERS[index]]))
    } else {
        crm.forgets(&name)
    }
}

fn quarters(quarters: u64) -> Duration {
    Duration::from_millis(quarters * 250)
}

async fn play(steps: Vec<Step>) {
    let mut crm = Fake::new("crm")
        .deadline(quarters(DEADLINE))
        .slow(quarters(2));
    let directory = directory(&[&crm]);
    let mut model = Model {
        slow: 2,
        ..Model::default()
    };
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Who(index) => {
                assert_eq!(
                    shown(&directory, index),
                    model.who(index),
                    "step {at} of {steps:?}"
                );
                // What is asked now begins now.
                yield_now().await;
            }
            Step::Sleep(seconds) => {
                tokio::time::sleep(quarters(seconds * SECOND)).await;
                yield_now().await;
                model.sleep(seconds * SECOND);
            }
            Step::Turn(index) => {
                let has_owner = !model.numbers[index].has_owner;
                model.numbers[index].has_owner = has_owner;
                crm = turned(crm, index, has_owner);
            }
            Step::Break => {
                model.is_broken = !model.is_broken;
                crm = match model.is_broken {
                    true => crm.fails(SourceErrorKind::Away, "away"),
                    false => crm.works(),
                };
            }
            Step::Slow(seconds) => {
                model.slow = seconds * SECOND + 2;
                crm = crm.slow(quarters(model.slow));
            }
            Step::Forget(index) => {
                directory.forget_number(&support::number(NUMBERS[index]));
                let has_owner = model.numbers[index].has_owner;
                model.numbers[index] = Number {
                    has_owner,
                    ..Number::default()
                };
            }
        }
        assert_eq!(crm.asked(), model.asked, "step {at} of {steps:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_shown_and_how_often_is_asked_is_as_promised(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(steps));
    }
}
