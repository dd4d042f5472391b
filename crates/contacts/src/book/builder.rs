//! Packs people into a book.

use super::{Book, Entry, Span};
use crate::{LoadReport, clean, person::Card};
use phone_number::{CallLink, DialPlan, NumberKey, PhoneNumber, numbers_in};
use std::collections::HashMap;

/// More numbers than this belong to nobody; the rest is left out.
const MAX_NUMBERS: usize = 32;
/// A longer id is none: one is made of name and company.
const MAX_ID: usize = 200;
/// Room for a million people; offsets are 32 bits wide.
const MAX_TEXTS: usize = 1_000_000_000;

/// Takes people one by one and makes a book of them.
pub struct Builder {
    plan: DialPlan,
    texts: String,
    entries: Vec<Entry>,
    numbers: Vec<Span>,
    companies: HashMap<String, Span>,
    index: Vec<(NumberKey, u32)>,
    pub(crate) report: LoadReport,
}

impl Builder {
    /// `plan` says how numbers without a country are meant.
    #[must_use]
    pub fn new(plan: &DialPlan) -> Self {
        Self {
            plan: plan.clone(),
            texts: String::new(),
            entries: Vec::new(),
            numbers: Vec::new(),
            companies: HashMap::new(),
            index: Vec::new(),
            report: LoadReport::default(),
        }
    }

    /// Takes the card that starts on `line` (or is the so many-th), or says in the report why not.
    pub fn add(&mut self, line: u64, card: &Card) {
        if card.phones.iter().all(|phone| phone.trim().is_empty()) {
            self.report.without_number += 1;
            return;
        }
        let numbers = self.numbers(&card.phones);
        let Some(first) = numbers.first() else {
            self.report.skip(line, "none of its numbers can be read");
            return;
        };
        if self.texts.len() > MAX_TEXTS {
            self.report.skip(line, "the book is full");
            return;
        }
        let company = clean::line(&card.company, clean::MAX_NAME);
        let mut name = clean::line(&card.name, clean::MAX_NAME);
        if name.is_empty() {
            name = if company.is_empty() {
                first.to_string()
            } else {
                company.clone()
            };
        }
        let company = self.company(company);
        let name = self.push(&name);
        let note = self.push(&clean::line(&card.note, clean::MAX_NOTE));
        let url = self.push(&clean::url(&card.url).unwrap_or_default());
        let email = clean::email(&card.email).unwrap_or_default();
        let email = self.push(&email);
        let id = self.push(if card.id.len() <= MAX_ID {
            &card.id
        } else {
            ""
        });
        self.entries.push(Entry {
            start: name.start,
            name: name.length,
            note: note.length,
            url: url.length,
            email: email.length,
            id: id.length,
            company,
            first_number: self.numbers.len() as u32,
        });
        for number in &numbers {
            self.push_number(number);
        }
    }

    /// Says in the report why something was left out.
    pub fn skip(&mut self, line: u64, why: impl Into<String>) {
        self.report.skip(line, why);
    }

    /// The book, and what was left out of it.
    #[must_use]
    pub fn finish(mut self) -> (Book, LoadReport) {
        self.index.sort_unstable();
        self.index.dedup();
        let mut book = Book {
            plan: self.plan,
            texts: self.texts,
            entries: self.entries,
            numbers: self.numbers,
            keys: self.index.iter().map(|(key, _)| *key).collect(),
            keyed: self.index.iter().map(|(_, number)| *number).collect(),
        };
        book.texts.shrink_to_fit();
        book.entries.shrink_to_fit();
        book.numbers.shrink_to_fit();
        self.report.entries = book.entries.len();
        self.report.numbers = book.numbers.len();
        (book, self.report)
    }

    /// Every number once.
    fn numbers(&self, phones: &[String]) -> Vec<PhoneNumber> {
        let mut numbers: Vec<PhoneNumber> = Vec::new();
        for number in phones.iter().flat_map(|phone| self.numbers_of(phone)) {
            let known = numbers.iter().any(|other| other.is_same(&number));
            if !known && numbers.len() < MAX_NUMBERS {
                numbers.push(number);
            }
        }
        numbers
    }

    fn numbers_of(&self, phone: &str) -> Vec<PhoneNumber> {
        if !CallLink::looks_like(phone) {
            return numbers_in(phone)
                .into_iter()
                .filter_map(|n| self.plan.number(n).ok())
                .collect();
        }
        let link = CallLink::parse(phone.trim()).ok();
        let text = link.map(|link| packed(link.digits(), link.extension()));
        text.and_then(|text| self.plan.number(&text).ok())
            .into_iter()
            .collect()
    }

    fn company(&mut self, company: String) -> Span {
        if let Some(known) = self.companies.get(&company) {
            return *known;
        }
        let span = self.push(&company);
        self.companies.insert(company, span);
        span
    }

    /// Lengths fit: every text was cut to a few hundred characters before.
    fn push(&mut self, text: &str) -> Span {
        let start = self.texts.len() as u32;
        self.texts.push_str(text);
        Span {
            start,
            length: u16::try_from(text.len()).unwrap_or(u16::MAX),
        }
    }

    fn push_number(&mut self, number: &PhoneNumber) {
        let index = self.numbers.len() as u32;
        let span = self.push(&packed(number.normal_form(), number.extension()));
        self.numbers.push(span);
        self.index.push((number.key(), index));
        if let Some(key) = number.national_key() {
            self.index.push((key, index));
        }
    }
}

/// The shortest text from which the same number is read again.
fn packed(digits: &str, extension: Option<&str>) -> String {
    match extension {
        Some(extension) => format!("{digits}x{extension}"),
        None => digits.to_owned(),
    }
}
