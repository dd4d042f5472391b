//! Numbers of simple plans without a regular expression.
//!
//! Google's parser tries some twenty expressions on every text, 7 µs with the small expression
//! engine. A book of 100,000 numbers must be read within a second, so numbers of plans whose
//! prefixes are plain digits are cut by hand. The outcome must be a valid number, else the parser
//! decides; a test holds both against each other.

use rlibphonenumber::{PhoneMetadata, PhoneNumber};

/// The prefixes of a country with a simple plan.
pub(super) struct Shortcut {
    code: String,
    country_code: i32,
    /// Before national numbers: `8`, `0`. Several where several are in use.
    national: Vec<String>,
    /// Before calling codes: `810`, `00`.
    international: String,
}

impl Shortcut {
    /// None for plans that need the parser.
    pub(super) fn of(plan: &PhoneMetadata) -> Option<Self> {
        let country_code = plan.country_code?;
        Some(Self {
            code: country_code.to_string(),
            country_code,
            national: alternatives(national_prefix(plan))?,
            international: literal(international_prefix(plan))?,
        })
    }

    /// `digits` starts with the calling code.
    pub(super) fn international(&self, digits: &str) -> Option<PhoneNumber> {
        let national = digits.strip_prefix(&self.code)?;
        if self.has_national_prefix(national) {
            return None;
        }
        self.number(national)
    }

    /// `digits` as dialled inside the country.
    pub(super) fn national(&self, digits: &str) -> Option<PhoneNumber> {
        if digits.starts_with(&self.international) || digits.starts_with(&self.code) {
            return None;
        }
        let [prefix] = self.national.as_slice() else {
            return if self.has_national_prefix(digits) {
                None
            } else {
                self.number(digits)
            };
        };
        self.number(digits.strip_prefix(prefix.as_str()).unwrap_or(digits))
    }

    fn has_national_prefix(&self, digits: &str) -> bool {
        self.national
            .iter()
            .any(|prefix| digits.starts_with(prefix.as_str()))
    }

    fn number(&self, national: &str) -> Option<PhoneNumber> {
        // A leading zero is part of some numbers (Italy), and how many of them the parser says.
        if national.starts_with('0') || !(4..=14).contains(&national.len()) {
            return None;
        }
        Some(PhoneNumber {
            country_code: self.country_code,
            national_number: national.parse().ok()?,
            ..PhoneNumber::default()
        })
    }
}

#[allow(
    deprecated,
    reason = "the crate shadows these fields only in its own tables"
)]
fn national_prefix(plan: &PhoneMetadata) -> &str {
    plan.national_prefix_for_parsing.as_deref().unwrap_or("")
}

#[allow(
    deprecated,
    reason = "the crate shadows these fields only in its own tables"
)]
pub(super) fn international_prefix(plan: &PhoneMetadata) -> &str {
    plan.international_prefix.as_deref().unwrap_or("")
}

/// The digits of an expression that matches exactly these, such as `^(?:810)$`.
pub(super) fn literal(expression: &str) -> Option<String> {
    let mut alternatives = alternatives(expression)?;
    let one = alternatives.pop()?;
    alternatives.is_empty().then_some(one)
}

/// The digits of an expression such as `^(?:0|180020)$`; none at all for an empty one.
fn alternatives(expression: &str) -> Option<Vec<String>> {
    if expression.is_empty() {
        return Some(Vec::new());
    }
    let inner = expression.strip_prefix("^(?:")?.strip_suffix(")$")?;
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    inner
        .split('|')
        .map(|part| plain(part).then(|| part.to_owned()))
        .collect()
}
