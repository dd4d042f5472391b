//! What is written down: calls, who did what, and how far the phone systems' own records were read.
//!
//! Writers wait for the disk; nobody who makes calls waits for them. What cannot be written waits here and in the
//! engine's own bounded queue, and beyond that the phone system's records complete the log.

mod audit;
mod live;
mod record;
mod records;
mod tidy;

pub(crate) use audit::{Audit, AuditTarget, write_audit};
pub(crate) use live::{UNNAMED, name_calls, write_calls};
pub(crate) use record::{call_person, entry, item, without_digits};
pub(crate) use records::{complete, source};
pub(crate) use tidy::keep_tidy;

use crate::{counters::Counters, hub::HubHandle};
use contacts::Directory;
use std::{sync::Arc, time::Duration};
use store::{Store, StoreError};
use tokio::sync::watch;
use tracing::{error, info};

/// Waits between two tries to write, the longest.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What every writer has.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) store: Store,
    pub(crate) hub: HubHandle,
    /// Who was at the other end of a call.
    pub(crate) directory: Directory,
    pub(crate) counters: Arc<Counters>,
    /// What is wrong with the store, for people.
    pub(crate) trouble: Arc<watch::Sender<Option<String>>>,
}

impl Writer {
    /// Tries until it is written: the same again is the same record.
    async fn insist<T, F>(&self, what: &str, mut write: impl FnMut() -> F) -> T
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut wait = Duration::from_millis(100);
        loop {
            match write().await {
                Ok(done) => {
                    self.well(what);
                    return done;
                }
                Err(why) => self.unwell(what, &why),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn well(&self, what: &str) {
        let was_unwell = self
            .trouble
            .send_if_modified(|trouble| trouble.take().is_some());
        if was_unwell {
            info!(what, "the store takes writes again");
        }
    }

    fn unwell(&self, what: &str, why: &StoreError) {
        self.counters
            .store_failures
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let words = why.to_string();
        let is_news = self.trouble.send_if_modified(|trouble| {
            let is_news = trouble.as_ref() != Some(&words);
            *trouble = Some(words.clone());
            is_news
        });
        if is_news {
            error!(what, error = %why, "cannot be written; it is tried again and nothing is lost meanwhile");
        }
    }
}
