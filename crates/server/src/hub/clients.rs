//! Who is connected, and who follows what.

use super::{Ask, ClientId, Hub, Joined, Newcomer, Person, ask::Asker};
use crate::mailbox::{Mailbox, Slot, Text};
use presence::{Now, Thing};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use wire::{Answer, ErrorCode, Failure, Interest, Names, Rights, ServerMessage};

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) person: Arc<Person>,
    pub(super) rights: Rights,
    pub(super) device: Arc<str>,
    pub(super) interest: Interest,
    mailbox: Arc<Mailbox>,
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    next: u64,
    clients: HashMap<ClientId, Client>,
    extensions: Followers,
    queues: Followers,
    parked: BTreeSet<ClientId>,
    missed: BTreeSet<ClientId>,
}

/// Who follows all of a kind, and who follows some by key.
#[derive(Debug, Default)]
struct Followers {
    all: BTreeSet<ClientId>,
    by_key: HashMap<Box<str>, BTreeSet<ClientId>>,
}

impl Followers {
    fn add(&mut self, client: ClientId, names: &Names) {
        match names {
            Names::None => {}
            Names::All => {
                self.all.insert(client);
            }
            Names::These(names) => {
                for name in names {
                    self.by_key
                        .entry(name.as_str().into())
                        .or_default()
                        .insert(client);
                }
            }
        }
    }

    fn remove(&mut self, client: ClientId, names: &Names) {
        self.all.remove(&client);
        let Names::These(names) = names else { return };
        for name in names {
            if let Some(clients) = self.by_key.get_mut(name.as_str()) {
                clients.remove(&client);
                if clients.is_empty() {
                    self.by_key.remove(name.as_str());
                }
            }
        }
    }

    fn of(&self, key: &str) -> impl Iterator<Item = ClientId> {
        let named = self.by_key.get(key).into_iter().flatten();
        self.all.iter().chain(named).copied()
    }
}

impl Clients {
    pub(super) fn get(&self, client: ClientId) -> Option<&Client> {
        self.clients.get(&client)
    }

    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        self.clients.iter().map(|(id, client)| (*id, client))
    }

    /// Who gets this, besides those who get it always.
    pub(super) fn followers(&self, thing: &Thing, key: &str) -> Vec<ClientId> {
        match thing {
            Thing::Pbx => self.clients.keys().copied().collect(),
            Thing::Extension(_) => self.extensions.of(key).collect(),
            Thing::Queue(_) => self.queues.of(key).collect(),
            Thing::Parked(..) => self.parked.iter().copied().collect(),
        }
    }

    pub(super) fn missed_followers(&self) -> Vec<ClientId> {
        self.missed.iter().copied().collect()
    }

    pub(super) fn put(&self, client: ClientId, slot: Slot, text: Text) {
        if let Some(client) = self.clients.get(&client) {
            client.mailbox.put(slot, text);
        }
    }

    fn insert(&mut self, client: Client) -> ClientId {
        self.next += 1;
        let id = ClientId(self.next);
        self.follow(id, &client.interest);
        self.clients.insert(id, client);
        id
    }

    fn follow(&mut self, id: ClientId, interest: &Interest) {
        self.extensions.add(id, &interest.extensions);
        self.queues.add(id, &interest.queues);
        if interest.parked {
            self.parked.insert(id);
        }
        if interest.missed {
            self.missed.insert(id);
        }
    }

    fn unfollow(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get(&id) {
            self.extensions.remove(id, &client.interest.extensions);
            self.queues.remove(id, &client.interest.queues);
        }
        self.parked.remove(&id);
        self.missed.remove(&id);
    }

    fn remove(&mut self, id: ClientId) -> Option<Client> {
        self.unfollow(id);
        self.clients.remove(&id)
    }
}

impl Hub {
    pub(super) fn join(&mut self, newcomer: Newcomer, now: Now) -> Result<Joined, Failure> {
        let person = self.people.get(&newcomer.person).cloned();
        let person = person
            .filter(|person| !person.disabled)
            .ok_or_else(unknown)?;
        let rights = without_words(self.rights_of(&person));
        let me = self.me(&person);
        let id = self.clients.insert(Client {
            person: person.clone(),
            rights,
            device: newcomer.device,
            interest: newcomer.interest,
            mailbox: newcomer.mailbox,
        });
        self.own
            .entry(person.id.clone())
            .or_default()
            .clients
            .insert(id);
        self.snapshot(id, now);
        Ok(Joined {
            client: id,
            me,
            now: now.unix_ms,
        })
    }

    pub(super) fn follow(&mut self, id: ClientId, interest: &Interest, now: Now) {
        self.clients.unfollow(id);
        if let Some(client) = self.clients.clients.get_mut(&id) {
            client.interest = interest.clone();
            self.clients.follow(id, interest);
            self.snapshot(id, now);
        }
    }

