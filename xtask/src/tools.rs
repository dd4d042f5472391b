//! Cargo, and tools that Cargo installs once into the user's cache.

use crate::{folders, step};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

const CARGO_DENY: &str = "0.20.2";

/// `cargo` with these arguments, in the repository, with the target folder of this run.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(arguments)
        .current_dir(folders::root())
        .env("CARGO_TARGET_DIR", folders::target()?);
    if folders::is_ci() {
        // A fresh clone compiles our crates whole; what incremental builds note would only fill the kept folder.
        command.env("CARGO_INCREMENTAL", "0");
    }
    Ok(command)
}

/// The program `cargo-deny` of the version that the project uses; compiled once.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let root = folders::cache()?.join("tools");
    let program = root.join("bin/cargo-deny");
    let version = Command::new(&program).arg("--version").output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(CARGO_DENY)) {
        return Ok(program);
    }
    let mut install = cargo(&[
        "install",
        "--locked",
        "--quiet",
        "cargo-deny",
        "--version",
        CARGO_DENY,
        "--root",
    ])?;
    install
        .arg(&root)
        .env("CARGO_TARGET_DIR", root.join("target"));
    step::command("compile cargo-deny, once", &mut install)?;
    let _ = std::fs::remove_dir_all(root.join("target"));
    Ok(program)
}
