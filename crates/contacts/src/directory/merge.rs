//! One person in several sources is shown once; several people are never made one.

use super::admit::{Known, Verified};
use crate::Likeness;
use crate::likeness;
use std::sync::Arc;
use wire::{PersonFact, Record};

const MAX_FACTS: usize = 40;

/// Somebody as all sources together know him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) person: wire::Person,
    /// His record in each source, the first one being the person's.
    pub(super) records: Vec<Record>,
    members: Vec<Arc<Known>>,
}

impl Candidate {
    fn of(verified: Verified) -> Self {
        let mut person = verified.known.person.clone();
        person.likely = verified.likely;
        Self {
            records: vec![person.record.clone()],
            person,
            members: vec![verified.known],
        }
    }

    pub(super) fn is(&self, record: &Record) -> bool {
        self.records.contains(record)
    }

    /// As people read them, those of the first source first, each once.
    pub(super) fn numbers(&self) -> Vec<String> {
        let mut numbers: Vec<String> = Vec::new();
        for number in self.members.iter().flat_map(|known| &known.numbers) {
            let number = number.to_string();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    /// In no source twice: there, two records are two people.
    fn is_new_to(&self, known: &Known) -> bool {
        let source = &known.person.record.source;
        self.records.iter().all(|record| record.source != *source)
    }

    fn take(&mut self, other: &Verified) {
        let is_nameless = self.members.iter().all(|known| known.is_nameless);
        let own = &mut self.person;
        let more = &other.known.person;
        if is_nameless && !other.known.is_nameless {
            own.name.clone_from(&more.name);
        }
        own.likely &= other.likely;
        own.company = own.company.take().or_else(|| more.company.clone());
        own.note = own.note.take().or_else(|| more.note.clone());
        own.email = own.email.take().or_else(|| more.email.clone());
        own.owner = own.owner.take().or_else(|| more.owner.clone());
        own.url = own.url.take().or_else(|| more.url.clone());
        if !own.source.split(", ").any(|source| source == more.source) {
            own.source = format!("{}, {}", own.source, more.source);
        }
        let is_new = |fact: &&PersonFact| !own.facts.contains(fact);
        let facts: Vec<PersonFact> = more.facts.iter().filter(is_new).cloned().collect();
        own.facts.extend(facts);
        own.facts.truncate(MAX_FACTS);
        self.records.push(more.record.clone());
        self.members.push(other.known.clone());
    }
}

/// The people at one number, sources in the order of their precedence. Of two sources, equal names at the same
/// number are the same person; so is the same e-mail address, unless names tell that it is a mailbox of several.
pub(super) fn at_a_number(found: impl IntoIterator<Item = Verified>) -> Vec<Candidate> {
    merged(found, |one, other| {
        one.name == other.name || has_same_email(one, other)
    })
}

/// People found by name: the same name alone proves nothing, it is what was searched for.
pub(super) fn by_name(found: impl IntoIterator<Item = Arc<Known>>) -> Vec<Candidate> {
    let sure = |known| Verified {
        known,
        likely: false,
    };
    merged(found.into_iter().map(sure), |one, other| {
        has_same_email(one, other) || (one.name == other.name && shares_number(one, other))
    })
}

fn merged(
    found: impl IntoIterator<Item = Verified>,
    is_same: impl Fn(&Known, &Known) -> bool,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for verified in found {
        let known = &verified.known;
        let record = &known.person.record;
        let is_told = |candidate: &Candidate| !record.id.is_empty() && candidate.is(record);
        if candidates.iter().any(is_told) {
            continue;
        }
        let fits = |candidate: &&mut Candidate| {
            let same = |member: &Arc<Known>| is_same(member, known);
            let other = |member: &Arc<Known>| has_other_name(member, known);
            candidate.is_new_to(known)
                && candidate.members.iter().any(same)
                && !candidate.members.iter().any(other)
        };
        match candidates.iter_mut().find(fits) {
            Some(candidate) => candidate.take(&verified),
            None => candidates.push(Candidate::of(verified)),
        }
    }
    candidates
}

/// A whole firm may write from `info@`.
fn has_other_name(one: &Known, other: &Known) -> bool {
    !one.is_nameless && !other.is_nameless && one.name != other.name
}

fn has_same_email(one: &Known, other: &Known) -> bool {
    match (&one.person.email, &other.person.email) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, _) | (_, None) => false,
    }
}

fn shares_number(one: &Known, other: &Known) -> bool {
    let has = |number| {
        let same = |own| likeness(own, number) == Likeness::Same;
        other.numbers.iter().any(same)
    };
    one.numbers.iter().any(has)
}
