//! Puts the SIP stack that the phones use (pjsua2, a binary wheel) into a Python environment in the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::cache::{self, Lock};
use crate::python::{self, INTERPRETERS, can_make_environments};
use crate::run;

const WHEEL: &str = "pjsua2-python==2.15.1.post1";
const RECIPE: &str = "pjsua2-python 2.15.1.post1, recipe 1";

/// The Python interpreter that has the phones' SIP stack.
#[derive(Debug, Clone)]
pub struct PhonesProgram {
    pub(super) python: PathBuf,
}

/// What has to be installed by apt before [`install`] can work.
pub fn debian_packages() -> &'static [&'static str] {
    &["python3", "python3-venv"]
}

/// Which of [`debian_packages`] this machine lacks; empty when any interpreter here can make an environment.
pub fn missing_debian_packages() -> Vec<&'static str> {
    if INTERPRETERS
        .iter()
        .any(|python| can_make_environments(python))
    {
        return Vec::new();
    }
    debian_packages().to_vec()
}

/// Makes the environment unless it is there already; `progress` gets a sentence at each long step.
pub fn install(mut progress: impl FnMut(&str)) -> Result<PhonesProgram> {
    let cache = cache::folder()?;
    let folder = cache.join("phones");
    let program = PhonesProgram {
        python: folder.join("bin/python"),
    };
    // The interpreter belongs to the system and may have been replaced since.
    let is_ready = || cache::is_made_by(&folder, RECIPE) && program.python.exists();
    if is_ready() {
        return Ok(program);
    }
    let _turn = Lock::acquire(&cache.join("phones.lock"), Duration::from_secs(300), || {
        progress("Waiting for another process that is fetching the SIP phones");
    })?;
    if is_ready() {
        return Ok(program);
    }
    progress("Fetching the SIP phones: a Python wheel of about 16 MB");
    let mut failures = Vec::new();
    for python in INTERPRETERS {
        match make(&folder, python) {
            Ok(()) => return Ok(program),
            Err(error) => failures.push(format!("{python}: {error:#}")),
        }
    }
    let _ = fs::remove_dir_all(&folder);
    bail!(
        "no Python here can run the SIP phones (apt packages: {}):\n{}",
        debian_packages().join(" "),
        failures.join("\n")
    )
}

fn make(folder: &Path, python: &str) -> Result<()> {
    python::make_empty(folder, python)?;
    let python = folder.join("bin/python");
    run::output(python::pip_install(&python).args(["--only-binary", ":all:", WHEEL]))
        .context("install the wheel")?;
    run::output(Command::new(&python).args(["-c", "import pjsua2"]))
        .context("load the SIP stack")?;
    cache::stamp(folder, RECIPE)
}
