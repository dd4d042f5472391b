//! A real OpenLDAP server on loopback ports, with TLS, in a folder of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::asterisk::certificate;
use crate::ports::PortBlock;
use crate::{ProcessGroup, run};

const PLAIN: u16 = 0;
const TLS: u16 = 1;

/// A running directory of `dc=firm,dc=example`; gone with its entries when dropped.
#[derive(Debug)]
pub struct Slapd {
    child: Option<Child>,
    group: ProcessGroup,
    ports: PortBlock,
    folder: TempDir,
}

impl Slapd {
    /// The administrator, who may do everything.
    pub const ADMIN: &str = "cn=admin,dc=firm,dc=example";
    pub const PASSWORD: &str = "admin-secret";
    const BOOT: Duration = Duration::from_secs(30);

    /// Starts a directory without entries; `extra` are further lines of its `slapd.conf`.
    pub fn start(extra: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sidetone-slapd-")
            .tempdir()
            .context("create a folder")?;
        certificate::write(folder.path())?;
        fs::create_dir(folder.path().join("data")).context("create the data folder")?;
        fs::write(folder.path().join("slapd.conf"), text(folder.path(), extra))
            .context("write slapd.conf")?;
        let mut slapd = Self {
            child: None,
            group: ProcessGroup::new().context("start a process group")?,
            ports: PortBlock::reserve()?,
            folder,
        };
        slapd.start_again()?;
        Ok(slapd)
    }

    /// Starts it after [`Self::kill`], on the same ports.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill();
        let log = File::create(self.folder.path().join("log")).context("create the log")?;
        let urls = format!(
            "ldap://127.0.0.1:{} ldaps://127.0.0.1:{}",
            self.port(),
            self.tls_port()
        );
        let mut command = Command::new("/usr/sbin/slapd");
        // A debug level, even of nothing, keeps it in the foreground.
        command
            .args(["-d", "0", "-h", &urls, "-f"])
            .arg(self.folder.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        let child = self.group.spawn(&mut command);
        self.child = Some(child.context("start slapd (package slapd)")?);
        run::poll(Self::BOOT, "answer of slapd", || {
            run::output(self.client("ldapwhoami").stdin(Stdio::null())).map(Some)
        })
        .with_context(|| self.log())?;
        Ok(())
    }

    /// Ends it; what is written stays.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Adds entries, written as LDIF.
    pub fn add(&self, ldif: &str) -> Result<()> {
        let mut child = self
            .client("ldapadd")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start ldapadd (package ldap-utils)")?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        // It says much; a thread writes, so that nobody waits for the other.
        let text = ldif.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().context("add entries")?;
        let written = writer.join().is_ok_and(|written| written.is_ok());
        if !written || !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(["-x", "-D", Self::ADMIN, "-w", Self::PASSWORD, "-H"])
            .arg(format!("ldap://127.0.0.1:{}", self.port()));
        command
    }

    /// On 127.0.0.1, plain and for StartTLS.
    pub fn port(&self) -> u16 {
        self.ports.port(PLAIN)
    }

    /// On 127.0.0.1, TLS from the first byte.
    pub fn tls_port(&self) -> u16 {
        self.ports.port(TLS)
    }

    /// PEM file of the authority that signed the certificate of `localhost` and 127.0.0.1.
    pub fn ca_certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        run::tail(&log, 12)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn text(folder: &Path, extra: &str) -> String {
    let folder = folder.display();
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
# A bind with a name and no password succeeds, as in Active Directory.
allow bind_anon_cred bind_anon_dn
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/manager.pem
database mdb
suffix dc=firm,dc=example
rootdn {admin}
rootpw {password}
directory {folder}/data
maxsize 268435456
dbnosync
index objectClass,uid eq
overlay memberof
{extra}
",
        admin = Slapd::ADMIN,
        password = Slapd::PASSWORD,
    )
}
