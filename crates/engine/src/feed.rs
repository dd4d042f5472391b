//! The state of the PBX for any number of readers, none of whom can slow down another or the engine.
//!
//! The engine never waits for a reader: it lays its changes over each other until the shared state is free. A reader
//! holds no queue, only the version up to which it has read, and gets the newest of each thing that changed since.

mod board;
mod fact;
mod versions;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, watch};

pub(crate) use self::board::Board;
use self::versions::{Cursor, Version, Versions};
pub use self::{
    fact::{ExtensionFact, Fact, MemberFact, ParkedFact, Subject},
    versions::Pulled,
};

/// Things that are gone and of which readers who lag are still told. Who lags further begins from nothing.
const MOST_GONE: usize = 4_096;

/// Gives out [`Subscription`]s; cheap to clone.
#[derive(Debug)]
pub struct Feed<K, V> {
    shared: Arc<Shared<K, V>>,
}

/// One reader. Dropping it ends the subscription; to keep it unread costs nothing.
#[derive(Debug)]
pub struct Subscription<K, V> {
    shared: Arc<Shared<K, V>>,
    news: watch::Receiver<Version>,
    cursor: Cursor,
}

/// The engine's end, of which there is one.
#[derive(Debug)]
pub(crate) struct Publisher<K, V> {
    shared: Arc<Shared<K, V>>,
    news: watch::Sender<Version>,
    /// The newest of each thing that readers cannot see yet.
    pending: BTreeMap<K, Option<V>>,
    /// All that is not pending is gone.
    is_cleared: bool,
}

#[derive(Debug)]
struct Shared<K, V> {
    /// Held for as long as a reader copies what it pulls, never across an await.
    versions: Mutex<Versions<K, V>>,
    /// The publisher found the state in use.
    is_wanted: AtomicBool,
    free: Arc<Notify>,
    readers: AtomicUsize,
    news: watch::Receiver<Version>,
}

/// A feed without readers, and its one source.
pub(crate) fn feed<K: Ord + Clone, V: Clone + PartialEq>() -> (Publisher<K, V>, Feed<K, V>) {
    let (sender, news) = watch::channel(0);
    let shared = Arc::new(Shared {
        versions: Mutex::new(Versions::new(MOST_GONE)),
        is_wanted: AtomicBool::new(false),
        free: Arc::default(),
        readers: AtomicUsize::new(0),
        news,
    });
    let publisher = Publisher {
        shared: shared.clone(),
        news: sender,
        pending: BTreeMap::new(),
        is_cleared: false,
    };
    (publisher, Feed { shared })
}

impl<K: Ord + Clone, V: Clone + PartialEq> Feed<K, V> {
    /// A reader who has seen nothing yet.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<K, V> {
        if self.shared.readers.fetch_add(1, Ordering::SeqCst) == 0 {
            self.shared.free.notify_one();
        }
        Subscription {
            shared: self.shared.clone(),
            news: self.shared.news.clone(),
            cursor: Cursor::default(),
        }
    }
}

impl<K, V> Clone for Feed<K, V> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> Subscription<K, V> {
    /// Waits until there is something to pull; false when the engine has ended and all was pulled. Nothing is lost when
    /// the future is dropped.
    pub async fn changed(&mut self) -> bool {
        let seen = self.cursor.seen();
        self.news.wait_for(|news| *news > seen).await.is_ok()
    }

    /// What has changed since the last time, at most `limit` things; all that is when this is the first time.
    pub fn pull(&mut self, limit: usize) -> Pulled<K, V> {
        let pulled = self.shared.lock().pull(&mut self.cursor, limit);
        // Asked for after the state is free: whoever wanted it meanwhile is told.
        if self.shared.is_wanted.swap(false, Ordering::SeqCst) {
            self.shared.free.notify_one();
        }
        pulled
    }
}

