//! What is somebody's own: phone, calls and dials.

use super::{ClientId, Hub, LiveCall, Person, drawing::text};
use crate::{
    convert,
    mailbox::{Slot, Text},
    policy::Pace,
};
use engine::{Command, DeskId, Update};
use presence::{Colleague, Now};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{Fact, Progress};

/// A call that is over is shown this long.
const CALL_STAYS: Duration = Duration::from_secs(10);
const DIAL_STAYS: Duration = Duration::from_secs(120);
/// Dials of one person that are remembered for their words.
const DISPLAYS: usize = 64;

/// One person's own.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) clients: BTreeSet<ClientId>,
    pub(super) desk: Option<(usize, DeskId)>,
    pub(super) pace: Pace,
    phone: Option<(Slot, wire::Phone)>,
    calls: BTreeMap<String, Kept>,
    dials: BTreeMap<String, Kept>,
    /// How numbers that were dialled read, by dial; the newest last.
    displays: VecDeque<(String, String)>,
    me: Option<Slot>,
}

#[derive(Debug)]
struct Kept {
    slot: Slot,
    text: Text,
    /// Of a call.
    live: Option<LiveCall>,
    /// Over; not shown from then on.
    gone_at: Option<Instant>,
}

impl Own {
    /// Dials that go on.
    pub(super) fn running(&self) -> usize {
        self.dials
            .values()
            .filter(|dial| dial.gone_at.is_none())
            .count()
    }

    pub(super) fn has_dialled(&self, id: &str) -> bool {
        self.display(id).is_some()
    }

    /// A call that is shown to him.
    pub(super) fn live_call(&self, id: &str) -> Option<&LiveCall> {
        self.calls.get(id)?.live.as_ref()
    }

    fn display(&self, id: &str) -> Option<&str> {
        let mut displays = self.displays.iter();
        let found = displays.find(|(dial, _)| dial == id);
        found.map(|(_, display)| display.as_str())
    }

    pub(super) fn dialled(&mut self, id: &str, display: String) {
        if self.displays.len() >= DISPLAYS {
            self.displays.pop_front();
        }
        self.displays.push_back((id.to_owned(), display));
    }
}

impl Hub {
    /// An update of an engine for one desk.
    pub(super) fn desk_update(&mut self, pbx: usize, desk: DeskId, update: Update, now: Now) {
        match update {
            Update::Capabilities(capabilities) => self.capabilities(pbx, &capabilities, now),
            Update::Order { order, outcome } => {
                self.ordered(pbx, desk, &order, &convert::outcome(outcome));
            }
            Update::Phone(phone) => self.own_phone(pbx, desk, convert::phone(phone)),
            Update::Call(call) => {
                let call = convert::call(&call, now);
                self.own_call(pbx, desk, call, now);
            }
            Update::Dial(dial) => self.own_dial(pbx, desk, &dial, now),
            Update::WhoIs { .. } | Update::Connection(_) | Update::Tested { .. } => {}
        }
    }

    fn capabilities(&mut self, pbx: usize, capabilities: &engine::Capabilities, now: Now) {
        self.pbxs[pbx].excess.clone_from(&capabilities.excess);
        let lacking = convert::lacking(capabilities);
        // After every login; mostly nothing has changed, and then nobody needs a snapshot.
        if self.pbxs[pbx].lacking == lacking {
            return;
        }
        self.pbxs[pbx].lacking = lacking;
        let people: Vec<Arc<Person>> = self.people.values().cloned().collect();
        for person in people {
            if self.pbx_of(&person) == Some(pbx) {
                self.person_changed(&person, now);
            }
        }
    }

    fn owner(&self, pbx: usize, desk: DeskId) -> Option<Arc<str>> {
        self.desks.get(&(pbx, desk)).cloned()
    }

    fn own_phone(&mut self, pbx: usize, desk: DeskId, phone: wire::Phone) {
        let Some(person) = self.owner(pbx, desk) else {
            return;
        };
        let own = self.own.entry(person).or_default();
        let slot = match own.phone {
            Some((slot, _)) => slot,
            None => self.slots.fresh(),
        };
        own.phone = Some((slot, phone));
        let fact = text(&Fact::Phone { value: phone });
        for client in &own.clients {
            self.clients.put(*client, slot, fact.clone());
        }
    }

    fn own_call(&mut self, pbx: usize, desk: DeskId, call: wire::Call, now: Now) {
        let Some(person) = self.owner(pbx, desk) else {
            return;
        };
        let gone_at = call.ended.map(|_| now.instant + CALL_STAYS);
        let key = call.id.clone();
        let live = Some(self.live_call(pbx, &call));
        let fact = Fact::Call {
            key: key.clone(),
            value: Some(call),
        };
        let own = self.own.entry(person).or_default();
        let slot = own.calls.get(&key).map(|kept| kept.slot);
        let slot = slot.unwrap_or_else(|| self.slots.fresh());
        let text = text(&fact);
        for client in &own.clients {
            self.clients.put(*client, slot, text.clone());
        }
        own.calls.insert(
            key,
            Kept {
                slot,
                text,
                live,
                gone_at,
            },
        );
    }

