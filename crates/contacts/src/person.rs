//! What a book knows about somebody.

use phone_number::PhoneNumber;

/// A person or a company of a book. Every text is as the book has it, without control characters
/// and cut to a sane length; it is data, never markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Never empty: the company or the number stands in for a missing name.
    pub name: String,
    pub company: Option<String>,
    pub note: Option<String>,
    /// `http` or `https` only.
    pub url: Option<String>,
    pub numbers: Vec<PhoneNumber>,
}
