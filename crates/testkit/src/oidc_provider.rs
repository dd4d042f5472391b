//! A real OpenID provider, a program of Node, on a loopback port.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::ports::PortBlock;
use crate::{ProcessGroup, npm};

/// A running provider.
#[derive(Debug)]
pub struct OidcProvider {
    child: Child,
    _group: ProcessGroup,
    ports: PortBlock,
}

impl OidcProvider {
    const BOOT: Duration = Duration::from_secs(60);

    /// Starts `provider.mjs` of `folder`, installing the npm packages of its lock file into the
    /// user's cache if they are not there. `settings` go to the program, with `port` and `issuer`.
    pub fn start(folder: &Path, mut settings: Value) -> Result<Self> {
        let installed = npm::install("oidc-provider", folder, "provider.mjs")?;
        let ports = PortBlock::reserve()?;
        settings["port"] = json!(ports.port(0));
        settings["issuer"] = json!(issuer(&ports));
        let group = ProcessGroup::new().context("start a process group")?;
        let mut command = Command::new("node");
        command
            .arg(installed.join("provider.mjs"))
            .arg(settings.to_string())
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = group.spawn(&mut command).context("start node")?;
        wait_until_ready(&mut child, Self::BOOT)?;
        Ok(Self {
            child,
            _group: group,
            ports,
        })
    }

    /// What the provider calls itself.
    pub fn issuer(&self) -> String {
        issuer(&self.ports)
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn issuer(ports: &PortBlock) -> String {
    format!("http://127.0.0.1:{}", ports.port(0))
}

fn wait_until_ready(child: &mut Child, limit: Duration) -> Result<()> {
    let stdout = child.stdout.take().context("no stdout")?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // Read to the end, or the program would stop at a full pipe.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line == "ready" {
                let _ = sender.try_send(());
            }
        }
    });
    if receiver.recv_timeout(limit).is_err() {
        bail!("the OpenID provider was not ready within {limit:?}");
    }
    Ok(())
}
