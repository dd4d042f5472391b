//! Cargo, and tools that Cargo installs once into the user's cache.

use crate::{folders, step};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";

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
    installed("cargo-deny", CARGO_DENY)
}

/// The program `cargo-fuzz` of the version that the project uses; compiled once.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    installed("cargo-fuzz", CARGO_FUZZ)
}

fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let root = folders::cache()?.join("tools");
    let program = root.join("bin").join(name);
    let said = Command::new(&program).arg("--version").output();
    if said.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(version)) {
        return Ok(program);
    }
    let mut install = cargo(&["install", "--locked", "--quiet", name, "--version", version])?;
    install
        .arg("--root")
        .arg(&root)
        .env("CARGO_TARGET_DIR", root.join("target"));
    step::command(&format!("compile {name}, once"), &mut install)?;
    let _ = std::fs::remove_dir_all(root.join("target"));
    Ok(program)
}
