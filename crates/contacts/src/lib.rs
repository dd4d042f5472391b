//! People and companies by number: vCard and CSV books.
//!
//! [`Book::load`] reads a file, [`Book::find`] says who has a number, [`Book::search`] finds by
//! name, [`watch`] keeps a book as its file is.

mod book;
mod charset;
mod clean;
mod csv_book;
mod person;
mod report;
mod vcard;
pub mod watch;

pub use book::{Book, Match};
pub use person::Person;
pub use report::{LoadError, LoadReport, Skipped};
