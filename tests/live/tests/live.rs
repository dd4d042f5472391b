//! Every kind of call on real Asterisks, told as the phones saw it.
//!
//! The ignored ones play all scenarios and take minutes: `cargo xtask test --full`.
#![cfg(target_os = "linux")]

use live::{Recording, SCENARIOS, Scenario, play_all};
use testkit::asterisk::{Configuration, Version};

/// How many Asterisks at once: a call is mostly waiting.
const STAGES: usize = 4;

#[test]
fn daily_calls_on_22() {
    play(Version::V22, Configuration::Plain, |scenario| {
        scenario.quick
    });
}

#[test]
fn daily_calls_on_22_like_freepbx() {
    play(Version::V22, Configuration::Freepbx, |scenario| {
        scenario.quick
    });
}

#[test]
fn daily_calls_on_16() {
    play(Version::V16, Configuration::Plain, |scenario| {
        scenario.quick
    });
}

#[test]
#[ignore = "takes minutes"]
fn all_calls_on_22() {
    play(Version::V22, Configuration::Plain, |_| true);
}

#[test]
#[ignore = "takes minutes"]
fn all_calls_on_22_like_freepbx() {
    play(Version::V22, Configuration::Freepbx, |_| true);
}

#[test]
#[ignore = "takes minutes"]
fn all_calls_on_16() {
    play(Version::V16, Configuration::Plain, |_| true);
}

#[test]
#[ignore = "takes minutes"]
fn all_calls_on_16_like_freepbx() {
    play(Version::V16, Configuration::Freepbx, |_| true);
}

fn play(version: Version, configuration: Configuration, wanted: impl Fn(&Scenario) -> bool) {
    let scenarios: Vec<&Scenario> = SCENARIOS
        .iter()
        .filter(|scenario| scenario.is_for(configuration) && wanted(scenario))
        .collect();
    let failures = play_all(version, configuration, &scenarios, STAGES, judge);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The recording holds what a comparison needs.
fn judge(_scenario: &Scenario, recording: &Recording) -> anyhow::Result<()> {
    let has = |text: &str| {
        recording
            .ami
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    anyhow::ensure!(has("Event: Newchannel\r\n"), "no channel was created");
    anyhow::ensure!(has("Event: Hangup\r\n"), "no channel was hung up");
    anyhow::ensure!(
        recording
            .phones
            .iter()
            .any(|line| line.contains("\"DISCONNECTED\"")),
        "no phone saw a call end"
    );
    Ok(())
}
