//! What waits for one client: the newest of each thing, never a queue of changes.
//!
//! The hub lays facts in without waiting; the client's task takes them out when its socket takes more. A client that
//! does not read costs one entry for each thing that it follows, whatever happens meanwhile, and the texts are shared.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use wire::Failure;

/// Answers that may wait. A client gets one for each request; more is one that does not read.
const ANSWERS: usize = 256;

/// Names a followed thing for as long as the server runs.
pub(crate) type Slot = u32;

/// A fact as JSON, shared by all who get it.
pub(crate) type Text = Arc<str>;

/// Both ends hold it; locked for as long as something is laid in or taken out, never across an await.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    news: Notify,
}

/// What a client has to be told.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Everything that the client had is void: what is here is all there is.
    pub(crate) from_nothing: bool,
    /// The first ones of a snapshot belong into one message.
    pub(crate) first: usize,
    pub(crate) facts: Facts,
    /// Ready messages: answers.
    pub(crate) answers: VecDeque<Text>,
    /// The line ends with this.
    pub(crate) goodbye: Option<Failure>,
}

/// The newest text of each slot, in the order of their first change.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    order: Vec<(Slot, Text)>,
    /// Only for many: where each is.
    places: HashMap<Slot, usize, std::hash::BuildHasherDefault<SlotHasher>>,
}

/// Up to here a scan is quicker than a map, and needs none.
const FEW: usize = 16;

impl Facts {
    pub(crate) fn put(&mut self, slot: Slot, text: Text) {
        let place = if self.order.len() <= FEW {
            self.order.iter().position(|(known, _)| *known == slot)
        } else {
            self.places.get(&slot).copied()
        };
        if let Some(place) = place {
            self.order[place].1 = text;
            return;
        }
        self.order.push((slot, text));
        if self.order.len() == FEW + 1 {
            let places = self.order.iter().enumerate();
            self.places = places.map(|(place, (slot, _))| (*slot, place)).collect();
        } else if self.order.len() > FEW {
            self.places.insert(slot, self.order.len() - 1);
        }
    }

    pub(crate) fn into_texts(self) -> Vec<Text> {
        self.order.into_iter().map(|(_, text)| text).collect()
    }
}

/// Slots are small numbers already.
#[derive(Debug, Default)]
pub(crate) struct SlotHasher(u64);

impl std::hash::Hasher for SlotHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u32(&mut self, slot: u32) {
        self.0 = u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Mailbox {
    /// The newest of one thing.
    pub(crate) fn put(&self, slot: Slot, text: Text) {
        self.lock().facts.put(slot, text);
        self.news.notify_one();
    }

    /// Everything, in the place of what the client has; the `first` of it in one message.
    pub(crate) fn snapshot(&self, facts: impl IntoIterator<Item = (Slot, Text)>, first: usize) {
        let mut waiting = self.lock();
        waiting.facts = Facts::default();
        waiting.from_nothing = true;
        waiting.first = first;
        for (slot, text) in facts {
            waiting.facts.put(slot, text);
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// False when the client reads none of its answers.
    pub(crate) fn answer(&self, text: Text) -> bool {
        let mut waiting = self.lock();
        let has_room = waiting.answers.len() < ANSWERS;
        if has_room {
            waiting.answers.push_back(text);
        }
        drop(waiting);
        self.news.notify_one();
        has_room
    }

    /// Ends the line.
    pub(crate) fn goodbye(&self, why: Failure) {
        self.lock().goodbye.get_or_insert(why);
        self.news.notify_one();
    }

    /// Waits until there is something to take.
    pub(crate) async fn ready(&self) {
        self.news.notified().await;
    }

    pub(crate) fn take(&self) -> Waiting {
        std::mem::take(&mut *self.lock())
    }

    /// Whoever panicked had only laid something in.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u32) -> Text {
        number.to_string().into()
    }

    #[test]
    fn who_does_not_read_costs_an_entry_a_thing() {
        let mailbox = Mailbox::default();
        for round in 0..1_000 {
            for slot in 0..40 {
                mailbox.put(slot, text(round));
            }
        }
        let texts = mailbox.take().facts.into_texts();
        assert_eq!(texts.len(), 40);
        assert!(texts.iter().all(|text| &**text == "999"));
        assert_eq!(mailbox.take().facts.into_texts().len(), 0);
    }

    #[test]
    fn a_snapshot_voids_what_waited_before_it() {
        let mailbox = Mailbox::default();
        mailbox.put(1, text(1));
        mailbox.snapshot([(2, text(2)), (3, text(3))], 1);
        mailbox.put(3, text(4));
        let waiting = mailbox.take();
        assert!(waiting.from_nothing);
        let texts: Vec<_> = waiting.facts.into_texts();
        assert_eq!(texts, [text(2), text(4)]);
    }

    #[test]
    fn answers_that_nobody_reads_are_bounded() {
        let mailbox = Mailbox::default();
        let taken = (0..10_000).take_while(|n| mailbox.answer(text(*n))).count();
        assert_eq!(taken, ANSWERS);
    }
}
