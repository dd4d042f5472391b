//! Where the repository is, and where what is kept between runs lies.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// `$XDG_CACHE_HOME/sidetone`, else `~/.cache/sidetone`.
pub(crate) fn cache() -> Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("sidetone"))
}

/// Cargo's target folder: under CI in the user's cache, so that a fresh clone reuses what was compiled.
pub(crate) fn target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Ok(PathBuf::from(folder)),
        None if is_ci() => Ok(cache()?.join("target")),
        None => Ok(root().join("target")),
    }
}

pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Where the output of each step is kept.
pub(crate) fn logs() -> Result<PathBuf> {
    let folder = root().join("target/xtask");
    std::fs::create_dir_all(&folder).context("make the folder for logs")?;
    Ok(folder)
}
