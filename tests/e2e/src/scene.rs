//! A small firm: Asterisk, four desk phones, customers, and Anna at extension 101 with her desktop.

use crate::crm::{self, Connection};
use crate::server::Server;
use crate::sidetone::{Sidetone, output};
use agent_link::{Client, Place};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use testkit::asterisk::{self, ManagerUser};
use testkit::session::{self, DesktopSession, WindowId};
use testkit::{Asterisk, Phones};
use view::{KeepWindows, Reply, Request, SecretText, Settings, State, Status};

/// The contact book of the firm.
pub const CONTACTS: &str = include_str!("../data/contacts.vcf");
/// Dialled by customers: rings 101.
pub const DIRECT_LINE: &str = "74951230001";
/// Dialled by customers: rings 101 and 102.
pub const GROUP_LINE: &str = "74951230003";

/// How Anna's desktop reaches the phone system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// By the manager interface.
    Direct,
    /// By `sidetone-server`.
    Server,
}

impl Through {
    /// `SIDETONE_THROUGH=server` runs the tests in server mode, where they do not say otherwise.
    fn wanted() -> Self {
        match std::env::var("SIDETONE_THROUGH").as_deref() {
            Ok("server") => Self::Server,
            Ok(_) | Err(_) => Self::Direct,
        }
    }
}

/// What a test may want differently.
#[derive(Debug)]
pub struct Setup {
    pub through: Through,
    pub session: session::Options,
    pub asterisk: asterisk::Options,
    pub user: ManagerUser,
    /// Instead of the user's right secret.
    pub secret: Option<String>,
    pub settings: Settings,
    pub env: Vec<(&'static str, String)>,
    pub contacts: String,
    /// Asked who calls, after the contact book.
    pub connectors: Vec<Connection>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut settings = Settings {
            extension: "101".into(),
            channel: "PJSIP/101".into(),
            context: "direct".into(),
            confirm_links: false,
            keep_windows: KeepWindows::Always,
            ..Settings::default()
        };
        settings.dial_plan.country = "RU".into();
        settings.dial_plan.internal_min = 3;
        settings.dial_plan.internal_max = 3;
        Self {
            through: Through::wanted(),
            session: session::Options::default(),
            asterisk: asterisk::Options::default(),
            user: asterisk::SIDETONE,
            secret: None,
            settings,
            env: Vec::new(),
            contacts: CONTACTS.into(),
            connectors: Vec::new(),
        }
    }
}

impl Setup {
    /// A test about the AMI user or the address of the phone system is about direct mode.
    fn is_through_server(&self) -> bool {
        self.through == Through::Server
            && self.secret.is_none()
            && self.settings.pbx_host.is_empty()
    }
}

/// Everything running. What is dropped first ends first: the agent, then the desktop, then the phones.
#[derive(Debug)]
pub struct Scene {
    pub agent: Sidetone,
    pub session: DesktopSession,
    /// In server mode.
    pub server: Option<Server>,
    pub phones: Phones,
    pub asterisk: Asterisk,
    /// What was put into a keychain that is not our own.
    keychain_entry: Option<String>,
}

impl Scene {
    /// Starts everything and waits until the agent is connected and knows that its phone is there.
    ///
    /// # Errors
    /// What could not be started, with what it said.
    pub fn start(setup: &Setup) -> Result<Self> {
        let scene = Self::start_unconnected(setup)?;
        scene.wait(
            "connected, phone known",
            Duration::from_secs(10),
            |status| status.connection.is_up() && status.me.lamp == view::Lamp::Idle,
        )?;
        Ok(scene)
    }

