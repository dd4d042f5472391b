//! Every call of the PBX for whoever writes them down: each begins and ends here once, in order, without a gap that is
//! not told.

use ami::Uniqueid;
use calls::{Call, CallId};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Entries that may wait for a reader who writes to a disk: a busy hour of a large PBX.
const WAITING: usize = 65_536;

/// One entry of the call log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The moment at which this was written, on the clock of the times in [`Call`].
    pub at: Instant,
    /// The same moment by the system's own clock, in milliseconds since 1970. It is read each time and may jump.
    pub unix_ms: u64,
    pub what: What,
}

/// What happened.
///
/// Of calls that go on when the engine is told to disconnect, or to go to another PBX, no end is told. Behind
/// [`What::Lost`] an end may come whose beginning was lost.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Began(Arc<Call>),
    /// Two parties talk for the first time.
    Answered(Arc<Call>),
    /// The last of a call.
    Ended(Arc<Call>),
    /// After a login the PBX has listed what there is. Whatever of the time before has none of these channels, Local
    /// halves included, has ended unseen.
    Resynced {
        alive: Vec<Uniqueid>,
    },
    /// So many entries are missing here, since the reader was late.
    Lost(u64),
}

/// What the engine logs; see [`Options::log`](crate::Options::log).
#[derive(Debug)]
pub struct CallLog {
    entries: mpsc::Receiver<Logged>,
}

impl CallLog {
    /// The next entry; `None` when the engine has ended, or nothing is logged. Nothing is lost when the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Logged> {
        self.entries.recv().await
    }

    /// The next entry if there is one already.
    pub fn try_next(&mut self) -> Option<Logged> {
        self.entries.try_recv().ok()
    }
}

/// A moment by the clock of the loop and by that of the system, in milliseconds since 1970.
pub(crate) type Clock = fn() -> (Instant, u64);

/// The engine's end. It never waits.
#[derive(Debug)]
pub(crate) struct Log {
    /// `None`: nobody reads.
    entries: Option<mpsc::Sender<Logged>>,
    clock: Clock,
    lost: u64,
    /// The calls that have begun and not ended, and whether they were answered.
    open: HashMap<CallId, bool>,
}

impl Log {
    pub(crate) fn new(clock: Clock) -> (Self, CallLog) {
        Self::with_room(WAITING, clock)
    }

    fn with_room(waiting: usize, clock: Clock) -> (Self, CallLog) {
        let (sender, entries) = mpsc::channel(waiting);
        let log = Self {
            entries: Some(sender),
            clock,
            lost: 0,
            open: HashMap::new(),
        };
        (log, CallLog { entries })
    }

    /// Of which nothing is ever read.
    pub(crate) fn off() -> (Self, CallLog) {
        let (mut log, reader) = Self::with_room(1, || (Instant::now(), 0));
        log.entries = None;
        (log, reader)
    }

    /// Whether it is worth to say anything.
    pub(crate) fn is_on(&self) -> bool {
        self.entries.is_some()
    }

    /// A call that goes on: that it has begun, and that somebody has answered, is written once each.
    pub(crate) fn call(&mut self, call: &Call) {
        if !self.is_on() {
            return;
        }
        let was_answered = self.open.insert(call.id, call.answered.is_some());
        if was_answered.is_none() {
            self.write(What::Began(Arc::new(call.clone())));
        }
        if was_answered != Some(true) && call.answered.is_some() {
            self.write(What::Answered(Arc::new(call.clone())));
        }
    }

    pub(crate) fn ended(&mut self, call: Arc<Call>) {
        self.open.remove(&call.id);
        self.write(What::Ended(call));
    }

    /// They go on, but nobody follows them any more.
    pub(crate) fn forget_calls(&mut self) {
        self.open.clear();
    }

    pub(crate) fn write(&mut self, what: What) {
        if self.entries.is_none() {
            return;
        }
        self.tell_lost();
        if self.lost > 0 || !self.put(what) {
            self.lost += 1;
        }
    }

    /// Entries that the engine itself could not keep.
    pub(crate) fn lost(&mut self, entries: u64) {
        if self.is_on() {
            self.lost += entries;
            self.tell_lost();
        }
    }

    /// Says what is missing, as soon as there is room for it.
    pub(crate) fn tell_lost(&mut self) {
        if self.lost > 0 && self.put(What::Lost(self.lost)) {
            self.lost = 0;
        }
    }

    /// Something is missing and nobody was told yet; resolves when there may be room to.
    pub(crate) fn room(&self) -> Option<impl Future<Output = ()> + use<>> {
        let entries = self.entries.clone().filter(|_| self.lost > 0)?;
        Some(async move {
            // Without a reader the next attempt to write finds that out.
            let _ = entries.reserve().await;
        })
    }

    fn put(&mut self, what: What) -> bool {
        let Some(entries) = &self.entries else {
            return true;
        };
        let (at, unix_ms) = (self.clock)();
        match entries.try_send(Logged { at, unix_ms, what }) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Closed(_)) => {
                self.entries = None;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (Log, CallLog) {
        Log::with_room(2, || (Instant::now(), 1_795_228_715_000))
    }

    fn alive(name: &str) -> What {
        What::Resynced {
            alive: vec![Uniqueid::from(name)],
        }
    }

    #[test]
    fn who_reads_late_learns_how_much_is_missing_and_where() {
        let (mut log, mut reader) = log();
        for name in ["1", "2", "3", "4"] {
            log.write(alive(name));
        }
        assert_eq!(reader.try_next().map(|entry| entry.what), Some(alive("1")));
        log.write(alive("5"));
        let rest = std::iter::from_fn(|| reader.try_next());
        let rest: Vec<_> = rest.map(|entry| entry.what).collect();
        assert_eq!(rest, [alive("2"), What::Lost(2)]);
        log.tell_lost();
        log.write(alive("6"));
        let rest = std::iter::from_fn(|| reader.try_next());
        let rest: Vec<_> = rest.map(|entry| entry.what).collect();
        assert_eq!(rest, [What::Lost(1), alive("6")]);
        log.lost(3);
        let last = reader.try_next().map(|entry| entry.what);
        assert_eq!(last, Some(What::Lost(3)));
    }

    #[tokio::test]
    async fn what_is_missing_is_told_without_anything_new() {
        let (mut log, mut reader) = log();
        assert!(log.room().is_none());
        for name in ["1", "2", "3"] {
            log.write(alive(name));
        }
        let room = log.room().unwrap();
        let _ = reader.next().await;
        room.await;
        log.tell_lost();
        let _ = reader.next().await;
        assert_eq!(
            reader.next().await.map(|entry| entry.what),
            Some(What::Lost(1))
        );
    }

    #[test]
    fn a_reader_who_has_gone_turns_it_off() {
        let (mut log, reader) = log();
        drop(reader);
        log.write(alive("1"));
        assert!(!log.is_on() && log.room().is_none());
    }
}
