//! Figures of one kind, and how they are taken.

use std::{hint::black_box, time::Instant};

/// Rounds; the rivals take turns in each, so that whatever else the machine does falls on all.
pub(crate) const ROUNDS: usize = 2_001;
/// Calls in a round: one alone is shorter than the clock can tell, and many would be interrupted by other programs.
pub(crate) const CALLS: usize = 100;

/// Sorted, in microseconds for each call.
#[derive(Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn spread(&self) -> String {
        let at = |percent: usize| self.0.get(self.0.len() * percent / 100).copied();
        let (few, most) = (at(5).unwrap_or(f64::NAN), at(95).unwrap_or(f64::NAN));
        format!("{few:.2} to {most:.2} (90 %)")
    }
}

/// What each of these takes for one of `asked`, in the order of `rivals`.
pub(crate) fn in_turns<T, const N: usize>(
    asked: &[T],
    rivals: [&dyn Fn(&T) -> bool; N],
) -> [Sample; N] {
    let mut figures = [const { Vec::new() }; N];
    for round in 0..ROUNDS {
        let calls: Vec<&T> = (0..CALLS)
            .filter_map(|call| asked.get((round * CALLS + call) % asked.len()))
            .collect();
        for (rival, figures) in rivals.iter().zip(&mut figures) {
            let start = Instant::now();
            for call in &calls {
                black_box(rival(black_box(call)));
            }
            figures.push(start.elapsed().as_secs_f64() * 1e6 / CALLS as f64);
        }
    }
    figures.map(Sample::new)
}
