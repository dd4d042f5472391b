//! Who opens `tel:` links, and becoming the one: asked for, never grabbed.

#[cfg(target_os = "linux")]
#[path = "links/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "links/macos.rs"]
mod system;
#[cfg(windows)]
#[path = "links/windows.rs"]
mod system;

use view::{Tick, TickState};

/// Says who opens the links. Blocks for as long as the system's own tools take.
pub(crate) fn check() -> Tick {
    tick(system::check())
}

/// Becomes the one who opens them, as far as a program may; then says who does.
pub(crate) fn take() -> Tick {
    match system::take() {
        Ok(()) => check(),
        Err(words) => tick(Err(words)),
    }
}

fn tick(outcome: Result<String, String>) -> Tick {
    match outcome {
        Ok(words) => Tick {
            state: TickState::Passed,
            words,
        },
        Err(words) => Tick {
            state: TickState::Failed,
            words,
        },
    }
}
