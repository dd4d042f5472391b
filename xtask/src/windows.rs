//! The workspace type-checked for Windows, with a compiler of its own in the user's cache.

mod apt;
mod toolchain;

use crate::checks::Outcome;
use crate::{debian, folders, step};
use anyhow::Result;
use toolchain::Toolchain;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// Only on Linux: they start Debian's programs.
const NOT_FOR_WINDOWS: [&str; 6] = [
    "bench-server",
    "crm-tests",
    "directories",
    "e2e",
    "gui",
    "store-tests",
];

pub(crate) fn type_check() -> Result<Outcome> {
    let toolchain = match debian::install_for_windows().and_then(|()| Toolchain::ready()) {
        Ok(toolchain) => toolchain,
        Err(error) => {
            let error = format!("{error:#}");
            let why = error.lines().next().unwrap_or_default();
            return Ok(Outcome::Skipped(format!(
                "nothing to check with can be had here: {why}"
            )));
        }
    };
    let mut check = toolchain.cargo();
    check
        .args(["check", "--workspace", "--target", TARGET])
        .current_dir(folders::root());
    for package in NOT_FOR_WINDOWS {
        check.args(["--exclude", package]);
    }
    step::command("type check for Windows", &mut check)?;
    Ok(Outcome::Passed)
}
