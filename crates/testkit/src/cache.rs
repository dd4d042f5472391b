//! The user's cache: what was fetched once, with a stamp of the recipe that made it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// `$XDG_CACHE_HOME/sidetone`, else `~/.cache/sidetone`.
pub(crate) fn folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(
            std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?,
        )
        .join(".cache"),
    };
    if !base.is_absolute() {
        bail!(
            "the cache folder {} is not an absolute path",
            base.display()
        );
    }
    Ok(base.join("sidetone"))
}

/// Whether `folder` was made completely by this very recipe.
pub(crate) fn is_made_by(folder: &Path, recipe: &str) -> bool {
    fs::read_to_string(folder.join(".recipe")).is_ok_and(|stamp| stamp == recipe)
}

/// Marks `folder` as complete.
pub(crate) fn stamp(folder: &Path, recipe: &str) -> Result<()> {
    fs::write(folder.join(".recipe"), recipe).context("stamp the recipe")
}

/// Puts `new` in the place of `old` so that no one ever sees half of it.
pub(crate) fn replace(old: &Path, new: &Path) -> Result<()> {
    let aside = old.with_extension("old");
    let _ = fs::remove_dir_all(&aside);
    if old.exists() {
        fs::rename(old, &aside).with_context(|| format!("move {} aside", old.display()))?;
    }
    fs::rename(new, old).with_context(|| format!("move {} into place", old.display()))?;
    let _ = fs::remove_dir_all(&aside);
    Ok(())
}

/// Held while one process makes what several may want; released by the kernel when the holder dies.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Waits for its turn, `notice` being called once when there is a wait.
    pub(crate) fn acquire(path: &Path, limit: Duration, notice: impl FnOnce()) -> Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        }
        let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        let until = Instant::now() + limit;
        let mut notice = Some(notice);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("lock {}", path.display()));
                }
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    bail!("another process has held {} for {limit:?}", path.display())
                }
                Err(TryLockError::WouldBlock) => {
                    if let Some(notice) = notice.take() {
                        notice();
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// The lock if nobody holds it.
    pub(crate) fn try_acquire(path: &Path) -> Option<Self> {
        let file = File::create(path).ok()?;
        file.try_lock().ok()?;
        Some(Self(file))
    }
}
