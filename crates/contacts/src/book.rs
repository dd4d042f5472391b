//! A book in memory: packed, found by number, searched by name.

mod builder;
mod numbers;
mod text;

pub use builder::Builder;

use crate::{LoadError, LoadReport, Person, charset, clean, csv_book, vcard};
use numbers::{Candidate, Numbers};
use phone_number::{DialPlan, PhoneNumber, Region};
use std::{fs, io, ops::Range, path::Path};
use wire::Record;

/// What a record of a book is.
const KIND: &str = "person";
/// Largest file that is read, in bytes: about a million people.
const MAX_FILE: u64 = 250_000_000;

/// The people of one file.
///
/// A million numbers with their people take less than 100 MB: all texts lie one after another in one allocation, and a
/// person is unpacked only when found.
#[derive(Debug)]
pub struct Book {
    /// Packed; an entry's end where the next one starts.
    texts: Vec<u8>,
    entries: Vec<Entry>,
    companies: Vec<u8>,
    /// Where each company starts; the first one is empty.
    company_starts: Vec<u32>,
    numbers: Numbers,
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

/// A person: name, note, link, e-mail address and id from `start`, one a line; empty ones at the end are left out.
#[derive(Debug)]
struct Entry {
    start: u32,
    /// Elsewhere, because colleagues share it.
    company: u32,
    first_number: u32,
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
        let extension = number.extension();
        let owners = |is_meant: &dyn Fn(&Candidate<'_>) -> bool| {
            let same_line = self.numbers.same_line(number);
            let meant = same_line.filter(|candidate| is_meant(candidate));
            meant.map(|candidate| candidate.owner).collect()
        };
        let mut people = self.people(owners(&|candidate| candidate.extension == extension));
        if people.len() == 1 {
            return people.pop().map_or(Match::Nobody, Match::One);
        }
        // A caller from a firm's line shows no extension, and one with an extension may be known by the firm's line
        // only. People at other extensions are not meant.
        let likely =
            |candidate: &Candidate<'_>| extension.is_none() || candidate.extension.is_none();
        if people.is_empty() {
            people = self.people(owners(&likely));
        }
        if people.is_empty() {
            let found = self.numbers.same_in_some_country(number).filter(likely);
            people = self.people(found.map(|candidate| candidate.owner).collect());
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
        let mut text = String::new();
        let mut ranked: [Vec<usize>; 3] = Default::default();
        for entry in 0..self.entries.len() {
            text.clear();
            text::unpack_into(&mut text, self.packed_name(entry));
            text.push(' ');
            text::unpack_into(&mut text, self.packed_company(entry));
            folded.clear();
            clean::fold_into(&mut folded, &text);
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
            .map(|entry| self.person(*entry))
            .collect()
    }

    /// Goes through the whole book.
    #[must_use]
    pub fn by_record(&self, id: &str) -> Option<Person> {
        let mut entries = 0..self.entries.len();
        let entry = entries.find(|entry| self.texts(*entry).id() == id)?;
        Some(self.person(entry))
    }

    /// Each owner once, in the order of the book.
    fn people(&self, mut owners: Vec<u32>) -> Vec<Person> {
        owners.sort_unstable();
        owners.dedup();
        let people = owners.into_iter().map(|owner| self.person(owner as usize));
        people.collect()
    }

    fn person(&self, entry: usize) -> Person {
        let texts = self.texts(entry);
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let [name, note, url, email, _] = texts.lines();
        Person {
            name: name.to_owned(),
            note: optional(note),
            url: optional(url),
            email: optional(email),
            company: optional(&texts.company),
            numbers: self.numbers.added(self.numbers_of(entry)).collect(),
            record: Record {
                source: String::new(),
                kind: KIND.to_owned(),
                id: texts.id(),
            },
            ..Person::default()
        }
    }

    fn texts(&self, entry: usize) -> Texts {
        let mut texts = Texts::default();
        text::unpack_into(&mut texts.own, self.packed(entry));
        text::unpack_into(&mut texts.company, self.packed_company(entry));
        texts
    }

    fn packed(&self, entry: usize) -> &[u8] {
        let end = self.entries.get(entry + 1);
        let end = end.map_or(self.texts.len(), |next| next.start as usize);
        &self.texts[self.entries[entry].start as usize..end]
    }

    /// A line ends with the same byte however it is packed.
    fn packed_name(&self, entry: usize) -> &[u8] {
        let packed = self.packed(entry);
        let end = packed.iter().position(|byte| *byte == b'\n');
        &packed[..end.unwrap_or(packed.len())]
    }

    fn packed_company(&self, entry: usize) -> &[u8] {
        let company = self.entries[entry].company as usize;
        let end = self.company_starts.get(company + 1);
        let end = end.map_or(self.companies.len(), |next| *next as usize);
        &self.companies[self.company_starts[company] as usize..end]
    }

    fn numbers_of(&self, entry: usize) -> Range<u32> {
        let next = self.entries.get(entry + 1);
        let end = next.map_or(self.numbers.len() as u32, |next| next.first_number);
        self.entries[entry].first_number..end
    }
}

/// An entry's texts, unpacked.
#[derive(Default)]
struct Texts {
    own: String,
    company: String,
}

impl Texts {
    /// Name, note, link, e-mail address and id.
    fn lines(&self) -> [&str; 5] {
        let mut lines = self.own.split('\n');
        std::array::from_fn(|_| lines.next().unwrap_or_default())
    }

    fn id(&self) -> String {
        let [name, .., id] = self.lines();
        if id.is_empty() {
            record_id(name, &self.company)
        } else {
            id.to_owned()
        }
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
