//! A country, as ISO 3166-1 names it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A country or territory with a numbering plan of its own, for example `RU`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(rlibphonenumber::Region);

/// The text names no country with a numbering plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a country code such as GB or RU")]
pub struct UnknownRegion(String);

impl Region {
    pub const GB: Self = Self(rlibphonenumber::Region::GB);
    pub const IT: Self = Self(rlibphonenumber::Region::IT);
    pub const RU: Self = Self(rlibphonenumber::Region::RU);
    pub const US: Self = Self(rlibphonenumber::Region::US);

    /// Every country and territory with a numbering plan, sorted by code.
    #[must_use]
    pub fn all() -> Vec<Self> {
        crate::numbering::countries()
    }

    /// The country calling code without `+`, for example 7.
    #[must_use]
    pub fn calling_code(self) -> u16 {
        crate::numbering::calling_code(self).unwrap_or(0)
    }

    pub(crate) fn id(self) -> rlibphonenumber::Region {
        self.0
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    /// Takes the two letters in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let unknown = || UnknownRegion(text.chars().take(16).collect());
        if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(unknown());
        }
        let region = rlibphonenumber::Region::from_code(&text.to_ascii_uppercase())
            .map_err(|_| unknown())?;
        crate::numbering::calling_code(Self(region))
            .map(|_| Self(region))
            .ok_or_else(unknown)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_region_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
