//! What systemd is told: that the server is ready, lives, ends.

use std::time::Duration;

/// Ready for clients.
pub(crate) fn ready() {
    #[cfg(target_os = "linux")]
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

/// No clients are taken any more.
pub(crate) fn stopping() {
    #[cfg(target_os = "linux")]
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
}

/// How often systemd wants to hear that the server lives; `None`: it does not watch.
pub(crate) fn watchdog() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    return sd_notify::watchdog_enabled().map(|every| every / 2);
    #[cfg(not(target_os = "linux"))]
    None
}

/// The server lives.
pub(crate) fn alive() {
    #[cfg(target_os = "linux")]
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
}
