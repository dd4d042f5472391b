//! A million numbers in 20 bytes each, found in a millionth of a second.

use phone_number::{NumberKey, PhoneNumber};
use std::ops::Range;

/// Which entry of a book has which numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Sorted. An exact key is the number itself.
    keys: Vec<NumberKey>,
    /// Beside each key: whose it is.
    owners: Vec<u32>,
    /// Places in `keys` in the order in which numbers were added: all of an entry's lie side by side.
    by_entry: Vec<u32>,
    /// Places in `keys` of those with a country, sorted by the number in it.
    national: Vec<u32>,
    extras: Vec<Extra>,
    extra_texts: String,
}

/// What a key does not tell: `x12` behind an exact key, the whole number and extension behind another.
#[derive(Clone, Copy, Debug)]
struct Extra {
    /// A place in `keys`; sorted by it.
    place: u32,
    start: u32,
    length: u8,
}

/// Takes numbers in the order of their entries.
#[derive(Debug, Default)]
pub(super) struct Collected {
    keys: Vec<(NumberKey, u32)>,
    /// By the order of adding.
    extras: Vec<Extra>,
    extra_texts: String,
}

/// A number of the book beside one that is asked for.
pub(super) struct Candidate<'a> {
    pub(super) owner: u32,
    pub(super) extension: Option<&'a str>,
}

impl Collected {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn push(&mut self, number: &PhoneNumber, owner: u32) {
        let key = number.key();
        let place = self.keys.len() as u32;
        self.keys.push((key, owner));
        let digits = if key.is_exact() {
            ""
        } else {
            number.normal_form()
        };
        let extension = number.extension();
        if digits.is_empty() && extension.is_none() {
            return;
        }
        let start = self.extra_texts.len();
        self.extra_texts.push_str(digits);
        if let Some(extension) = extension {
            self.extra_texts.push('x');
            self.extra_texts.push_str(extension);
        }
        self.extras.push(Extra {
            place,
            start: start as u32,
            // Digits and extensions are short: 32 and 10 at most.
            length: u8::try_from(self.extra_texts.len() - start).unwrap_or(u8::MAX),
        });
    }

    pub(super) fn finish(self) -> Numbers {
        let mut sorted: Vec<u32> = (0..self.keys.len() as u32).collect();
        let key = |place: &u32| self.keys[*place as usize];
        sorted.sort_unstable_by_key(|place| (key(place), *place));
        let mut by_entry = vec![0; sorted.len()];
        for (place, added) in sorted.iter().enumerate() {
            by_entry[*added as usize] = place as u32;
        }
        let mut extras = self.extras;
        for extra in &mut extras {
            extra.place = by_entry[extra.place as usize];
        }
        extras.sort_unstable_by_key(|extra| extra.place);
        extras.shrink_to_fit();
        let mut extra_texts = self.extra_texts;
        extra_texts.shrink_to_fit();
        let mut numbers = Numbers {
            keys: sorted.iter().map(|place| key(place).0).collect(),
            owners: sorted.iter().map(|place| key(place).1).collect(),
            by_entry,
            national: Vec::new(),
            extras,
            extra_texts,
        };
        numbers.national = numbers.by_national();
        numbers
    }
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The numbers that were added as these, in order.
    pub(super) fn added(&self, added: Range<u32>) -> impl Iterator<Item = PhoneNumber> {
        let places = &self.by_entry[added.start as usize..added.end as usize];
        places.iter().filter_map(|place| self.number(*place))
    }

    /// Those with the same digits and country, whatever the extension.
    pub(super) fn same_line(&self, number: &PhoneNumber) -> impl Iterator<Item = Candidate<'_>> {
        let key = number.key();
        let normal = number.normal_form();
        let places = self.places(key);
        let is_same = move |(digits, _): &(&str, Option<&str>)| key.is_exact() || *digits == normal;
        places.filter_map(move |place| {
            let (_, extension) = Some(self.extra(place)).filter(is_same)?;
            Some(self.candidate(place, extension))
        })
    }

    /// Those that are the same but for the country, which one side does not tell.
    pub(super) fn same_in_some_country(
        &self,
        number: &PhoneNumber,
    ) -> impl Iterator<Item = Candidate<'_>> {
        let key = number.national_key().filter(|key| key.is_exact());
        let with_country = match (key, number.e164()) {
            (Some(key), None) => self.with_national(key),
            (Some(_) | None, _) => &[],
        };
        let without_country = match (key, number.e164()) {
            (Some(key), Some(_)) => self.places(key),
            (Some(_) | None, _) => 0..0,
        };
        let places = with_country.iter().copied().chain(without_country);
        places.map(|place| self.candidate(place, self.extra(place).1))
    }

    fn candidate<'a>(&'a self, place: u32, extension: Option<&'a str>) -> Candidate<'a> {
        Candidate {
            owner: self.owners[place as usize],
            extension,
        }
    }

    fn places(&self, key: NumberKey) -> Range<u32> {
        let start = self.keys.partition_point(|other| *other < key);
        let same = self.keys[start..].iter().take_while(|other| **other == key);
        start as u32..(start + same.count()) as u32
    }

    fn with_national(&self, key: NumberKey) -> &[u32] {
        let national = |place: &u32| self.keys[*place as usize].national();
        let start = self
            .national
            .partition_point(|place| national(place) < Some(key));
        let same = self.national[start..]
            .iter()
            .take_while(|place| national(place) == Some(key));
        &self.national[start..start + same.count()]
    }

    fn by_national(&self) -> Vec<u32> {
        let national = |(place, key): (usize, &NumberKey)| {
            let national = key.is_e164().then(|| key.national())??;
            Some((national, place as u32))
        };
        let mut sorted: Vec<(NumberKey, u32)> =
            self.keys.iter().enumerate().filter_map(national).collect();
        sorted.sort_unstable();
        sorted.into_iter().map(|(_, place)| place).collect()
    }

    /// The digits, where the key does not tell them, and the extension.
    fn extra(&self, place: u32) -> (&str, Option<&str>) {
        let found = self
            .extras
            .binary_search_by_key(&place, |extra| extra.place);
        let Ok(at) = found else {
            return ("", None);
        };
        let extra = self.extras[at];
        let start = extra.start as usize;
        let text = &self.extra_texts[start..start + usize::from(extra.length)];
        match text.split_once('x') {
            Some((digits, extension)) => (digits, Some(extension)),
            None => (text, None),
        }
    }

    fn number(&self, place: u32) -> Option<PhoneNumber> {
        let (digits, extension) = self.extra(place);
        PhoneNumber::of_key(self.keys[place as usize], digits, extension)
    }
}
