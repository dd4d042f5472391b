//! What is counted, for `/metrics` and the health page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) facts_told: AtomicU64,
    pub(crate) messages_sent: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) resynced: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) sign_ins: AtomicU64,
    pub(crate) sign_ins_refused: AtomicU64,
    pub(crate) calls_logged: AtomicU64,
    pub(crate) log_waiting: AtomicU64,
    pub(crate) store_failures: AtomicU64,
    pub(crate) webhooks_sent: AtomicU64,
    pub(crate) webhooks_failed: AtomicU64,
    per_second: AtomicU64,
}

impl Counters {
    pub(crate) fn told(&self, facts: usize) {
        self.facts_told.fetch_add(facts as u64, Relaxed);
    }

    pub(crate) fn resynced(&self) {
        self.resynced.fetch_add(1, Relaxed);
    }

    /// Changes of the phone systems' state a second, of the last ten.
    pub(crate) fn events_per_s(&self) -> u32 {
        u32::try_from(self.per_second.load(Relaxed)).unwrap_or(u32::MAX)
    }

    pub(crate) fn set_per_second(&self, facts: u64) {
        self.per_second.store(facts, Relaxed);
    }
}
