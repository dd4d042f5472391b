//! The site's dial plan: what is dialled for what, and why.

mod resolve;

use crate::{CallLink, Dialable, LinkError, ParseNumberError, PhoneNumber, Region, Tones, text};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How this site dials: where it stands, how it gets an outside line, which digits are its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialPlan {
    /// Where the PBX stands; numbers that name no country belong to this one.
    pub country: Region,
    /// Completes local numbers, for example `495`; empty where nobody leaves it out.
    #[serde(default)]
    pub area_code: String,
    /// Dialled before every outside number, for example `9`; empty: nothing.
    #[serde(default)]
    pub outside_prefix: String,
    /// What stands for `+` when numbers are sent the national way: `00`, `810`; empty: the country's own.
    #[serde(default)]
    pub international_prefix: String,
    /// What stands before a national number: `8`, `0`; empty: the country's own.
    #[serde(default)]
    pub national_prefix: String,
    #[serde(default)]
    pub internal_length: InternalLength,
    #[serde(default)]
    pub send_as: SendAs,
    /// Exceptions by prefix; the longest that fits wins.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// How many digits the site's own extensions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternalLength {
    pub min: u8,
    pub max: u8,
}

/// The form in which an outside number is sent to the PBX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendAs {
    /// `+79062195047`
    #[default]
    E164,
    /// `79062195047`
    E164Digits,
    /// `89062195047`, abroad `8104420…`
    National,
    /// The digits that were written.
    AsDialled,
}

/// What to do with numbers that start so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Leading part of the E.164 form (`+7495`), or without `+` of the digits as written.
    pub prefix: String,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Sent in this form, with this instead of the plan's outside prefix if given.
    Send {
        send_as: SendAs,
        #[serde(default)]
        outside_prefix: Option<String>,
    },
    /// The prefix is replaced and the rest is dialled as it then stands.
    Replace { with: String },
    /// Never dialled, for this reason. Emergency numbers are dialled all the same.
    Refuse { reason: String },
}

/// What is to be called: text that somebody typed or a link that somebody clicked.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    Text(&'a str),
    Link(&'a CallLink),
}

/// What will be dialled, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub dial: Dialable,
    pub number: PhoneNumber,
    pub kind: Kind,
    /// Must be agreed to by the person before anything is dialled.
    pub question: Option<Question>,
    /// Sent as DTMF after the answer, never dialled.
    pub extension_to_send: Option<Tones>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Internal,
    National,
    International,
    Emergency,
    /// `*21#` and the like: it changes settings of the PBX instead of calling somebody.
    FeatureCode,
    /// Short numbers outside the plan, for example 060.
    Short,
}

/// What the person must agree to first; displays as a sentence that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    FeatureCode(Dialable),
    /// The caller pays more than a call costs.
    PremiumRate {
        number: String,
    },
    /// No plan of any country has such a number.
    NotInPlan {
        number: String,
        country: Region,
    },
}

/// One line of the answer to "why this number?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done, for example `outside line “9”`.
    pub what: String,
    /// The number after it.
    pub result: String,
}

/// Nothing will be dialled; displays as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    pub reason: RefusalReason,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Number(#[from] ParseNumberError),
    #[error(transparent)]
    NotDialable(#[from] crate::NotDialable),
    #[error("the dial plan does not allow it: {0}")]
    Rule(String),
}

impl DialPlan {
    /// The plan of a site that sends E.164 and dials nothing before it.
    #[must_use]
    pub fn new(country: Region) -> Self {
        Self {
            country,
            area_code: String::new(),
            outside_prefix: String::new(),
            international_prefix: String::new(),
            national_prefix: String::new(),
            internal_length: InternalLength::default(),
            send_as: SendAs::default(),
            rules: Vec::new(),
        }
    }

    /// Reads a number in the way of this site: its country, its area code.
    pub fn number(&self, text: &str) -> Result<PhoneNumber, ParseNumberError> {
        let written = text::read(text)?;
        Ok(PhoneNumber::from_written(
            text,
            written,
            self.country,
            &self.area_code,
        ))
    }

    /// A caller's number as a person reads it, however the trunk writes it; what is no number stays as it is.
    #[must_use]
    pub fn caller(&self, text: &str) -> String {
        self.number_of_trunk(text)
            .map_or_else(|| text.to_owned(), |number| number.international())
    }

    /// Reads a number as it came over the trunk. Digits that only make sense with `+` before them get it: many trunks
    /// deliver E.164 without.
    #[must_use]
    pub fn number_of_trunk(&self, text: &str) -> Option<PhoneNumber> {
        let number = self.number(text).ok()?;
        let is_inside = self.internal_length.contains(number.digits());
        if number.is_valid() || is_inside || text.starts_with('+') {
            return Some(number);
        }
        let with_plus = self.number(&format!("+{text}")).ok();
        Some(with_plus.filter(PhoneNumber::is_valid).unwrap_or(number))
    }

    /// Says what would be dialled for a text or a link, and why.
    pub fn resolve<'a>(&self, target: impl Into<Target<'a>>) -> Result<Resolution, Refusal> {
        resolve::resolve(self, target.into())
    }
}

impl Default for InternalLength {
    fn default() -> Self {
        Self { min: 2, max: 4 }
    }
}

impl InternalLength {
    #[must_use]
    pub fn contains(self, digits: &str) -> bool {
        digits.bytes().all(|b| b.is_ascii_digit())
            && (usize::from(self.min)..=usize::from(self.max)).contains(&digits.len())
    }
}

impl Resolution {
    /// The way from what was given to what is dialled, a short line each.
    #[must_use]
    pub fn why(&self) -> Vec<String> {
        self.steps.iter().map(Step::to_string).collect()
    }
}

impl Refusal {
    /// How far it came, a short line each.
    #[must_use]
    pub fn why(&self) -> Vec<String> {
        self.steps.iter().map(Step::to_string).collect()
    }
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a CallLink> for Target<'a> {
    fn from(link: &'a CallLink) -> Self {
        Self::Link(link)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.result)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FeatureCode(code) => {
                write!(
                    f,
                    "{code} is a feature code: it can change settings of the phone system. Dial it?"
                )
            }
            Self::PremiumRate { number } => {
                write!(
                    f,
                    "{number} is a premium-rate number: the call costs extra. Dial it?"
                )
            }
            Self::NotInPlan { number, country } => {
                write!(
                    f,
                    "{number} is not a phone number in {country} or abroad. Dial it all the same?"
                )
            }
        }
    }
}
