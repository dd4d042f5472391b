//! A desktop session of its own: display, window manager, message bus, keychain, tray and
//! notifications, with a home folder that nobody else uses.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::{ProcessGroup, run};

mod bus;
mod notifications;
mod tray;
mod windows;

pub use notifications::{Notice, NoticeChange, NoticeEvent, Notifications};
pub use tray::{MenuItem, Pixmap, Registration, TrayHost, TrayIcon};
pub use windows::{Change, WindowChange, WindowId, WindowInfo, Windows};

/// What the session consists of.
#[derive(Debug, Clone)]
pub struct Options {
    pub display: Display,
    pub keyring: Keyring,
    /// Whether tray icons have somebody to register with from the start; see [`DesktopSession::start_tray`].
    pub tray_host: bool,
    /// Whether notifications are recorded; without it nobody owns their bus name.
    pub notifications: bool,
    pub color_scheme: ColorScheme,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            display: Display::Own,
            keyring: Keyring::Unlocked,
            tray_host: true,
            notifications: true,
            color_scheme: ColorScheme::Light,
        }
    }
}

/// Where windows appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// A virtual screen of 1280 by 800 with the window manager openbox.
    Own,
    /// The person's own, with their tray, bus and keychain; only the folders for files are private.
    Existing,
}

/// The state of the keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    Unlocked,
    /// Present and locked: writing waits for a password that nobody types.
    Locked,
    /// No service, nor anything that would start one.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorScheme {
    Light,
    Dark,
}

/// Programs that a session, the browser and the web driver need, as (program, Debian package).
pub fn programs() -> &'static [(&'static str, &'static str)] {
    &[
        ("Xvfb", "xvfb"),
        ("openbox", "openbox"),
        ("dbus-daemon", "dbus"),
        ("gnome-keyring-daemon", "gnome-keyring"),
        ("xdotool", "xdotool"),
        ("import", "imagemagick"),
        ("xdg-open", "xdg-utils"),
        ("chromium", "chromium"),
        ("WebKitWebDriver", "webkit2gtk-driver"),
    ]
}

const SOON: Duration = Duration::from_secs(10);

/// A running session; everything in it ends when this is dropped.
#[derive(Debug)]
pub struct DesktopSession {
    environment: Vec<(OsString, OsString)>,
    notifications: Option<Notifications>,
    tray: Option<TrayHost>,
    windows: Windows,
    bus: String,
    _children: Children,
    group: ProcessGroup,
    folder: TempDir,
}

impl DesktopSession {
    /// Starts the session and waits until each part of it answers.
    pub fn start(options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sidetone-session-")
            .tempdir()
            .context("create a folder")?;
        let mut start = Start {
            environment: private_folders(folder.path())?,
            group: ProcessGroup::new().context("start a process group")?,
            children: Children::default(),
            folder,
        };
        let bus = match options.display {
            Display::Own => start.own(options)?,
            Display::Existing => {
                // A product of their own that runs already is not to be met.
                let runtime = start.folder.path().join("run");
                start.set("XDG_RUNTIME_DIR", runtime.as_os_str());
                start.set("GDK_BACKEND", OsStr::new("x11"));
                std::env::var("DBUS_SESSION_BUS_ADDRESS").context("find the session's bus")?
            }
        };
        let display = start
            .value("DISPLAY")
            .or_else(|| std::env::var("DISPLAY").ok());
        let windows = Windows::connect(&display.context("no display: DISPLAY is not set")?)?;
        if options.display == Display::Own {
            start.start_window_manager()?;
        }
        let own = options.display == Display::Own;
        let tray = (own && options.tray_host)
            .then(|| TrayHost::connect(&bus))
            .transpose()?;
        let notifications = (own && options.notifications)
            .then(|| Notifications::connect(&bus))
            .transpose()?;
        let Start {
            environment,
            group,
            children,
            folder,
        } = start;
        Ok(Self {
            environment,
            notifications,
            tray,
            windows,
            bus,
            group,
            _children: children,
            folder,
        })
    }

    /// What a program has to inherit to belong to the session.
    pub fn env(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// A command that belongs to the session and does not see the outer one.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command(program, &self.environment)
    }