    /// One's own first, so that it is whole in the first message.
    pub(super) fn snapshot(&mut self, id: ClientId, now: Now) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let (person, mailbox) = (client.person.clone(), client.mailbox.clone());
        let mut facts = self.own_facts(&person);
        let followed = self.followed_by(id, now);
        let is_line = |(_, text): &&(Slot, Text)| text.starts_with("{\"fact\":\"pbx\"");
        facts.extend(followed.iter().filter(is_line).cloned());
        let first = facts.len();
        facts.extend(followed);
        mailbox.snapshot(facts, first);
    }

    pub(super) fn leave(&mut self, id: ClientId) {
        if let Some(client) = self.clients.remove(id)
            && let Some(own) = self.own.get_mut(&client.person.id)
        {
            own.clients.remove(&id);
        }
    }

    /// Ends every line of a device at once.
    pub(super) fn cut(&mut self, device: &str, why: &Failure) {
        let cut: Vec<ClientId> = self
            .clients
            .iter()
            .filter(|(_, client)| &*client.device == device)
            .map(|(id, _)| id)
            .collect();
        for id in cut {
            if let Some(client) = self.clients.get(id) {
                client.mailbox.goodbye(why.clone());
            }
            self.leave(id);
        }
    }

    pub(super) fn end(&mut self) {
        let why = Failure {
            retry_after_ms: Some(500),
            ..Failure::new(ErrorCode::Busy, "The server ends and is back in a moment.")
        };
        for (_, client) in self.clients.iter() {
            client.mailbox.goodbye(why.clone());
        }
    }

    pub(super) fn answer(&mut self, asker: Asker, answer: Answer) {
        match asker {
            Asker::Rest(waiting) => drop(waiting.send(answer)),
            Asker::Client { client, id } => {
                let message = ServerMessage::Reply { id, answer };
                let text: Text = serde_json::to_string(&message).unwrap_or_default().into();
                let Some(known) = self.clients.get(client) else {
                    return;
                };
                if !known.mailbox.answer(text) {
                    let words = "Answers were not read for too long.";
                    known
                        .mailbox
                        .goodbye(Failure::new(ErrorCode::TooSlow, words));
                }
            }
        }
    }

    /// Somebody's rights have changed: his clients see everything anew, or nothing any more.
    pub(super) fn person_changed(&mut self, person: &Arc<Person>, now: Now) {
        let rights = without_words(self.rights_of(person));
        let clients: Vec<ClientId> = match self.own.get(&person.id) {
            Some(own) => own.clients.iter().copied().collect(),
            None => return,
        };
        for id in clients {
            if person.disabled {
                if let Some(client) = self.clients.get(id) {
                    client.mailbox.goodbye(unknown());
                }
                self.leave(id);
                continue;
            }
            if let Some(client) = self.clients.clients.get_mut(&id) {
                client.person = person.clone();
                client.rights = rights.clone();
            }
            self.snapshot(id, now);
        }
    }

    /// Whoever reads a mailbox holds it; one that only the hub holds has no reader any more, whatever became of his leave.
    pub(super) fn leave_behind(&mut self) {
        let gone: Vec<ClientId> = self
            .clients
            .iter()
            .filter(|(_, client)| Arc::strong_count(&client.mailbox) == 1)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.leave(id);
        }
    }

    pub(super) fn online(&self) -> BTreeSet<Arc<str>> {
        self.clients
            .iter()
            .map(|(_, client)| client.device.clone())
            .collect()
    }

    pub(super) fn ask_client(&mut self, ask: Ask, now: Now) {
        match ask {
            Ask::Join(newcomer, answer) => {
                let joined = self.join(*newcomer, now);
                if let Err(unsent) = answer.send(joined)
                    && let Ok(joined) = unsent
                {
                    self.leave(joined.client);
                }
            }
            Ask::Follow(client, interest) => self.follow(client, &interest, now),
            Ask::Resync(client) => {
                self.counters.resynced();
                self.snapshot(client, now);
            }
            Ask::Leave(client) => self.leave(client),
            Ask::Cut { device, why } => self.cut(&device, &why),
            Ask::Wish { .. }
            | Ask::Me(..)
            | Ask::Facts(..)
            | Ask::Health(_)
            | Ask::People(_)
            | Ask::Board(_)
            | Ask::Done(..)
            | Ask::End => {}
        }
    }
}

/// The sentences are for the client; the hub needs none of them for each connection.
fn without_words(mut rights: Rights) -> Rights {
    rights.lacking = Vec::new();
    rights
}

fn unknown() -> Failure {
    let words = "This device is not signed in any more; enrol it again.";
    Failure::new(ErrorCode::Unauthenticated, words)
}
