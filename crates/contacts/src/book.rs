//! A book in memory: packed, found by number, searched by name.

mod builder;

pub use builder::Builder;

use crate::{LoadError, LoadReport, Person, charset, clean, csv_book, vcard};
use phone_number::{DialPlan, NumberKey, PhoneNumber, Region};
use std::{fs, io, ops::Range, path::Path};
use wire::Record;

/// What a record of a book is.
const KIND: &str = "person";
/// Largest file that is read, in bytes: about a million people.
const MAX_FILE: u64 = 250_000_000;

/// The people of one file.
///
/// 100,000 people take less than 20 MB: all texts lie one after another in one allocation, and a
/// person is unpacked only when found.
#[derive(Debug)]
pub struct Book {
    plan: DialPlan,
    texts: String,
    entries: Vec<Entry>,
    /// The numbers, normalised, in the order of their entries.
    numbers: Vec<Span>,
    /// Sorted; beside each key, at the same place, the index of its number.
    keys: Vec<NumberKey>,
    keyed: Vec<u32>,
}

/// Who has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives as long as it takes to match it"
)]
pub enum Match {
    Nobody,
    /// This person, and nobody else, has exactly this number and extension.
    One(Person),
    /// Nothing was chosen: several people have the number, or it is only *likely* theirs because
    /// they share a line and differ in the extension, or because it was written without a country.
    /// May hold a single person then.
    Several(Vec<Person>),
}

/// A person's texts: name, note, link, e-mail address and id one behind the other from `start`.
#[derive(Debug)]
struct Entry {
    start: u32,
    name: u16,
    note: u16,
    url: u16,
    email: u16,
    /// Empty where it is made of name and company.
    id: u16,
    /// Elsewhere, because colleagues share it.
    company: Span,
    first_number: u32,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u16,
}

impl Book {
    /// Reads a vCard or CSV file. `plan` says how numbers without a country are meant.
    /// Blocks on the disk and takes up to a second for 100,000 people.
    pub fn load(path: &Path, plan: &DialPlan) -> Result<(Self, LoadReport), LoadError> {
        let unreadable = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::NotFound {
                return LoadError::Missing(path);
            }
            LoadError::Unreadable { path, source }
        };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE {
            return Err(LoadError::TooLarge { limit: MAX_FILE });
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        Self::parse(&bytes, path, plan)
    }

    /// Reads a vCard or CSV book; `name` counts only by its extension, and what the bytes look
    /// like counts more.
    pub fn parse(
        bytes: &[u8],
        name: &Path,
        plan: &DialPlan,
    ) -> Result<(Self, LoadReport), LoadError> {
        let bytes = charset::without_mark(bytes);
        let mut builder = Builder::new(plan);
        match Format::of(&bytes, name).ok_or(LoadError::UnknownFormat)? {
            Format::VCard => vcard::read(&bytes, &mut builder),
            Format::Csv => csv_book::read(&bytes, &mut builder)?,
        }
        Ok(builder.finish())
    }

    /// How many people there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Who has this number.
    #[must_use]
    pub fn find(&self, number: &PhoneNumber) -> Match {
        let same_line: Vec<(u32, PhoneNumber)> = self
            .numbers_with(number.key())
            .filter(|(_, candidate)| candidate.normal_form() == number.normal_form())
            .collect();
        let exact = same_line
            .iter()
            .filter(|(_, candidate)| candidate.is_same(number));
        let mut people = self.people(exact.map(|(index, _)| *index));
        if people.len() == 1 {
            return people.pop().map_or(Match::Nobody, Match::One);
        }
        if people.is_empty() {
            // A caller from a firm's line shows no extension, and one with an extension may be
            // known by the firm's line only. People at other extensions are not meant.
            let likely = |candidate: &PhoneNumber| {
                number.extension().is_none() || candidate.extension().is_none()
            };
            let likely = same_line.iter().filter(|(_, candidate)| likely(candidate));
            people = self.people(likely.map(|(index, _)| *index));
        }
        if people.is_empty() {
            people = self.people_with_national(number);
        }
        if people.is_empty() {
            Match::Nobody
        } else {
            Match::Several(people)
        }
    }

    /// Who has this number, or is likely to have it.
    #[must_use]
    pub fn look_up(&self, number: &PhoneNumber) -> Vec<Person> {
        match self.find(number) {
            Match::Nobody => Vec::new(),
            Match::One(person) => vec![person],
            Match::Several(people) => people,
        }
    }

    /// People in whose name or company every word of `text` occurs: names that start so first,
    /// then words that start so, each in the order of the book.
    #[must_use]
    pub fn search(&self, text: &str, limit: usize) -> Vec<Person> {
        let mut wanted = String::new();
        clean::fold_into(&mut wanted, &clean::line(text, clean::MAX_NAME));
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let Some(first) = words.first() else {
            return Vec::new();
        };
        let mut folded = String::new();
        let mut ranked: [Vec<&Entry>; 3] = Default::default();
        for entry in &self.entries {
            folded.clear();
            clean::fold_into(
                &mut folded,
                self.text(Span {
                    start: entry.start,
                    length: entry.name,
                }),
            );
            folded.push(' ');
            clean::fold_into(&mut folded, self.text(entry.company));
            let Some(at) = folded.find(first) else {
                continue;
            };
            if !words[1..].iter().all(|word| folded.contains(word)) {
                continue;
            }
            let rank = match at {
                0 => 0,
                _ if starts_a_word(&folded, first) => 1,
                _ => 2,
            };
            if ranked[rank].len() < limit {
                ranked[rank].push(entry);
            }
            if ranked[0].len() >= limit {
                break;
            }
        }
        ranked
            .iter()
            .flatten()
            .take(limit)
            .map(|entry| self.person(entry))
            .collect()
    }

