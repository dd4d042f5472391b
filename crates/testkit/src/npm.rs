//! Programs of Node with the packages of their lock file, in the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cache::{self, Lock};
use crate::run;

const INSTALL: Duration = Duration::from_secs(300);

/// A folder of that name in the cache for exactly `program` of the folder `source`, its `package.json`,
/// `package-lock.json` and `.npmrc`, made unless it is there.
///
/// # Errors
/// What could not be read or fetched.
pub fn install(name: &str, source: &Path, program: &str) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json", ".npmrc", program];
    let mut recipe = format!("{name}, recipe 1\n");
    for name in files {
        let file = source.join(name);
        recipe += &fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    }
    let folder = cache::folder()?.join(name);
    let _lock = Lock::acquire(&folder.with_extension("lock"), INSTALL, || ())?;
    if cache::is_made_by(&folder, &recipe) {
        return Ok(folder);
    }
    let new = folder.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).with_context(|| format!("create {}", new.display()))?;
    for name in files {
        fs::copy(source.join(name), new.join(name)).with_context(|| format!("copy {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&new);
    run::output(&mut npm).context("install npm packages")?;
    cache::stamp(&new, &recipe)?;
    cache::replace(&folder, &new)?;
    Ok(folder)
}
