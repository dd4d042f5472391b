//! The windows' pages: npm packages and the build that `sidetone-ui` embeds.

use crate::{folders, step};
use anyhow::{Context as _, Result, bail};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the pages' compiler needs at least; see `engines` in `ui/package.json`.
const NODE: (u32, u32) = (20, 19);

fn folder() -> PathBuf {
    folders::root().join("ui")
}

pub(crate) fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder());
    command
}

/// Installs the npm packages unless exactly these are there.
pub(crate) fn install() -> Result<()> {
    check_node()?;
    let modules = folder().join("node_modules");
    let stamp = modules.join(".sidetone-lock");
    let wanted = hash(&[folder().join("package-lock.json")])?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    step::command(
        "install npm packages",
        &mut npm(&["ci", "--no-audit", "--no-fund"]),
    )?;
    std::fs::write(stamp, wanted).context("note which npm packages are there")
}

/// Builds the pages unless they are built from exactly these sources.
pub(crate) fn build() -> Result<()> {
    install()?;
    let mut sources = Vec::new();
    collect(&folder(), &mut sources)?;
    sources.sort();
    let stamp = folder().join("dist/.sidetone-sources");
    let wanted = hash(&sources)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    step::command(
        "build the windows' pages",
        &mut npm(&["run", "--silent", "build"]),
    )?;
    std::fs::write(stamp, wanted).context("note what the pages were built from")
}

/// Ends early, with what to install, where Node is missing or too old.
pub(crate) fn check_node() -> Result<()> {
    let output = Command::new("node").arg("--version").output();
    let version = output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    let (major, minor) = NODE;
    match numbers.next().zip(numbers.next()) {
        Some(found) if found >= NODE => Ok(()),
        Some(_) => bail!(
            "Node {major}.{minor} or newer is needed, found {}",
            version.trim()
        ),
        None => bail!("Node {major}.{minor} or newer is needed, and `node` is not found"),
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name == "node_modules" || name == "dist" || name == "coverage" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?
        } else {
            files.push(path)
        }
    }
    Ok(())
}

fn hash(files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(folder())
            .unwrap_or(file)
            .hash(&mut hasher);
        std::fs::read(file)
            .with_context(|| format!("read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
