//! Runs a program to its end and turns a failure into a sentence with what it said.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

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

/// The last `lines` lines.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
