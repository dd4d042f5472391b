//! Windows and macOS: the child notices by itself that the agent's end of the socket is gone.

use tokio::process::Command;

pub(super) fn die_with_us(_command: &mut Command) {}
