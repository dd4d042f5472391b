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

/// A person as a file or a directory has it, before it is packed into a [`Book`](crate::Book). Texts may be of any
/// length and hold anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    pub name: String,
    pub company: String,
    pub note: String,
    pub url: String,
    pub email: String,
    /// One or several numbers each, or links, as written.
    pub phones: Vec<String>,
    /// [`Record::id`]; where it is empty, one is made of name and company.
    pub id: String,
}
