//! The panel in a real Chromium, signed in at the server, and driven by commands.

use crate::scene::Scene;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::{Duration, Instant},
};

/// What the panel says of itself, one JSON object a line.
#[derive(Debug)]
pub struct Panel {
    child: Child,
    commands: ChildStdin,
    said: Receiver<Value>,
    /// Everything that it has said so far.
    pub heard: Vec<Value>,
    /// What each tile shows.
    shapes: BTreeMap<String, String>,
}

impl Panel {
    /// Opens the panel as this person, and waits until these extensions have their tiles.
    ///
    /// # Errors
    /// It cannot begin, with what it said.
    pub fn open(scene: &Scene, login: &str, expect: &[&str]) -> Result<Self> {
        let server = scene.server.as_ref().context("a scene without a server")?;
        let token = token(server.url(), &server.code_for(login)?)?;
        let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui");
        let mut child = Command::new("node")
            .current_dir(ui)
            .args(["e2e/panel.js", "--expect", &expect.join(",")])
            .env("SIDETONE_URL", format!("{}/", server.url()))
            .env("SIDETONE_TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the browser")?;
        let commands = child.stdin.take().context("no stdin")?;
        let output = BufReader::new(child.stdout.take().context("no stdout")?);
        let (tell, said) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        let mut panel = Self {
            child,
            commands,
            said,
            heard: Vec::new(),
            shapes: BTreeMap::new(),
        };
        panel.until("ready", |said| !said["ready"].is_null())?;
        Ok(panel)
    }

    /// Reads on until it has said this.
    ///
    /// # Errors
    /// It did not within a minute, or complained; with what it said last.
    pub fn until(&mut self, what: &str, accept: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(said) => {
                    self.heard.push(said.clone());
                    if let (Some(tile), Some(shape)) =
                        (said["tile"].as_str(), said["shape"].as_str())
                    {
                        self.shapes.insert(tile.to_owned(), shape.to_owned());
                    }
                    ensure!(said["complaint"].is_null(), "the browser complains: {said}");
                    ensure!(said["failed"].is_null(), "{said}");
                    if accept(&said) {
                        return Ok(said);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let last = self.heard.iter().rev().take(12).collect::<Vec<_>>();
                    bail!("the panel did not say: {what}; it said {last:?}");
                }
            }
        }
    }

    /// Waits until a tile shows a shape: `idle`, `ringing`, `talking` …
    ///
    /// # Errors
    /// As [`Panel::until`].
    pub fn until_tile(&mut self, extension: &str, shape: &str) -> Result<()> {
        let tile = format!("{extension}@main");
        if self.shapes.get(&tile).is_some_and(|shown| shown == shape) {
            return Ok(());
        }
        self.until(&format!("{extension} is {shape}"), |said| {
            said["tile"] == tile.as_str() && said["shape"] == shape
        })?;
        Ok(())
    }

    /// Has it do something, and waits until it is done.
    ///
    /// # Errors
    /// It failed.
    pub fn act(&mut self, command: &str) -> Result<()> {
        writeln!(self.commands, "{command}").context("tell the panel")?;
        self.until(command, |said| said["done"] == command)?;
        Ok(())
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let _ = writeln!(self.commands, "quit");
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The token of a browser, for a one-time code.
fn token(url: &str, code: &str) -> Result<String> {
    let host = url.trim_start_matches("http://");
    let body = serde_json::json!({
        "code": code,
        "device": "a browser",
        "client": { "program": "browser", "version": "1", "platform": "web" },
    })
    .to_string();
    let mut stream = TcpStream::connect(host).context("connect to the server")?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "POST /api/v1/enrol HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let json = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let enrolled: Value = serde_json::from_str(json).with_context(|| answer.clone())?;
    let token = enrolled["token"].as_str();
    token.map(str::to_owned).with_context(|| answer.clone())
}
