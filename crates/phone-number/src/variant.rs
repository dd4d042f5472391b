//! The spellings of a number that CRMs store and search by.

use crate::{PhoneNumber, numbering};
use std::{fmt, str::FromStr};

/// One way to write a number; the examples are +7 906 219-50-47 ext. 12.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// `+79062195047`
    E164,
    /// `79062195047`; of a short number its own digits
    Digits,
    /// `89062195047`: as it is dialled inside its country
    Trunk,
    /// `9062195047`
    NationalSignificant,
    /// `8 (906) 219-50-47`
    National,
    /// `+7 906 219-50-47`
    International,
    /// The last digits: `2195047`
    Suffix(u8),
    /// `12`
    Ext,
    /// As it came.
    Raw,
    /// `(###) ###-####`: each `#` is one of the national digits, or one of all digits if there are so many `#`.
    Mask(String),
}

/// The text names no variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is no spelling of a number: e164, digits, trunk, national_significant, national, international, suffix7, suffix9, suffix10, ext, raw, mask:(###) ###-####"
)]
pub struct UnknownVariant(String);

/// The variants without a mask, by their names.
const NAMED: [(&str, Variant); 11] = [
    ("e164", Variant::E164),
    ("digits", Variant::Digits),
    ("trunk", Variant::Trunk),
    ("national_significant", Variant::NationalSignificant),
    ("national", Variant::National),
    ("international", Variant::International),
    ("suffix7", Variant::Suffix(7)),
    ("suffix9", Variant::Suffix(9)),
    ("suffix10", Variant::Suffix(10)),
    ("ext", Variant::Ext),
    ("raw", Variant::Raw),
];

impl Variant {
    /// Every name that [`FromStr`] takes, besides `mask:…`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(mask) = text.strip_prefix("mask:").filter(|mask| mask.contains('#')) {
            return Ok(Self::Mask(mask.to_owned()));
        }
        let named = NAMED.iter().find(|(name, _)| *name == text);
        let (_, variant) = named.ok_or_else(|| UnknownVariant(text.chars().take(40).collect()))?;
        Ok(variant.clone())
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Mask(mask) = self {
            return write!(f, "mask:{mask}");
        }
        let name = NAMED.iter().find(|(_, variant)| variant == self);
        f.write_str(name.map_or("suffix", |(name, _)| name))
    }
}

impl PhoneNumber {
    /// The number written so; `None` where it has no such spelling, as an extension has none of a country.
    #[must_use]
    pub fn variant(&self, variant: &Variant) -> Option<String> {
        match variant {
            Variant::E164 => self.e164().map(str::to_owned),
            Variant::Digits => Some(plain(self.normal_form())).filter(|digits| !digits.is_empty()),
            Variant::Trunk => numbering::trunk(self.e164()?),
            Variant::NationalSignificant => self.national_significant().map(str::to_owned),
            Variant::National => self.e164().map(|_| self.national()),
            Variant::International => self.e164().map(|_| self.international()),
            Variant::Suffix(length) => suffix(&plain(self.normal_form()), (*length).into()),
            Variant::Ext => self.extension().map(str::to_owned),
            Variant::Raw => Some(self.raw().to_owned()),
            Variant::Mask(mask) => self.masked(mask),
        }
    }

    /// The digits behind the country's code; `None` for numbers of no country.
    #[must_use]
    pub fn national_significant(&self) -> Option<&str> {
        numbering::without_code(self.e164()?)
    }

    fn masked(&self, mask: &str) -> Option<String> {
        let places = mask.chars().filter(|c| *c == '#').count();
        let all = plain(self.e164()?);
        let national = self.national_significant()?;
        let digits = [national, &all]
            .into_iter()
            .find(|digits| digits.len() == places)?;
        let mut digits = digits.chars();
        let filled = mask.chars().map(|c| match c {
            '#' => digits.next().unwrap_or('#'),
            other => other,
        });
        Some(filled.collect())
    }
}

fn plain(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

fn suffix(digits: &str, length: usize) -> Option<String> {
    let start = digits.len().checked_sub(length)?;
    digits.get(start..).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    fn written(text: &str, variant: &str) -> Option<String> {
        let number = PhoneNumber::parse(text, Region::RU).unwrap();
        number.variant(&variant.parse().unwrap())
    }

    #[test]
    fn a_number_is_written_in_every_way_that_crms_store_it() {
        for (variant, expected) in [
            ("e164", "+79062195047"),
            ("digits", "79062195047"),
            ("trunk", "89062195047"),
            ("national_significant", "9062195047"),
            ("national", "8 (906) 219-50-47"),
            ("international", "+7 906 219-50-47"),
            ("suffix7", "2195047"),
            ("suffix9", "062195047"),
            ("suffix10", "9062195047"),
            ("ext", "12"),
            ("raw", "8906 2195047 доб. 12"),
            ("mask:(###) ###-####", "(906) 219-5047"),
            ("mask:+# ### ### ## ##", "+7 906 219 50 47"),
        ] {
            let found = written("8906 2195047 доб. 12", variant);
            assert_eq!(found.as_deref(), Some(expected), "{variant}");
        }
    }

    #[test]
    fn each_country_has_its_own_trunk_prefix_or_none() {
        assert_eq!(written("+442079460958", "trunk").unwrap(), "02079460958");
        assert_eq!(written("+390212345678", "trunk").unwrap(), "0212345678");
        assert_eq!(written("+12025550173", "trunk").unwrap(), "12025550173");
        assert_eq!(written("+34912345678", "trunk").unwrap(), "912345678");
    }

    #[test]
    fn what_a_number_does_not_have_is_left_out() {
        assert_eq!(written("100", "digits").as_deref(), Some("100"));
        for variant in ["e164", "trunk", "national", "suffix7", "ext", "mask:###"] {
            assert_eq!(written("100", variant), None, "{variant}");
        }
        assert_eq!(written("+79062195047", "mask:##-##"), None);
    }

    #[test]
    fn names_are_read_back_as_they_are_shown() {
        for name in Variant::names().chain(["mask:+# (###)"]) {
            assert_eq!(name.parse::<Variant>().unwrap().to_string(), name);
        }
        assert!("mask:".parse::<Variant>().is_err());
        assert!("E164".parse::<Variant>().is_err());
    }
}
