//! Updates that wait for a slow reader: the newest of each thing, in the order in which the things first changed.

use crate::{CallId, DialId, OrderId, Update};
use std::collections::VecDeque;

/// What two updates have in common when the later one replaces the earlier.
#[derive(PartialEq)]
enum Subject<'a> {
    Connection,
    Phone,
    Call(CallId),
    Dial(&'a DialId),
    Order(&'a OrderId),
    Capabilities,
    WhoIs(u64),
    Tested(u64),
}

fn subject(update: &Update) -> Subject<'_> {
    match update {
        Update::Connection(_) => Subject::Connection,
        Update::Phone(_) => Subject::Phone,
        Update::Call(call) => Subject::Call(call.call),
        Update::Dial(dial) => Subject::Dial(&dial.dial),
        Update::Order { order, .. } => Subject::Order(order),
        Update::Capabilities(_) => Subject::Capabilities,
        Update::WhoIs { key, .. } => Subject::WhoIs(*key),
        Update::Tested { key, .. } => Subject::Tested(*key),
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Update>,
}

impl Outbox {
    /// Things that may wait for a reader who has stopped; the oldest goes first.
    const LIMIT: usize = 512;

    pub(crate) fn put(&mut self, update: Update) {
        let newest = subject(&update);
        if let Some(old) = self.waiting.iter_mut().find(|old| subject(old) == newest) {
            *old = update;
            return;
        }
        if self.waiting.len() == Self::LIMIT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(update);
    }

    pub(crate) fn take(&mut self) -> Option<Update> {
        self.waiting.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, People};

    #[test]
    fn a_later_update_takes_the_place_of_the_earlier() {
        let mut outbox = Outbox::default();
        let connection = |attempt| Update::Connection(Connection::Connecting { attempt });
        outbox.put(connection(1));
        outbox.put(Update::WhoIs {
            key: 1,
            people: People::Nobody,
        });
        outbox.put(connection(2));
        assert_eq!(outbox.take(), Some(connection(2)));
        assert_eq!(
            outbox.take(),
            Some(Update::WhoIs {
                key: 1,
                people: People::Nobody
            })
        );
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_reader_who_has_stopped_costs_bounded_memory() {
        let mut outbox = Outbox::default();
        for key in 0..10_000 {
            outbox.put(Update::WhoIs {
                key,
                people: People::Nobody,
            });
        }
        assert_eq!(outbox.waiting.len(), Outbox::LIMIT);
        assert!(matches!(
            outbox.waiting.back(),
            Some(Update::WhoIs { key: 9_999, .. })
        ));
    }
}
