//! How a source does, as whoever asks it sees it.

use contacts::{Answering, Person, Question, Source, SourceError};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::watch, time::Instant};
use wire::{ConnectorState, Record};

/// How a source does: told by what asks it, read by what shows it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    now: Mutex<Counted>,
    changed: watch::Sender<u64>,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    state: ConnectorState,
    answers: u64,
    errors: u64,
}

impl Health {
    #[must_use]
    pub fn state(&self) -> ConnectorState {
        self.now().state.clone()
    }

    /// Questions that were answered, and those that failed.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let now = self.now();
        (now.answers, now.errors)
    }

    /// Counts up with every change of the state.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    pub fn set(&self, state: ConnectorState) {
        let mut now = self.now();
        if now.state != state {
            now.state = state;
            drop(now);
            self.shared.changed.send_modify(|count| *count += 1);
        }
    }

    /// Of a source that keeps a copy and answers from that.
    pub(crate) fn read(&self, is_read: bool, trouble: Option<&SourceError>) {
        match trouble {
            Some(trouble) => self.failed(trouble.words.clone()),
            None if is_read => self.set(ConnectorState::Ready),
            None => self.set(ConnectorState::Starting),
        }
    }

    fn answered(&self, took: Duration) {
        self.now().answers += 1;
        self.set(ConnectorState::Works {
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            at: unix_ms(),
        });
    }

    fn failed(&self, words: String) {
        self.now().errors += 1;
        self.set(ConnectorState::Trouble { words });
    }

    fn now(&self) -> MutexGuard<'_, Counted> {
        let now = self.shared.now.lock();
        now.unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// A source whose answers are noted.
pub struct Observed {
    source: Arc<dyn Source>,
    health: Health,
}

impl Observed {
    #[must_use]
    pub fn new(source: Arc<dyn Source>, health: Health) -> Self {
        Self { source, health }
    }

    /// Notes what comes of a question. One that is given up in time says nothing of the source.
    async fn note<T>(&self, answering: Answering<'_, T>) -> Result<T, SourceError> {
        // How a copy does is known without asking it.
        if self.source.is_local() {
            return answering.await;
        }
        let patience = Patience {
            began: Instant::now(),
            observed: Some(self),
        };
        let answer = answering.await;
        let took = patience.over();
        match &answer {
            Ok(_) => self.health.answered(took),
            Err(error) => self.health.failed(error.words.clone()),
        }
        answer
    }
}

/// A question under way.
struct Patience<'a> {
    began: Instant,
    observed: Option<&'a Observed>,
}

impl Patience<'_> {
    fn over(mut self) -> Duration {
        self.observed = None;
        self.began.elapsed()
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        let Some(observed) = self.observed else {
            return;
        };
        let waited = self.began.elapsed();
        if waited >= observed.source.deadline() {
            let title = observed.source.title();
            let seconds = waited.as_secs();
            observed.health.failed(format!(
                "{title} did not answer within {seconds} s. Check that it is reachable and not overloaded."
            ));
        }
    }
}

impl Source for Observed {
    fn id(&self) -> &str {
        self.source.id()
    }

    fn title(&self) -> &str {
        self.source.title()
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        Box::pin(self.note(self.source.look_up(question)))
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(self.note(self.source.find(text, limit)))
    }

    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        let answering = self.source.by_record(record)?;
        Some(Box::pin(self.note(answering)))
    }

    fn schemes(&self) -> &[String] {
        self.source.schemes()
    }

    fn depends_on_line(&self) -> bool {
        self.source.depends_on_line()
    }

    fn depends_on_extension(&self) -> bool {
        self.source.depends_on_extension()
    }

    fn news(&self) -> Option<watch::Receiver<u64>> {
        self.source.news()
    }

    fn is_local(&self) -> bool {
        self.source.is_local()
    }

    fn deadline(&self) -> Duration {
        self.source.deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_depends_on_what_its_source_does() {
        let observed = Observed::new(Arc::new(Picky), Health::default());
        assert!(observed.depends_on_line() && observed.depends_on_extension());
    }

    struct Picky;

    impl Source for Picky {
        fn id(&self) -> &str {
            "picky"
        }

        fn title(&self) -> &str {
            "Picky"
        }

        fn look_up<'a>(&'a self, _: &'a Question) -> Answering<'a, Vec<Person>> {
            Box::pin(std::future::ready(Ok(Vec::new())))
        }

        fn find<'a>(&'a self, _: &'a str, _: usize) -> Answering<'a, Vec<Person>> {
            Box::pin(std::future::ready(Ok(Vec::new())))
        }

        fn depends_on_line(&self) -> bool {
            true
        }

        fn depends_on_extension(&self) -> bool {
            true
        }
    }
}