    fn own_dial(&mut self, pbx: usize, desk: DeskId, dial: &engine::DialUpdate, now: Now) {
        let Some(person) = self.owner(pbx, desk) else {
            return;
        };
        let own = self.own.entry(person).or_default();
        let key = dial.dial.to_string();
        let display = own.display(&key).unwrap_or_default().to_owned();
        let dial = convert::dial(dial, &display, now);
        let is_over = matches!(dial.progress, Progress::Ended { .. });
        let gone_at = is_over.then(|| now.instant + DIAL_STAYS);
        let fact = Fact::Dial {
            key: key.clone(),
            value: Some(dial),
        };
        let slot = own.dials.get(&key).map(|kept| kept.slot);
        let slot = slot.unwrap_or_else(|| self.slots.fresh());
        let text = text(&fact);
        for client in &own.clients {
            self.clients.put(*client, slot, text.clone());
        }
        own.dials.insert(
            key,
            Kept {
                slot,
                text,
                live: None,
                gone_at,
            },
        );
    }

    /// Takes away what is over for a while.
    pub(super) fn forget_own(&mut self, now: Now) {
        for own in self.own.values_mut() {
            let due = |kept: &Kept| kept.gone_at.is_some_and(|at| at <= now.instant);
            let gone = |value: &BTreeMap<String, Kept>| {
                let due = value.iter().filter(|(_, kept)| due(kept));
                due.map(|(key, kept)| (key.clone(), kept.slot))
                    .collect::<Vec<_>>()
            };
            for (key, slot) in gone(&own.calls) {
                own.calls.remove(&key);
                let text = text(&Fact::Call { key, value: None });
                own.clients
                    .iter()
                    .for_each(|client| self.clients.put(*client, slot, text.clone()));
            }
            for (key, slot) in gone(&own.dials) {
                own.dials.remove(&key);
                let text = text(&Fact::Dial { key, value: None });
                own.clients
                    .iter()
                    .for_each(|client| self.clients.put(*client, slot, text.clone()));
            }
        }
    }

    /// Person, phone, calls and dials.
    pub(super) fn own_facts(&mut self, person: &Person) -> Vec<(Slot, Text)> {
        let me = text(&Fact::Me {
            value: self.me(person),
        });
        let own = self.own.entry(person.id.clone()).or_default();
        let slot = *own.me.get_or_insert_with(|| self.slots.fresh());
        let mut facts = vec![(slot, me)];
        if let Some((slot, phone)) = own.phone {
            facts.push((slot, text(&Fact::Phone { value: phone })));
        }
        let kept = own.calls.values().chain(own.dials.values());
        facts.extend(kept.map(|kept| (kept.slot, kept.text.clone())));
        facts
    }

    // Who sits where.

    /// Takes everybody who works here; whoever is not among them is gone.
    pub(super) fn take_people(&mut self, people: Vec<Person>, now: Now) {
        let new: BTreeMap<Arc<str>, Arc<Person>> = people
            .into_iter()
            .map(|person| (person.id.clone(), Arc::new(person)))
            .collect();
        let old = std::mem::replace(&mut self.people, new.clone());
        for (id, person) in &old {
            if !new.contains_key(id) {
                let gone = Arc::new(Person {
                    disabled: true,
                    extension: None,
                    ..Person::clone(person)
                });
                self.seat(&gone);
                self.person_changed(&gone, now);
            }
        }
        let changed = new
            .values()
            .filter(|person| old.get(&person.id) != Some(person));
        for person in changed {
            self.seat(person);
            self.person_changed(person, now);
        }
        self.name_colleagues(now);
    }

    /// Gives somebody a desk at his phone system, or takes it away.
    fn seat(&mut self, person: &Person) {
        let pbx = self.pbx_of(person).filter(|_| !person.disabled);
        let seat = pbx.and_then(|pbx| Some((pbx, self.pbxs[pbx].config.desk(person)?)));
        let old = self.own.entry(person.id.clone()).or_default().desk;
        if let Some((pbx, desk)) = old
            && seat.as_ref().is_none_or(|(new, _)| *new != pbx)
        {
            let _ = self.pbxs[pbx].engine.send_at(desk, Command::Seat(None));
            self.desks.remove(&(pbx, desk));
            let own = self.own.entry(person.id.clone()).or_default();
            *own = Own {
                clients: std::mem::take(&mut own.clients),
                ..Own::default()
            };
        }
        let Some((pbx, settings)) = seat else { return };
        let desk = match old {
            Some((old, desk)) if old == pbx => desk,
            Some(_) | None => {
                self.next_desk += 1;
                DeskId(self.next_desk)
            }
        };
        self.desks.insert((pbx, desk), person.id.clone());
        self.own.entry(person.id.clone()).or_default().desk = Some((pbx, desk));
        let command = Command::Seat(Some(Box::new(settings)));
        if self.pbxs[pbx].engine.send_at(desk, command).is_err() {
            tracing::error!(pbx = %self.pbxs[pbx].name, "the engine takes no more desks");
        }
    }

    fn name_colleagues(&mut self, now: Now) {
        for pbx in 0..self.pbxs.len() {
            let colleagues = self
                .people
                .values()
                .filter(|person| !person.disabled && self.pbx_of(person) == Some(pbx))
                .filter_map(|person| {
                    let colleague = Colleague {
                        name: person.name.clone(),
                        groups: person.groups.clone(),
                    };
                    Some((Box::from(person.extension.as_deref()?), colleague))
                })
                .collect();
            self.pbxs[pbx].board.set_colleagues(colleagues, now);
        }
    }
}
