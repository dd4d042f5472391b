//! A compiler with a standard library for Windows, which Rust's own tool would download.
//!
//! First choice: a copy of the user's toolchain, its library built from Debian's `rust-src` of exactly this version.
//! Second, when Debian has that no more: the compiler that Debian keeps fresh for browsers, with its own sources. Either
//! lies in the user's cache, is made once, and leaves the user's toolchain as it is.

use super::TARGET;
use super::apt::{Apt, printed};
use crate::{folders, step};
use anyhow::{Context as _, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Raised when the way it is made changes.
const RECIPE: &str = "1";

pub(super) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// Where the compiler's own libraries are, if it does not find them itself.
    libraries: Option<PathBuf>,
    /// What was compiled against another build of the library is of no use, and Cargo cannot tell: both go together.
    target: PathBuf,
}

impl Toolchain {
    /// Made on the first call for a version of Rust.
    pub(super) fn ready() -> Result<Self> {
        let sysroot = PathBuf::from(printed(Command::new("rustc").args(["--print", "sysroot"]))?);
        let version = printed(Command::new("rustc").arg("-V"))?;
        let version = version
            .split_whitespace()
            .nth(1)
            .context("rustc tells its version")?;
        let cargo = sysroot.join("bin/cargo");
        let kept = folders::cache()?.join("windows");
        let (copy, debians) = (
            kept.join(version),
            kept.join(format!("{version}-from-debian")),
        );
        if is_made(&copy) || !is_made(&debians) {
            let first = match make(&copy, |work| copied(&sysroot, version, &copy, work)) {
                Ok(()) => return Ok(Self::copied(&copy)),
                Err(error) => error,
            };
            make(&debians, |work| from_debian(&cargo, &debians, work))
                .map_err(|second| anyhow!("{first:#}; and {second:#}"))?;
        }
        Ok(Self::from_debian(cargo, &debians))
    }

    /// `cargo` that compiles with it.
    pub(super) fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        // Another library path would make the copied compiler take the user's toolchain for its home.
        command
            .env("RUSTC", &self.rustc)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("LD_LIBRARY_PATH");
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    fn copied(folder: &Path) -> Self {
        Self {
            cargo: folder.join("bin/cargo"),
            rustc: folder.join("bin/rustc"),
            libraries: None,
            target: folder.join("target"),
        }
    }

    fn from_debian(cargo: PathBuf, folder: &Path) -> Self {
        Self {
            cargo,
            rustc: folder.join("usr/bin/rustc"),
            libraries: Some(folder.join("usr/lib/x86_64-linux-gnu")),
            target: folder.join("target"),
        }
    }

    /// A program that uses nothing makes Cargo build the library alone; only the stable compiler's own switch is needed.
    fn build_std(&self, library: &Path, rustlib: &Path, work: &Path) -> Result<()> {
        if !library.is_dir() {
            bail!("Debian's package holds no {}", library.display());
        }
        let program = work.join("empty");
        std::fs::create_dir_all(program.join("src"))?;
        std::fs::write(program.join("src/lib.rs"), "")?;
        std::fs::write(
            program.join("Cargo.toml"),
            "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
        )?;
        let built = work.join("target");
        let mut cargo = self.cargo();
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
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
            .env("CARGO_TARGET_DIR", &built);
        step::command("build Rust's library for Windows, once", &mut cargo)?;
        let into = rustlib.join(TARGET).join("lib");
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
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join(".sidetone-recipe")
}

fn is_made(folder: &Path) -> bool {
    std::fs::read_to_string(stamp(folder)).is_ok_and(|found| found == RECIPE)
}

/// Makes a folder unless it is made; one that was left half made is begun anew.
fn make(folder: &Path, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if is_made(folder) {
        return Ok(());
    }
    let _ = std::fs::remove_dir_all(folder);
    let scratch = folder.join("work");
    std::fs::create_dir_all(&scratch)?;
    let made = work(&scratch);
    let _ = std::fs::remove_dir_all(&scratch);
    if made.is_err() {
        let _ = std::fs::remove_dir_all(folder);
    }
    made?;
    Ok(std::fs::write(stamp(folder), RECIPE)?)
}

fn copied(own: &Path, version: &str, copy: &Path, work: &Path) -> Result<()> {
    if own == Path::new("/usr") {
        bail!("the toolchain is the system's own and is not copied");
    }
    let apt = Apt::new(work, "sid trixie trixie-backports forky")?;
    let package = apt
        .versions("rust-src")?
        .into_iter()
        .find(|known| known.starts_with(&format!("{version}+")))
        .with_context(|| format!("Debian has no rust-src {version}"))?;
    let sources = work.join("src");
    apt.unpack(&[format!("rust-src={package}")], &sources)?;
    for part in ["bin", "lib"] {
        // Hard links where they can be made, copies elsewhere: only new files are ever added to it.
        let linked = Command::new("cp")
            .arg("-al")
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
    let library = sources.join(format!("usr/src/rustc-{version}/library"));
    Toolchain::copied(copy).build_std(&library, &copy.join("lib/rustlib"), work)
}

fn from_debian(cargo: &Path, folder: &Path, work: &Path) -> Result<()> {
    let apt = Apt::new(work, "")?;
    let mut packages = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"]
        .map(str::to_owned)
        .to_vec();
    // The compiler itself is in a library that is named after its version, and so is what that needs.
    let mut next = 0;
    while next < packages.len() {
        for needed in apt.needs(&packages[next])? {
            let is_compiler =
                needed.starts_with("libstd-rust-web") || needed.starts_with("libllvm");
            if is_compiler && !packages.contains(&needed) {
                packages.push(needed);
            }
        }
        next += 1;
    }
    apt.unpack(&packages, folder)?;
    let sources = std::fs::read_dir(folder.join("usr/src"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("library")))
        .find(|library| library.is_dir())
        .context("Debian's rust-web-src holds no library")?;
    let toolchain = Toolchain::from_debian(cargo.to_owned(), folder);
    toolchain.build_std(&sources, &folder.join("usr/lib/rustlib"), work)?;
    let _ = std::fs::remove_dir_all(folder.join("usr/src"));
    Ok(())
}
