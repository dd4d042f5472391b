//! The menu bar: its items belong to the main thread, which our loop holds; written for, never run.

use super::Shown;
use desktop::{Tray, TrayAction};
use tokio::sync::{mpsc::Sender, watch};

/// Lives in the main thread, as AppKit asks.
pub(crate) struct TrayThread {
    shown: Option<Shown>,
    clicks: Sender<TrayAction>,
    hosts: watch::Sender<bool>,
}

impl TrayThread {
    /// `hosts` is told whether the menu bar took the item.
    pub(crate) fn start(
        clicks: Sender<TrayAction>,
        hosts: watch::Sender<bool>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            shown: None,
            clicks,
            hosts,
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
        self.hosts.send_replace(self.shown.is_some());
    }
}