    /// Starts a program that ends with the session at the latest.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.group
            .spawn(command)
            .with_context(|| format!("start {program}"))
    }

    /// The private home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// `XDG_RUNTIME_DIR`.
    pub fn runtime_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// `XDG_CONFIG_HOME`.
    pub fn config_folder(&self) -> PathBuf {
        self.home().join(".config")
    }

    /// `XDG_DATA_HOME`.
    pub fn data_folder(&self) -> PathBuf {
        self.home().join(".local/share")
    }

    /// Address of the message bus.
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// The tray, while the session has one.
    pub fn tray(&self) -> Option<&TrayHost> {
        self.tray.as_ref()
    }

    /// Gives the session a tray, as when a panel starts late or again.
    pub fn start_tray(&mut self) -> Result<&TrayHost> {
        let host = TrayHost::connect(&self.bus)?;
        Ok(self.tray.insert(host))
    }

    /// Takes the tray away, as when a panel crashes.
    pub fn stop_tray(&mut self) {
        self.tray = None;
    }

    /// The recorder of notifications, if asked for.
    pub fn notifications(&self) -> Option<&Notifications> {
        self.notifications.as_ref()
    }

    /// What is on the screen.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Makes `program` the one that `tel:`, `callto:` and `sip:` links are given to, as an installation does.
    pub fn install_handler(&self, program: &Path) -> Result<()> {
        // Debian's xdg-open takes quotes in Exec for a part of the program's name.
        if program
            .to_string_lossy()
            .contains(|c: char| c.is_whitespace() || "\"'\\$`".contains(c))
        {
            bail!(
                "{} needs quotes, which xdg-open does not understand",
                program.display()
            );
        }
        let types = ["tel", "callto", "sip"].map(|scheme| format!("x-scheme-handler/{scheme}"));
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=Sidetone\nExec={} %u\nTerminal=false\nMimeType={};\n",
            program.display(),
            types.join(";"),
        );
        let applications = self.data_folder().join("applications");
        fs::create_dir_all(&applications).context("create the folder for applications")?;
        fs::write(applications.join("sidetone.desktop"), entry)
            .context("write sidetone.desktop")?;
        let defaults = types
            .map(|kind| format!("{kind}=sidetone.desktop\n"))
            .concat();
        fs::write(
            self.config_folder().join("mimeapps.list"),
            format!("[Default Applications]\n{defaults}"),
        )
        .context("write mimeapps.list")
    }

    /// Locks the keychain as a person or a screen saver would.
    pub fn lock_keyring(&self) -> Result<()> {
        bus::lock_keyring(&self.bus)
    }

    /// Writes a picture of a window, or of the whole screen.
    pub fn screenshot(&self, window: Option<WindowId>, png: &Path) -> Result<()> {
        if let Some(parent) = png.parent() {
            fs::create_dir_all(parent).context("create the folder for pictures")?;
        }
        let window = window.map_or_else(|| "root".to_owned(), |id| id.0.to_string());
        let mut file = OsString::from("png:");
        file.push(png);
        run::output(
            self.command("import")
                .args(["-silent", "-window", &window])
                .arg(file),
        )
        .map(drop)
    }

    /// Types into whatever has the keyboard, as a keyboard would.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.xdotool(&["type", "--delay", "4", "--", text])
            .map(drop)
    }

    /// Presses a key or a combination, e.g. `Escape`, `ctrl+l`.
    pub fn press(&self, key: &str) -> Result<()> {
        self.xdotool(&["key", "--", key]).map(drop)
    }

    /// Moves the pointer and clicks with the left button.
    pub fn click(&self, x: i32, y: i32) -> Result<()> {
        self.xdotool(&[
            "mousemove",
            "--sync",
            &x.to_string(),
            &y.to_string(),
            "click",
            "1",
        ])
        .map(drop)
    }

    /// Gives a window the keyboard.
    pub fn activate(&self, window: WindowId) -> Result<()> {
        self.xdotool(&["windowactivate", "--sync", &window.0.to_string()])
            .map(drop)
    }

    /// Runs xdotool with a deadline: its `--sync` waits for ever for what does not happen.
    pub fn xdotool(&self, arguments: &[&str]) -> Result<String> {
        run::output(
            self.command("timeout")
                .args(["20", "xdotool"])
                .args(arguments),
        )
    }
}

/// A session in the making.
struct Start {
    environment: Vec<(OsString, OsString)>,
    group: ProcessGroup,
    children: Children,
    folder: TempDir,
}

impl Start {
    /// Display, bus and keychain of one's own; returns the address of the bus.
    fn own(&mut self, options: &Options) -> Result<String> {
        let runtime = self.folder.path().join("run");
        let theme = match options.color_scheme {
            ColorScheme::Light => "Adwaita",
            ColorScheme::Dark => "Adwaita:dark",
        };
        for (name, value) in [
            ("XDG_RUNTIME_DIR", runtime.as_os_str()),
            ("XDG_SESSION_TYPE", OsStr::new("x11")),
            ("GDK_BACKEND", OsStr::new("x11")),
            ("GTK_THEME", OsStr::new(theme)),
            ("LANG", OsStr::new("C.UTF-8")),
            // The accessibility bus would be started by activation and outlive us; nobody listens to it here.
            ("NO_AT_BRIDGE", OsStr::new("1")),
            ("GTK_A11Y", OsStr::new("none")),
            ("LIBGL_ALWAYS_SOFTWARE", OsStr::new("1")),
        ] {
            self.set(name, value);
        }
        let screen = [
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
            "-noreset",
            "-displayfd",
            "1",
        ];
        let number = self.spawn_and_read("Xvfb", &screen)?;
        self.set("DISPLAY", OsStr::new(&format!(":{number}")));
        let configuration = match options.keyring {
            Keyring::Unlocked | Keyring::Locked => "--session".to_owned(),
            Keyring::None => format!("--config-file={}", self.bus_without_services()?.display()),
        };
        let address = format!("--address=unix:path={}", runtime.join("bus").display());
        let bus = self.spawn_and_read(
            "dbus-daemon",
            &[
                &configuration,
                "--nofork",
                "--nopidfile",
                &address,
                "--print-address=1",
            ],
        )?;
        self.set("DBUS_SESSION_BUS_ADDRESS", OsStr::new(&bus));
        if options.keyring != Keyring::None {
            self.start_keyring(&bus)?;
        }
        if options.keyring == Keyring::Locked {
            bus::lock_keyring(&bus)?;
        }
        Ok(bus)
    }

