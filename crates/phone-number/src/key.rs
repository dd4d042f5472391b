//! A number packed into 64 bits, for indexes of a million numbers.

use crate::numbering;
use std::hash::Hasher;

/// Equal for equal numbers, however they were written. The extension is not part of it.
///
/// E.164 numbers and plain digits of up to 15 places are packed without loss; anything longer is
/// hashed ([`is_exact`](Self::is_exact) tells), so an index must then compare the numbers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberKey(u64);

/// Shorter numbers are the same in many countries.
pub(crate) const SHORTEST_NATIONAL: usize = 7;
const PLACES: usize = 15;
const LENGTH_SHIFT: u32 = 56;
const E164: u64 = 1 << 60;
const DIGITS: u64 = 2 << 60;
const HASHED: u64 = 3 << 60;
const LENGTH: u64 = 0xf;
const VALUE: u64 = (1 << LENGTH_SHIFT) - 1;

impl NumberKey {
    /// `e164` is `+` and digits; other numbers come as what would be dialled.
    pub(crate) fn of(text: &str) -> Self {
        match text.strip_prefix('+') {
            Some(digits) => Self::packed(E164, digits),
            None => Self::packed(DIGITS, text),
        }
        .unwrap_or_else(|| Self::hashed(text))
    }

    /// True when equal keys prove equal numbers.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.0 & HASHED != HASHED
    }

    /// The number as [`PhoneNumber::normal_form`](crate::PhoneNumber::normal_form) has it, where the key is exact.
    #[must_use]
    pub fn normal_form(self) -> Option<String> {
        let plus = if self.is_e164() { "+" } else { "" };
        let length = self.length();
        self.is_exact()
            .then(|| format!("{plus}{:0length$}", self.0 & VALUE))
    }

    /// True for numbers of the world's plan.
    #[must_use]
    pub fn is_e164(self) -> bool {
        self.0 & HASHED == E164
    }

    /// What [`PhoneNumber::national_key`](crate::PhoneNumber::national_key) gives for the number, where that can be told
    /// from an exact key.
    #[must_use]
    pub fn national(self) -> Option<Self> {
        if !self.is_exact() {
            return None;
        }
        let (value, length) = (self.0 & VALUE, self.length());
        let national = if self.is_e164() {
            length - numbering::code_length(value, length)?
        } else {
            length
        };
        let value = value % 10_u64.pow(national as u32);
        (national >= SHORTEST_NATIONAL)
            .then_some(Self(DIGITS | (national as u64) << LENGTH_SHIFT | value))
    }

    fn length(self) -> usize {
        (self.0 >> LENGTH_SHIFT & LENGTH) as usize
    }

    /// The length is kept beside the value because leading zeros count: 0100 is not 100.
    fn packed(kind: u64, digits: &str) -> Option<Self> {
        if digits.len() > PLACES || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: u64 = digits.parse().ok()?;
        Some(Self(kind | (digits.len() as u64) << LENGTH_SHIFT | value))
    }

    fn hashed(text: &str) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(text.as_bytes());
        Self(HASHED | hasher.finish() >> 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_key_tells_its_number_and_the_number_in_its_country() {
        for text in [
            "100",
            "0100",
            "+79062195047",
            "+390206123456",
            "0",
            "9062195047",
        ] {
            assert_eq!(NumberKey::of(text).normal_form().as_deref(), Some(text));
        }
        assert_eq!(NumberKey::of("*21#").normal_form(), None);
        for (text, country) in [
            ("+79062195047", crate::Region::RU),
            ("+390206123456", crate::Region::RU),
            ("+12125550123", crate::Region::RU),
            ("+442079460123", crate::Region::RU),
            ("0206123456", crate::Region::RU),
            ("112", crate::Region::RU),
            ("*21#", crate::Region::RU),
        ] {
            let number = crate::PhoneNumber::parse(text, country).unwrap();
            assert_eq!(number.key().national(), number.national_key(), "{text}");
        }
    }

    #[test]
    fn leading_zeros_and_the_plus_make_different_keys() {
        let keys = ["100", "0100", "00100", "+100", "*100", "1000"].map(NumberKey::of);
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(keys.iter().filter(|other| *other == key).count(), 1, "{i}");
        }
        assert!(NumberKey::of("+999999999999999").is_exact());
        assert!(!NumberKey::of("+9999999999999999").is_exact());
        assert!(!NumberKey::of("*21#").is_exact());
    }
}
