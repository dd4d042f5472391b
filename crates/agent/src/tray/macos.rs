//! The menu bar: its items belong to the main thread, which our loop holds; written for, never run.

use super::Shown;
use desktop::{Tray, TrayAction};
use tokio::sync::mpsc::Sender;

/// Lives in the main thread, as AppKit asks.
pub(crate) struct TrayThread {
    shown: Option<Shown>,
    clicks: Sender<TrayAction>,
}

impl TrayThread {
    pub(crate) fn start(clicks: Sender<TrayAction>) -> std::io::Result<Self> {
        Ok(Self {
            shown: None,
            clicks,
        })
    }

    pub(crate) fn set(&mut self, tray: &Tray) {
        let outcome = match &mut self.shown {
            Some(shown) => shown.update(tray),
            None => Shown::new(tray, self.clicks.clone()).map(|shown| self.shown = Some(shown)),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "no menu bar item");
        }
    }
}

/// macOS always has a menu bar.
pub(crate) fn watch_hosts(report: impl Fn(bool) -> bool + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new()
        .spawn(move || report(true))
        .map(drop)
}
