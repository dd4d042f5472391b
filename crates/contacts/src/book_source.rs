//! A contact book among the sources: as its file is, by the file's name.

use crate::{
    Answering, Book, Person, Question, Source, SourceError, SourceErrorKind,
    watch::{self, Watched},
};
use phone_number::DialPlan;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::watch as channel, task::spawn_blocking};
use wire::Record;

/// The people of a watched file.
pub struct BookSource {
    id: String,
    title: String,
    watched: channel::Receiver<Arc<Watched>>,
    news: channel::Receiver<u64>,
}

impl BookSource {
    /// Follows the file from now on. Must be called in a tokio runtime.
    #[must_use]
    pub fn follow(id: String, path: PathBuf, plan: DialPlan) -> Self {
        let title = title(&path);
        Self::new(id, title, watch::watch(path, plan))
    }

    /// The people of a book that is watched already. Must be called in a tokio runtime.
    #[must_use]
    pub fn new(id: String, title: String, watched: channel::Receiver<Arc<Watched>>) -> Self {
        let (sender, news) = channel::channel(0);
        tokio::spawn(count(watched.clone(), sender));
        Self {
            id,
            title,
            watched,
            news,
        }
    }

    /// How the file is now, for settings.
    #[must_use]
    pub fn state(&self) -> Arc<Watched> {
        self.watched.borrow().clone()
    }

    /// The last good book, once the file was looked at; an error where there never was one.
    async fn book(&self) -> Result<Arc<Book>, SourceError> {
        let mut watched = self.watched.clone();
        // Whoever watched has ended: what it found last counts.
        watched.wait_for(|watched| watched.is_settled).await.ok();
        let watched = self.state();
        match &watched.trouble {
            Some(words) if watched.book.is_empty() => Err(SourceError {
                kind: SourceErrorKind::Away,
                words: words.clone(),
            }),
            Some(_) | None => Ok(watched.book.clone()),
        }
    }
}

/// What people call the file.
fn title(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Tells that there is another state, until nobody listens.
async fn count(mut watched: channel::Receiver<Arc<Watched>>, news: channel::Sender<u64>) {
    loop {
        tokio::select! {
            changed = watched.changed() => if changed.is_err() {
                return;
            },
            () = news.closed() => return,
        }
        news.send_modify(|count| *count += 1);
    }
}

impl Source for BookSource {
    fn id(&self) -> &str {
        &self.id
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        Box::pin(async { Ok(self.book().await?.look_up(&question.number)) })
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        let text = text.to_owned();
        Box::pin(async move {
            let book = self.book().await?;
            behind(move || book.search(&text, limit)).await
        })
    }

    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        let id = record.id.clone();
        Some(Box::pin(async move {
            let book = self.book().await?;
            behind(move || book.by_record(&id)).await
        }))
    }

    fn news(&self) -> Option<channel::Receiver<u64>> {
        Some(self.news.clone())
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// Going through a large book takes too long for a thread that others wait for.
async fn behind<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SourceError> {
    spawn_blocking(work).await.map_err(|_| SourceError {
        kind: SourceErrorKind::Broken,
        words: "the book could not be searched".to_owned(),
    })
}
