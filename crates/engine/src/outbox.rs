//! Updates that wait for a slow reader: the newest of each thing, in the order in which the things first changed.

use crate::{CallId, DeskId, DialId, OrderId, Update};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What two updates of a desk have in common when the later one replaces the earlier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Connection,
    Phone,
    Call(CallId),
    Dial(DialId),
    Order(OrderId),
    Capabilities,
    WhoIs(u64),
    Tested(u64),
}

fn subject(update: &Update) -> Subject {
    match update {
        Update::Connection(_) => Subject::Connection,
        Update::Phone(_) => Subject::Phone,
        Update::Call(call) => Subject::Call(call.call),
        Update::Dial(dial) => Subject::Dial(dial.dial.clone()),
        Update::Order { order, .. } => Subject::Order(order.clone()),
        Update::Capabilities(_) => Subject::Capabilities,
        Update::WhoIs { key, .. } => Subject::WhoIs(*key),
        Update::Tested { key, .. } => Subject::Tested(*key),
    }
}

/// Things that may wait for a reader who has stopped, besides [`A_DESK`] for each desk.
const LIMIT: usize = 512;
/// What a person's calls come to, with some to spare.
const A_DESK: usize = 16;

/// When a thing first changed: a count.
type Turn = u64;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: BTreeMap<Turn, (DeskId, Update)>,
    turns: HashMap<(DeskId, Subject), Turn>,
    of_desk: HashMap<DeskId, BTreeSet<Turn>>,
    /// Every desk of which something waits, by how much that is.
    by_size: BTreeSet<(usize, DeskId)>,
    next: Turn,
    /// How many desks there are.
    desks: usize,
}

impl Outbox {
    /// The more desks there are, the more may wait.
    pub(crate) fn set_desks(&mut self, desks: usize) {
        self.desks = desks;
    }

    /// When there is no room, the oldest of the desk goes that has the most waiting: whoever makes much noise loses his
    /// own news and nobody else's.
    pub(crate) fn put(&mut self, desk: DeskId, update: Update) {
        let key = (desk, subject(&update));
        if let Some(waiting) = self
            .turns
            .get(&key)
            .and_then(|turn| self.waiting.get_mut(turn))
        {
            waiting.1 = update;
            return;
        }
        while self.waiting.len() >= self.limit()
            && let Some((_, noisiest)) = self.by_size.last().copied()
        {
            let oldest = self
                .of_desk
                .get(&noisiest)
                .and_then(BTreeSet::first)
                .copied();
            let Some(oldest) = oldest else { break };
            self.remove(oldest);
        }
        self.turns.insert(key, self.next);
        self.waiting.insert(self.next, (desk, update));
        self.change(desk, |turns, next| turns.insert(next));
        self.next += 1;
    }

    pub(crate) fn take(&mut self) -> Option<(DeskId, Update)> {
        let first = *self.waiting.first_key_value()?.0;
        self.remove(first)
    }

    /// There is no such desk any more.
    pub(crate) fn forget(&mut self, desk: DeskId) {
        let turns = self.of_desk.get(&desk).cloned().unwrap_or_default();
        for turn in turns {
            self.remove(turn);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn limit(&self) -> usize {
        LIMIT + A_DESK * self.desks
    }

    fn remove(&mut self, turn: Turn) -> Option<(DeskId, Update)> {
        let (desk, update) = self.waiting.remove(&turn)?;
        self.turns.remove(&(desk, subject(&update)));
        self.change(desk, |turns, _| turns.remove(&turn));
        Some((desk, update))
    }

    fn change(&mut self, desk: DeskId, change: impl FnOnce(&mut BTreeSet<Turn>, Turn) -> bool) {
        let turns = self.of_desk.entry(desk).or_default();
        self.by_size.remove(&(turns.len(), desk));
        change(turns, self.next);
        if turns.is_empty() {
            self.of_desk.remove(&desk);
        } else {
            self.by_size.insert((turns.len(), desk));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, People};

    const OWN: DeskId = DeskId::OWN;

    #[test]
    fn a_later_update_takes_the_place_of_the_earlier() {
        let mut outbox = Outbox::default();
        let connection = |attempt| Update::Connection(Connection::Connecting { attempt });
        outbox.put(OWN, connection(1));
        outbox.put(OWN, who_is(1));
        outbox.put(OWN, connection(2));
        assert_eq!(outbox.take(), Some((OWN, connection(2))));
        assert_eq!(outbox.take(), Some((OWN, who_is(1))));
        assert!(outbox.is_empty());
    }

    #[test]
    fn the_same_thing_of_two_desks_is_two_things() {
        let mut outbox = Outbox::default();
        let (anna, bert) = (DeskId(1), DeskId(2));
        outbox.put(anna, who_is(7));
        outbox.put(bert, who_is(7));
        assert_eq!(outbox.take(), Some((anna, who_is(7))));
        outbox.forget(bert);
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn a_reader_who_has_stopped_costs_bounded_memory() {
        let mut outbox = Outbox::default();
        outbox.set_desks(10);
        for key in 0..10_000 {
            outbox.put(OWN, who_is(key));
        }
        let limit = LIMIT + 10 * A_DESK;
        assert_eq!((outbox.waiting.len(), outbox.turns.len()), (limit, limit));
        let last = outbox.waiting.last_key_value();
        assert!(matches!(
            last,
            Some((_, (_, Update::WhoIs { key: 9_999, .. })))
        ));
    }

    #[test]
    fn a_noisy_desk_loses_its_own_news_and_nobody_elses() {
        let mut outbox = Outbox::default();
        outbox.set_desks(2);
        let (quiet, noisy) = (DeskId(1), DeskId(2));
        outbox.put(quiet, who_is(1));
        for key in 0..10_000 {
            outbox.put(noisy, who_is(key));
        }
        assert_eq!(outbox.take(), Some((quiet, who_is(1))));
        while outbox.take().is_some() {}
        assert!(outbox.turns.is_empty() && outbox.of_desk.is_empty() && outbox.by_size.is_empty());
    }

    fn who_is(key: u64) -> Update {
        Update::WhoIs {
            key,
            people: People::Nobody,
        }
    }
}
