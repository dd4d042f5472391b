//! Linux: the kernel ends the child with its parent, whatever ends that one.
#![allow(unsafe_code)] // std's hook between fork and exec is unsafe; one system call is made in it

use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::process::Command;

/// The signal belongs to the thread that starts the child (prctl(2)); the agent's loop lives in the main one.
pub(super) fn die_with_us(command: &mut Command) {
    // SAFETY: prctl(PR_SET_PDEATHSIG) neither allocates nor locks, so it may be called after a fork.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
}
