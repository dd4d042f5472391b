//! Who did what, in the order in which it was done.

use super::Writer;
use crate::hub::Ask;
use store::{AuditNew, BoardChange, ItemId, UserId};
use tokio::sync::mpsc;
use tracing::info;

/// Something that somebody did or tried.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// A login; empty: nobody was signed in.
    pub(crate) actor: String,
    pub(crate) address: String,
    pub(crate) action: &'static str,
    pub(crate) target: AuditTarget,
    /// `done`, or why not.
    pub(crate) outcome: String,
}

#[derive(Clone, Debug)]
pub(crate) enum AuditTarget {
    Text(String),
    /// What was to be dialled: not for the log.
    Number(String),
    /// Closes an item of the board with it.
    Missed(String),
}

/// Writes until nobody is left who could do something.
pub(crate) async fn write_audit(writer: Writer, mut inbox: mpsc::Receiver<Audit>) {
    while let Some(audit) = inbox.recv().await {
        log(&audit);
        let user = user(&writer, &audit.actor).await;
        let target = match &audit.target {
            AuditTarget::Text(text) | AuditTarget::Number(text) => text.clone(),
            AuditTarget::Missed(item) => item.clone(),
        };
        let row = AuditNew {
            at: i64::try_from(audit.at).unwrap_or(i64::MAX),
            user: user.clone(),
            device: None,
            address: Some(audit.address.clone()).filter(|address| !address.is_empty()),
            action: audit.action.to_owned(),
            target: Some(target),
            outcome: audit.outcome.clone(),
            details: serde_json::json!({ "login": audit.actor }).to_string(),
        };
        writer.insist("audit", || writer.store.audit(&row)).await;
        if let (AuditTarget::Missed(item), Some(user)) = (&audit.target, user) {
            let item = ItemId::from(item.as_str());
            let closed = writer
                .insist("missed calls", || {
                    writer.store.close_missed(&item, &user, row.at)
                })
                .await;
            if let Some(closed) = closed {
                let change = BoardChange::Changed(Box::new(closed));
                let items = super::live::board_items(&writer, vec![change]).await;
                let _ = writer.hub.tell(Ask::Board(items)).await;
            }
        }
    }
}

async fn user(writer: &Writer, login: &str) -> Option<UserId> {
    if login.is_empty() {
        return None;
    }
    let user = writer.store.user_by_login(login).await.ok()??;
    Some(user.id)
}

fn log(audit: &Audit) {
    let (action, login, address) = (audit.action, &audit.actor, &audit.address);
    match &audit.target {
        AuditTarget::Number(number) => {
            info!(action, %login, %address, number = %phone_number::masked(number), outcome = %audit.outcome, "audit");
        }
        AuditTarget::Text(target) | AuditTarget::Missed(target) => {
            // It may be what a client made up: a line of it must not look like one of ours.
            let target = target.escape_debug();
            info!(action, %login, %address, %target, outcome = %audit.outcome, "audit");
        }
    }
}