    /// With the keychain's package installed any call starts it; a bus that can start nothing is the
    /// only way to be without one.
    fn bus_without_services(&self) -> Result<PathBuf> {
        let path = self.folder.path().join("bus.conf");
        let text = "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>\
            <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
            <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";
        fs::write(&path, text).context("write the bus's configuration")?;
        Ok(path)
    }

    fn start_keyring(&mut self, bus: &str) -> Result<()> {
        let arguments = ["--foreground", "--unlock", "--components=secrets"];
        let mut keyring = self
            .group
            .spawn(
                command("gnome-keyring-daemon", &self.environment)
                    .args(arguments)
                    .stdin(Stdio::piped()),
            )
            .context("start gnome-keyring-daemon")?;
        let mut password = keyring
            .stdin
            .take()
            .context("write to gnome-keyring-daemon")?;
        self.children.0.push(keyring);
        password
            .write_all(b"sidetone")
            .context("unlock the keychain")?;
        drop(password);
        bus::wait_for_unlocked_keyring(bus, SOON)
    }

    /// A window that asks to be shown while openbox starts is overlooked for ever, so its last step is awaited.
    fn start_window_manager(&mut self) -> Result<()> {
        let ready = self.folder.path().join("window-manager");
        let touch = format!("touch {}", ready.display());
        self.spawn("openbox", &["--sm-disable", "--startup", &touch])?;
        run::poll(SOON, "window manager", || Ok(ready.exists().then_some(())))
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) -> Result<&mut Child> {
        self.spawn_with(program, arguments, Stdio::null())
    }

    fn spawn_with(
        &mut self,
        program: &str,
        arguments: &[&str],
        stdout: Stdio,
    ) -> Result<&mut Child> {
        let child = self.group.spawn(
            command(program, &self.environment)
                .args(arguments)
                .stdout(stdout),
        );
        self.children
            .0
            .push(child.with_context(|| format!("start {program}"))?);
        self.children.0.last_mut().context("the child just started")
    }

    /// Starts a program and returns the line with which it says that it is ready.
    fn spawn_and_read(&mut self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self
            .spawn_with(program, arguments, Stdio::piped())?
            .stdout
            .take();
        let output = output.context("read from a child")?;
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            let _ = sender.send(lines.next());
            // Read on to the end, so that the program never meets a closed pipe.
            lines.for_each(drop);
        });
        let line = receiver.recv_timeout(SOON).ok().flatten();
        line.map(|line| line.trim().to_owned())
            .with_context(|| format!("{program} does not get ready"))
    }

    fn set(&mut self, name: &str, value: &OsStr) {
        self.environment.push((name.into(), value.to_owned()));
    }

    fn value(&self, name: &str) -> Option<String> {
        let (_, value) = self.environment.iter().find(|(key, _)| key == name)?;
        value.to_str().map(str::to_owned)
    }
}

/// The session's own programs, reaped on drop.
#[derive(Debug, Default)]
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in self.0.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn private_folders(folder: &Path) -> Result<Vec<(OsString, OsString)>> {
    let home = folder.join("home");
    let runtime = folder.join("run");
    let mut environment = vec![(OsString::from("HOME"), home.clone().into_os_string())];
    for (name, path) in [
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_STATE_HOME", ".local/state"),
    ] {
        let path = home.join(path);
        fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        environment.push((name.into(), path.into()));
    }
    fs::create_dir_all(&runtime).context("create the runtime folder")?;
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700))
        .context("close the runtime folder")?;
    Ok(environment)
}

fn command(program: impl AsRef<OsStr>, environment: &[(OsString, OsString)]) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    if environment
        .iter()
        .any(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS")
    {
        for outer in [
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "SESSION_MANAGER",
            "XDG_CURRENT_DESKTOP",
            "XDG_DATA_DIRS",
            "XDG_CONFIG_DIRS",
            "DESKTOP_SESSION",
            "GNOME_KEYRING_CONTROL",
            "GTK_MODULES",
            "BROWSER",
        ] {
            command.env_remove(outer);
        }
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}