    /// Goes through the whole book.
    #[must_use]
    pub fn by_record(&self, id: &str) -> Option<Person> {
        let entry = self.entries.iter().find(|entry| self.id(entry) == id)?;
        Some(self.person(entry))
    }

    fn numbers_with(&self, key: NumberKey) -> impl Iterator<Item = (u32, PhoneNumber)> {
        let start = self.keys.partition_point(|other| *other < key);
        let end = start + self.keys[start..].partition_point(|other| *other == key);
        self.keyed[start..end]
            .iter()
            .filter_map(|index| Some((*index, self.number(*index)?)))
    }

    /// Numbers that are the same but for the country, which one side does not tell.
    fn people_with_national(&self, number: &PhoneNumber) -> Vec<Person> {
        let Some(key) = number.national_key() else {
            return Vec::new();
        };
        let unlike = |candidate: &PhoneNumber| {
            let one_without_country = candidate.e164().is_none() || number.e164().is_none();
            one_without_country && candidate.national_key() == Some(key)
        };
        let found = self
            .numbers_with(key)
            .filter(|(_, candidate)| unlike(candidate));
        self.people(found.map(|(index, _)| index))
    }

    /// The people who own these numbers, each once, in the order of the book.
    fn people(&self, numbers: impl Iterator<Item = u32>) -> Vec<Person> {
        let owner = |number| {
            self.entries
                .partition_point(|entry| entry.first_number <= number)
                - 1
        };
        let mut owners: Vec<usize> = numbers.map(owner).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
            .into_iter()
            .map(|owner| self.person(&self.entries[owner]))
            .collect()
    }

    fn person(&self, entry: &Entry) -> Person {
        let mut at = entry.start;
        let mut next = |length: u16| {
            let text = self.text(Span { start: at, length });
            at += u32::from(length);
            text
        };
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Person {
            name: next(entry.name).to_owned(),
            note: optional(next(entry.note)),
            url: optional(next(entry.url)),
            email: optional(next(entry.email)),
            company: optional(self.text(entry.company)),
            numbers: self
                .numbers_of(entry)
                .filter_map(|index| self.number(index))
                .collect(),
            record: self.record(entry),
            ..Person::default()
        }
    }

    fn record(&self, entry: &Entry) -> Record {
        Record {
            source: String::new(),
            kind: KIND.to_owned(),
            id: self.id(entry),
        }
    }

    fn id(&self, entry: &Entry) -> String {
        let name = self.text(Span {
            start: entry.start,
            length: entry.name,
        });
        let before = [entry.name, entry.note, entry.url, entry.email];
        let id = self.text(Span {
            start: entry.start + before.into_iter().map(u32::from).sum::<u32>(),
            length: entry.id,
        });
        if id.is_empty() {
            record_id(name, self.text(entry.company))
        } else {
            id.to_owned()
        }
    }

    fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.texts[start..start + usize::from(span.length)]
    }

    fn numbers_of(&self, entry: &Entry) -> Range<u32> {
        let next = self
            .entries
            .partition_point(|other| other.first_number <= entry.first_number);
        let end = self
            .entries
            .get(next)
            .map_or(self.numbers.len() as u32, |e| e.first_number);
        entry.first_number..end
    }

    fn number(&self, index: u32) -> Option<PhoneNumber> {
        self.plan
            .number(self.text(self.numbers[index as usize]))
            .ok()
    }
}

/// The same in every version of the file that has the same name and company, whatever else changes.
fn record_id(name: &str, company: &str) -> String {
    let mut folded = String::new();
    clean::fold_into(&mut folded, name);
    folded.push('\n');
    clean::fold_into(&mut folded, company);
    format!("{:032x}", fnv(folded.as_bytes()))
}

/// FNV-1a with 128 bits: the same on every computer and in every version. Whoever wants two people to look like one may
/// as well give them one name.
fn fnv(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let step = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(BASIS, step)
}

impl Default for Book {
    fn default() -> Self {
        Builder::new(&DialPlan::new(Region::GB)).finish().0
    }
}

fn starts_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

enum Format {
    VCard,
    Csv,
}

impl Format {
    fn of(bytes: &[u8], name: &Path) -> Option<Self> {
        const BEGIN: &[u8] = b"BEGIN:VCARD";
        let start = bytes.trim_ascii_start();
        if start
            .get(..BEGIN.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN))
        {
            return Some(Self::VCard);
        }
        let sample = &bytes[..bytes.len().min(4096)];
        if sample.contains(&0) {
            return None;
        }
        let extension = name
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        match extension.as_str() {
            "vcf" | "vcard" => Some(Self::VCard),
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            _ if sample.iter().any(|b| b",;\t".contains(b)) => Some(Self::Csv),
            _ => None,
        }
    }
}
