//! Packs people into a book.

use super::{Book, Entry, numbers::Collected, text};
use crate::{LoadReport, clean, person::Card};
use phone_number::{CallLink, DialPlan, PhoneNumber, numbers_in};
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
    texts: Vec<u8>,
    entries: Vec<Entry>,
    companies: Vec<u8>,
    company_starts: Vec<u32>,
    known_companies: HashMap<String, u32>,
    numbers: Collected,
    report: LoadReport,
}

impl Builder {
    /// `plan` says how numbers without a country are meant.
    #[must_use]
    pub fn new(plan: &DialPlan) -> Self {
        Self {
            plan: plan.clone(),
            texts: Vec::new(),
            entries: Vec::new(),
            companies: Vec::new(),
            company_starts: vec![0],
            known_companies: HashMap::from([(String::new(), 0)]),
            numbers: Collected::default(),
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
        if self.texts.len() + self.companies.len() > MAX_TEXTS {
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
        let own = [
            &name,
            &clean::line(&card.note, clean::MAX_NOTE),
            &clean::url(&card.url).unwrap_or_default(),
            &clean::email(&card.email).unwrap_or_default(),
            &id(&card.id),
        ];
        let entry = Entry {
            start: self.texts.len() as u32,
            company: self.company(company),
            first_number: self.numbers.len() as u32,
        };
        let own = own.map(String::as_str).join("\n");
        text::pack_into(&mut self.texts, own.trim_end_matches('\n'));
        let owner = self.entries.len() as u32;
        self.entries.push(entry);
        for number in &numbers {
            self.numbers.push(number, owner);
        }
    }

    /// Says in the report why something was left out.
    pub fn skip(&mut self, line: u64, why: impl Into<String>) {
        self.report.skip(line, why);
    }

    /// The book, and what was left out of it.
    #[must_use]
    pub fn finish(mut self) -> (Book, LoadReport) {
        let mut book = Book {
            texts: self.texts,
            entries: self.entries,
            companies: self.companies,
            company_starts: self.company_starts,
            numbers: self.numbers.finish(),
        };
        book.texts.shrink_to_fit();
        book.entries.shrink_to_fit();
        book.companies.shrink_to_fit();
        book.company_starts.shrink_to_fit();
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
        let text = link.map(|link| match link.extension() {
            Some(extension) => format!("{}x{extension}", link.digits()),
            None => link.digits().to_owned(),
        });
        text.and_then(|text| self.plan.number(&text).ok())
            .into_iter()
            .collect()
    }

    fn company(&mut self, company: String) -> u32 {
        if let Some(known) = self.known_companies.get(&company) {
            return *known;
        }
        let index = self.company_starts.len() as u32;
        self.company_starts.push(self.companies.len() as u32);
        text::pack_into(&mut self.companies, &company);
        self.known_companies.insert(company, index);
        index
    }
}

/// Ids are used as they are: one that is too long or not plain is none.
fn id(id: &str) -> String {
    let is_plain = id.len() <= MAX_ID && clean::line(id, MAX_ID) == id;
    if is_plain {
        id.to_owned()
    } else {
        String::new()
    }
}
