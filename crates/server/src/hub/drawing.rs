//! Each thing drawn once for each kind of reader, and laid into the mailboxes of those who follow it.

use super::{ClientId, Hub};
use crate::mailbox::{Slot, Text};
use presence::{Now, Sight, Thing};
use std::collections::{BTreeMap, HashMap};
use wire::{Fact, Names};

/// Numbers for things that are followed, and what they look like now.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    next: Slot,
    things: BTreeMap<(usize, Thing), Slot>,
    drawn: HashMap<Slot, [Option<Text>; 3]>,
    missed: BTreeMap<String, Slot>,
}

impl Slots {
    /// A number that no other thing has had. After 4 billion things they begin again, long after the first are gone.
    pub(super) fn fresh(&mut self) -> Slot {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn of(&mut self, pbx: usize, thing: &Thing) -> Slot {
        if let Some(slot) = self.things.get(&(pbx, thing.clone())) {
            return *slot;
        }
        let slot = self.fresh();
        self.things.insert((pbx, thing.clone()), slot);
        slot
    }

    fn of_missed(&mut self, item: &str) -> Slot {
        if let Some(slot) = self.missed.get(item) {
            return *slot;
        }
        let slot = self.fresh();
        self.missed.insert(item.to_owned(), slot);
        slot
    }
}

fn place(sight: Sight) -> usize {
    match sight {
        Sight::Lamps => 0,
        Sight::Masked => 1,
        Sight::All => 2,
    }
}

/// A fact as the text that goes out.
pub(super) fn text(fact: &Fact) -> Text {
    // Facts hold texts and numbers: they cannot fail to be JSON.
    serde_json::to_string(fact).unwrap_or_default().into()
}

impl Hub {
    /// Draws what has changed since the last time.
    pub(super) fn draw(&mut self, now: Now) {
        for pbx in 0..self.pbxs.len() {
            while let Some(thing) = self.pbxs[pbx].board.poll() {
                self.draw_thing(pbx, &thing, now);
            }
        }
    }

    fn draw_thing(&mut self, pbx: usize, thing: &Thing, now: Now) {
        let slot = self.slots.of(pbx, thing);
        self.slots.drawn.remove(&slot);
        let key = self.pbxs[pbx].board.key(thing);
        for client in self.clients.followers(thing, &key) {
            let sight = self.sight_of(client, pbx, thing);
            let text = self.drawn(pbx, thing, slot, sight, now);
            self.clients.put(client, slot, text);
        }
        let is_gone = match self.pbxs[pbx].board.fact(thing, Sight::Lamps, now) {
            Fact::Extension { value, .. } => value.is_none(),
            Fact::Queue { value, .. } => value.is_none(),
            Fact::Parked { value, .. } => value.is_none(),
            Fact::Pbx { .. }
            | Fact::Me { .. }
            | Fact::Phone { .. }
            | Fact::Call { .. }
            | Fact::Dial { .. }
            | Fact::Missed { .. } => false,
        };
        if is_gone {
            self.slots.things.remove(&(pbx, thing.clone()));
            self.slots.drawn.remove(&slot);
        }
    }

    fn drawn(&mut self, pbx: usize, thing: &Thing, slot: Slot, sight: Sight, now: Now) -> Text {
        let drawn = self.slots.drawn.entry(slot).or_default();
        let board = &self.pbxs[pbx].board;
        drawn[place(sight)]
            .get_or_insert_with(|| text(&board.fact(thing, sight, now)))
            .clone()
    }

    fn sight_of(&self, client: ClientId, pbx: usize, thing: &Thing) -> Sight {
        let Some(client) = self.clients.get(client) else {
            return Sight::Lamps;
        };
        let colleague = match thing {
            // Looked for only where it matters: this is done for each that is told.
            Thing::Extension(name) if !client.person.policy.see_groups.is_empty() => {
                self.pbxs[pbx].board.colleague(name)
            }
            Thing::Extension(_) | Thing::Pbx | Thing::Queue(_) | Thing::Parked(..) => None,
        };
        super::sight(&client.rights, &client.person, colleague)
    }