    /// As [`Scene::start`], for settings that are not meant to connect.
    ///
    /// # Errors
    /// What could not be started, with what it said.
    pub fn start_unconnected(setup: &Setup) -> Result<Self> {
        let asterisk = Asterisk::start(&setup.asterisk)?;
        let phones = Phones::start(&asterisk)?;
        let session = DesktopSession::start(&setup.session)?;
        if setup.is_through_server() {
            return Self::start_enrolled(setup, asterisk, phones, session);
        }
        let settings = write_settings(setup, &asterisk, &session)?;
        let secret = setup.secret.as_deref().unwrap_or(setup.user.secret);
        let is_own = setup.session.display == session::Display::Own;
        let has_keychain = setup.session.keyring == session::Keyring::Unlocked;
        let stored = if has_keychain {
            store_secret(&session, &settings, secret)
        } else {
            Ok(())
        };
        let in_hand = match stored {
            Ok(()) => None,
            Err(error) if is_own => return Err(error),
            // A person's desktop may have no keychain: the agent knows what to do then.
            Err(_) => Some(SecretText::from(secret.to_owned())),
        };
        let keychain_entry = (!is_own).then(|| keychain_name(&settings));
        let agent = Sidetone::start(&session, &setup.env)?;
        let scene = Self {
            agent,
            session,
            server: None,
            phones,
            asterisk,
            keychain_entry,
        };
        if let Some(secret) = in_hand {
            let (settings, secret) = (Box::new(settings), Some(secret));
            scene.ask(Request::SaveSettings { settings, secret })?;
        }
        for connection in &setup.connectors {
            crm::connect(&scene, connection)?;
        }
        Ok(scene)
    }

    /// Anna's desktop, connected to a server by its command line.
    fn start_enrolled(
        setup: &Setup,
        asterisk: Asterisk,
        phones: Phones,
        session: DesktopSession,
    ) -> Result<Self> {
        let contacts = session.home().join("contacts.vcf");
        std::fs::write(&contacts, &setup.contacts).context("write the contact book")?;
        let site = Settings {
            contacts_file: contacts.to_string_lossy().into_owned(),
            ..setup.settings.clone()
        };
        let server = Server::start(&session.home(), &asterisk, setup, &site)?;
        let settings = Settings {
            keep_windows: setup.settings.keep_windows,
            confirm_links: setup.settings.confirm_links,
            ..Settings::default()
        };
        save(&session, &settings)?;
        let agent = Sidetone::start(&session, &setup.env)?;
        let scene = Self {
            agent,
            session,
            server: Some(server),
            phones,
            asterisk,
            keychain_entry: None,
        };
        scene.enrol("anna")?;
        Ok(scene)
    }

    fn enrol(&self, login: &str) -> Result<()> {
        self.enrol_at(&self.agent, &self.session, login)
    }

    fn enrol_at(&self, agent: &Sidetone, session: &DesktopSession, login: &str) -> Result<()> {
        let server = self.server.as_ref().context("a scene without a server")?;
        let code = server.code_for(login)?;
        let told = agent.run(session, &["enrol", &code, "--server", server.url()])?;
        let wrong = String::from_utf8_lossy(&told.stderr);
        ensure!(told.status.success(), "sidetone enrol: {wrong}");
        Ok(())
    }

    /// A second computer on the same server, connected and idle. Drop its agent before its session.
    ///
    /// # Errors
    /// What could not be started.
    pub fn colleague(&self, login: &str) -> Result<(Sidetone, DesktopSession)> {
        let session = DesktopSession::start(&session::Options::default())?;
        let settings = Settings {
            keep_windows: KeepWindows::OnDemand,
            ..Settings::default()
        };
        save(&session, &settings)?;
        let agent = Sidetone::start(&session, &[])?;
        self.enrol_at(&agent, &session, login)?;
        let soon = Duration::from_secs(10);
        agent.wait(&session, "connected, phone known", soon, |status| {
            status.connection.is_up() && status.me.lamp == view::Lamp::Idle
        })?;
        Ok((agent, session))
    }

    /// Asks the agent until `accept` takes its status.
    ///
    /// # Errors
    /// The last status, if the limit passed.
    pub fn wait(
        &self,
        what: &str,
        limit: Duration,
        accept: impl Fn(&Status) -> bool,
    ) -> Result<Status> {
        self.agent.wait(&self.session, what, limit, accept)
    }

    /// # Errors
    /// The agent does not answer.
    pub fn status(&self) -> Result<Status> {
        self.agent.status(&self.session)
    }

