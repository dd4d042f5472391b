//! A real PostgreSQL on a loopback port, in a folder of its own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use testkit::ProcessGroup;

/// A running server; gone with its data when dropped.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    _group: ProcessGroup,
    programs: PathBuf,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// The administrator.
    pub const USER: &str = "admin";
    pub const PASSWORD: &str = "admin-secret";
    const BOOT: Duration = Duration::from_secs(60);

    /// Makes a server with an empty database `asteriskcdrdb` and waits until it answers.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("sidetone-postgres-")
            .tempdir()
            .context("create a folder")?;
        let password = folder.path().join("password");
        fs::write(&password, Self::PASSWORD).context("write the password")?;
        let data = folder.path().join("data");
        if is_root()? {
            let owned = [folder.path(), &password];
            run(Command::new("chown").arg("postgres:").args(owned))?;
        }
        let mut make = unprivileged(&programs.join("initdb"))?;
        make.arg("-D").arg(&data).arg("--pwfile").arg(&password);
        make.args(["-U", Self::USER, "--auth", "scram-sha-256", "--no-sync"]);
        make.args(["--encoding", "UTF8", "--locale", "C.UTF-8"]);
        run(make.current_dir(folder.path()))?;
        let port = free_port()?;
        let log = File::create(folder.path().join("log")).context("create the log")?;
        let mut serve = unprivileged(&programs.join("postgres"))?;
        serve
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-k", ""]);
        serve.args(["-p", &port.to_string(), "-c", "timezone=Asia/Kolkata"]);
        serve
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        let group = ProcessGroup::new().context("start a process group")?;
        let child = group.spawn(&mut serve).context("start postgres")?;
        let server = Self {
            child,
            _group: group,
            programs,
            port,
            _folder: folder,
        };
        server.wait()?;
        server.sql_in("postgres", "CREATE DATABASE asteriskcdrdb")?;
        Ok(server)
    }

    fn wait(&self) -> Result<()> {
        let until = Instant::now() + Self::BOOT;
        while let Err(failed) = self.sql_in("postgres", "SELECT 1") {
            if Instant::now() >= until {
                return Err(failed.context("PostgreSQL does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Runs statements as the administrator.
    pub fn sql(&self, statements: &str) -> Result<()> {
        self.sql_in("asteriskcdrdb", statements)
    }

    fn sql_in(&self, database: &str, statements: &str) -> Result<()> {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-p", &self.port.to_string(), "-U", Self::USER])
            .args(["-d", database, "-c", statements])
            .env("PGPASSWORD", Self::PASSWORD);
        run(&mut command).map(|_| ())
    }

    /// On 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // To be killed would leave a piece of shared memory behind.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.child.wait();
    }
}

/// Debian puts them into a folder of their version.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("find the package postgresql")?;
    let newest = versions.flatten().map(|version| version.path()).max();
    Ok(newest.context("no PostgreSQL")?.join("bin"))
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    Ok(command)
}

fn is_root() -> Result<bool> {
    let output = run(Command::new("id").arg("-u"))?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a port")?;
    Ok(listener.local_addr().context("its number")?.port())
}
