//! Python environments in the user's cache: one for each list of pinned packages, made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::cache::{self, Lock};
use crate::run;

/// Interpreters to try, the system's first; some packages exist for some versions only.
pub(crate) const INTERPRETERS: [&str; 6] = [
    "/usr/bin/python3",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.10",
];

/// For one environment, its fetching included.
const INSTALL: Duration = Duration::from_secs(600);

/// An environment that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The interpreter.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that one of the packages brought, e.g. `trytond-admin`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// The environment `name`, made unless it is there. `requirements` is the text of a file as `pip freeze` writes it: every
/// package, also those that others need, with its version, because nothing else is installed.
///
/// # Errors
/// When no interpreter here can make it, with what each said.
pub fn venv(name: &str, requirements: &str) -> Result<Venv> {
    let folder = cache::folder()?.join("python").join(name);
    let recipe = format!("python environment, recipe 1\n{requirements}");
    let venv = Venv { folder };
    // The interpreter belongs to the system and may have been replaced since.
    let is_ready = || cache::is_made_by(&venv.folder, &recipe) && venv.python().exists();
    if is_ready() {
        return Ok(venv);
    }
    let _turn = Lock::acquire(&venv.folder.with_extension("lock"), INSTALL, || ())?;
    if is_ready() {
        return Ok(venv);
    }
    let mut failures = Vec::new();
    for python in INTERPRETERS {
        match make(&venv, python, requirements) {
            Ok(()) => {
                cache::stamp(&venv.folder, &recipe)?;
                return Ok(venv);
            }
            Err(error) => failures.push(format!("{python}: {error:#}")),
        }
    }
    let _ = fs::remove_dir_all(&venv.folder);
    bail!("no Python here can have {name}:\n{}", failures.join("\n"))
}

pub(crate) fn can_make_environments(python: &str) -> bool {
    run::output(Command::new(python).args(["-c", "import ensurepip, venv"])).is_ok()
}

/// An empty environment in place of whatever is there. Scripts in it name its folder, so it cannot be made elsewhere
/// and moved; half of one has no stamp.
pub(crate) fn make_empty(folder: &Path, python: &str) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    if !can_make_environments(python) {
        bail!("cannot make environments (Debian has the part in python3-venv)");
    }
    run::output(Command::new(python).args(["-m", "venv"]).arg(folder))
        .context("make an environment")?;
    Ok(())
}

/// `pip install`, quiet and with nothing that is not named.
pub(crate) fn pip_install(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--no-input"]);
    pip
}

fn make(venv: &Venv, python: &str, requirements: &str) -> Result<()> {
    make_empty(&venv.folder, python)?;
    let list = venv.folder.join("requirements.txt");
    fs::write(&list, requirements).context("write the list of packages")?;
    let python = venv.python();
    run::output(pip_install(&python).arg("--requirement").arg(&list))
        .context("install the packages")?;
    run::output(Command::new(&python).args(["-m", "pip", "check"]))
        .context("the list of packages is not complete")?;
    Ok(())
}
