//! A phone number as it was written and as the world dials it.

use crate::{NumberKey, Region, key::SHORTEST_NATIONAL, numbering, text};
use std::fmt;

/// What a text names: a number of the world's plan (E.164), or digits that mean something only
/// inside one phone system (an extension, a short number, a feature code).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    raw: String,
    digits: String,
    e164: Option<String>,
    extension: Option<String>,
    valid: bool,
}

/// Why a text is not a phone number; each reads as a sentence for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    #[error("there is no number in it")]
    NoDigits,
    #[error("“{}” cannot be part of a phone number", .0.escape_default())]
    Character(char),
    #[error("{length} digits are too many for a phone number")]
    TooLong { length: usize },
}

impl PhoneNumber {
    /// Reads a number as people write it, in the way of `country` where it names none itself.
    pub fn parse(text: &str, country: Region) -> Result<Self, ParseNumberError> {
        let written = text::read(text)?;
        Ok(Self::from_written(text, written, country, ""))
    }

    /// The number of a key with this extension, without asking any numbering plan; `digits` are its normal form, for keys
    /// that are not exact. An E.164 number counts as valid, since it was read as one before.
    #[must_use]
    pub fn of_key(key: NumberKey, digits: &str, extension: Option<&str>) -> Option<Self> {
        let normal = match key.normal_form() {
            Some(normal) => normal,
            None if NumberKey::of(digits) == key => digits.to_owned(),
            None => return None,
        };
        let is_e164 = normal.starts_with('+');
        Some(Self {
            raw: normal.clone(),
            digits: normal.clone(),
            valid: is_e164,
            e164: is_e164.then_some(normal),
            extension: extension.map(str::to_owned),
        })
    }

    /// `area_code` completes local numbers (seven digits in many cities).
    pub(crate) fn from_written(
        raw: &str,
        written: text::Written,
        country: Region,
        area_code: &str,
    ) -> Self {
        let found = numbering::find(&written.digits, country, area_code);
        Self {
            raw: raw.trim().to_owned(),
            digits: written.digits,
            extension: written.extension,
            valid: found.as_ref().is_some_and(|found| found.valid),
            e164: found.map(|found| found.e164),
        }
    }

    /// As somebody wrote it, spaces around it removed.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// `+` and at most 15 digits. None for extensions, short numbers and feature codes.
    #[must_use]
    pub fn e164(&self) -> Option<&str> {
        self.e164.as_deref()
    }

    /// What was written, as `+`, digits, `*` and `#` only, without the extension.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The extension behind the number, digits only.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// True when the country's plan has such numbers, not only numbers of such length.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.valid
    }

    /// For people anywhere: `+7 906 219-50-47`; digits as they are where there is no E.164.
    #[must_use]
    pub fn international(&self) -> String {
        match &self.e164 {
            Some(e164) => numbering::international(e164),
            None => self.digits.clone(),
        }
    }

    /// For people in that country: `8 (906) 219-50-47`.
    #[must_use]
    pub fn national(&self) -> String {
        match &self.e164 {
            Some(e164) => numbering::national(e164),
            None => self.digits.clone(),
        }
    }

    /// Equal for equal numbers; the extension is not part of it.
    #[must_use]
    pub fn key(&self) -> NumberKey {
        NumberKey::of(self.normal_form())
    }

    /// Equal for numbers that differ at most in the country, where one side does not tell it: a
    /// trace to follow, no proof. None for short numbers and feature codes.
    #[must_use]
    pub fn national_key(&self) -> Option<NumberKey> {
        let national = match &self.e164 {
            Some(e164) => numbering::without_code(e164)?,
            None => self.digits.as_str(),
        };
        let plain =
            national.len() >= SHORTEST_NATIONAL && national.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| NumberKey::of(national))
    }

    /// Same number and same extension, however both were written.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.normal_form() == other.normal_form() && self.extension == other.extension
    }

    /// E.164, else the digits: what lookups compare.
    #[must_use]
    pub fn normal_form(&self) -> &str {
        self.e164.as_deref().unwrap_or(&self.digits)
    }
}

impl fmt::Display for PhoneNumber {
    /// The international form and the extension, if any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.international())?;
        match &self.extension {
            Some(extension) => write!(f, " ext. {extension}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for PhoneNumber {
    /// Masked: a number must not reach a log by way of `?number`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({})", masked(self.normal_form()))
    }
}

/// Short enough to tell two numbers apart in a log and not to call anybody: `+7…47`.
#[must_use]
pub fn masked(number: &str) -> String {
    let diallable: Vec<char> = number.chars().filter(|c| !c.is_whitespace()).collect();
    if diallable.len() < 7 {
        return diallable.into_iter().collect();
    }
    let start = if diallable[0] == '+' { 2 } else { 1 };
    let head: String = diallable[..start].iter().collect();
    let tail: String = diallable[diallable.len() - 2..].iter().collect();
    format!("{head}…{tail}")
}
