//! A real Asterisk on loopback ports of its own, configured as a small firm with one trunk.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::ports::PortBlock;
use crate::{ProcessGroup, run};

pub(crate) mod certificate;
mod configuration;
mod install;
mod watch;

pub use install::{Version, install, install_version};
pub use watch::{ManagerEvent, Watch};

/// An unpacked Asterisk.
#[derive(Debug, Clone)]
pub struct AsteriskProgram {
    root: PathBuf,
}

impl AsteriskProgram {
    fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder that holds the program and its libraries.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `asterisk -V` says, e.g. "Asterisk 22.10.1".
    pub fn version(&self) -> Result<String> {
        let said = run::output(self.command().arg("-V"))?;
        Ok(said
            .trim()
            .split(['~', '+'])
            .next()
            .unwrap_or_default()
            .to_owned())
    }

    fn command(&self) -> Command {
        let launch = self.root.join("launch");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(launch.clone()).chain(std::env::split_paths(&path));
        let mut command = Command::new(launch.join("asterisk"));
        // Joining fails only for a folder with a colon in its name, which PATH could not name anyway.
        command
            .env("PATH", std::env::join_paths(paths).unwrap_or(path))
            .env_remove("LD_LIBRARY_PATH");
        command
    }
}

/// A user of the manager interface, as in `asterisk/manager.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagerUser {
    pub name: &'static str,
    pub secret: &'static str,
}

/// May do and see everything.
pub const LAB: ManagerUser = ManagerUser {
    name: "lab",
    secret: "lab-secret",
};
/// Has the rights that the product asks for and no other.
pub const SIDETONE: ManagerUser = ManagerUser {
    name: "sidetone",
    secret: "sidetone-secret",
};
/// Sees what [`SIDETONE`] sees and may not originate.
pub const ONLOOKER: ManagerUser = ManagerUser {
    name: "onlooker",
    secret: "onlooker-secret",
};

/// The dialplan of the firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Configuration {
    /// As an engineer writes it by hand.
    #[default]
    Plain,
    /// Shaped like what FreePBX generates: subroutines, Local channels inside each other, voicemail behind everything.
    Freepbx,
}

impl Configuration {
    pub const ALL: [Self; 2] = [Self::Plain, Self::Freepbx];

    /// The context in which the firm's phones dial.
    pub const fn context(self) -> &'static str {
        match self {
            Self::Plain => "internal",
            Self::Freepbx => "from-internal",
        }
    }
}

/// What a test may want differently.
#[derive(Debug, Clone)]
pub struct Options {
    pub version: Version,
    pub configuration: Configuration,
    /// How long a phone rings before Asterisk gives up.
    pub ring: Duration,
    /// Text appended to configuration files: (file name, lines).
    pub extra: Vec<(&'static str, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: Version::default(),
            configuration: Configuration::default(),
            ring: Duration::from_secs(20),
            extra: Vec::new(),
        }
    }
}

/// A running Asterisk; gone with its folder when dropped.
#[derive(Debug)]
pub struct Asterisk {
    program: AsteriskProgram,
    child: Option<Child>,
    group: ProcessGroup,
    ports: PortBlock,
    folder: TempDir,
}

impl Asterisk {
    const BOOT: Duration = Duration::from_secs(30);

    /// Fetches the program if need be, starts it and waits until it is fully booted.
    pub fn start(options: &Options) -> Result<Self> {
        let program = install_version(options.version, |_| ())?;
        Self::start_program(program, options)
    }

    /// Starts an Asterisk that was [`install`]ed before, of whatever version.
    pub fn start_program(program: AsteriskProgram, options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sidetone-asterisk-")
            .tempdir()
            .context("create a folder")?;
        let ports = PortBlock::reserve()?;
        configuration::write(folder.path(), &program, &ports, options)?;
        let group = ProcessGroup::new().context("start a process group")?;
        let mut asterisk = Self {
            program,
            child: None,
            group,
            ports,
            folder,
        };
        asterisk.boot()?;
        Ok(asterisk)
    }

