//! Every recording tells its story, and a machine compares it with what the phones saw.
//!
//! The stories lie in `stories/`, one file a recording, for a telephone engineer to read. `SIDETONE_WRITE_STORIES=1`
//! writes them anew.

// The edge of the pure crate: recordings are files.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use replay::{
    Recording, Story, phones, recording,
    story::{Options, Teller},
};

#[test]
fn every_recording_tells_its_story() {
    let names = recording::names().expect("recordings");
    let stories = names.iter().map(|name| (name.clone(), story_of(name)));
    compare(stories);
}

/// The same with the recorded Originate taken for our click, which tells of its own steps.
#[test]
fn every_click_tells_its_story() {
    let stories = CLICKS.iter().map(|(name, agent)| {
        let options = Options {
            click: Some((*agent).into()),
            ..Options::default()
        };
        let story = Story::with(&Recording::named(name).expect("a recording"), &options);
        (format!("clicks/{}", name.replace('/', "_")), story)
    });
    compare(stories);
}

#[test]
fn call_that_was_up_when_asterisk_died_ends_as_unknown() {
    let mut teller = Teller::new();
    let play = |teller: &mut Teller, name: &str| {
        let recording = Recording::named(name).expect("a recording");
        recording.for_each(|message| teller.hear(message));
    };
    play(&mut teller, "22/p_restart_now_midcall");
    teller.lose_link();
    play(&mut teller, "22/p_after_restart");
    teller.resync();
    assert!(teller.tracker().is_idle());
    compare([("clicks/killed_midcall".to_owned(), teller.end())]);
}

#[test]
fn no_story_disagrees_with_the_phones() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for name in recording::names().expect("recordings") {
        if !phones::has_log(&name) || is_cut(&name) {
            continue;
        }
        let log = phones::log_of(&name).expect("a log");
        compared += log.len();
        let found = phones::disagreements(&story_of(&name), &log);
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 300, "{compared}");
}

/// `docs/calls.md` has a row for each story, `| \`name\`, … | folder folder | …`, and none for another.
#[test]
fn the_table_of_contents_names_every_story() {
    let contents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/calls.md");
    let contents = std::fs::read_to_string(contents).expect("docs/calls.md");
    let mut listed = BTreeSet::new();
    for row in contents.lines().filter(|line| line.starts_with("| `")) {
        let mut columns = row.split('|').skip(1);
        let names = columns.next().expect("names");
        let folders = columns.next().expect("folders");
        for name in names.split(',').map(|name| name.trim().trim_matches('`')) {
            for folder in folders
                .split([' ', ','])
                .filter(|folder| !folder.is_empty())
            {
                listed.insert(format!("{folder}/{name}"));
            }
        }
    }
    let mut told = BTreeSet::new();
    for folder in std::fs::read_dir(folder()).expect("stories") {
        let folder = folder.expect("a folder").path();
        for story in std::fs::read_dir(&folder).expect("a folder of stories") {
            let story = story.expect("a story").path();
            let name = story.file_stem().expect("a name").to_string_lossy();
            let folder = folder.file_name().expect("a name").to_string_lossy();
            // A click's story has the folder of its recording in its name.
            let of_recording = ["16_", "20_", "22_", "freepbx_"]
                .iter()
                .find_map(|set| name.strip_prefix(set));
            let name = of_recording.unwrap_or(&name);
            told.insert(format!("{folder}/{name}"));
        }
    }
    let differ: Vec<_> = told.symmetric_difference(&listed).collect();
    assert!(differ.is_empty(), "in one of both only: {differ:?}");
}

const CLICKS: [(&str, &str); 22] = [
    ("22/a_originate_answered", "PJSIP/101"),
    ("22/a2_originate_to_trunk", "PJSIP/101"),
    ("22/b_agent_no_answer", "PJSIP/101"),
    ("20/b_agent_no_answer", "PJSIP/101"),
    ("16/b_agent_no_answer", "PJSIP/101"),
    ("22/b2_agent_rejects", "PJSIP/101"),
    ("16/b2_agent_rejects", "PJSIP/101"),
    ("16/sip_agent_rejects", "SIP/201"),
    ("22/b3_agent_offline", "PJSIP/106"),
    ("22/b4_no_such_endpoint", "PJSIP/999"),
    ("22/b5_cancelled_by_us", "PJSIP/101"),
    ("22/c1_callee_busy", "PJSIP/101"),
    ("22/c2_bad_number_404", "PJSIP/101"),
    ("22/c3_480_after_ringing", "PJSIP/101"),
    ("16/c3_480_after_ringing", "PJSIP/101"),
    ("22/c5_no_such_extension", "PJSIP/101"),
    ("22/c6_callee_no_answer", "PJSIP/101"),
    ("22/o2_originate_local_channel", "PJSIP/101"),
    ("20/o2_originate_local_channel", "PJSIP/101"),
    ("freepbx/e1_click_to_call_then_refer_to_queue", "PJSIP/101"),
    (
        "freepbx/e3_click_to_call_agent_rejects_forwarded_vm_off",
        "PJSIP/105",
    ),
    ("16/sip_originate_answered", "SIP/201"),
];

fn compare(stories: impl IntoIterator<Item = (String, Story)>) {
    let write = std::env::var_os("SIDETONE_WRITE_STORIES").is_some();
    let mut wrong = Vec::new();
    for (name, story) in stories {
        let story = story.to_string();
        let path = folder().join(format!("{name}.txt"));
        if write {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, &story).expect("written");
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if known != story {
            wrong.push(format!("{name} is told otherwise:\n{story}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The phones' log goes on where Asterisk was killed.
fn is_cut(name: &str) -> bool {
    name.contains("/p_")
}

fn story_of(name: &str) -> Story {
    Story::of(&Recording::named(name).expect("a recording"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories")
}
