//! A real `sidetone-server` beside the firm's Asterisk, with Anna and Boris as its people.

use crate::Setup;
use crate::crm::Connection;
use crate::sidetone::{binary, output};
use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Asterisk;
use view::Settings;

/// The store is made and the phone system asked within a second; this is ten times its room.
const START: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// A running server. Ends when dropped.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    config: PathBuf,
    url: String,
    child: Child,
}

impl Server {
    /// Starts a server with its files in `folder` and waits until it listens.
    ///
    /// # Errors
    /// What it said, if it ended or did not listen in time.
    pub fn start(
        folder: &Path,
        asterisk: &Asterisk,
        setup: &Setup,
        settings: &Settings,
    ) -> Result<Self> {
        let program = binary("sidetone-server")?;
        let (config, port, log) = (
            folder.join("server.toml"),
            folder.join("server.port"),
            folder.join("server.out"),
        );
        std::fs::write(&config, configuration(folder, asterisk, setup, settings)?)
            .context("write the server's configuration")?;
        let out = std::fs::File::create(&log).context("create the server's log")?;
        let child = Command::new(&program)
            .arg("--config")
            .arg(&config)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .context("start sidetone-server")?;
        let mut server = Self {
            program,
            config,
            url: String::new(),
            child,
        };
        let port = server
            .port(&port)
            .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        server.url = format!("http://127.0.0.1:{port}");
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A code that connects one desktop of this person.
    ///
    /// # Errors
    /// The server's program said no, or nothing that holds a code.
    pub fn code_for(&self, login: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.config);
        command.args(["enrol", login]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let told = output(&mut command, ANSWER)?;
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let line = text.lines().find(|line| line.starts_with("code"));
        let code = line.and_then(|line| line.split([' ', ':', '=']).rfind(|word| !word.is_empty()));
        code.map(str::to_owned).with_context(|| {
            let said = String::from_utf8_lossy(&told.stderr);
            format!("sidetone-server enrol gave no code: {text}{said}")
        })
    }

    fn port(&mut self, file: &Path) -> Result<u16> {
        let until = Instant::now() + START;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                bail!("sidetone-server ended: {status}");
            }
            let written = std::fs::read_to_string(file).unwrap_or_default();
            if let Ok(port) = written.trim().parse() {
                return Ok(port);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("sidetone-server does not listen")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(
    folder: &Path,
    asterisk: &Asterisk,
    setup: &Setup,
    settings: &Settings,
) -> Result<String> {
    let place = asterisk.ami_addr();
    let (host, port) = (place.ip(), place.port());
    let (context, country) = (&settings.context, &settings.dial_plan.country);
    let (min, max) = (
        settings.dial_plan.internal_min,
        settings.dial_plan.internal_max,
    );
    let contacts = &settings.contacts_file;
    let (name, secret) = (setup.user.name, setup.user.secret);
    let folder = folder.display();
    let mut text = String::new();
    write!(
        text,
        "listen = \"127.0.0.1:0\"\nport_file = \"{folder}/server.port\"\n\n\
         [store]\nurl = \"sqlite:{folder}/server.db\"\n\n\
         [[pbx]]\nname = \"main\"\nhost = \"{host}\"\nport = {port}\nuser = \"{name}\"\nsecret = \"{secret}\"\n\
         context = \"{context}\"\n\
         dial_plan = {{ country = \"{country}\", internal_min = {min}, internal_max = {max} }}\n\n\
         [contacts]\nfile = \"{contacts}\"\n"
    )?;
    for (login, name, extension) in [("anna", "Anna", "101"), ("boris", "Boris", "102")] {
        write!(
            text,
            "\n[[user]]\nlogin = \"{login}\"\nname = \"{name}\"\nrole = \"agent\"\nextension = \"{extension}\"\n\
             channel = \"PJSIP/{extension}\"\n"
        )?;
    }
    if !setup.connectors.is_empty() {
        let connector = &setup.connectors;
        text += &toml::to_string(&Connectors { connector }).context("write the connectors")?;
    }
    Ok(text)
}

#[derive(Serialize)]
struct Connectors<'a> {
    connector: &'a [Connection],
}
