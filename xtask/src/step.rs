//! A step: one line that says what is done and how long it took; the output is kept, its end shown when it fails.

use crate::folders;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_secs(1);
/// Where nobody watches, a line now and then shows that it goes on.
const TICK_IN_LOGS: Duration = Duration::from_secs(60);
/// The longest step, a cold build under load, takes a quarter of it.
const LIMIT: Duration = Duration::from_secs(40 * 60);
const SHOWN: usize = 60;

/// Does something that takes its own care of output.
pub(crate) fn done(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    begin(what);
    let outcome = work();
    end(what, outcome.is_ok(), start.elapsed());
    outcome
}

/// Where a command's output is kept.
pub(crate) fn log(what: &str) -> Result<PathBuf> {
    Ok(folders::logs()?.join(format!("{}.log", file_name(what))))
}

/// Runs a command to its end.
pub(crate) fn command(what: &str, command: &mut Command) -> Result<()> {
    within(LIMIT, what, command)
}

/// The same for one that may take longer, or less.
pub(crate) fn within(limit: Duration, what: &str, command: &mut Command) -> Result<()> {
    let log = log(what)?;
    let start = Instant::now();
    begin(what);
    let outcome = run(what, command, &log, start, limit);
    end(what, outcome.is_ok(), start.elapsed());
    outcome
}

fn run(
    what: &str,
    command: &mut Command,
    log: &Path,
    start: Instant,
    limit: Duration,
) -> Result<()> {
    let out = File::create(log).context("create the step's log")?;
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .with_context(|| format!("{what}: {program} cannot be started"))?;
    let mut ticked = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!(
                "{what}: {program} ended with {status}; the whole output is in {}:\n{}",
                log.display(),
                tail(log)
            );
        }
        if start.elapsed() > limit {
            // Cargo first would leave its test running; what that started ends with it.
            let _ = Command::new("pkill")
                .args(["-KILL", "-P", &child.id().to_string()])
                .status();
            let _ = child.kill();
            let _ = child.wait();
            bail!(
                "{what}: {program} did not end within {} minutes; the whole output is in {}:\n{}",
                limit.as_secs() / 60,
                log.display(),
                tail(log)
            );
        }
        std::thread::sleep(POLL);
        let is_watched = std::io::stdout().is_terminal();
        if ticked.elapsed() > if is_watched { TICK } else { TICK_IN_LOGS } {
            ticked = Instant::now();
            let passed = start.elapsed().as_secs();
            if is_watched {
                print!("\r        {what} … {passed} s");
                let _ = std::io::stdout().flush();
            } else {
                println!("        {what} … {passed} s");
            }
        }
    }
}

fn begin(what: &str) {
    if std::io::stdout().is_terminal() {
        print!("        {what} …");
        let _ = std::io::stdout().flush();
    }
}

fn end(what: &str, well: bool, took: Duration) {
    let start = if std::io::stdout().is_terminal() {
        "\r"
    } else {
        ""
    };
    let mark = if well { "ok" } else { "FAILED" };
    println!("{start}{mark:>6}  {what} ({:.1} s)", took.as_secs_f64());
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

fn file_name(what: &str) -> String {
    what.chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect()
}
