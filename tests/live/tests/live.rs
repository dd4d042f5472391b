//! Every kind of call on real Asterisks, told as the phones saw it.
//!
//! The ignored ones play all scenarios and take minutes: `cargo xtask test --full`.
#![cfg(target_os = "linux")]

use ami::{Charset, Uniqueid};
use anyhow::{Result, bail};
use live::{Recording, SCENARIOS, Scenario, Stage, play_all};
use replay::Story;
use replay::phones::{self, PhoneLeg};
use replay::story::Teller;
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
    let users: [(&str, &[Vec<u8>]); 3] = [
        ("a user who sees all", std::slice::from_ref(&recording.ami)),
        (
            "Sidetone's user",
            std::slice::from_ref(&recording.ami_of_sidetone),
        ),
        (
            "who lost the link while they talked",
            &recording.ami_of_returning,
        ),
    ];
    for (user, sessions) in users {
        let story = tell(sessions, scenario.click);
        let mut wrong = contradictions(&story, scenario.click, &phones);
        let lists = |step: &&replay::story::Step| step.text.starts_with("the PBX lists ");
        let lists: Vec<_> = story.steps.iter().filter(lists).collect();
        if lists.len() + 1 != sessions.len()
            || lists.iter().any(|step| step.text.ends_with(" 0 channels"))
        {
            wrong.push(format!(
                "the link was lost {} times in a talk",
                sessions.len() - 1
            ));
        }
        if !wrong.is_empty() {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disagreements");
            recording.write(&kept, scenario.name)?;
            for (index, session) in sessions.iter().enumerate() {
                let name = format!("{}.session-{index}.ami", scenario.name);
                std::fs::write(kept.join(name), session)?;
            }
            bail!(
                "to {user}, who was told:\n{story}the phones say:\n  {}\nrecorded in {}",
                wrong.join("\n  "),
                kept.display()
            );
        }
    }
    Ok(())
}

/// The story of one who was there in these sessions, one after the other.
fn tell(sessions: &[Vec<u8>], click: Option<&str>) -> Story {
    let mut teller = Teller::new();
    if let Some(agent) = click {
        teller.expect_originate(
            Uniqueid::from(live::click_id(agent)),
            &format!("PJSIP/{agent}"),
        );
    }
    for (index, session) in sessions.iter().enumerate() {
        if index > 0 {
            teller.lose_link();
        }
        let recording = replay::Recording {
            bytes: session.clone(),
            charset: Charset::default(),
        };
        recording.for_each(|message| teller.hear(message));
    }
    teller.end()
}

fn contradictions(story: &Story, click: Option<&str>, phones: &[PhoneLeg]) -> Vec<String> {
    let mut wrong = phones::disagreements(story, phones);
    wrong.extend(
        story
            .open
            .iter()
            .map(|told| format!("call {} does not end", told.number)),
    );
    if phones.is_empty() {
        wrong.push("no phone was in a call".to_owned());
    }
    if let Some(agent) = click {
        let picked_up = |phone: &str| {
            phones
                .iter()
                .any(|leg| leg.phone == phone && !leg.placed && leg.up.is_some())
        };
        let tells = |step: &str| {
            story
                .steps
                .iter()
                .any(|told| told.text == format!("click: {step}"))
        };
        let agent = picked_up(agent);
        if tells("you picked up") != agent {
            wrong.push(format!("the agent picked up: {agent}"));
        }
        // A customer who talks with a mailbox has not been reached.
        let customer = agent && picked_up("line");
        if tells("answered") != customer {
            wrong.push(format!("the agent reached the customer: {customer}"));
        }
        if !story
            .steps
            .iter()
            .any(|told| told.text.starts_with("click: over"))
        {
            wrong.push("the click came to an end".to_owned());
        }
    }
    wrong
}

#[test]
fn a_story_that_the_phones_contradict_is_found() {
    let stage = Stage::start(Version::V22, Configuration::Plain).unwrap();
    let scenario = live::find("hold").unwrap();
    let recording = stage.play(scenario).unwrap();
    judge(scenario, &recording).unwrap();
    let late = recording.phones.iter().map(|line| {
        // The customer's phone was never answered.
        line.replace("CONFIRMED", "EARLY")
    });
    let late: Vec<String> = late.collect();
    let seen = phones::read_log(&late.join("\n")).unwrap();
    let story = tell(std::slice::from_ref(&recording.ami), None);
    assert!(
        !contradictions(&story, None, &seen).is_empty(),
        "nobody picked up"
    );
    let without: Vec<&str> = recording
        .phones
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("\"101\""))
        .collect();
    let seen = phones::read_log(&without.join("\n")).unwrap();
    assert!(
        !contradictions(&story, None, &seen).is_empty(),
        "101 did not ring"
    );
}
