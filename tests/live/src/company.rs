//! Several stages at work at once: scenarios on different stages do not disturb each other.

use crate::{Recording, Scenario, Stage};
use anyhow::Result;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::asterisk::{Configuration, Version};

/// Plays scenarios on `stages` Asterisks at once and returns what failed, a sentence each.
pub fn play_all(
    version: Version,
    configuration: Configuration,
    scenarios: &[&Scenario],
    stages: usize,
    judge: impl Fn(&Scenario, &Recording) -> Result<()> + Sync,
) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let fail = |failure: String| {
        failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
    };
    std::thread::scope(|threads| {
        for _ in 0..stages.min(scenarios.len()) {
            threads.spawn(|| {
                let stage = match Stage::start(version, configuration) {
                    Ok(stage) => stage,
                    Err(error) => return fail(format!("no stage: {error:#}")),
                };
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = stage
                        .play(scenario)
                        .and_then(|recording| judge(scenario, &recording));
                    if let Err(error) = played {
                        fail(format!("{}: {error:#}", scenario.name));
                    }
                }
            });
        }
    });
    failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}
