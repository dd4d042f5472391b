//! Match memory: whom somebody chose for a number, so that nobody has to choose twice.

use crate::bounded::Bounded;
use phone_number::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wire::{Record, Remembered, UnixMillis};

/// More choices than this are not remembered; the oldest goes.
pub const MAX_REMEMBERED: usize = 100_000;

/// A choice, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembering {
    /// [`number_of`]: E.164, and `x` with the extension where there is one.
    pub number: String,
    /// Only for calls on this line (DID).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    pub record: Record,
    /// Shown while the source is away.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The source's name, for people.
    pub source: String,
    /// Somebody who was found by name: the source does not know the number as his.
    #[serde(default)]
    pub attached: bool,
    /// Who chose, as colleagues know him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub at: UnixMillis,
}

/// What to store, and what to delete there: a choice is known by number and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryChange {
    /// Takes the place of what is stored for this number and line.
    Remembered(Box<Remembering>),
    Forgotten {
        number: String,
        line: Option<String>,
    },
    /// Too much happened since changes were taken last: this is all that is remembered, and nothing else.
    All(Vec<Remembering>),
}

/// How a number is written in the memory: equal for equal numbers and extensions.
#[must_use]
pub fn number_of(number: &PhoneNumber) -> String {
    match number.extension() {
        Some(extension) => format!("{}x{extension}", number.normal_form()),
        None => number.normal_form().to_owned(),
    }
}

/// All choices, found by number and line; and what of them is not stored yet.
#[derive(Debug)]
pub(crate) struct Memory {
    entries: Bounded<Place, Remembering>,
    unsaved: Unsaved,
}

type Place = (String, Option<String>);

/// The newest state of each place wins; with too many places, all is stored anew.
#[derive(Debug)]
enum Unsaved {
    Places(BTreeSet<Place>),
    All,
}

impl Memory {
    /// Of several for one place the newest counts.
    pub(crate) fn new(mut stored: Vec<Remembering>, most: usize) -> Self {
        let mut memory = Self {
            entries: Bounded::new(most),
            unsaved: Unsaved::Places(BTreeSet::new()),
        };
        stored.sort_by_key(|entry| entry.at);
        for entry in stored {
            memory.insert(entry);
        }
        memory
    }

    /// A choice for the line wins over one for the number everywhere.
    pub(crate) fn find(&self, number: &str, line: Option<&str>) -> Option<&Remembering> {
        let of = |line: Option<&str>| {
            let place = (number.to_owned(), line.map(str::to_owned));
            self.entries.get(&place)
        };
        line.and_then(|line| of(Some(line))).or_else(|| of(None))
    }

    pub(crate) fn remember(&mut self, entry: Remembering) {
        self.unsaved((entry.number.clone(), entry.line.clone()));
        self.insert(entry);
    }

    /// The same choice in newer words, if it is still remembered. It does not become younger by that.
    pub(crate) fn reword(&mut self, entry: Remembering) {
        let place = (entry.number.clone(), entry.line.clone());
        let Some(known) = self.entries.get_mut(&place) else {
            return;
        };
        if known.record == entry.record && *known != entry {
            *known = entry;
            self.unsaved(place);
        }
    }

    /// Forgets what is chosen for the number on this line and everywhere, where it is one of these records.
    pub(crate) fn forget(
        &mut self,
        number: &str,
        line: Option<&str>,
        records: &[Record],
    ) -> Vec<Remembering> {
        let mut lines = vec![None];
        lines.extend(line.map(|line| Some(line.to_owned())));
        let places = lines.into_iter().map(|line| (number.to_owned(), line));
        let mut forgotten = Vec::new();
        for place in places {
            let is_meant = |entry: &Remembering| records.contains(&entry.record);
            if self.entries.get(&place).is_some_and(is_meant) {
                forgotten.extend(self.remove(place));
            }
        }
        forgotten
    }

    /// Forgets what is chosen for this number on this line alone, whoever it is.
    pub(crate) fn forget_line(&mut self, number: &str, line: &str) {
        self.remove((number.to_owned(), Some(line.to_owned())));
    }

    pub(crate) fn all(&self) -> Vec<Remembering> {
        self.entries.values().cloned().collect()
    }

    /// What changed since this was asked last.
    pub(crate) fn take_changes(&mut self) -> Vec<MemoryChange> {
        let empty = Unsaved::Places(BTreeSet::new());
        match std::mem::replace(&mut self.unsaved, empty) {
            Unsaved::All => vec![MemoryChange::All(self.all())],
            Unsaved::Places(places) => places
                .into_iter()
                .map(|place| self.change_of(place))
                .collect(),
        }
    }

    /// These could not be stored: their places are told again, as they are then.
    pub(crate) fn put_back(&mut self, changes: Vec<MemoryChange>) {
        for change in changes {
            match change {
                MemoryChange::All(_) => self.unsaved = Unsaved::All,
                MemoryChange::Remembered(entry) => self.unsaved((entry.number, entry.line)),
                MemoryChange::Forgotten { number, line } => self.unsaved((number, line)),
            }
        }
    }

    pub(crate) fn has_changes(&self) -> bool {
        match &self.unsaved {
            Unsaved::All => true,
            Unsaved::Places(places) => !places.is_empty(),
        }
    }

    fn change_of(&self, place: Place) -> MemoryChange {
        match self.entries.get(&place) {
            Some(entry) => MemoryChange::Remembered(Box::new(entry.clone())),
            None => MemoryChange::Forgotten {
                number: place.0,
                line: place.1,
            },
        }
    }

    fn insert(&mut self, entry: Remembering) {
        let place = (entry.number.clone(), entry.line.clone());
        if let Some(lost) = self.entries.insert(place, entry) {
            self.unsaved(lost);
        }
    }

    fn remove(&mut self, place: Place) -> Option<Remembering> {
        let entry = self.entries.remove(&place)?;
        self.unsaved(place);
        Some(entry)
    }

    fn unsaved(&mut self, place: Place) {
        let Unsaved::Places(places) = &mut self.unsaved else {
            return;
        };
        places.insert(place);
        if places.len() > self.entries.most() {
            self.unsaved = Unsaved::All;
        }
    }
}

impl Remembering {
    pub(crate) fn remembered(&self) -> Remembered {
        Remembered {
            by: self.by.clone(),
            at: self.at,
            line: self.line.clone(),
        }
    }
}
