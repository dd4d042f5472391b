//! The gate: what sources say of people becomes harmless, and what is not asked for stays outside.

use crate::{Likeness, Person, Source, SourceError, SourceErrorKind, clean, likeness};
use phone_number::PhoneNumber;
use std::sync::Arc;
use wire::{PersonFact, Record};

/// More people than this of one source are not shown for one number or one search.
pub(super) const MAX_PEOPLE: usize = 50;
const MAX_FACTS: usize = 20;
const MAX_LABEL: usize = 60;
const MAX_WORDS: usize = 300;
/// Ids are used as they are, never cut.
const MAX_ID: usize = 200;
const MAX_NUMBERS: usize = 64;

/// Somebody whom a source knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// `likely` says nothing here.
    pub(super) person: wire::Person,
    /// For comparing.
    pub(super) name: String,
    /// The name is something else that stands in for it.
    pub(super) is_nameless: bool,
    pub(super) numbers: Vec<PhoneNumber>,
}

/// Somebody who has a number, and how surely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) known: Arc<Known>,
    pub(super) likely: bool,
}

/// What names a source in what it says.
pub(super) struct Origin<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) schemes: &'a [String],
}

impl<'a> Origin<'a> {
    pub(super) fn of(source: &'a dyn Source) -> Self {
        Self {
            id: source.id(),
            title: source.title(),
            schemes: source.schemes(),
        }
    }

    /// The person in harmless words.
    pub(super) fn known(&self, person: Person) -> Known {
        let optional = |text: Option<String>, max| {
            let text = clean::line(&text.unwrap_or_default(), max);
            (!text.is_empty()).then_some(text)
        };
        let url = |url: Option<String>| clean::link(&url?, self.schemes);
        let mut numbers = person.numbers;
        numbers.truncate(MAX_NUMBERS);
        let company = optional(person.company, clean::MAX_NAME);
        let email = person.email.as_deref().and_then(clean::email);
        let stand_in = || {
            let number = || numbers.first().map(ToString::to_string);
            company.clone().or_else(|| email.clone()).or_else(number)
        };
        let name = optional(Some(person.name), clean::MAX_NAME);
        let is_nameless = name.is_none();
        let name = name.or_else(stand_in);
        let name = name.unwrap_or_else(|| "?".to_owned());
        let mut folded = String::new();
        clean::fold_into(&mut folded, &name);
        let fact = |fact: PersonFact| PersonFact {
            label: clean::line(&fact.label, MAX_LABEL),
            value: clean::line(&fact.value, clean::MAX_NOTE),
            url: url(fact.url),
        };
        let facts = person.facts.into_iter().take(MAX_FACTS).map(fact);
        let says_something = |fact: &PersonFact| !fact.label.is_empty() || !fact.value.is_empty();
        Known {
            name: folded,
            is_nameless,
            person: wire::Person {
                name,
                company,
                note: optional(person.note, clean::MAX_NOTE),
                source: self.title(),
                record: self.record(person.record),
                email,
                // Only who searches calls somebody by them; a lookup has no time to write them out.
                numbers: Vec::new(),
                owner: optional(person.owner, clean::MAX_NAME),
                url: url(person.url),
                facts: facts.filter(says_something).collect(),
                likely: false,
            },
            numbers,
        }
    }

    pub(super) fn title(&self) -> String {
        clean::line(self.title, clean::MAX_NAME)
    }

    /// The people who have this number, and how many had to stay outside.
    pub(super) fn verified(
        &self,
        number: &PhoneNumber,
        people: Vec<Person>,
    ) -> (Arc<[Verified]>, u64) {
        let told = people.len();
        let fits = |person: Person| {
            let best = person.numbers.iter().map(|own| likeness(own, number)).max();
            let likely = match best? {
                Likeness::Different => return None,
                Likeness::Likely => true,
                Likeness::Same => false,
            };
            Some((person, likely))
        };
        let verified: Arc<[Verified]> = people
            .into_iter()
            .filter_map(fits)
            .take(MAX_PEOPLE)
            .map(|(person, likely)| Verified {
                known: Arc::new(self.known(person)),
                likely,
            })
            .collect();
        let outside = told - verified.len();
        (verified, outside as u64)
    }

    /// A record that is none: the person is shown and cannot be chosen.
    fn record(&self, record: Record) -> Record {
        let source = self.id.to_owned();
        if is_record(&record) {
            Record { source, ..record }
        } else {
            Record {
                source,
                ..Record::default()
            }
        }
    }
}

/// Ids are used as they are: one that is too long or not plain is none.
pub(super) fn is_record(record: &Record) -> bool {
    let is_plain = |text: &str| text.len() <= MAX_ID && clean::line(text, MAX_ID) == text;
    !record.id.is_empty() && is_plain(&record.id) && is_plain(&record.kind)
}

/// In harmless words; a source that says nothing gets some.
pub(super) fn words(error: &SourceError) -> String {
    let words = clean::line(&error.words, MAX_WORDS);
    if !words.is_empty() {
        return words;
    }
    let words = match error.kind {
        SourceErrorKind::Away => "cannot be reached",
        SourceErrorKind::TooSlow => "does not answer in time",
        SourceErrorKind::Login => "does not take our login",
        SourceErrorKind::Limited { .. } => "wants fewer questions",
        SourceErrorKind::Broken => "answers something that cannot be used",
    };
    words.to_owned()
}
