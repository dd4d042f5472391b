//! Keeps a book as its file is.
//!
//! The file is looked at every two seconds. Notifications of the operating system would come
//! sooner, but not at all from network shares, where firms keep such files, and an editor that
//! renames or a folder that appears later would need a second mechanism anyway.

use crate::{Book, LoadError, LoadReport};
use phone_number::DialPlan;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use tracing::{debug, info};

const INTERVAL: Duration = Duration::from_secs(2);
/// After this a share that does not answer is reported.
const SLOW: Duration = Duration::from_secs(10);

/// The newest state of a watched book.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Stays the last good one while the file is missing or broken.
    pub book: Arc<Book>,
    /// How the last good load went.
    pub report: LoadReport,
    /// Why the file cannot be read just now, as a sentence.
    pub trouble: Option<String>,
    /// The file was read, or could not be; before that nothing is known of it.
    pub is_settled: bool,
}

/// Loads `path` at once and again whenever it changes, until every receiver is dropped.
/// Must be called inside a tokio runtime; files are read on its blocking threads.
#[must_use]
pub fn watch(path: PathBuf, plan: DialPlan) -> watch::Receiver<Arc<Watched>> {
    let (sender, receiver) = watch::channel(Arc::new(Watched::default()));
    tokio::spawn(async move {
        let closed = sender.clone();
        tokio::select! {
            () = closed.closed() => {}
            () = Watcher { path, plan, sender, seen: None, loaded: None }.run() => {}
        }
    });
    receiver
}

struct Watcher {
    path: PathBuf,
    plan: DialPlan,
    sender: watch::Sender<Arc<Watched>>,
    /// What the file looked like last time.
    seen: Option<Look>,
    /// What it looked like when it was read, with or without success.
    loaded: Option<Look>,
}

/// What tells a file from its former self.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    Missing,
    Unreadable(io::ErrorKind),
    File {
        length: u64,
        modified: Option<SystemTime>,
        created: Option<SystemTime>,
    },
}

impl Look {
    fn at(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => Self::File {
                length: metadata.len(),
                modified: metadata.modified().ok(),
                created: metadata.created().ok(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(error) => Self::Unreadable(error.kind()),
        }
    }
}

impl Watcher {
    async fn run(mut self) {
        loop {
            let path = self.path.clone();
            let Some(look) = self.answered(move || Look::at(&path)).await else {
                return;
            };
            // A file that still changes is being written, and one that has just gone is perhaps
            // being replaced: both are read when they look the same twice. The first look counts.
            let settled = self.seen.as_ref().is_none_or(|seen| *seen == look);
            if settled && self.loaded.as_ref() != Some(&look) {
                self.loaded = Some(look.clone());
                self.load().await;
            }
            self.seen = Some(look);
            sleep(INTERVAL).await;
        }
    }

    async fn load(&self) {
        let started = Instant::now();
        let (path, plan) = (self.path.clone(), self.plan.clone());
        match self.answered(move || Book::load(&path, &plan)).await {
            Some(Ok((book, report))) => {
                let elapsed_ms = started.elapsed().as_millis() as u64;
                let (entries, skipped) = (report.entries, report.skipped);
                info!(entries, skipped, elapsed_ms, "contact book loaded");
                self.send(Watched {
                    book: Arc::new(book),
                    report,
                    trouble: None,
                    is_settled: true,
                });
            }
            Some(Err(error)) => self.trouble(&error),
            None => {}
        }
    }

    fn trouble(&self, error: &LoadError) {
        debug!(%error, "contact book not loaded");
        self.tell(error.to_string());
    }

    fn tell(&self, trouble: String) {
        let last = self.sender.borrow().as_ref().clone();
        self.send(Watched {
            trouble: Some(trouble),
            is_settled: true,
            ..last
        });
    }

    fn send(&self, watched: Watched) {
        self.sender.send_replace(Arc::new(watched));
    }

    /// Does `work` on a blocking thread. A share that hangs is reported once and waited for: a
    /// second thread would hang beside the first. None when the runtime ends.
    async fn answered<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut task = spawn_blocking(work);
        if let Ok(done) = timeout(SLOW, &mut task).await {
            return done.ok();
        }
        self.tell(format!("{} does not answer", self.path.display()));
        task.await.ok()
    }
}
