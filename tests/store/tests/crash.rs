//! What was acknowledged is kept, whatever happens to the program or the disk.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sqlx::Connection as _;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use store::Outcome;
use store_tests::Scratch;

const LIVES: u64 = 40;
/// Numbers of one life do not meet those of the next.
const STEP: u64 = 10_000;

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_the_program_was_killed() {
    let scratch = Scratch::sqlite();
    let mut said = BTreeSet::new();
    for life in 0..LIVES {
        let mut writer = Writer::start(&scratch.path(), life * STEP, &[]);
        // The kill comes while the next call is being written, each time somewhere else.
        let lines = life * 7 % 31;
        for _ in 0..lines {
            said.insert(writer.line().expect("a writer that goes on"));
        }
        spin(life * 13 % 17);
        writer.kill();
        // Also what it said and nobody had read yet was kept.
        while let Some(line) = writer.line() {
            said.insert(line);
        }
        check(&scratch, &said, life + 1).await;
    }
    assert!(said.len() > 300, "{}", said.len());
}

#[tokio::test]
async fn a_full_disk_is_told_and_forgotten_when_there_is_room() {
    let scratch = Scratch::sqlite();
    // A file may not grow beyond 1 MiB, and the program is not ended for trying.
    let limit = [
        "sh",
        "-c",
        "trap '' XFSZ; ulimit -S -f 2048; exec \"$@\"",
        "sh",
    ];
    let mut writer = Writer::start(&scratch.path(), 0, &limit);
    let mut said = BTreeSet::new();
    // SQLite finds some room of its own after a refusal, and is full again.
    let mut refusals = 0;
    while refusals < 10 {
        let line = writer.line().expect("a writer that goes on");
        if line == "full" {
            refusals += 1;
            writer.again();
        } else {
            said.insert(line);
        }
    }
    writer.make_room();
    let mut kept = 0;
    while kept < 50 {
        let line = writer.line().expect("a writer that goes on");
        if line == "full" {
            // Said before there was room.
            assert_eq!(kept, 0);
            writer.again();
        } else {
            kept += 1;
            said.insert(line);
        }
    }
    writer.kill();
    while let Some(line) = writer.line() {
        said.insert(line);
    }
    check(&scratch, &said, 1).await;
}

/// All that was said is kept, once; each life may have kept one call more than it could say.
async fn check(scratch: &Scratch, said: &BTreeSet<String>, lives: u64) {
    let store = scratch.open().await;
    let mut calls = 0;
    for line in said.iter().filter(|line| *line != "ready") {
        let number = line.trim_end_matches(" ended");
        let id = format!("open-{number}").as_str().into();
        let call = store.call(&id).await.unwrap();
        let call = call.unwrap_or_else(|| panic!("call {number} is lost"));
        if line.ends_with(" ended") {
            assert_eq!(call.outcome, Outcome::Answered, "{number}");
        } else {
            calls += 1;
        }
    }
    store.health().await.unwrap();
    store.close().await;
    let kept = ask(&scratch.path(), "SELECT CAST(count(*) AS TEXT) FROM calls").await;
    let kept: u64 = kept.parse().unwrap();
    assert!(
        (calls..=calls + lives).contains(&kept),
        "{calls} said, {kept} kept"
    );
    let channels = "SELECT CAST(count(DISTINCT uniqueid) AS TEXT) FROM channels";
    assert_eq!(ask(&scratch.path(), channels).await, kept.to_string());
    assert_eq!(ask(&scratch.path(), "PRAGMA integrity_check").await, "ok");
}

async fn ask(path: &Path, sql: &str) -> String {
    let url = format!("sqlite:{}", path.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let answer: String = sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    answer
}

fn spin(rounds: u64) {
    for _ in 0..rounds * 40_000 {
        std::hint::spin_loop();
    }
}

/// The program that writes calls.
struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    fn start(path: &Path, first: u64, prefix: &[&str]) -> Self {
        let mut words = prefix.to_vec();
        let first = first.to_string();
        let path = path.to_str().unwrap();
        words.extend([env!("CARGO_BIN_EXE_store-writer"), path, first.as_str()]);
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.out.read_line(&mut line).unwrap();
        // Half a line is none.
        (length > 0 && line.ends_with('\n')).then(|| line.trim_end().to_owned())
    }

    fn again(&mut self) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(b"\n").unwrap();
    }

    fn make_room(&self) {
        let process = self.child.id().to_string();
        let status = Command::new("prlimit")
            .args(["--pid", &process, "--fsize=unlimited"])
            .status();
        assert!(status.unwrap().success());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
