//! Tests of the real windows under a virtual display, on the real Asterisk with real phones: what the tests share.
#![cfg(target_os = "linux")]

pub mod hostile;
pub mod listener;
pub mod stage;
pub mod text_window;
pub mod webdriver;

pub use listener::Listener;
pub use stage::Stage;
pub use text_window::TextWindow;
pub use webdriver::Driver;

use std::time::{Duration, Instant};

/// Ten times the room that anything here needs.
pub const SOON: Duration = Duration::from_secs(10);

/// Asks every few milliseconds until there is an answer: for what tells nobody when it changes.
///
/// # Errors
/// The last error, or that there was no answer within the limit.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let until = Instant::now() + limit;
    loop {
        let answer = ask();
        match answer {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if Instant::now() >= until => return Err(error.context(what.to_owned())),
            Ok(None) if Instant::now() >= until => anyhow::bail!("not within {limit:?}: {what}"),
            Ok(None) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}
