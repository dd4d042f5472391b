//! What a book knows about somebody.

use phone_number::PhoneNumber;
use wire::{PersonFact, Record};

/// A person or a company of a source. Every text is in one line, without control characters and of
/// a sane length; it is data, never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Never empty: the company or the number stands in for a missing name.
    pub name: String,
    pub company: Option<String>,
    pub note: Option<String>,
    /// `http`, `https`, or a scheme that a connector's file names.
    pub url: Option<String>,
    /// Normalised; how the source wrote them is not kept.
    pub numbers: Vec<PhoneNumber>,
    pub record: Record,
    pub email: Option<String>,
    /// Who looks after this person, as the source names him.
    pub owner: Option<String>,
    pub facts: Vec<PersonFact>,
}

/// A person as a file has it, before it is packed.
#[derive(Default)]
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) company: String,
    pub(crate) note: String,
    pub(crate) url: String,
    /// One or several numbers each, or links, as written.
    pub(crate) phones: Vec<String>,
}
