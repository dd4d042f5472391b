//! People and companies by number: vCard and CSV books.
//!
//! [`Book::load`] reads a file, [`Book::find`] says who has a number, [`Book::search`] finds by
//! name, [`watch::watch`] keeps the book as the file is.

mod book;
mod person;
mod report;
pub mod watch;

pub use book::{Book, Match};
pub use person::Person;
pub use report::{LoadError, LoadReport, Skipped};
