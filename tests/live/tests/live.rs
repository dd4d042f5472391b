//! Every kind of call on real Asterisks, told as the phones saw it.
//!
//! The ignored ones play all scenarios and take minutes: `cargo xtask test --full`.
#![cfg(target_os = "linux")]

use ami::Charset;
use anyhow::{Result, bail, ensure};
use live::{Recording, SCENARIOS, Scenario, play_all};
use replay::{Story, phones};
use std::path::Path;
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

/// The story of the recording is what the phones saw, for a user who sees all and for Sidetone's own.
fn judge(scenario: &Scenario, recording: &Recording) -> Result<()> {
    let phones = phones::read_log(&recording.phones.join("\n"))?;
    ensure!(!phones.is_empty(), "no phone was in a call");
    for (user, ami) in [
        ("a user who sees all", &recording.ami),
        ("Sidetone's user", &recording.ami_of_sidetone),
    ] {
        let story = Story::of(&replay::Recording {
            bytes: ami.clone(),
            charset: Charset::default(),
        });
        let mut wrong = phones::disagreements(&story, &phones);
        wrong.extend(
            story
                .open
                .iter()
                .map(|told| format!("call {} does not end", told.number)),
        );
        if !wrong.is_empty() {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disagreements");
            let paths = recording.write(&kept, scenario.name)?;
            bail!(
                "to {user}, who was told:\n{story}the phones say:\n  {}\nrecorded in {}",
                wrong.join("\n  "),
                paths[0].display()
            );
        }
    }
    Ok(())
}
