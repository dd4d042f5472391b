//! Which program handed a link over, as far as the system tells.

#[cfg(target_os = "linux")]
#[path = "caller/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "caller/elsewhere.rs"]
mod system;

/// The name of the program that a person clicked in, for example "Chromium"; `None` where it cannot be told.
pub(crate) fn program() -> Option<String> {
    system::program()
}
