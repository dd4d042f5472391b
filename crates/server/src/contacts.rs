//! The contact book, kept as its file is.

use contacts::Book;
use phone_number::DialPlan;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;
use tracing::{info, warn};

/// Reads the file again whenever it changes, for as long as somebody wants the book.
pub(crate) async fn keep(path: PathBuf, plan: DialPlan, books: watch::Sender<Arc<Book>>) {
    let mut watched = contacts::watch::watch(path, plan);
    while watched.changed().await.is_ok() {
        let newest = watched.borrow_and_update().clone();
        match &newest.trouble {
            Some(words) => warn!(error = %words, "contacts"),
            None => info!("contacts read"),
        }
        if books.send(newest.book.clone()).is_err() {
            return;
        }
    }
}