    /// `sidetone` with these arguments: exit code, standard output, standard error.
    ///
    /// # Errors
    /// It did not end.
    pub fn sidetone(&self, arguments: &[&str]) -> Result<(i32, String, String)> {
        let output = self.agent.run(&self.session, arguments)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr),
        ))
    }

    /// Ends the agent and starts it again with these settings; `secret` is put into the keychain for them.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart_agent_with(&mut self, settings: &Settings, secret: Option<&str>) -> Result<()> {
        self.agent.run(&self.session, &["quit"])?;
        self.agent.wait_ended(Duration::from_secs(10))?;
        save(&self.session, settings)?;
        if let Some(secret) = secret {
            store_secret(&self.session, settings, secret)?;
        }
        self.agent = Sidetone::start(&self.session, &[])?;
        Ok(())
    }

    /// Asks the agent as its windows do.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask(&self, request: Request) -> Result<Reply> {
        let place = Place::at(self.session.runtime_folder().join("sidetone"))?;
        Ok(Client::connect(&place, Duration::from_secs(10))?.ask(request)?)
    }

    /// Everything that the windows show, as soon as `accept` takes it.
    ///
    /// # Errors
    /// The limit passed.
    pub fn wait_state(
        &self,
        what: &str,
        limit: Duration,
        accept: impl Fn(&State) -> bool,
    ) -> Result<State> {
        let until = Instant::now() + limit;
        loop {
            let Reply::Snapshot(snapshot) = self.ask(Request::Snapshot)? else {
                bail!("no snapshot")
            };
            if accept(&snapshot.state) {
                return Ok(snapshot.state);
            }
            ensure!(
                Instant::now() < until,
                "not within {limit:?}: {what}; the last state: {:?}",
                snapshot.state
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Writes a picture of a window, or of the screen, as soon as there is something on it.
    ///
    /// # Errors
    /// Nothing was painted within ten seconds.
    pub fn picture(&self, window: Option<WindowId>, file: &Path) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            self.session.screenshot(window, file)?;
            // A window of one colour is a few hundred bytes; the smallest with a word on it is thousands.
            if std::fs::metadata(file)?.len() > 1500 {
                return Ok(());
            }
            ensure!(Instant::now() < until, "nothing is painted in the window");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Where the contact book is.
    #[must_use]
    pub fn contacts_file(&self) -> PathBuf {
        self.session.home().join("contacts.vcf")
    }
}

fn write_settings(
    setup: &Setup,
    asterisk: &Asterisk,
    session: &DesktopSession,
) -> Result<Settings> {
    let contacts = session.home().join("contacts.vcf");
    std::fs::write(&contacts, &setup.contacts).context("write the contact book")?;
    let mut settings = setup.settings.clone();
    if settings.pbx_host.is_empty() {
        settings.pbx_host = asterisk.ami_addr().ip().to_string();
        settings.pbx_port = asterisk.ami_addr().port();
    }
    if settings.user.is_empty() {
        settings.user = setup.user.name.into();
    }
    if settings.contacts_file.is_empty() {
        settings.contacts_file = contacts.to_string_lossy().into_owned();
    }
    save(session, &settings)?;
    Ok(settings)
}

fn save(session: &DesktopSession, settings: &Settings) -> Result<()> {
    let folder = session.config_folder().join("sidetone");
    std::fs::create_dir_all(&folder).context("make the folder for settings")?;
    let text = toml::to_string(settings).context("write settings as TOML")?;
    std::fs::write(folder.join("settings.toml"), text).context("write the settings")
}

impl Drop for Scene {
    /// On a person's own desktop the keychain is theirs: nothing is left in it.
    fn drop(&mut self) {
        if let Some(username) = &self.keychain_entry {
            let mut command = self.session.command("secret-tool");
            command.args(["clear", "service", "sidetone", "username", username]);
            let _ = output(&mut command, Duration::from_secs(5));
        }
    }
}

/// Under which name the agent looks for its secret.
fn keychain_name(settings: &Settings) -> String {
    format!(
        "{}@{}:{}",
        settings.user, settings.pbx_host, settings.pbx_port
    )
}

/// Puts the secret where the agent looks for it, by the system's own tool.
fn store_secret(session: &DesktopSession, settings: &Settings, secret: &str) -> Result<()> {
    let username = keychain_name(settings);
    let mut command = session.command("secret-tool");
    command.args([
        "store",
        "--label=Sidetone",
        "service",
        "sidetone",
        "username",
        &username,
    ]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = session.spawn(&mut command)?;
    child
        .stdin
        .take()
        .context("secret-tool reads from us")?
        .write_all(secret.as_bytes())?;
    let stored = child.wait_with_output()?;
    ensure!(
        stored.status.success(),
        "secret-tool: {}",
        String::from_utf8_lossy(&stored.stderr)
    );
    let mut command = session.command("secret-tool");
    command
        .args(["lookup", "service", "sidetone", "username", &username])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let stored = output(&mut command, Duration::from_secs(10))?;
    ensure!(
        stored.stdout == secret.as_bytes(),
        "the keychain does not give back what it was given"
    );
    Ok(())
}
