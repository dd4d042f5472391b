//! A user with nothing but folders, and `sidetone` run as that user.
#![allow(dead_code)] // each test program takes what it needs

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A user with nothing but folders.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) runtime: PathBuf,
    pub(crate) temporary: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["run", "config", "state", "data"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let (runtime, temporary) = (folder.path().join("run"), folder.path().to_owned());
        Self {
            folder,
            runtime,
            temporary,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("run/sidetone/agent.sock")
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_sidetone"))
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", &self.runtime)
            .env("TMPDIR", &self.temporary)
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("SIDETONE_UI", "")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sidetone starts")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.spawn(arguments).wait_with_output().expect("it ends")
    }

    /// The agent, ready.
    pub(crate) fn start(&self) -> Child {
        let mut agent = self.spawn(&[]);
        let until = Instant::now() + LIMIT;
        while self.run(&["status"]).status.code() != Some(0) {
            assert!(agent.try_wait().expect("wait").is_none(), "it ended");
            assert!(Instant::now() < until, "it does not answer");
            pause();
        }
        agent
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        let until = Instant::now() + LIMIT;
        loop {
            let output = self.run(&["status", "--json"]);
            if output.status.success() {
                return serde_json::from_slice(&output.stdout).expect("JSON");
            }
            assert!(Instant::now() < until, "{output:?}");
            pause();
        }
    }

    pub(crate) fn wait(&self, child: &mut Child) -> std::process::ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = child.try_wait().expect("wait") {
                return status;
            }
            assert!(Instant::now() < until, "it does not end");
            pause();
        }
    }
}

/// A test that fails leaves no agent behind.
impl Drop for Home {
    fn drop(&mut self) {
        self.run(&["quit"]);
    }
}

/// Between two looks at something that gives no event.
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
