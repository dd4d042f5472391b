//! Whoever kills the process that started things has ended the things too.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::processes;

#[test]
fn a_killed_parent_leaves_no_process() {
    testkit::asterisk::install(|_| ()).unwrap();
    testkit::phones::install(|_| ()).unwrap();
    let mut parent = Command::new(example("holds_everything"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    let all = processes::tree(parent.id()).unwrap();
    let programs: Vec<String> = all.iter().map(|&pid| program(pid)).collect();
    for name in [
        "ld-linux",
        "python",
        "Xvfb",
        "openbox",
        "dbus-daemon",
        "gnome-keyring-d",
    ] {
        assert!(
            programs.iter().any(|program| program.contains(name)),
            "no {name} in {programs:?}"
        );
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    // A killed process whose new parent is slow to notice is still listed, without a program.
    while all.iter().any(|&pid| !program(pid).is_empty()) {
        let left: Vec<String> = all.iter().map(|&pid| program(pid)).collect();
        assert!(Instant::now() < until, "left: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn program(pid: u32) -> String {
    let path = std::fs::read_link(format!("/proc/{pid}/exe"));
    path.map(|path| path.display().to_string())
        .unwrap_or_default()
}

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("the test lies in deps");
    folder.join("examples").join(name)
}