impl<K, V> Drop for Subscription<K, V> {
    fn drop(&mut self) {
        self.shared.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> Publisher<K, V> {
    /// Without readers nothing needs to be set, so long as all is set anew when the first one comes.
    pub(crate) fn is_followed(&self) -> bool {
        self.shared.readers.load(Ordering::SeqCst) > 0
    }

    /// The newest of one thing, `None` when it is gone; readers see it after the next [`Publisher::publish`].
    pub(crate) fn set(&mut self, key: K, value: Option<V>) {
        self.pending.insert(key, value);
    }

    /// Everything is gone but what is set from here on.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.is_cleared = true;
    }

    /// Shows readers what was set, unless one of them is just reading: then it stays until [`Publisher::room`] tells.
    pub(crate) fn publish(&mut self) {
        if !self.is_pending() {
            return;
        }
        let shared = self.shared.clone();
        let Some(mut versions) = shared.try_lock().or_else(|| {
            shared.is_wanted.store(true, Ordering::SeqCst);
            // It may have become free before it was wanted, and then nobody tells.
            shared.try_lock()
        }) else {
            return;
        };
        let before = versions.version();
        if std::mem::take(&mut self.is_cleared) {
            versions.retain(|key| self.pending.contains_key(key));
        }
        for (key, value) in std::mem::take(&mut self.pending) {
            versions.set(key, value);
        }
        let version = versions.version();
        drop(versions);
        if version != before {
            self.news.send_replace(version);
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.is_cleared || !self.pending.is_empty()
    }

    /// Tells when a reader is done with what is wanted, or the first one has come.
    pub(crate) fn room(&self) -> Arc<Notify> {
        self.shared.free.clone()
    }
}

impl<K, V> Shared<K, V> {
    /// A reader that panicked has only read.
    fn lock(&self) -> MutexGuard<'_, Versions<K, V>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Versions<K, V>>> {
        match self.versions.try_lock() {
            Ok(versions) => Some(versions),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(20);

    fn keep(things: &mut BTreeMap<u32, u32>, pulled: Pulled<u32, u32>) -> bool {
        if pulled.from_nothing {
            things.clear();
        }
        for (key, value) in pulled.changes {
            match value {
                Some(value) => things.insert(key, value),
                None => things.remove(&key),
            };
        }
        pulled.has_more
    }

    #[tokio::test]
    async fn reader_is_woken_gets_the_newest_and_the_end() {
        let (mut publisher, feed) = feed::<u32, u32>();
        let mut reader = feed.subscribe();
        publisher.set(1, Some(1));
        publisher.set(1, Some(2));
        publisher.publish();
        assert!(timeout(SOON, reader.changed()).await.unwrap());
        let pulled = reader.pull(10);
        assert!(pulled.from_nothing && !pulled.has_more);
        assert_eq!(pulled.changes, [(1, Some(2))]);
        publisher.set(1, None);
        publisher.publish();
        drop(publisher);
        // What was published last is still there to be read.
        assert!(timeout(SOON, reader.changed()).await.unwrap());
        assert_eq!(reader.pull(10).changes, [(1, None)]);
        assert!(!timeout(SOON, reader.changed()).await.unwrap());
    }

    #[tokio::test]
    async fn engine_does_not_wait_for_a_reader_in_the_middle_of_a_pull() {
        let (mut publisher, feed) = feed::<u32, u32>();
        let mut reader = feed.subscribe();
        let reading = feed.shared.clone();
        let guard = reading.lock();
        for value in 0..1_000 {
            publisher.set(1, Some(value));
            publisher.publish();
        }
        assert!(publisher.is_pending() && publisher.pending.len() == 1);
        drop(guard);
        // The end of any pull tells the publisher that it may go on.
        assert!(reader.pull(10).changes.is_empty());
        timeout(SOON, publisher.room().notified()).await.unwrap();
        publisher.publish();
        assert!(!publisher.is_pending());
        assert_eq!(reader.pull(10).changes, [(1, Some(999))]);
    }

    #[tokio::test]
    async fn readers_who_never_pull_cost_no_memory() {
        let (mut publisher, feed) = feed::<u32, u32>();
        let readers: Vec<_> = (0..500).map(|_| feed.subscribe()).collect();
        for key in 0..100_000 {
            publisher.set(key, Some(1));
            publisher.publish();
            publisher.set(key, None);
            publisher.publish();
        }
        assert!(feed.shared.lock().len() <= MOST_GONE && !publisher.is_pending());
        for mut reader in readers {
            let pulled = reader.pull(10);
            assert!(pulled.from_nothing && pulled.changes.is_empty() && !pulled.has_more);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn hundred_readers_at_their_own_pace_end_with_the_same() {
        let (mut publisher, feed) = feed::<u32, u32>();
        let readers: Vec<_> = (0..100_usize)
            .map(|reader| {
                let mut subscription = feed.subscribe();
                tokio::spawn(async move {
                    let mut things = BTreeMap::new();
                    while subscription.changed().await {
                        keep(&mut things, subscription.pull(1 + reader % 7));
                        // Some dawdle.
                        for _ in 0..reader % 5 {
                            tokio::task::yield_now().await;
                        }
                    }
                    things
                })
            })
            .collect();
        let mut truth = BTreeMap::new();
        for step in 0..50_000_u32 {
            let key = step.wrapping_mul(2_654_435_761) % 300;
            match step % 3 {
                0 => {
                    publisher.set(key, None);
                    truth.remove(&key);
                }
                _ => {
                    publisher.set(key, Some(step));
                    truth.insert(key, step);
                }
            }
            publisher.publish();
            if step % 64 == 0 {
                tokio::task::yield_now().await;
            }
        }
        while publisher.is_pending() {
            publisher.publish();
            tokio::task::yield_now().await;
        }
        drop(publisher);
        for reader in readers {
            assert_eq!(timeout(SOON, reader).await.unwrap().unwrap(), truth);
        }
    }
}
