//! StatusNotifierItem over D-Bus (freedesktop.org draft, as KDE, XFCE and GNOME with an extension show it).

use super::Shown;
use desktop::{Tray, TrayAction};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{mpsc::Sender, watch};
use zbus::blocking::{Connection, fdo::DBusProxy};

/// Without a session bus there is no tray; one may come later.
const AGAIN: Duration = Duration::from_secs(15);
const STACK: usize = 256 * 1024;
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// The tray, in a thread of its own: a bus that does not answer holds up no call.
pub(crate) struct TrayThread {
    newest: watch::Sender<Option<Tray>>,
    bell: SyncSender<()>,
}

impl TrayThread {
    /// `hosts` is told whether a panel takes icons.
    pub(crate) fn start(
        clicks: Sender<TrayAction>,
        hosts: watch::Sender<bool>,
    ) -> std::io::Result<Self> {
        let (newest, wishes) = watch::channel(None);
        // One ring is enough for any number of wishes: the newest counts.
        let (bell, rings) = sync_channel(1);
        std::thread::Builder::new()
            .name("tray".into())
            .stack_size(STACK)
            .spawn(move || serve(&wishes, &rings, &clicks, hosts))?;
        Ok(Self { newest, bell })
    }

    pub(crate) fn set(&self, tray: &Tray) {
        self.newest.send_replace(Some(tray.clone()));
        let _ = self.bell.try_send(());
    }
}

/// An icon that found no panel waits for one by itself; only the bus is looked for again here.
fn serve(
    wishes: &watch::Receiver<Option<Tray>>,
    rings: &Receiver<()>,
    clicks: &Sender<TrayAction>,
    hosts: watch::Sender<bool>,
) {
    let mut shown: Option<Shown> = None;
    let mut hosts = Some(hosts);
    loop {
        let wait = if shown.is_some() {
            Duration::MAX
        } else {
            AGAIN
        };
        match rings.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(tray) = wishes.borrow().clone() else {
            continue;
        };
        let outcome = match &mut shown {
            Some(shown) => shown.update(&tray),
            None => Shown::new(&tray, clicks.clone()).map(|new| shown = Some(new)),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "no tray icon");
        }
        // Not before the icon: both ask the same bus, and the icon is what a person waits for.
        if let Some(hosts) = hosts.take()
            && let Err(error) = watch_hosts(hosts)
        {
            tracing::warn!(%error, "tray hosts are not watched");
        }
    }
}

/// Follows whether a panel takes icons for as long as anybody listens.
fn watch_hosts(hosts: watch::Sender<bool>) -> std::io::Result<()> {
    let watch = move || {
        while !hosts.is_closed() {
            let outcome = follow_hosts(&hosts);
            tracing::debug!(?outcome, "tray hosts cannot be watched");
            hosts.send_replace(false);
            std::thread::sleep(AGAIN);
        }
    };
    std::thread::Builder::new()
        .name("tray-hosts".into())
        .stack_size(STACK)
        .spawn(watch)
        .map(drop)
}

/// Ends when the bus does.
fn follow_hosts(hosts: &watch::Sender<bool>) -> zbus::Result<()> {
    let bus = Connection::session()?;
    let bus = DBusProxy::new(&bus)?;
    let changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)])?;
    hosts.send_replace(bus.name_has_owner(WATCHER.try_into()?)?);
    for change in changes {
        hosts.send_replace(change.args()?.new_owner.is_some());
    }
    Ok(())
}
