//! A number packed into 64 bits, for indexes of a million numbers.

use std::hash::Hasher;

/// Equal for equal numbers, however they were written. The extension is not part of it.
///
/// E.164 numbers and plain digits of up to 15 places are packed without loss; anything longer is
/// hashed ([`is_exact`](Self::is_exact) tells), so an index must then compare the numbers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberKey(u64);

const PLACES: usize = 15;
const LENGTH_SHIFT: u32 = 56;
const E164: u64 = 1 << 60;
const DIGITS: u64 = 2 << 60;
const HASHED: u64 = 3 << 60;

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
