//! A real Radicale, a server of address books (CardDAV), on loopback ports in a folder of its own.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::asterisk::certificate;
use crate::ports::PortBlock;
use crate::python::{self, Venv};
use crate::{ProcessGroup, run};

const PLAIN: u16 = 0;
const TLS: u16 = 1;

/// Its program, except that it does not wait for the disk at each of thousands of cards: a test loses nothing with the power.
const WITHOUT_FSYNC: &str =
    "import os; os.fsync = lambda file: None; from radicale.__main__ import run; run()";

/// `anna:anna-secret`, as HTTP writes it.
const ANNA: &str = "YW5uYTphbm5hLXNlY3JldA==";

/// Running servers of one store, one plain and one with TLS; gone with its address books when dropped.
#[derive(Debug)]
pub struct Radicale {
    venv: Venv,
    servers: Vec<Child>,
    group: ProcessGroup,
    ports: PortBlock,
    folder: TempDir,
}

impl Radicale {
    /// Who may sign in, with [`Self::PASSWORD`]; the address books of [`Self::put`] are hers.
    pub const USER: &str = "anna";
    pub const PASSWORD: &str = "anna-secret";
    /// Another one, with the password `boris-secret`, who has nothing.
    pub const NEWCOMER: &str = "boris";
    const BOOT: Duration = Duration::from_secs(60);

    /// Starts a server without address books. Python's packages are installed into the user's cache once.
    ///
    /// # Errors
    /// When they cannot be had, or the server does not answer.
    pub fn start() -> Result<Self> {
        let venv = python::venv("radicale", include_str!("radicale/requirements.txt"))?;
        let folder = tempfile::Builder::new()
            .prefix("sidetone-radicale-")
            .tempdir()
            .context("create a folder")?;
        certificate::write(folder.path())?;
        fs::write(
            folder.path().join("users"),
            "anna:anna-secret\nboris:boris-secret\n",
        )
        .context("write the users")?;
        let mut radicale = Self {
            venv,
            servers: Vec::new(),
            group: ProcessGroup::new().context("start a process group")?,
            ports: PortBlock::reserve()?,
            folder,
        };
        radicale.start_again()?;
        Ok(radicale)
    }

    /// Starts the servers after [`Self::kill`], on the same ports.
    ///
    /// # Errors
    /// When they do not answer.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill();
        for (offset, name) in [(PLAIN, "plain"), (TLS, "tls")] {
            let server = self.spawn(offset, name)?;
            self.servers.push(server);
        }
        run::poll(Self::BOOT, "answer of Radicale", || {
            TcpStream::connect(self.address(TLS)).context("connect with TLS")?;
            self.request("PROPFIND", "/", "").map(Some)
        })
        .with_context(|| self.log())?;
        Ok(())
    }

    /// Ends the servers; what they stored stays.
    pub fn kill(&mut self) {
        for mut server in self.servers.drain(..) {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Stores one card at `/anna/book/ada.vcf`, or a whole address book in place of the one that was at `/anna/book/`, by
    /// all its cards one after another.
    ///
    /// # Errors
    /// What the server said.
    pub fn put(&self, path: &str, vcards: &str) -> Result<()> {
        self.request("PUT", path, vcards).map(drop)
    }

    /// Removes a card or an address book.
    ///
    /// # Errors
    /// What the server said.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.request("DELETE", path, "").map(drop)
    }

    /// Without a protected line.
    pub fn url(&self) -> String {
        format!("http://{}", self.address(PLAIN))
    }

    pub fn tls_url(&self) -> String {
        format!("https://{}", self.address(TLS))
    }

    /// PEM file of the authority that signed the certificate of `localhost` and 127.0.0.1.
    pub fn ca_certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn address(&self, offset: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports.port(offset)))
    }

    fn spawn(&self, offset: u16, name: &str) -> Result<Child> {
        let folder = self.folder.path();
        let configuration = folder.join(format!("{name}.conf"));
        let text = format!(
            "[server]
hosts = {address}
ssl = {tls}
certificate = {folder}/certificate.pem
key = {folder}/manager.pem
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/store
[logging]
level = warning
",
            address = self.address(offset),
            tls = offset == TLS,
            folder = folder.display(),
        );
        fs::write(&configuration, text).context("write the configuration")?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .context("open the log")?;
        let mut command = Command::new(self.venv.python());
        command
            .args(["-c", WITHOUT_FSYNC, "--config"])
            .arg(configuration)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        self.group.spawn(&mut command).context("start Radicale")
    }

    /// As Anna; the body of the answer.
    fn request(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut line = TcpStream::connect(self.address(PLAIN)).context("connect")?;
        line.set_read_timeout(Some(Self::BOOT))
            .context("set a deadline")?;
        write!(
            line,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {ANNA}\r\n\
             Content-Type: text/vcard; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .context("ask")?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).context("read")?;
        let is_good = answer
            .split_whitespace()
            .nth(1)
            .is_some_and(|status| status.starts_with('2'));
        if !is_good {
            bail!("{method} {path}: {}", run::tail(&answer, 12));
        }
        Ok(answer)
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        run::tail(&log, 12)
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_there_after_the_server_was_killed() {
        let mut radicale = Radicale::start().unwrap();
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada\r\nN:;Ada;;;\r\nEND:VCARD\r\n";
        radicale.put("/anna/book/", card).unwrap();
        radicale
            .put("/anna/book/eve.vcf", &card.replace("ada", "eve"))
            .unwrap();
        radicale.kill();
        assert!(radicale.delete("/anna/book/eve.vcf").is_err());
        radicale.start_again().unwrap();
        radicale.delete("/anna/book/eve.vcf").unwrap();
        assert!(radicale.delete("/anna/book/eve.vcf").is_err());
    }
}
