//! Processes that cannot outlive the one that started them, however it ends.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Started programs with everything that they start themselves, killed together on drop or as soon
/// as this process dies, `kill -9` included.
///
/// The leader of the group is a shell that waits for the end of a pipe whose other end only this
/// process holds. The kernel's parent-death signal would be shorter, but it follows the *thread*
/// that forked, and the threads of a test end before what they share; nor does it reach the
/// children of children.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Child,
    alive: Option<ChildStdin>,
}

impl ProcessGroup {
    /// Starts an empty group.
    pub fn new() -> io::Result<Self> {
        let mut leader = Command::new("sh")
            .args(["-c", "read -r _; kill -KILL 0"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let alive = leader.stdin.take();
        Ok(Self { leader, alive })
    }

    /// Starts a program in the group. A program that leaves it by `setsid` has to be ended by its own means.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let id = i32::try_from(self.leader.id()).map_err(io::Error::other)?;
        command.process_group(id).spawn()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.leader.wait();
    }
}
