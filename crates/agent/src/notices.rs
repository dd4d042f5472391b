//! Native notifications, in a thread of their own: the service may be slow or absent, calls do not wait for it.

use desktop::{Notification, NotificationAction};
use notify_rust::Timeout;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::mpsc::Sender;

/// What a person did with one.
#[derive(Debug)]
pub(crate) struct Pressed {
    pub(crate) key: String,
    pub(crate) action: NotificationAction,
}

#[derive(Debug)]
enum Wish {
    Show(Notification),
    Withdraw(String),
}

/// Shows and withdraws; wishes beyond the bound are dropped.
#[derive(Debug)]
pub(crate) struct Notices {
    wishes: SyncSender<Wish>,
}

impl Notices {
    pub(crate) fn start(pressed: Sender<Pressed>) -> std::io::Result<Self> {
        let (wishes, inbox) = sync_channel(32);
        std::thread::Builder::new()
            .name("notices".into())
            .stack_size(256 * 1024)
            .spawn(move || serve(&inbox, &pressed))?;
        Ok(Self { wishes })
    }

    pub(crate) fn show(&self, notification: Notification) {
        self.wish(Wish::Show(notification));
    }

    pub(crate) fn withdraw(&self, key: String) {
        self.wish(Wish::Withdraw(key));
    }

    fn wish(&self, wish: Wish) {
        if let Err(TrySendError::Full(_)) = self.wishes.try_send(wish) {
            tracing::warn!("the notification service does not keep up");
        }
    }
}

fn serve(inbox: &Receiver<Wish>, pressed: &Sender<Pressed>) {
    let mut shown: HashMap<String, u32> = HashMap::new();
    while let Ok(wish) = inbox.recv() {
        match wish {
            Wish::Show(notification) => {
                let replaces = shown.get(&notification.key).copied();
                match show(&notification, replaces, pressed) {
                    Ok(id) => drop(shown.insert(notification.key, id)),
                    Err(error) => tracing::warn!(%error, "notification not shown"),
                }
            }
            Wish::Withdraw(key) => {
                if let Some(id) = shown.remove(&key) {
                    system::close(id);
                }
            }
        }
    }
}

fn show(
    notification: &Notification,
    replaces: Option<u32>,
    pressed: &Sender<Pressed>,
) -> notify_rust::error::Result<u32> {
    let mut native = notify_rust::Notification::new();
    native
        .appname("Sidetone")
        .summary(&notification.title)
        .body(&system::plain(&notification.body));
    native.timeout(if notification.urgent {
        Timeout::Never
    } else {
        Timeout::Milliseconds(10_000)
    });
    system::dress(&mut native, notification, replaces);
    let handle = native.show()?;
    Ok(system::listen(handle, notification, pressed))
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    //! freedesktop.org notifications.

    use super::{Notification, NotificationAction, Pressed, Sender};
    use notify_rust::{Hint, NotificationHandle, Urgency};

    /// The body may be read as markup (Desktop Notifications Specification, "Markup"): callers' names must not.
    pub(super) fn plain(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }

    pub(super) fn dress(
        native: &mut notify_rust::Notification,
        notification: &Notification,
        replaces: Option<u32>,
    ) {
        native.urgency(if notification.urgent {
            Urgency::Critical
        } else {
            Urgency::Normal
        });
        native
            .hint(Hint::Category("call.incoming".into()))
            .hint(Hint::DesktopEntry("sidetone".into()));
        native.action("default", "Open");
        if notification.hang_up {
            native.action("hangup", "Hang up");
        }
        if let Some(id) = replaces {
            native.id(id);
        }
    }

    /// Waits for a click in a thread that ends with the notification.
    pub(super) fn listen(
        handle: NotificationHandle,
        notification: &Notification,
        pressed: &Sender<Pressed>,
    ) -> u32 {
        let id = handle.id();
        let (key, pressed) = (notification.key.clone(), pressed.clone());
        let wait = move || {
            handle.wait_for_action(|action| {
                let action = match action {
                    "default" => NotificationAction::Open,
                    "hangup" => NotificationAction::HangUp,
                    _ => NotificationAction::Closed,
                };
                let _ = pressed.try_send(Pressed { key, action });
            });
        };
        if let Err(error) = std::thread::Builder::new()
            .name("notice".into())
            .stack_size(256 * 1024)
            .spawn(wait)
        {
            tracing::warn!(%error, "clicks on a notification are not heard");
        }
        id
    }

    /// The handle waits for clicks elsewhere, so the service is told directly.
    pub(super) fn close(id: u32) {
        let closed = zbus::blocking::Connection::session().and_then(|bus| {
            let (service, path) = (
                "org.freedesktop.Notifications",
                "/org/freedesktop/Notifications",
            );
            bus.call_method(
                Some(service),
                path,
                Some(service),
                "CloseNotification",
                &(id,),
            )
        });
        if let Err(error) = closed {
            tracing::debug!(%error, "notification not withdrawn");
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod system {
    //! Windows and macOS: shown, not withdrawn, without buttons.

    use super::{Notification, Pressed, Sender};

    pub(super) fn plain(text: &str) -> String {
        text.to_owned()
    }

    pub(super) fn dress(
        _native: &mut notify_rust::Notification,
        _notification: &Notification,
        _replaces: Option<u32>,
    ) {
    }

    pub(super) fn listen(
        _handle: notify_rust::NotificationHandle,
        _notification: &Notification,
        _pressed: &Sender<Pressed>,
    ) -> u32 {
        0
    }

    pub(super) fn close(_id: u32) {}
}
