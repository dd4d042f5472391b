//! The only strings that may leave for Asterisk: a target to dial and tones to send.

use std::fmt;

/// Longest target; E.164 with an outside-line and an international prefix needs 24.
const MAX_DIALABLE: usize = 32;

/// A target that matches `^\+?[0-9*#]{1,32}$`, so it cannot hold a second channel (`&`),
/// a context (`@`), options (`/`, `,`) or a line end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dialable(String);

/// DTMF digits to send after the answer, `[0-9*#]{1,32}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tones(String);

/// The text holds something that a phone system must not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDialable {
    #[error("there is nothing to dial")]
    Empty,
    #[error("{length} digits are too many to dial (at most {MAX_DIALABLE})")]
    TooLong { length: usize },
    #[error("“{}” cannot be dialled", .0.escape_default())]
    Character(char),
}

impl Dialable {
    /// Takes the text as it is: nothing is dropped and nothing is added.
    pub fn new(text: impl Into<String>) -> Result<Self, NotDialable> {
        let text = text.into();
        check_digits(text.strip_prefix('+').unwrap_or(&text))?;
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tones {
    /// Takes the text as it is: nothing is dropped and nothing is added.
    pub fn new(text: impl Into<String>) -> Result<Self, NotDialable> {
        let text = text.into();
        check_digits(&text)?;
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_digits(digits: &str) -> Result<(), NotDialable> {
    let forbidden = |c: &char| !matches!(c, '0'..='9' | '*' | '#');
    if let Some(character) = digits.chars().find(forbidden) {
        return Err(NotDialable::Character(character));
    }
    match digits.len() {
        0 => Err(NotDialable::Empty),
        1..=MAX_DIALABLE => Ok(()),
        length => Err(NotDialable::TooLong { length }),
    }
}

impl AsRef<str> for Dialable {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Tones {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Dialable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_star_and_hash_are_dialable() {
        for good in ["1", "+79062195047", "*21#", "#31#", &"9".repeat(32)] {
            assert_eq!(Dialable::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "+",
            "500&PJSIP/itsp/1900",
            "500@ctx",
            "500,1",
            "500/n",
            "5 00",
            "+7+7",
            "٥٠٠",
            "1\r\n",
            "A",
            &"9".repeat(33),
        ] {
            assert!(Dialable::new(bad).is_err(), "{bad:?}");
        }
        assert!(Tones::new("+1").is_err());
    }
}
