//! Linux: `xdg-open`, else `gio open`; neither is a shell, and a link never begins with a dash.

use std::process::{Command, Stdio};

pub(super) fn open(url: &str) -> Result<(), String> {
    let openers: [&[&str]; 2] = [&["xdg-open"], &["gio", "open"]];
    let mut words = String::new();
    for opener in openers {
        let (program, arguments) = opener.split_at(1);
        let mut command = Command::new(program[0]);
        command
            .args(arguments)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => words = format!("{}: {status}", program[0]),
            Err(error) => words = format!("{}: {error}", program[0]),
        }
    }
    Err(words)
}
