//! A real MariaDB on a loopback port, with TLS, in a folder of its own.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::asterisk::certificate;
use crate::ports::PortBlock;
use crate::{ProcessGroup, run};

/// A running server; gone with its data when dropped.
#[derive(Debug)]
pub struct Mariadb {
    child: Option<Child>,
    group: ProcessGroup,
    ports: PortBlock,
    folder: TempDir,
}

impl Mariadb {
    const BOOT: Duration = Duration::from_secs(60);

    /// Makes an empty server and waits until it answers.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sidetone-mariadb-")
            .tempdir()
            .context("create a folder")?;
        certificate::write(folder.path())?;
        // Each its own: a MariaDB that starts deletes the temporary tables of all others in a shared one.
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).context("create a folder")?;
        let mut install = Command::new("mariadb-install-db");
        install
            .args(["--no-defaults", "--auth-root-authentication-method=socket"])
            .args(["--skip-test-db", "--skip-name-resolve"])
            .arg(format!("--user={}", user()?))
            .arg(format!(
                "--datadir={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--tmpdir={}", temporary.display()));
        run::output(&mut install).context("make an empty database (package mariadb-server)")?;
        let mut server = Self {
            child: None,
            group: ProcessGroup::new().context("start a process group")?,
            ports: PortBlock::reserve()?,
            folder,
        };
        server.boot()?;
        Ok(server)
    }

    fn boot(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let log = File::create(folder.join("log")).context("create the log")?;
        let option = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
        let mut command = Command::new(program());
        command
            .args(["--no-defaults", "--bind-address=127.0.0.1"])
            // A zone that nobody expects: what is read must not depend on the server's.
            .args(["--default-time-zone=+05:30", "--skip-name-resolve"])
            .arg(format!("--user={}", user()?))
            .arg(format!("--port={}", self.port()))
            .arg(option("datadir", "data"))
            .arg(option("tmpdir", "tmp"))
            .arg(option("socket", "socket"))
            .arg(option("pid-file", "pid"))
            .arg(option("ssl-cert", "certificate.pem"))
            .arg(option("ssl-key", "manager.pem"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        self.child = Some(self.group.spawn(&mut command).context("start mariadbd")?);
        run::poll(Self::BOOT, "answer of MariaDB", || {
            self.sql("SELECT 1").map(Some)
        })
        .with_context(|| self.log())?;
        Ok(())
    }

    /// Runs statements as the administrator; what they say, one row a line, columns between tabs.
    pub fn sql(&self, statements: &str) -> Result<String> {
        let mut child = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names"])
            .args(["--default-character-set=utf8mb4", "--user=root"])
            .arg(format!(
                "--socket={}",
                self.folder.path().join("socket").display()
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start mariadb")?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        stdin
            .write_all(statements.as_bytes())
            .context("write SQL")?;
        drop(stdin);
        let output = child.wait_with_output().context("run SQL")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        child.kill().context("kill mariadbd")?;
        child.wait().context("wait for mariadbd")?;
        Ok(())
    }

    /// On 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ports.port(0)
    }

    /// PEM file of the authority that signed the certificate of `localhost` and 127.0.0.1.
    pub fn ca_certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        run::tail(&log, 12)
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Debian puts servers where users do not look.
fn program() -> PathBuf {
    let usual = Path::new("/usr/sbin/mariadbd");
    if usual.exists() {
        return usual.to_owned();
    }
    PathBuf::from("mariadbd")
}

fn user() -> Result<String> {
    let user = run::output(Command::new("id").arg("-un"))?;
    Ok(user.trim().to_owned())
}
