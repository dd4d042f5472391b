//! Whoever kills the process that started an Asterisk has killed the Asterisk too.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_killed_parent_leaves_no_process() {
    testkit::asterisk::install(|_| ()).unwrap();
    let mut parent = Command::new(example("holds_asterisk"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let asterisk = PathBuf::from("/proc").join(line.trim());
    assert!(
        asterisk.join("exe").exists(),
        "{line:?} is not a running process"
    );
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(is_gone_within(&asterisk, Duration::from_secs(5)));
}

fn is_gone_within(process: &Path, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        // A killed process whose new parent is slow to notice is still listed, without a program.
        if std::fs::read_link(process.join("exe")).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    test.parent()
        .and_then(Path::parent)
        .expect("the test lies in deps")
        .join("examples")
        .join(name)
}
