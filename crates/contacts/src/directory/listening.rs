//! Those who want to hear of changes: each reads at its own pace, and nothing is queued for it.

use super::{Changed, Shared};
use crate::memory::MemoryChange;
use std::sync::Arc;
use tokio::sync::watch;

/// Hears which numbers have news. Holds no queue: who lags far behind is told `All`.
pub struct Listener {
    shared: Arc<Shared>,
    read: u64,
    changed: watch::Receiver<u64>,
}

impl Listener {
    pub(super) fn new(shared: Arc<Shared>, read: u64) -> Self {
        let changed = shared.changed.subscribe();
        Self {
            shared,
            read,
            changed,
        }
    }

    /// Waits for news. Nothing is lost when it is dropped before it is done.
    pub async fn changed(&mut self) -> Changed {
        loop {
            self.changed.mark_unchanged();
            if let Some(changed) = self.unread() {
                return changed;
            }
            if self.changed.changed().await.is_err() {
                // The sender lives in what this holds.
                std::future::pending::<()>().await;
            }
        }
    }

    fn unread(&mut self) -> Option<Changed> {
        let state = self.shared.state();
        let changed = state.changes.since(self.read);
        self.read = state.changes.last();
        changed
    }
}

/// What is to be stored of the match memory: the newest state of each place, so that there is no queue to overflow.
pub struct MemoryChanges {
    shared: Arc<Shared>,
    changed: watch::Receiver<u64>,
}

impl MemoryChanges {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let changed = shared.memory_changed.subscribe();
        Self { shared, changed }
    }

    /// Waits for something to store; never empty. Nothing is lost when it is dropped before it is done.
    pub async fn next(&mut self) -> Vec<MemoryChange> {
        loop {
            self.changed.mark_unchanged();
            let changes = self.take();
            if !changes.is_empty() {
                return changes;
            }
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// What is to be stored now; for the end of the program.
    #[must_use]
    pub fn take(&mut self) -> Vec<MemoryChange> {
        self.shared.state().memory.take_changes()
    }

    /// These could not be stored: they come again with the next ones, as they are then.
    pub fn put_back(&self, changes: Vec<MemoryChange>) {
        let mut state = self.shared.state();
        state.memory.put_back(changes);
        self.shared.memory_changed(&state);
    }
}
