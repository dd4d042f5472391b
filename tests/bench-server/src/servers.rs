//! The servers that are measured: ours and those beside it.

use crate::{
    firm::{Firm, hello},
    loader::{Loader, Speech},
    source::Source,
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::ProcessGroup;
use wire::Interest;

/// A program is ready within this.
const SOON: Duration = Duration::from_secs(60);
/// Bytes of a message of a rival: what ours has for one lamp.
const MESSAGE: usize = 300;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Ws,
    SocketIo,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Ws, Self::SocketIo];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "sidetone-server",
            Self::Ws => "ws",
            Self::SocketIo => "socket.io",
        }
    }
}

/// A running server that follows the scripted phone system.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    _group: ProcessGroup,
    pub(crate) port: u16,
    tokens: Vec<String>,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start(kind: Kind, firm: &Firm, source: &Source) -> Result<Self> {
        match kind {
            Kind::Ours => Self::ours(firm, &firm.of_source(source), ""),
            Kind::Ws => Self::rival(kind, "ws.mjs", source),
            Kind::SocketIo => Self::rival(kind, "socketio.mjs", source),
        }
    }

    /// Ours with these tables of its configuration and these lines before them.
    pub(crate) fn ours(firm: &Firm, tables: &str, head: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        firm.copy_store(folder.path())?;
        // One that stays the same when it is started again.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let here = folder.path().display();
        let config = format!(
            "listen = \"127.0.0.1:{port}\"\nport_file = \"{here}/port\"\n{head}\n[store]\nurl = \"sqlite:{here}/calls.db\"\n{tables}"
        );
        fs::write(folder.path().join("server.toml"), config).context("write the configuration")?;
        let group = ProcessGroup::new().context("start a process group")?;
        let child = start_ours(&group, folder.path())?;
        let tokens = firm.tokens.clone();
        Ok(Self {
            kind: Kind::Ours,
            child,
            _group: group,
            port,
            tokens,
            folder,
        })
    }

    fn rival(kind: Kind, script: &str, source: &Source) -> Result<Self> {
        let group = ProcessGroup::new().context("start a process group")?;
        let mut command = Command::new("node");
        command
            .arg(rivals()?.join(script))
            .args([source.port.to_string(), MESSAGE.to_string()])
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = group.spawn(&mut command).context("start node")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line
            .trim()
            .strip_prefix("ready ")
            .context("the rival did not start")?
            .parse()?;
        let folder = tempfile::tempdir().context("make a folder")?;
        Ok(Self {
            kind,
            child,
            _group: group,
            port,
            tokens: Vec::new(),
            folder,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Connects so many clients, each with its own interest, where the server knows such a thing.
    pub(crate) fn clients(
        &self,
        count: usize,
        interest: impl Fn(usize) -> Interest,
    ) -> Result<Loader> {
        let speech = match self.kind {
            Kind::Ours => Speech::Ours(self.hellos(count, interest)?),
            Kind::Ws => Speech::Plain,
            Kind::SocketIo => Speech::SocketIo,
        };
        Loader::connect(self.port, count, speech)
    }

    pub(crate) fn hellos(
        &self,
        count: usize,
        interest: impl Fn(usize) -> Interest,
    ) -> Result<Vec<String>> {
        ensure!(
            count <= self.tokens.len(),
            "only {} devices are enrolled",
            self.tokens.len()
        );
        let tokens = self.tokens[..count].iter().enumerate();
        Ok(tokens
            .map(|(client, token)| hello(token, interest(client)))
            .collect())
    }

    /// Ends it as an administrator does, and starts it again.
    /// Its store is as of the first start, in which nobody was seen lately: each hello writes as after a long day.
    pub(crate) fn restart(&mut self, firm: &Firm) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .context("end the server")?;
        let until = Instant::now() + SOON;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        for name in ["port", "calls.db", "calls.db-wal", "calls.db-shm"] {
            let _ = fs::remove_file(self.folder.path().join(name));
        }
        firm.copy_store(self.folder.path())?;
        self.child = start_ours(&self._group, self.folder.path())?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_ours(group: &ProcessGroup, folder: &Path) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    let mut command = Command::new(program()?);
    command
        .arg("--config")
        .arg(folder.join("server.toml"))
        .stdin(Stdio::null())
        .stderr(log);
    let mut child = group.spawn(&mut command).context("start sidetone-server")?;
    let until = Instant::now() + SOON;
    while !folder.join("port").exists() {
        if let Some(status) = child.try_wait()? {
            bail!(
                "the server ended with {status}:\n{}",
                fs::read_to_string(folder.join("log"))?
            );
        }
        ensure!(Instant::now() < until, "the server has no port");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(child)
}

/// Of the folder that the caller names, else beside this program.
fn program() -> Result<PathBuf> {
    let folder = match std::env::var_os("SIDETONE_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_exe()?
            .parent()
            .context("no folder")?
            .to_owned(),
    };
    let program = folder.join("sidetone-server");
    ensure!(
        program.exists(),
        "{} is missing: build the server first",
        program.display()
    );
    Ok(program)
}

/// The rivals with their packages, installed once into the user's cache.
fn rivals() -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals");
    let folder = cache()?.join("bench-server");
    fs::create_dir_all(&folder).context("make a folder in the cache")?;
    let names = [
        "package-lock.json",
        ".npmrc",
        "package.json",
        "pbx.mjs",
        "ws.mjs",
        "socketio.mjs",
    ];
    let is_installed = folder.join("node_modules/ws").exists()
        && fs::read(source.join(names[0])).ok() == fs::read(folder.join(names[0])).ok();
    for name in names {
        fs::copy(source.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    if !is_installed {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder);
        let output = npm.output().context("start npm")?;
        if !output.status.success() {
            let _ = fs::remove_dir_all(folder.join("node_modules"));
            bail!("npm ci: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(folder)
}

/// `$XDG_CACHE_HOME/sidetone`, else `~/.cache/sidetone`.
fn cache() -> Result<PathBuf> {
    let folder = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("sidetone"))
}
