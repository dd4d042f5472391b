//! Who somebody is: people of contact books, directories and CRMs, and where they were asked for.
//!
//! All texts come from outside: one line, no control characters, a sane length; they are shown as text only.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One record of one source; equal records are the same person there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The source's id in the configuration: `contacts`, `tryton`.
    pub source: String,
    /// What the source calls it: `person`, `contact`, `company`, `lead`.
    pub kind: String,
    pub id: String,
}

/// A person or a company of a contact source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Person {
    pub name: String,
    pub company: Option<String>,
    pub note: Option<String>,
    /// The name of the source, for people: `contacts.vcf`, `Tryton`.
    pub source: String,
    #[serde(default)]
    pub record: Record,
    #[serde(default)]
    pub email: Option<String>,
    /// As people read them, in the source's order; whoever is found by name can be called at them.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// Who looks after this person there, as the source names him.
    #[serde(default)]
    pub owner: Option<String>,
    /// Opens the record: `http`, `https`, or a scheme that the source's description names.
    #[serde(default)]
    pub url: Option<String>,
    /// What else the source tells: open deals, tickets, the last contact.
    #[serde(default)]
    pub facts: Vec<PersonFact>,
    /// The number fits only but for the extension or the country: likely this person, and not surely.
    #[serde(default)]
    pub likely: bool,
}

/// Something that a source tells of a person, for example `Open deals`: `Roof, 12 000 €`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct PersonFact {
    pub label: String,
    pub value: String,
    /// As [`Person::url`].
    #[serde(default)]
    pub url: Option<String>,
}

/// Who has a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "found", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each call, and mostly the large one"
)]
pub enum People {
    /// Still asked; the number is shown meanwhile.
    #[default]
    Asking,
    Nobody,
    One {
        person: Person,
    },
    /// Several people share the number; none is chosen silently.
    Several {
        people: Vec<Person>,
    },
}

impl People {
    /// The person, where there is exactly one.
    #[must_use]
    pub fn one(&self) -> Option<&Person> {
        match self {
            Self::One { person } => Some(person),
            Self::Asking | Self::Nobody | Self::Several { .. } => None,
        }
    }
}

/// What one source said to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct SourceReport {
    /// As in [`Person::source`].
    pub source: String,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub state: SourceState,
    /// How long it took, in milliseconds; `None` while it is asked.
    pub took_ms: Option<u32>,
    /// Known from an earlier question, which took that long.
    pub cached: bool,
}

/// How far a source is with a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceState {
    Asking,
    Found {
        people: u32,
    },
    Nobody,
    /// What is wrong and what to do, with the source's own words.
    Failed {
        words: String,
    },
}

/// A person was chosen for this number before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Remembered {
    /// Who chose, as colleagues know him; `None`: oneself, or nobody knows.
    pub by: Option<String>,
    pub at: UnixMillis,
    /// Only for calls on this line (DID), not for the number everywhere.
    pub line: Option<String>,
}

/// For how long a choice holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Remember {
    /// For this call.
    No,
    /// Whenever the number calls or is called.
    #[default]
    Number,
    /// Only when it calls the same line (DID).
    NumberOnLine,
}

/// What is asked to make a new person in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct PersonForm {
    /// The source's id, for [`Request::CreatePerson`](crate::Request::CreatePerson).
    pub source: String,
    /// Its name, for people.
    pub title: String,
    pub fields: Vec<FormField>,
}

/// A field of a form. Titles by language: `en`, `ru`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct FormField {
    pub name: String,
    pub title: BTreeMap<String, String>,
    /// A sentence below the field, by language.
    #[serde(default)]
    pub help: BTreeMap<String, String>,
    pub kind: FieldKind,
    pub required: bool,
    /// What stands there to begin with; never a secret.
    pub value: String,
    /// A secret is stored; it is kept when the field is left empty.
    #[serde(default)]
    pub is_stored: bool,
    /// For [`FieldKind::Select`].
    #[serde(default)]
    pub options: Vec<String>,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text,
    Url,
    /// Goes to the keychain or the secret store and never comes back.
    Secret,
    /// An address that holds a secret, as of a webhook.
    SecretUrl,
    Bool,
    Select,
    /// Signed in to by the browser.
    Oauth,
}
