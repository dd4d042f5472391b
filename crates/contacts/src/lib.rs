//! Who has a number, and who has a name: books of contacts, directories and CRMs in one [`Directory`].
//!
//! A [`Source`] knows people; the directory asks all of them, each question once, verifies what they say, keeps it for a
//! while, and remembers whom somebody chose ([`memory`]). [`Book`] is a file of contacts in memory, [`BookSource`] makes a
//! source of it, [`watch`] keeps it as its file is; other sources pack their people into one by [`Builder`].
//! [`ldap`] asks a directory, [`carddav`] copies address books.

mod book;
mod book_source;
mod bounded;
pub mod carddav;
mod charset;
pub mod clean;
mod csv_book;
pub mod directory;
mod form;
pub mod ldap;
mod likeness;
pub mod memory;
pub mod memory_file;
mod person;
mod report;
mod source;
mod tls;
mod vcard;
pub mod watch;

pub use book::{Book, Builder, Match};
pub use book_source::BookSource;
pub use directory::{Changed, Directory, Found, Link, Listener, Unlink, Who};
pub use form::Wrong;
pub use likeness::{Likeness, likeness};
pub use person::{Card, Person};
pub use report::{LoadError, LoadReport, Skipped};
pub use source::{Answering, Question, Source, SourceError, SourceErrorKind};
