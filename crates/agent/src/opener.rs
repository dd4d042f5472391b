//! Opens a link in the program that the system has for it. Whether it may be opened is decided before.

#[cfg(all(unix, not(target_os = "macos")))]
#[path = "opener/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "opener/macos.rs"]
mod system;
#[cfg(windows)]
#[path = "opener/windows.rs"]
mod system;

/// May take a moment. A failure is nothing that a card could say.
pub(crate) fn open(url: &str) {
    if let Err(words) = system::open(url) {
        tracing::warn!(%words, "a link was not opened");
    }
}
