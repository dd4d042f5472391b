//! A running `sidetone`, driven as a person or a script would: by its command line.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
pub use testkit::processes::binary;
use testkit::session::DesktopSession;
use view::Status;

/// The command line answers at once; this is ten times its room.
const ANSWER: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// The agent of one session. Ends with it, or when dropped.
#[derive(Debug)]
pub struct Sidetone {
    program: PathBuf,
    child: Child,
}

impl Sidetone {
    /// Starts the agent and waits until it answers.
    ///
    /// # Errors
    /// What it said, if it ended or did not answer within ten seconds.
    pub fn start(session: &DesktopSession, env: &[(&str, String)]) -> Result<Self> {
        let program = binary("sidetone")?;
        let log = session.home().join("sidetone.out");
        let out = std::fs::File::create(&log).context("create the agent's log")?;
        let mut command = session.command(&program);
        command.env("SIDETONE_UI", binary("sidetone-ui")?);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let child = session.spawn(&mut command)?;
        let mut agent = Self { program, child };
        agent
            .wait_for_answer(session)
            .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        Ok(agent)
    }

    fn wait_for_answer(&mut self, session: &DesktopSession) -> Result<()> {
        let until = Instant::now() + ANSWER;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                bail!("sidetone ended: {status}");
            }
            if self.run(session, &["status", "--json"])?.status.success() {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("sidetone does not answer")
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The program file.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A second `sidetone` with these arguments, as a script would call it.
    ///
    /// # Errors
    /// It did not end within its deadline.
    pub fn run(&self, session: &DesktopSession, arguments: &[&str]) -> Result<Output> {
        let mut command = session.command(&self.program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        output(&mut command, ANSWER)
    }

    /// What `sidetone status --json` says.
    ///
    /// # Errors
    /// It does not answer, or not in JSON.
    pub fn status(&self, session: &DesktopSession) -> Result<Status> {
        let output = self.run(session, &["status", "--json"])?;
        if !output.status.success() {
            bail!(
                "sidetone status: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        serde_json::from_slice(&output.stdout).context("sidetone status --json")
    }

    /// Asks until `accept` takes the status; gives that status.
    ///
    /// # Errors
    /// The last status, if the limit passed.
    pub fn wait(
        &self,
        session: &DesktopSession,
        what: &str,
        limit: Duration,
        accept: impl Fn(&Status) -> bool,
    ) -> Result<Status> {
        let until = Instant::now() + limit;
        loop {
            let status = self.status(session)?;
            if accept(&status) {
                return Ok(status);
            }
            if Instant::now() >= until {
                bail!(
                    "not within {limit:?}: {what}; the last status: {}",
                    serde_json::to_string_pretty(&status)?
                );
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits until the agent has ended by itself.
    ///
    /// # Errors
    /// It still runs after the limit.
    pub fn wait_ended(&mut self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= until {
                bail!("sidetone still runs");
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

impl Drop for Sidetone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, at most this long.
///
/// # Errors
/// It could not be started or did not end.
pub fn output(command: &mut Command, limit: Duration) -> Result<Output> {
    let mut child = command
        .spawn()
        .with_context(|| format!("start {command:?}"))?;
    let until = Instant::now() + limit;
    while child.try_wait()?.is_none() {
        if Instant::now() >= until {
            child.kill().ok();
            child.wait().ok();
            bail!("{command:?} did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().context("read what it printed")
}
