//! `sidetone-ui` as a child: started when windows are needed, started again when it dies, ended when idle.

#[cfg(not(target_os = "linux"))]
#[path = "window_program/elsewhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "window_program/linux.rs"]
mod system;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// After the polite word it has this long to end by itself.
const POLITE: Duration = Duration::from_secs(2);
/// A program that dies this often in a row will not come up.
const TRIES: u32 = 5;
/// Whoever lived this long did come up.
const ALIVE: Duration = Duration::from_secs(20);

/// What became of the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It ended as it was asked to, or is not needed any more.
    Ended,
    /// It died and is started again.
    Again,
    /// It does not come up.
    GivenUp { words: String },
}

/// The child, if there is one, and whether there should be.
#[derive(Debug, Default)]
pub(crate) struct WindowProgram {
    child: Option<Child>,
    wanted: bool,
    started: Option<Instant>,
    deaths: u32,
    again_at: Option<Instant>,
    kill_at: Option<Instant>,
}

impl WindowProgram {
    /// Wanted from now on.
    pub(crate) fn want(&mut self) -> Option<Fate> {
        self.wanted = true;
        self.kill_at = None;
        if self.child.is_none() && self.again_at.is_none() {
            self.start()
        } else {
            None
        }
    }

    /// Not needed: it has been told, and is killed if it stays.
    pub(crate) fn end(&mut self) {
        self.wanted = false;
        self.again_at = None;
        if self.child.is_some() {
            self.kill_at = Some(Instant::now() + POLITE);
        }
    }

    fn start(&mut self) -> Option<Fate> {
        self.again_at = None;
        // Whoever runs the windows himself (a test under a debugger) says so.
        let program = match std::env::var_os("SIDETONE_UI") {
            Some(program) if program.is_empty() => return None,
            Some(program) => PathBuf::from(program),
            None => beside_us(),
        };
        let mut command = Command::new(&program);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        system::die_with_us(&mut command);
        match command.spawn() {
            Ok(child) => {
                self.child = Some(child);
                self.started = Some(Instant::now());
                None
            }
            Err(error) => {
                self.wanted = false;
                Some(Fate::GivenUp {
                    words: format!(
                        "The windows cannot be started: {}: {error}.",
                        program.display()
                    ),
                })
            }
        }
    }

    /// The next thing that becomes of it. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Fate {
        loop {
            let Some(child) = &mut self.child else {
                match self.again_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
                match self.start() {
                    Some(fate) => return fate,
                    None => continue,
                }
            };
            let late = async {
                match self.kill_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                status = child.wait() => {
                    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return self.died(&how);
                }
                () = late => {
                    let _ = child.start_kill();
                    self.kill_at = None;
                }
            }
        }
    }

    fn died(&mut self, how: &str) -> Fate {
        self.child = None;
        self.kill_at = None;
        if !self.wanted {
            return Fate::Ended;
        }
        tracing::warn!(%how, "the windows died");
        let lived = self.started.is_some_and(|at| at.elapsed() > ALIVE);
        self.deaths = if lived { 1 } else { self.deaths + 1 };
        if self.deaths > TRIES {
            self.wanted = false;
            self.deaths = 0;
            return Fate::GivenUp {
                words: format!("The windows do not come up ({how})."),
            };
        }
        // At once the first time, then slower.
        let pause = Duration::from_millis(100) * (self.deaths - 1).pow(2);
        self.again_at = Some(Instant::now() + pause);
        Fate::Again
    }

    /// It said hello: what went before is forgiven.
    pub(crate) fn came_up(&mut self) {
        if self.started.is_some_and(|at| at.elapsed() > ALIVE) {
            self.deaths = 0;
        }
    }
}

fn beside_us() -> PathBuf {
    let name = format!("sidetone-ui{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().ok();
    here.and_then(|program| Some(program.parent()?.join(&name)))
        .unwrap_or_else(|| PathBuf::from(name))
}
