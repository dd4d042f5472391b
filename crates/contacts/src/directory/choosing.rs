//! Who it is, of those who were found and the one who was chosen.

use super::{admit::Known, calls::Chosen, merge::Candidate};
use std::sync::Arc;
use wire::{People, Person, Record, Remembered};

/// What is known now of somebody who was chosen and is not among those found by number.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// His source is still asked.
    Asking,
    /// His source does not answer, or cannot be asked: what was known when he was chosen counts.
    Away,
    /// His source knows him no more, or not by this number, or is itself gone.
    Gone,
    There(Arc<Known>),
}

pub(super) struct Decision {
    pub(super) people: People,
    pub(super) remembered: Option<Remembered>,
}

/// A choice wins where it can; else one sure person is shown alone, and nobody is chosen among several silently.
pub(super) fn decide(
    candidates: Vec<Candidate>,
    chosen: Option<(Chosen, Standing)>,
    wrong: &[Record],
    asking: bool,
) -> Decision {
    if let Some((chosen, standing)) = chosen
        && let Some(person) = chosen_person(&candidates, &chosen, &standing)
    {
        return Decision {
            people: People::One { person },
            remembered: chosen.remembered,
        };
    }
    Decision {
        people: found(candidates, wrong, asking),
        remembered: None,
    }
}

fn chosen_person(candidates: &[Candidate], chosen: &Chosen, standing: &Standing) -> Option<Person> {
    let record = &chosen.entry.record;
    if let Some(candidate) = candidates.iter().find(|candidate| candidate.is(record)) {
        return Some(Person {
            likely: false,
            ..candidate.person.clone()
        });
    }
    match standing {
        Standing::There(known) => Some(known.person.clone()),
        Standing::Away => as_last_known(chosen),
        Standing::Asking | Standing::Gone => None,
    }
}

fn as_last_known(chosen: &Chosen) -> Option<Person> {
    if let Some(known) = &chosen.known {
        return Some(known.person.clone());
    }
    let entry = &chosen.entry;
    (!entry.name.is_empty()).then(|| Person {
        name: entry.name.clone(),
        company: entry.company.clone(),
        url: entry.url.clone(),
        source: entry.source.clone(),
        record: entry.record.clone(),
        ..Person::default()
    })
}

fn found(candidates: Vec<Candidate>, wrong: &[Record], asking: bool) -> People {
    let is_any_sure = candidates.iter().any(|candidate| !candidate.person.likely);
    let is_shown = |candidate: &Candidate| !(is_any_sure && candidate.person.likely);
    let mut shown: Vec<Candidate> = candidates.into_iter().filter(is_shown).collect();
    let is_wrong = |candidate: &Candidate| wrong.iter().any(|record| candidate.is(record));
    if let [one] = shown.as_slice()
        && is_wrong(one)
    {
        shown.clear();
    }
    let mut people: Vec<Person> = shown
        .into_iter()
        .map(|candidate| candidate.person)
        .collect();
    match people.len() {
        0 if asking => People::Asking,
        0 => People::Nobody,
        1 if is_any_sure => people
            .pop()
            .map_or(People::Nobody, |person| People::One { person }),
        _ => People::Several { people },
    }
}
