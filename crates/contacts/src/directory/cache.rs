//! What one slow source said, for how long it counts, and what is being asked: each question once.
//!
//! Pure: the clock is an argument, and asking is the caller's.

use super::admit::Verified;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How long answers count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lives {
    pub(super) hits: Duration,
    pub(super) misses: Duration,
    pub(super) failures: Duration,
}

/// A source that asks to be left alone for longer is asked again nevertheless.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A question to a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Number {
        /// As in the match memory, with the extension.
        number: String,
        /// For sources that make a difference.
        line: Option<String>,
        /// That rings; for sources that make a difference.
        extension: Option<String>,
    },
    Record {
        kind: String,
        id: String,
    },
}

/// One asking of a question; a later one of the same question is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct AskId(pub(super) u64);

/// An answer as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) what: Result<Arc<[Verified]>, String>,
    pub(super) at: Instant,
    pub(super) took: Duration,
    until: Instant,
}

/// A failure as a source told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) words: String,
    pub(super) retry_after: Option<Duration>,
}

/// How far a question is.
#[derive(Clone, Debug)]
pub(super) enum View {
    Asking,
    /// Asked for longer than people want to wait; may come yet.
    Overdue,
    Told(Told),
    /// Not asked: too much is being asked already.
    Full,
}

/// Whether one more question may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// At once.
    Free,
    /// It has to wait for others.
    Queue,
    Full,
}

#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    /// By when it was asked for last, the oldest first.
    ages: BTreeMap<u64, Key>,
    next_age: u64,
    most: usize,
    lives: Lives,
}

#[derive(Debug)]
struct Entry {
    age: u64,
    /// The last answer, also when its time is over: calls that have seen it keep it.
    told: Option<Told>,
    /// The failure after it; until its time is over, nothing is asked.
    failed: Option<Told>,
    asking: Option<Asking>,
}

#[derive(Debug)]
struct Asking {
    id: AskId,
    since: Instant,
    overdue: bool,
}

impl Cache {
    pub(super) fn new(lives: Lives, most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            most,
            lives,
        }
    }

    /// What is known, and whether the question must be asked now, as `id`. Somebody who asks since `since` goes on seeing
    /// what he has seen, whatever becomes of it.
    pub(super) fn ask(
        &mut self,
        key: &Key,
        since: Instant,
        now: Instant,
        room: Room,
        id: AskId,
    ) -> (View, bool) {
        let lives = self.lives;
        let entry = self.touch(key);
        let wanted = entry.is_wanted(now, room, lives);
        if wanted {
            entry.asking = Some(Asking {
                id,
                since: now,
                overdue: false,
            });
        }
        let view = entry.view(since, now);
        self.shrink();
        (view, wanted)
    }

    /// True when somebody may see a difference.
    pub(super) fn overdue(&mut self, key: &Key, id: AskId, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let Some(asking) = entry.asking.as_mut().filter(|asking| asking.id == id) else {
            return false;
        };
        asking.overdue = true;
        entry.valid(now).is_none()
    }

    /// Takes the answer of an asking that still counts. True when somebody may see a difference.
    pub(super) fn answered(
        &mut self,
        key: &Key,
        id: AskId,
        what: Result<Arc<[Verified]>, Failure>,
        now: Instant,
    ) -> bool {
        let lives = self.lives;
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let Some(asking) = entry.asking.take_if(|asking| asking.id == id) else {
            return false;
        };
        let life = match &what {
            Ok(people) if people.is_empty() => lives.misses,
            Ok(_) => lives.hits,
            Err(failure) => pause(failure, lives),
        };
        let known = entry.valid(now).and_then(|told| told.what.as_ref().ok());
        let is_news = match &what {
            Ok(people) => known != Some(people),
            Err(_) => known.is_none(),
        };
        let told = Told {
            what: what.map_err(|failure| failure.words),
            at: now,
            took: now - asking.since,
            until: now + life,
        };
        if told.what.is_ok() {
            entry.told = Some(told);
            entry.failed = None;
        } else {
            entry.failed = Some(told);
        }
        is_news
    }

    /// Forgets what is kept for these questions; what is being asked of them does not count any more.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Key) -> bool) {
        self.entries.retain(|key, _| !is_meant(key));
        self.ages.retain(|_, key| !is_meant(key));
    }

    fn touch(&mut self, key: &Key) -> &mut Entry {
        self.next_age += 1;
        let age = self.next_age;
        let entry = self.entries.entry(key.clone()).or_insert(Entry {
            age,
            told: None,
            failed: None,
            asking: None,
        });
        self.ages.remove(&entry.age);
        entry.age = age;
        self.ages.insert(age, key.clone());
        entry
    }

    /// What is being asked stays: there is a bound for that elsewhere.
    fn shrink(&mut self) {
        if self.entries.len() <= self.most {
            return;
        }
        let is_idle = |key: &&Key| {
            self.entries
                .get(*key)
                .is_none_or(|entry| entry.asking.is_none())
        };
        let Some(oldest) = self.ages.values().find(is_idle).cloned() else {
            return;
        };
        if let Some(entry) = self.entries.remove(&oldest) {
            self.ages.remove(&entry.age);
        }
    }
}

impl Entry {
    fn valid(&self, now: Instant) -> Option<&Told> {
        self.told.as_ref().filter(|told| now < told.until)
    }

    fn failure(&self, now: Instant) -> Option<&Told> {
        self.failed.as_ref().filter(|failed| now < failed.until)
    }

    fn is_wanted(&self, now: Instant, room: Room, lives: Lives) -> bool {
        if self.asking.is_some() || self.failure(now).is_some() {
            return false;
        }
        match self.valid(now) {
            // A refresh is a courtesy: nobody waits for it, and it takes nobody's turn.
            Some(told) => told.is_ageing(now, lives) && room == Room::Free,
            None => room != Room::Full,
        }
    }

    fn view(&self, since: Instant, now: Instant) -> View {
        let seen = || self.told.as_ref().filter(|told| told.at >= since);
        if let Some(told) = self.valid(now).or_else(seen).or_else(|| self.failure(now)) {
            return View::Told(told.clone());
        }
        match &self.asking {
            Some(asking) if asking.overdue => View::Overdue,
            Some(_) => View::Asking,
            None => View::Full,
        }
    }
}

impl Told {
    /// Older than half its life.
    fn is_ageing(&self, now: Instant, lives: Lives) -> bool {
        let life = match &self.what {
            Ok(people) if people.is_empty() => lives.misses,
            Ok(_) | Err(_) => lives.hits,
        };
        now >= self.at + life / 2
    }
}

fn pause(failure: &Failure, lives: Lives) -> Duration {
    let asked_for = failure.retry_after.unwrap_or(lives.failures);
    asked_for.max(lives.failures).min(LONGEST_PAUSE)
}
