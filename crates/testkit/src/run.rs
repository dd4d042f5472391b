//! Runs a program to its end and turns a failure into a sentence with what it said.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// Standard output of a command that must succeed; its last lines of complaint otherwise.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {name}"))?;
    let out = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(out.into_owned());
    }
    let said = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
    bail!("{name} ended with {}: {}", output.status, tail(&said, 12))
}

/// As [`output`], of a program that reads `input`, which has to fit into a pipe.
pub(crate) fn output_of(command: &mut Command, input: &str) -> Result<String> {
    let (reader, mut writer) = std::io::pipe().context("make a pipe")?;
    writer.write_all(input.as_bytes()).context("fill a pipe")?;
    drop(writer);
    let output = command
        .stdin(reader)
        .output()
        .with_context(|| format!("run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}", tail(&String::from_utf8_lossy(&output.stderr), 12));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last `lines` lines.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Asks again every few milliseconds until there is an answer: for what tells nobody when it changes.
pub(crate) fn poll<T>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let until = Instant::now() + limit;
    loop {
        let last = match ask() {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() >= until {
            return Err(match last {
                Some(error) => error.context(format!("{what} within {limit:?}")),
                None => anyhow!("no {what} within {limit:?}"),
            });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
