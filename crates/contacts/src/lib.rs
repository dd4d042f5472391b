//! People and companies by number: vCard and CSV books.
//!
//! [`Book::load`] reads a file, [`Book::find`] says who has a number, [`Book::search`] finds by
//! name, [`watch`] keeps a book as its file is.

mod book;
mod book_source;
mod bounded;
mod charset;
mod clean;
mod csv_book;
pub mod directory;
pub mod ldap;
mod likeness;
pub mod memory;
mod person;
mod report;
mod source;
mod tls;
mod vcard;
pub mod watch;

pub use book::{Book, Builder, Match};
pub use book_source::BookSource;
pub use directory::{Changed, Directory, Found, Link, Listener, Unlink, Who};
pub use likeness::{Likeness, likeness};
pub use person::{Card, Person};
pub use report::{LoadError, LoadReport, Skipped};
pub use source::{Answering, Question, Source, SourceError, SourceErrorKind};