    /// Everything that somebody follows besides his own.
    pub(super) fn followed(
        &mut self,
        interest: &wire::Interest,
        sight: impl Fn(&Self, usize, &Thing) -> Sight,
        now: Now,
    ) -> Vec<(Slot, Text)> {
        let mut facts = Vec::new();
        for pbx in 0..self.pbxs.len() {
            for thing in self.wanted(pbx, interest) {
                let slot = self.slots.of(pbx, &thing);
                let sight = sight(self, pbx, &thing);
                facts.push((slot, self.drawn(pbx, &thing, slot, sight, now)));
            }
        }
        facts
    }

    /// What of a phone system somebody follows. Who follows some lamps does not pay for all of them.
    fn wanted(&self, pbx: usize, interest: &wire::Interest) -> Vec<Thing> {
        let board = &self.pbxs[pbx].board;
        let mut wanted: Vec<Thing> = match &interest.extensions {
            Names::None => Vec::new(),
            Names::All => board.extensions().collect(),
            Names::These(keys) => keys
                .iter()
                .filter_map(|key| board.extension_of_key(key))
                .collect(),
        };
        wanted.extend(
            board
                .things_besides_extensions()
                .filter(|thing| match thing {
                    Thing::Pbx | Thing::Extension(_) => true,
                    Thing::Queue(_) => interest.queues.contains(&board.key(thing)),
                    Thing::Parked(..) => interest.parked,
                }),
        );
        wanted
    }

    pub(super) fn followed_by(&mut self, client: ClientId, now: Now) -> Vec<(Slot, Text)> {
        let Some(known) = self.clients.get(client) else {
            return Vec::new();
        };
        let interest = known.interest.clone();
        let sees_numbers = known.rights.see_numbers;
        let mut facts = self.followed(
            &interest,
            |hub, pbx, thing| hub.sight_of(client, pbx, thing),
            now,
        );
        if interest.missed {
            facts.extend(self.missed_items(sees_numbers));
        }
        facts
    }

    // The board of missed calls.

    fn missed_items(&mut self, sees_numbers: bool) -> Vec<(Slot, Text)> {
        let items: Vec<_> = self.missed.values().cloned().collect();
        items
            .into_iter()
            .map(|item| {
                let slot = self.slots.of_missed(&item.item);
                (slot, missed_text(&item, sees_numbers))
            })
            .collect()
    }

    /// Items that are new, counted up, closed or gone.
    pub(super) fn board_changed(&mut self, items: Vec<(String, Option<wire::MissedCall>)>) {
        for (name, item) in items {
            let Some(item) = item else {
                self.forget_missed(&name);
                continue;
            };
            let slot = self.slots.of_missed(&name);
            for client in self.clients.missed_followers() {
                if let Some(known) = self.clients.get(client) {
                    let text = missed_text(&item, known.rights.see_numbers);
                    self.clients.put(client, slot, text);
                }
            }
            self.missed.insert(name, item);
        }
        self.forget_closed();
    }

    fn forget_missed(&mut self, name: &str) {
        self.missed.remove(name);
        let Some(slot) = self.slots.missed.remove(name) else {
            return;
        };
        let gone = text(&Fact::Missed {
            key: name.to_owned(),
            value: None,
        });
        for client in self.clients.missed_followers() {
            self.clients.put(client, slot, gone.clone());
        }
    }

    /// Closed items stay for a while, so that people see who has called back.
    fn forget_closed(&mut self) {
        const CLOSED: usize = 100;
        let mut closed: Vec<_> = self
            .missed
            .values()
            .filter_map(|item| Some((item.closed_at?, item.item.clone())))
            .collect();
        closed.sort_unstable();
        let too_many = closed.len().saturating_sub(CLOSED);
        for (_, item) in closed.into_iter().take(too_many) {
            self.forget_missed(&item);
        }
    }
}

fn missed_text(item: &wire::MissedCall, sees_numbers: bool) -> Text {
    let mut item = item.clone();
    if !sees_numbers {
        item.party.number = item.party.number.as_deref().map(phone_number::masked);
        item.call_back = None;
    }
    text(&Fact::Missed {
        key: item.item.clone(),
        value: Some(item),
    })
}
