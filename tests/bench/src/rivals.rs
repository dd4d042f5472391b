//! Other clients, fetched once by the package managers of their languages into the user's cache.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

const PANORAMISK: &str = "panoramisk==1.4";

/// Where the other clients are.
pub(crate) struct Rivals {
    pub(crate) python: PathBuf,
    pub(crate) script: PathBuf,
    pub(crate) rust: PathBuf,
}

/// Builds and installs what is not there yet.
pub(crate) fn set_up(root: &Path) -> Result<Rivals> {
    let cache = cache()?;
    let folder = root.join("tests/bench/rivals");
    Ok(Rivals {
        python: panoramisk(&cache.join("panoramisk"))?,
        script: folder.join("panoramisk_client.py"),
        rust: rust(&folder, &cache.join("rivals"))?,
    })
}

/// `$XDG_CACHE_HOME/sidetone`, else `~/.cache/sidetone`.
fn cache() -> Result<PathBuf> {
    let folder = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("sidetone"))
}

fn panoramisk(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let is_there = Command::new(&python)
        .args(["-c", "import panoramisk"])
        .output();
    if is_there.is_ok_and(|output| output.status.success()) {
        return Ok(python);
    }
    let _ = std::fs::remove_dir_all(folder);
    quietly(Command::new("python3").args(["-m", "venv"]).arg(folder))
        .context("make a Python environment")?;
    quietly(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args([
                "--no-input",
                "--only-binary",
                ":all:",
                "--no-deps",
                PANORAMISK,
            ]),
    )
    .context("install panoramisk")?;
    Ok(python)
}

fn rust(folder: &Path, target: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--release", "--locked", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target);
    quietly(&mut build).context("build asterisk-rs-ami")?;
    Ok(target.join("release/rivals"))
}

fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().context("start")?;
    ensure!(
        output.status.success(),
        "{:?} ended with {}:\n{}",
        command.get_program(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
