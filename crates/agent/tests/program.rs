//! The program as a script sees it: exit codes, sentences, one agent for each user session.
//!
//! There is no desktop here: no bus, no tray, no keychain, no windows. All of them are allowed to be missing.
#![cfg(unix)]

mod home;

use home::{Home, LIMIT, pause, text};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;

#[test]
fn a_script_can_rely_on_exit_codes_and_sentences() {
    let home = Home::new();
    let before = home.run(&["status"]);
    assert_eq!(before.status.code(), Some(3), "{before:?}");
    assert!(text(&before.stderr).contains("not running"), "{before:?}");
    assert_eq!(home.run(&["hangup"]).status.code(), Some(3));
    assert_eq!(home.run(&["quit"]).status.code(), Some(3));
    assert_eq!(home.run(&["frobnicate"]).status.code(), Some(2));
    assert!(text(&home.run(&["--version"]).stdout).starts_with("sidetone "));
    assert!(text(&home.run(&["--help"]).stdout).contains("sidetone dial"));

    let mut agent = home.start();
    let status = home.status();
    assert_eq!(status["connection"]["state"], "not_set_up");
    assert_eq!(status["tray"], false);
    assert_eq!(status["windows"], false);
    let said = text(&home.run(&["status"]).stdout);
    assert!(said.contains("Settings"), "{said}");

    for (arguments, words) in [
        (&["hangup"][..], "no call"),
        (&["dial", "no number here"], "number"),
        (&["dial", "+74951230001"], "Settings"),
    ] {
        let refused = home.run(arguments);
        assert_eq!(refused.status.code(), Some(4), "{arguments:?} {refused:?}");
        let said = text(&refused.stderr).to_lowercase();
        assert!(said.contains(&words.to_lowercase()), "{arguments:?} {said}");
    }

    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
    assert_eq!(home.run(&["status"]).status.code(), Some(3));
    assert!(!home.socket().exists(), "the socket is left behind");
}

#[test]
fn of_many_started_at_once_one_stays() {
    let home = Home::new();
    let mut agents: Vec<Child> = (0..6).map(|_| home.spawn(&[])).collect();
    let until = Instant::now() + LIMIT;
    loop {
        let ended: Vec<bool> = agents
            .iter_mut()
            .map(|agent| agent.try_wait().expect("wait").is_some())
            .collect();
        if ended.iter().filter(|ended| !**ended).count() == 1 {
            break;
        }
        assert!(Instant::now() < until, "{ended:?}");
        pause();
    }
    home.status();
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    for agent in &mut agents {
        assert!(
            home.wait(agent).success(),
            "another one showed the panel and ended"
        );
    }
}

#[test]
fn a_killed_agent_is_no_obstacle_for_the_next() {
    let home = Home::new();
    let mut agent = home.start();
    agent.kill().expect("kill");
    assert_eq!(home.wait(&mut agent).signal(), Some(9));
    assert!(
        home.socket().exists(),
        "the socket of the dead one is there"
    );
    assert_eq!(home.run(&["status"]).status.code(), Some(3));
    let mut next = home.start();
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut next).success());
}

#[test]
fn the_system_may_end_it() {
    let home = Home::new();
    let mut agent = home.start();
    let asked = Command::new("kill")
        .args(["-TERM", &agent.id().to_string()])
        .status();
    assert!(asked.expect("kill runs").success());
    assert_eq!(home.wait(&mut agent).code(), Some(0));
    assert!(!home.socket().exists());
}

#[test]
fn a_link_starts_the_agent_where_none_runs() {
    let home = Home::new();
    let asked = home.run(&["tel:+74951230001"]);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    assert!(text(&asked.stdout).contains("asks first"), "{asked:?}");
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    let until = Instant::now() + LIMIT;
    while home.socket().exists() {
        assert!(Instant::now() < until, "it does not end");
        pause();
    }
}

#[test]
fn a_spoilt_settings_file_is_kept_and_the_program_starts() {
    let home = Home::new();
    let folder = home.path().join("config/sidetone");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("settings.toml"), "pbx_port = [[[").expect("written");
    let mut agent = home.start();
    assert_eq!(home.status()["connection"]["state"], "not_set_up");
    let kept = std::fs::read_to_string(folder.join("settings.toml.bad")).expect("kept");
    assert_eq!(kept, "pbx_port = [[[");
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

#[test]
fn no_number_reaches_the_log() {
    let home = Home::new();
    let mut agent = home.start();
    home.run(&["dial", "+74951230001"]);
    home.run(&["tel:+7-495-123-00-01"]);
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
    let folder = home.path().join("state/sidetone");
    let logs: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("a log folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let log: String = logs
        .iter()
        .map(|log| std::fs::read_to_string(log).expect("a log"))
        .collect();
    assert!(log.contains("started"), "{log}");
    let digits: String = log.split("timestamp").map(numberless).collect();
    assert!(!digits.contains("123"), "{log}");
}

#[test]
fn without_a_runtime_folder_a_private_one_among_the_temporary_files_serves() {
    let mut home = Home::new();
    home.runtime = home.path().join("gone");
    home.temporary = home.path().join("run");
    let mut agent = home.start();
    let mut folders = std::fs::read_dir(&home.temporary).expect("a folder");
    let folder = folders.next().expect("made").expect("an entry");
    let name = folder.file_name().to_string_lossy().into_owned();
    assert!(name.starts_with("sidetone-"), "{name}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&folder.metadata().expect("there").permissions());
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

/// A line without its time, which is full of digits.
fn numberless(line: &str) -> String {
    line.split_once(',').map_or("", |(_, rest)| rest).to_owned()
}