    fn boot(&mut self) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.console_log())
            .context("open the console log")?;
        let child = self
            .group
            .spawn(
                self.command(&["-f", "-q"])
                    .current_dir(self.folder.path())
                    .stdin(Stdio::null())
                    .stdout(log.try_clone().context("share the console log")?)
                    .stderr(log),
            )
            .context("start asterisk")?;
        self.child = Some(child);
        self.wait_until_booted(Self::BOOT)
    }

    /// Waits for an Asterisk that restarts by itself (`core restart now`).
    pub fn wait_until_booted(&mut self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self
                .child
                .as_mut()
                .map(Child::try_wait)
                .transpose()?
                .flatten()
            {
                bail!("asterisk ended with {status}:\n{}", self.log_tail(20));
            }
            let booted = Watch::connect(self.ami_addr()).and_then(|watch| {
                watch.wait_for(Duration::from_secs(5), |event| event.is("FullyBooted"))
            });
            match booted {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= until => {
                    bail!(
                        "asterisk did not boot in {limit:?} ({error:#}):\n{}",
                        self.log_tail(20)
                    )
                }
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Ends it as a power cut would: nothing is said to anybody. State and ports are kept for
    /// [`Self::restart`], except for what Asterisk's database learned in the last second.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        child.kill().context("kill asterisk")?;
        child.wait().context("wait for asterisk")?;
        Ok(())
    }

    /// Starts it again with the same configuration, state and ports, after a [`Self::kill`] if it still runs.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.boot()
    }

    /// The manager interface, plain.
    pub fn ami_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.port(configuration::AMI)).into()
    }

    /// The manager interface over TLS, for the name `localhost` and the address 127.0.0.1.
    pub fn ami_tls_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.port(configuration::AMI_TLS)).into()
    }

    /// PEM file with the certificate authority that signed the certificate of the manager interface.
    pub fn ca_certificate(&self) -> PathBuf {
        self.folder.path().join("etc/ca.pem")
    }

    /// PEM file with the certificate that the manager interface shows, to be pinned.
    pub fn tls_certificate(&self) -> PathBuf {
        self.folder.path().join("etc/certificate.pem")
    }

    /// Where phones register, on 127.0.0.1.
    pub fn sip_port(&self) -> u16 {
        self.ports.port(configuration::SIP)
    }

    /// Where the telephone company listens, on 127.0.0.2.
    pub fn trunk_port(&self) -> u16 {
        self.ports.port(configuration::TRUNK)
    }

    /// First of 90 ports for the media of phones.
    pub(crate) fn phone_media_port(&self) -> u16 {
        self.ports.port(configuration::PHONE_MEDIA)
    }

    /// Process id of the running program.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The folder of this run: `etc`, `log`, `lib`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command of the command line interface, e.g. `core show channels`.
    pub fn cli(&self, command: &str) -> Result<String> {
        // Some commands are registered a moment after `FullyBooted`.
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let said = run::output(&mut self.command(&["-rx", command]))?;
            if !said.starts_with("No such command") || Instant::now() >= until {
                return Ok(said);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A session of the tests' own with the manager interface, which sees everything.
    pub fn watch(&self) -> Result<Watch> {
        Watch::connect(self.ami_addr())
    }

    /// The same as that user, keeping every byte.
    pub fn record(&self, user: ManagerUser) -> Result<Watch> {
        Watch::recording(self.ami_addr(), user)
    }

    /// The last lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let read = |path: PathBuf| {
            fs::read(path)
                .map(|b| String::from_utf8_lossy(&b).into_owned())
                .unwrap_or_default()
        };
        let text = read(self.console_log()) + &read(self.folder.path().join("log/full.log"));
        run::tail(&text, lines)
    }

    fn console_log(&self) -> PathBuf {
        self.folder.path().join("log/console.log")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program.command();
        command
            .arg("-C")
            .arg(self.folder.path().join("etc/asterisk.conf"))
            .args(arguments);
        command
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        // Reaped here; whatever it started dies with the group.
        let _ = self.kill();
    }
}
