//! The loop that owns everything: one tick at a time, none of which waits.

use crate::{Command, Update};
use contacts::Book;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

pub(crate) async fn run(
    book: watch::Receiver<Arc<Book>>,
    mut commands: mpsc::Receiver<Command>,
    updates: mpsc::Sender<Update>,
) {
    while let Some(command) = commands.recv().await {
        let _ = (&book, &updates, command);
    }
}
