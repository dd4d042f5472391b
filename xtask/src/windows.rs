//! The workspace type-checked for Windows, with a standard library built from Debian's sources of the same Rust.
//!
//! Rust's own tool would download one; here it is built once from the `rust-src` package of exactly this version, into a
//! copy of the toolchain in the user's cache. The user's own toolchain is not touched.

use crate::checks::Outcome;
use crate::{debian, folders, step};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// Raised when the way it is built changes.
const RECIPE: u32 = 1;
/// Only on Linux: they start Debian's programs.
const NOT_FOR_WINDOWS: [&str; 2] = ["gui", "e2e"];

pub(crate) fn type_check() -> Result<Outcome> {
    let toolchain = match debian::install_for_windows().and_then(|()| toolchain()) {
        Ok(toolchain) => toolchain,
        Err(error) => {
            let error = format!("{error:#}");
            let why = error.lines().next().unwrap_or_default();
            return Ok(Outcome::Skipped(format!(
                "nothing to check with can be had here: {why}"
            )));
        }
    };
    let mut check = Command::new(toolchain.join("bin/cargo"));
    check
        .args(["check", "--workspace", "--target", TARGET])
        .current_dir(folders::root());
    for package in NOT_FOR_WINDOWS {
        check.args(["--exclude", package]);
    }
    check
        .env("RUSTC", toolchain.join("bin/rustc"))
        .env("CARGO_TARGET_DIR", folders::target()?.join("windows"));
    // Cargo's own library path would make the copied compiler take the user's toolchain for its home.
    check
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH");
    step::command("type check for Windows", &mut check)?;
    Ok(Outcome::Passed)
}

/// A copy of the active toolchain with a standard library for Windows; made once for each version of Rust.
fn toolchain() -> Result<PathBuf> {
    let version = printed(Command::new("rustc").arg("-V"))?;
    let version = version
        .split_whitespace()
        .nth(1)
        .context("rustc tells its version")?
        .to_owned();
    let copy = folders::cache()?.join(format!("windows/{version}"));
    let stamp = copy.join(".sidetone-recipe");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == RECIPE.to_string()) {
        return Ok(copy);
    }
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(&copy)?;
    let own = PathBuf::from(printed(Command::new("rustc").args(["--print", "sysroot"]))?);
    copy_toolchain(&own, &copy)?;
    let work = copy.join("work");
    let library = sources(&version, &work)?;
    build_std(&copy, &library, &work)?;
    let _ = std::fs::remove_dir_all(&work);
    std::fs::write(stamp, RECIPE.to_string())?;
    Ok(copy)
}

fn copy_toolchain(own: &Path, copy: &Path) -> Result<()> {
    for part in ["bin", "lib"] {
        // Hard links where they can be made, copies elsewhere: only new files are ever added to it.
        let linked = Command::new("cp")
            .args(["-al"])
            .arg(own.join(part))
            .arg(copy)
            .output()?;
        if !linked.status.success() {
            let _ = std::fs::remove_dir_all(copy.join(part));
            step::command(
                "copy the toolchain",
                Command::new("cp").arg("-a").arg(own.join(part)).arg(copy),
            )?;
        }
    }
    Ok(())
}

/// The sources of the standard library, from the mirror that this machine's apt uses.
fn sources(version: &str, work: &Path) -> Result<PathBuf> {
    let apt = work.join("apt");
    for folder in ["lists/partial", "cache/archives/partial", "etc"] {
        std::fs::create_dir_all(apt.join(folder))?;
    }
    std::fs::write(apt.join("status"), "")?;
    let mirror = mirror()?;
    let sources = format!(
        "Types: deb\nURIs: {mirror}\nSuites: sid trixie trixie-backports forky\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    );
    std::fs::write(apt.join("etc/debian.sources"), sources)?;
    let here = apt.display();
    let conf = format!(
        "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{here}/etc\";\nDir::State::lists \"{here}/lists\";\n\
         Dir::State::status \"{here}/status\";\nDir::Cache \"{here}/cache\";\nAPT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n"
    );
    std::fs::write(apt.join("conf"), conf)?;
    let with = |program: &str| {
        let mut command = Command::new(program);
        command
            .env("APT_CONFIG", apt.join("conf"))
            .current_dir(work);
        command
    };
    step::command(
        "ask Debian for Rust's sources",
        with("apt-get").args(["-q", "update"]),
    )?;
    let known = printed(with("apt-cache").args(["madison", "rust-src"]))?;
    let wanted = format!("{version}+");
    let package = known
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|known| known.starts_with(&wanted))
        .with_context(|| format!("Debian has no rust-src {version}"))?
        .to_owned();
    step::command(
        "fetch Rust's sources",
        with("apt-get").args(["-q", "download", &format!("rust-src={package}")]),
    )?;
    let deb = std::fs::read_dir(work)?
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|file| file.extension().is_some_and(|ending| ending == "deb"))
        .context("apt downloaded nothing")?;
    let unpacked = work.join("src");
    step::command(
        "unpack Rust's sources",
        Command::new("dpkg").arg("-x").arg(deb).arg(&unpacked),
    )?;
    let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
    if !library.is_dir() {
        bail!("the package holds no {}", library.display());
    }
    Ok(library)
}

/// The address of Debian's main archive as this machine has it.
fn mirror() -> Result<String> {
    let format = "$(REPO_URI) $(COMPONENT)";
    let targets = printed(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let uri = targets
        .lines()
        .filter_map(|line| line.strip_suffix(" main"))
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    uri.map(str::to_owned)
        .context("no Debian mirror in this machine's apt settings")
}

/// A program that uses nothing makes Cargo build the library alone; only the stable compiler's own switch is needed.
fn build_std(toolchain: &Path, library: &Path, work: &Path) -> Result<()> {
    let program = work.join("empty");
    std::fs::create_dir_all(program.join("src"))?;
    std::fs::write(program.join("src/lib.rs"), "")?;
    std::fs::write(
        program.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let built = work.join("target");
    let mut cargo = Command::new(toolchain.join("bin/cargo"));
    cargo.args([
        "build",
        "-q",
        "--release",
        "-Z",
        "build-std=std,panic_abort,panic_unwind,proc_macro,test",
        "--target",
        TARGET,
    ]);
    cargo
        .current_dir(&program)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", toolchain.join("bin/rustc"));
    cargo
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env("CARGO_TARGET_DIR", &built)
        .env_remove("RUSTUP_TOOLCHAIN");
    step::command("build Rust's library for Windows, once", &mut cargo)?;
    let into = toolchain.join(format!("lib/rustlib/{TARGET}/lib"));
    std::fs::create_dir_all(&into)?;
    for file in std::fs::read_dir(built.join(TARGET).join("release/deps"))? {
        let file = file?.path();
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libempty") {
            std::fs::copy(&file, into.join(name))?;
        }
    }
    Ok(())
}

fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
