//! Packs people into a book.

use super::{Book, Entry, Span};
use crate::{LoadReport, clean, person::Card};
use phone_number::{CallLink, DialPlan, NumberKey, PhoneNumber, numbers_in};

/// More numbers than this belong to nobody; the rest is left out.
const MAX_NUMBERS: usize = 32;
/// Room for a million people; offsets are 32 bits wide.
const MAX_TEXTS: usize = 1_000_000_000;
/// Longest number as written that is kept in that form.
const MAX_WRITTEN: usize = 64;

pub(crate) struct Builder {
    plan: DialPlan,
    texts: String,
    entries: Vec<Entry>,
    numbers: Vec<Span>,
    index: Vec<(NumberKey, u32)>,
    pub(crate) report: LoadReport,
}

impl Builder {
    pub(crate) fn new(plan: &DialPlan) -> Self {
        Self {
            plan: plan.clone(),
            texts: String::new(),
            entries: Vec::new(),
            numbers: Vec::new(),
            index: Vec::new(),
            report: LoadReport::default(),
        }
    }

    /// Takes the card that starts on `line`, or says in the report why not.
    pub(crate) fn add(&mut self, line: u64, card: &Card) {
        if card.phones.iter().all(|phone| phone.trim().is_empty()) {
            self.report.without_number += 1;
            return;
        }
        let numbers = self.numbers(&card.phones);
        let Some((first, _)) = numbers.first() else {
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
                first.clone()
            } else {
                company.clone()
            };
        }
        let note = clean::line(&card.note, clean::MAX_NOTE);
        let url = clean::url(&card.url).unwrap_or_default();
        let folded = clean::folded(&format!("{name} {company}"));
        let first_number = self.numbers.len() as u32;
        let entry = Entry {
            start: self.texts.len() as u32,
            name: self.push(&name),
            company: self.push(&company),
            note: self.push(&note),
            url: self.push(&url),
            folded: self.push(&folded),
            first_number,
        };
        self.entries.push(entry);
        for (written, number) in numbers {
            self.push_number(&written, &number);
        }
    }

    pub(crate) fn finish(mut self) -> (Book, LoadReport) {
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

    /// Every number once, with the text from which it is read again.
    fn numbers(&self, phones: &[String]) -> Vec<(String, PhoneNumber)> {
        let mut numbers: Vec<(String, PhoneNumber)> = Vec::new();
        for phone in phones {
            let written = match CallLink::looks_like(phone) {
                true => of_link(phone).into_iter().collect(),
                false => numbers_in(phone).into_iter().map(str::to_owned).collect(),
            };
            let written: Vec<String> = written;
            for text in written {
                let Ok(number) = self.plan.number(&text) else {
                    continue;
                };
                let known = numbers.iter().any(|(_, other)| other.is_same(&number));
                if !known && numbers.len() < MAX_NUMBERS {
                    numbers.push((kept(text, &number), number));
                }
            }
        }
        numbers
    }

    /// Lengths fit: every text was cut to a few hundred characters before.
    fn push(&mut self, text: &str) -> u16 {
        self.texts.push_str(text);
        u16::try_from(text.len()).unwrap_or(u16::MAX)
    }

    fn push_number(&mut self, written: &str, number: &PhoneNumber) {
        let index = self.numbers.len() as u32;
        let start = self.texts.len() as u32;
        let length = self.push(written);
        self.numbers.push(Span { start, length });
        self.index.push((number.key(), index));
        if let Some(key) = number.national_key() {
            self.index.push((key, index));
        }
    }
}

fn of_link(link: &str) -> Option<String> {
    let link = CallLink::parse(link.trim()).ok()?;
    Some(match link.extension() {
        Some(extension) => format!("{} ext. {extension}", link.digits()),
        None => link.digits().to_owned(),
    })
}

/// The text as written, if it is short enough to be one number.
fn kept(text: String, number: &PhoneNumber) -> String {
    if text.len() <= MAX_WRITTEN {
        return text;
    }
    match number.extension() {
        Some(extension) => format!("{} ext. {extension}", number.digits()),
        None => number.digits().to_owned(),
    }
}
