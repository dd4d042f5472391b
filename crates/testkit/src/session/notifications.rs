//! A notification service that shows nothing and remembers everything.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use zbus::blocking::Connection;
use zbus::zvariant::OwnedValue;

use super::bus;
use crate::record::Record;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What a program asked to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: u32,
    /// Whether it took the place of an earlier one with the same id.
    pub replaces: bool,
    pub app: String,
    pub summary: String,
    pub body: String,
    /// Pairs of (key, label).
    pub actions: Vec<(String, String)>,
    /// 0 low, 1 normal, 2 critical, if given.
    pub urgency: Option<u8>,
    /// Milliseconds; -1 the service's choice, 0 never.
    pub expires: i32,
}

/// One request and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeEvent {
    pub at: Instant,
    pub what: NoticeChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeChange {
    Shown(Notice),
    Closed { id: u32 },
}

impl NoticeEvent {
    /// The notice, if this shows one.
    pub fn shown(&self) -> Option<&Notice> {
        match &self.what {
            NoticeChange::Shown(notice) => Some(notice),
            NoticeChange::Closed { .. } => None,
        }
    }
}

/// The session's notification service.
#[derive(Debug)]
pub struct Notifications {
    connection: Connection,
    events: Arc<Record<NoticeEvent>>,
}

impl Notifications {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let events = Arc::new(Record::default());
        let service = Service {
            events: Arc::clone(&events),
            next: AtomicU32::new(1),
        };
        let connection = bus::builder(address)?
            .serve_at(PATH, service)
            .context("serve notifications")?
            .name(NAME)
            .context("name notifications")?
            .build()
            .context("own the name of notifications")?;
        Ok(Self { connection, events })
    }

    /// Everything that was asked for.
    pub fn events(&self) -> &Record<NoticeEvent> {
        &self.events
    }

    /// Presses one of the notice's buttons; "default" is the notice itself.
    pub fn invoke(&self, id: u32, action: &str) -> Result<()> {
        self.connection
            .emit_signal(None::<&str>, PATH, NAME, "ActionInvoked", &(id, action))
            .context("press a notification's button")
    }
}

struct Service {
    events: Arc<Record<NoticeEvent>>,
    next: AtomicU32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "the specification's signature"
    )]
    fn notify(
        &self,
        app: String,
        replaces: u32,
        _icon: &str,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expires: i32,
    ) -> u32 {
        let id = if replaces == 0 {
            self.next.fetch_add(1, Ordering::Relaxed)
        } else {
            replaces
        };
        let pairs = actions
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()));
        let notice = Notice {
            id,
            replaces: replaces != 0,
            app,
            summary,
            body,
            actions: pairs.collect(),
            urgency: hints
                .get("urgency")
                .and_then(|value| u8::try_from(value).ok()),
            expires,
        };
        self.events.push(NoticeEvent {
            at: Instant::now(),
            what: NoticeChange::Shown(notice),
        });
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: zbus::object_server::SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        self.events.push(NoticeEvent {
            at: Instant::now(),
            what: NoticeChange::Closed { id },
        });
        // 3: closed by a call, says the specification.
        Ok(Self::notification_closed(&emitter, id, 3).await?)
    }

    fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["body", "actions", "persistence"]
    }

    fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        ("testkit", "sidetone", "1", "1.2")
    }

    #[zbus(signal)]
    async fn notification_closed(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn action_invoked(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        id: u32,
        action: &str,
    ) -> zbus::Result<()>;
}
