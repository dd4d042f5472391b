//! One source with what is kept of it and what it is being asked.

use super::{
    Shared,
    cache::{AskId, Cache, Key, Room},
};
use crate::Source;
use phone_number::PhoneNumber;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};
use tokio::{sync::Semaphore, sync::watch, task::AbortHandle};

/// Questions that wait for their turn at one source.
const MAX_WAITING: usize = 1_000;

pub(super) struct Slot {
    /// Of this source in this place: one that replaces it has another.
    pub(super) id: u64,
    pub(super) source: Arc<dyn Source>,
    pub(super) cache: Cache,
    /// Turns to ask by number.
    pub(super) lookups: Arc<Semaphore>,
    /// Turns to search: somebody who types takes no caller's turn.
    pub(super) finds: Arc<Semaphore>,
    /// With its task, once that runs.
    asking: HashMap<AskId, Option<AbortHandle>>,
    asked_at_once: usize,
    news: Option<AbortHandle>,
}

impl Slot {
    pub(super) fn new(id: u64, source: Arc<dyn Source>, shared: &Arc<Shared>) -> Self {
        let follow = |news| {
            let following = follow(news, id, Arc::downgrade(shared));
            shared.runtime.spawn(following).abort_handle()
        };
        Self {
            id,
            cache: Cache::new(shared.lives, shared.kept),
            lookups: Arc::new(Semaphore::new(shared.asked_at_once)),
            finds: Arc::new(Semaphore::new(shared.asked_at_once)),
            asking: HashMap::new(),
            asked_at_once: shared.asked_at_once,
            news: source.news().map(follow),
            source,
        }
    }

    pub(super) fn holds(&self, source: &Arc<dyn Source>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.source), Arc::as_ptr(source))
    }

    pub(super) fn room(&self) -> Room {
        let asking = self.asking.len();
        if asking < self.asked_at_once {
            Room::Free
        } else if asking < self.asked_at_once + MAX_WAITING {
            Room::Queue
        } else {
            Room::Full
        }
    }

    pub(super) fn begin(&mut self, id: AskId) {
        self.asking.insert(id, None);
    }

    /// It may have ended already.
    pub(super) fn begun(&mut self, id: AskId, task: AbortHandle) {
        if let Some(asking) = self.asking.get_mut(&id) {
            *asking = Some(task);
        }
    }

    pub(super) fn ended(&mut self, id: AskId) {
        self.asking.remove(&id);
    }

    /// Whatever was said of this number, at any of its extensions.
    pub(super) fn forget(&mut self, number: &PhoneNumber) {
        let normal = number.normal_form();
        self.cache.forget(|key| match key {
            Key::Number { number, .. } => number
                .strip_prefix(normal)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('x')),
            Key::Record { .. } => false,
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for task in self.asking.values().flatten().chain(&self.news) {
            task.abort();
        }
    }
}

async fn follow(mut news: watch::Receiver<u64>, slot: u64, shared: Weak<Shared>) {
    while news.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut state = shared.state();
        if let Some(slot) = state.slot(slot) {
            slot.cache.forget(|_| true);
        }
        shared.all_changed(&mut state);
    }
}
