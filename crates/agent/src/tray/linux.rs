//! StatusNotifierItem over D-Bus (freedesktop.org draft, as KDE, XFCE and GNOME with an extension show it).

use super::Shown;
use desktop::{Tray, TrayAction};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// Without a session bus there is no tray; one may come later.
const AGAIN: Duration = Duration::from_secs(15);

/// The tray; it has threads of its own and needs no loop of ours.
pub(crate) struct TrayThread {
    shown: Option<Shown>,
    clicks: Sender<TrayAction>,
    failed_at: Option<Instant>,
}

impl TrayThread {
    pub(crate) fn start(clicks: Sender<TrayAction>) -> anyhow::Result<Self> {
        Ok(Self {
            shown: None,
            clicks,
            failed_at: None,
        })
    }

    /// Shows this; gives whether there is a bus to show it on.
    pub(crate) fn set(&mut self, tray: &Tray) -> bool {
        let outcome = match &mut self.shown {
            Some(shown) => shown.update(tray),
            None if self.failed_at.is_some_and(|at| at.elapsed() < AGAIN) => return false,
            None => Shown::new(tray, self.clicks.clone()).map(|shown| self.shown = Some(shown)),
        };
        match outcome {
            Ok(()) => self.failed_at = None,
            Err(error) => {
                tracing::warn!(%error, "no tray icon");
                self.failed_at = Some(Instant::now());
            }
        }
        self.shown.is_some()
    }
}

/// Whether a panel takes icons just now. Blocks for as long as the bus takes.
pub(crate) fn has_host() -> bool {
    let watcher = "org.kde.StatusNotifierWatcher";
    let asked = zbus::blocking::Connection::session().and_then(|bus| {
        let bus = zbus::blocking::fdo::DBusProxy::new(&bus)?;
        Ok(bus.name_has_owner(watcher.try_into()?)?)
    });
    asked.unwrap_or(false)
}
