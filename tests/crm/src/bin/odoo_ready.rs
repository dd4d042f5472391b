//! Fetches Odoo for the tests that want one, or says why it cannot be had here.
#![allow(
    clippy::print_stderr,
    reason = "this program talks to whoever runs the tests"
)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match ready() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn ready() -> Result<(), String> {
    testkit::odoo::prepare().map_err(|why| format!("{why:#}").replace('\n', "; "))
}

#[cfg(not(target_os = "linux"))]
fn ready() -> Result<(), String> {
    Err("Odoo is a package of Debian".into())
}
