//! A server program with a folder and loopback ports of its own, ended by its process id.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::ports::PortBlock;
use crate::processes::{self, Memory};
use crate::{ProcessGroup, http, run};

/// Where a server will run; gone with what it wrote when dropped.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    ports: PortBlock,
}

impl Site {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("sidetone-{name}-"))
            .tempdir()
            .context("create a folder")?;
        let ports = PortBlock::reserve()?;
        Ok(Self { folder, ports })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port(0)).into()
    }

    /// One of its ports; the first is its address.
    pub(crate) fn port(&self, number: u16) -> u16 {
        self.ports.port(number)
    }
}

/// A server that answers HTTP.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    _group: ProcessGroup,
    pub(crate) site: Site,
}

impl Service {
    const BOOT: Duration = Duration::from_secs(60);

    /// Starts it and waits until it answers anything at all.
    pub(crate) fn start(site: Site, command: &mut Command) -> Result<Self> {
        let log = File::create(site.folder().join("log")).context("create the log")?;
        command
            .current_dir(site.folder())
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log);
        let group = ProcessGroup::new().context("start a process group")?;
        let name = command.get_program().to_string_lossy().into_owned();
        let child = group
            .spawn(command)
            .with_context(|| format!("start {name}"))?;
        let mut service = Self {
            child,
            _group: group,
            site,
        };
        service
            .wait_until_it_answers()
            .with_context(|| service.log())?;
        Ok(service)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let address = self.site.address();
        run::poll(Self::BOOT, "answer of the server", || {
            if let Some(status) = self.child.try_wait().context("look after the server")? {
                bail!("the server ended with {status}");
            }
            http::ask(address, "GET /", &[], None).map(Some)
        })
        .map(drop)
    }

    /// The last lines that it wrote.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.site.folder().join("log")).unwrap_or_default();
        run::tail(&log, 20)
    }

    /// It keeps its connections and takes new ones, and answers nothing.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        Ok(processes::memory_of_tree(self.child.id())?.0)
    }

    fn signal(&self, signal: &str) -> Result<()> {
        run::output(Command::new("kill").args([signal, &self.child.id().to_string()])).map(drop)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
