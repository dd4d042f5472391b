//! Text that may go to Asterisk: a value that cannot end a line, and the limits of what Asterisk reads.

use std::fmt;

use thiserror::Error;

/// A header's value without control characters: it cannot end a line, and so cannot add a header or an action.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FieldValue(Box<str>);

/// Why a text is no [`FieldValue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// CR, LF, NUL or another character below space, or DEL.
    #[error("it holds the control character U+{:04X}", u32::from(*.0))]
    ControlCharacter(char),
}

/// Why an action cannot be sent. Asterisk would do something else with it, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Asterisk drops the whole action without naming it.
    #[error(
        "`{field}` makes a line of {length} bytes; Asterisk reads at most {}",
        MAX_LINE
    )]
    LineTooLong { field: &'static str, length: usize },
    /// Variables, mostly.
    #[error("the action has more than 128 headers, which is all that Asterisk reads")]
    TooManyHeaders,
    /// The text of the field is not accepted as it is.
    #[error("`{field}` cannot be sent: {why}")]
    Field {
        field: &'static str,
        why: FieldError,
    },
    /// A character that Asterisk gives a meaning of its own in this field.
    #[error("`{field}` may not contain `{character}`")]
    Reserved {
        field: &'static str,
        character: char,
    },
    #[error("`{field}` is empty")]
    Empty { field: &'static str },
    /// Hidden, outside its folder, or without a format.
    #[error("`{field}` is no name of a sound file")]
    NotAFile { field: &'static str },
    /// A word where a channel's name is needed: some words mean every channel.
    #[error("`{field}` is no name of a channel")]
    NotAChannel { field: &'static str },
}

/// Bytes of a line, CRLF included: 1,023 bytes without it are "line too long" from Asterisk 13 to 23.
pub(crate) const MAX_LINE: usize = 1_024;
/// Headers of an action; the 129th is an error from Asterisk 13 to 23.
pub(crate) const MAX_HEADERS: usize = 128;

impl FieldValue {
    /// Accepts any text without control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, FieldError> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text.into_boxed_str()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Refuses what could end a line or confuse who reads logs of it.
pub(crate) fn check(text: &str) -> Result<(), FieldError> {
    match text.chars().find(char::is_ascii_control) {
        Some(control) => Err(FieldError::ControlCharacter(control)),
        None => Ok(()),
    }
}

impl TryFrom<&str> for FieldValue {
    type Error = FieldError;

    fn try_from(text: &str) -> Result<Self, FieldError> {
        Self::new(text)
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_becomes_a_field() {
        for code in (0..0x20).chain([0x7f]) {
            let control = char::from(code);
            assert_eq!(
                FieldValue::new(format!("Bob{control}")),
                Err(FieldError::ControlCharacter(control))
            );
        }
        assert_eq!(
            FieldValue::new("Анна \"漢\" \u{85}").unwrap().as_str(),
            "Анна \"漢\" \u{85}"
        );
    }
}
