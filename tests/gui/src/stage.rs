//! A scene whose screen is photographed: at the moments that a test names, and when it fails.

use crate::{Driver, SOON};
use anyhow::{Context as _, Result};
use e2e::{Scene, Setup};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use testkit::phones::PhoneCall;
use testkit::session::{WindowId, WindowInfo};
use view::{CardPhase, Status};

/// Titles by which the windows are known on the screen.
pub const CARD: &str = "Sidetone: calls";
pub const PANEL: &str = "Sidetone";
pub const CONFIRM: &str = "Sidetone: call a number?";
pub const SETTINGS: &str = "Sidetone: settings";

/// A scene and the name under which its pictures are kept in `target/gui`.
#[derive(Debug)]
pub struct Stage {
    scene: Scene,
    name: &'static str,
}

impl Stage {
    /// Starts everything, `sidetone-ui` by the agent, and waits until the windows are there.
    ///
    /// # Errors
    /// What could not be started.
    pub fn start(name: &'static str, setup: &Setup) -> Result<Self> {
        let stage = Self::start_without_windows(name, setup)?;
        stage.wait("windows", SOON, |status| status.windows)?;
        Ok(stage)
    }

    /// As [`Stage::start`], for settings that start no windows before they are needed.
    ///
    /// # Errors
    /// What could not be started.
    pub fn start_without_windows(name: &'static str, setup: &Setup) -> Result<Self> {
        let scene = Scene::start(setup)?;
        Ok(Self { scene, name })
    }

    /// As [`Stage::start`], but with `sidetone-ui` in the hands of WebDriver.
    ///
    /// # Errors
    /// What could not be started.
    pub fn start_driven(name: &'static str, setup: &mut Setup) -> Result<(Driver, Self)> {
        // Empty: the agent starts no windows by itself.
        setup.env.push(("SIDETONE_UI", String::new()));
        let scene = Scene::start(setup)?;
        Self::drive(name, scene)
    }

    /// Starts the windows of a running scene by WebDriver.
    ///
    /// # Errors
    /// What could not be started.
    pub fn drive(name: &'static str, scene: Scene) -> Result<(Driver, Self)> {
        let program = e2e::sidetone::binary("sidetone-ui")?;
        let driver = Driver::start(&scene.session, &program)?;
        scene.wait("windows", SOON, |status| status.windows)?;
        Ok((driver, Self { scene, name }))
    }

    /// The window with this title, once it can be seen.
    ///
    /// # Errors
    /// It is not shown.
    pub fn shown(&self, title: &str) -> Result<WindowInfo> {
        self.session
            .windows()
            .wait_for(SOON, |window| {
                window.mapped && window.title == title && is_ours(window)
            })
            .with_context(|| format!("the window {title:?} is not shown"))
    }

    /// Waits until the window with this title cannot be seen.
    ///
    /// # Errors
    /// It stays.
    pub fn gone(&self, title: &str) -> Result<()> {
        crate::wait_for(&format!("the window {title:?} gone"), SOON, || {
            let windows = self.session.windows().all()?;
            let there = windows
                .iter()
                .any(|window| window.mapped && window.title == title && is_ours(window));
            Ok((!there).then_some(()))
        })
    }

    /// Waits until a window has the keyboard.
    ///
    /// # Errors
    /// Another keeps it.
    pub fn active(&self, window: WindowId) -> Result<()> {
        crate::wait_for("the window active", SOON, || {
            Ok((self.session.windows().active()? == Some(window)).then_some(()))
        })
    }

    /// Waits for a call that rings at 101 and has its card.
    ///
    /// # Errors
    /// The last status.
    pub fn ringing(&self, cards: usize) -> Result<Status> {
        self.wait("ringing cards", SOON, |status| {
            let ringing = status
                .cards
                .iter()
                .filter(|card| card.phase == CardPhase::Ringing);
            ringing.count() == cards
        })
    }

    /// Waits until 101 rings, and gives its side of the call.
    ///
    /// # Errors
    /// It does not ring.
    pub fn own_phone_rings(&self) -> Result<PhoneCall> {
        self.phones.wait_incoming("101", 0, SOON)
    }

    /// Keeps a picture of a window, or of the whole screen.
    ///
    /// # Errors
    /// It cannot be taken.
    pub fn picture(&self, window: Option<WindowId>, what: &str) -> Result<()> {
        let file = folder().join(format!("{}-{what}.png", self.name));
        self.session.screenshot(window, &file)
    }
}

fn is_ours(window: &WindowInfo) -> bool {
    window.class.to_ascii_lowercase().contains("sidetone")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gui")
}

impl Deref for Stage {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.picture(None, "failed");
        }
    }
}
