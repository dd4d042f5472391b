//! A real PostgreSQL on a loopback port of its own, with nothing in it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::ports::PortBlock;
use crate::{ProcessGroup, processes, run};

/// The only user; may do everything.
const USER: &str = "sidetone";
const PASSWORD: &str = "postgres-secret";

/// A running PostgreSQL that writes to disk as in earnest; gone with its folder when dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    child: Option<Child>,
    group: ProcessGroup,
    ports: PortBlock,
    folder: TempDir,
    databases: AtomicU32,
}

impl Postgres {
    const BOOT: Duration = Duration::from_secs(60);

    /// Makes a new server and waits until it takes connections.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sidetone-postgres-")
            .tempdir()
            .context("create a folder")?;
        let mut postgres = Self {
            programs: programs()?,
            child: None,
            group: ProcessGroup::new().context("start a process group")?,
            ports: PortBlock::reserve()?,
            folder,
            databases: AtomicU32::new(0),
        };
        postgres.make()?;
        postgres.boot()?;
        Ok(postgres)
    }

    /// The address of a new database, with user and password.
    pub fn database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("calls{number}");
        let mut create = Command::new(self.programs.join("createdb"));
        create
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port().to_string(),
                "-U",
                USER,
                &name,
            ])
            .env("PGPASSWORD", PASSWORD);
        run::output(&mut create).context("create a database")?;
        Ok(format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{name}",
            self.port()
        ))
    }

    /// One of PostgreSQL's programs, e.g. `psql`, as Debian has put them out of the way.
    ///
    /// # Errors
    /// PostgreSQL is not installed.
    pub fn program(name: &str) -> Result<PathBuf> {
        Ok(programs()?.join(name))
    }

    /// Where it listens on the loopback address.
    pub fn port(&self) -> u16 {
        self.ports.port(0)
    }

    /// Ends it as `systemctl stop` would with connections open; [`Self::restart`] brings it back with all it knew.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        // Immediate: told by a signal, as to be killed leaves a piece of shared memory behind.
        signal(child.id(), "-QUIT")?;
        processes::wait_for_exit(&mut child, Self::BOOT)?;
        Ok(())
    }

    /// Starts it again on the same port, after a [`Self::stop`] if it still runs.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.boot()
    }

    fn make(&self) -> Result<()> {
        let password = self.folder.path().join("password");
        fs::write(&password, PASSWORD).context("write the password")?;
        if is_root()? {
            give(self.folder.path())?;
            give(&password)?;
        }
        let mut make = self.unprivileged("initdb")?;
        make.arg("--pgdata").arg(self.data());
        make.arg("--pwfile").arg(&password);
        make.args(["--username", USER, "--auth", "scram-sha-256"]);
        make.args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
        run::output(&mut make).context("make a PostgreSQL")?;
        Ok(())
    }

    fn boot(&mut self) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .context("open the log")?;
        let mut command = self.unprivileged("postgres")?;
        command
            .arg("-D")
            .arg(self.data())
            .args(["-h", "127.0.0.1", "-p", &self.port().to_string()])
            .args([
                "-k",
                "",
                "-c",
                "shared_buffers=32MB",
                "-c",
                "max_connections=60",
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        let child = self.group.spawn(&mut command).context("start postgres")?;
        self.child = Some(child);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let port = self.port().to_string();
        let ready = self.programs.join("pg_isready");
        let log = self.log();
        run::poll(Self::BOOT, "PostgreSQL", || {
            if let Some(status) = self
                .child
                .as_mut()
                .map(Child::try_wait)
                .transpose()?
                .flatten()
            {
                bail!(
                    "postgres ended with {status}:\n{}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            let mut ask = Command::new(&ready);
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            Ok(ask
                .status()
                .context("run pg_isready")?
                .success()
                .then_some(()))
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// PostgreSQL refuses to be run by root.
    fn unprivileged(&self, program: &str) -> Result<Command> {
        let program = self.programs.join(program);
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(self.folder.path())
            .env("LC_ALL", "C.UTF-8");
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The folder of the newest one that Debian has installed; its programs are not in PATH.
fn programs() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .context("find PostgreSQL (Debian package postgresql)")?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    found.sort();
    found
        .pop()
        .context("Debian package postgresql is not installed")
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self").context("ask who this is")?.uid() == 0)
}

fn give(path: &Path) -> Result<()> {
    run::output(Command::new("chown").arg("nobody:nogroup").arg(path))
        .map(drop)
        .context("give a folder to nobody")
}

fn signal(process: u32, signal: &str) -> Result<()> {
    run::output(Command::new("kill").args([signal, &process.to_string()])).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_answers_and_answers_again_after_a_restart() {
        let mut postgres = Postgres::start().unwrap();
        let url = postgres.database().unwrap();
        let ask = |url: &str| {
            let mut psql = Command::new(programs().unwrap().join("psql"));
            run::output(psql.arg(url).args(["-qAtc", "SHOW fsync"]))
        };
        assert_eq!(ask(&url).unwrap().trim(), "on");
        postgres.stop().unwrap();
        assert!(ask(&url).is_err());
        postgres.restart().unwrap();
        assert_eq!(ask(&url).unwrap().trim(), "on");
    }
}
