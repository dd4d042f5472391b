//! How loading a book went, in sentences.

use std::{fmt, path::PathBuf};

/// What was read and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// People in the book.
    pub entries: usize,
    /// Numbers by which they are found.
    pub numbers: usize,
    /// People without any phone number; they are not in the book.
    pub without_number: usize,
    /// Cards and rows that were left out because something is wrong with them.
    pub skipped: usize,
    /// The first of these.
    pub examples: Vec<Skipped>,
}

/// A card or row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it starts, counted from 1.
    pub line: u64,
    /// Why, as a sentence.
    pub why: String,
}

/// Why there is no book at all; each reads as a sentence for the person who chose the file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the book is larger than {} MB", .limit / 1_000_000)]
    TooLarge { limit: u64 },
    #[error("the file is neither a vCard book nor a table of contacts (CSV)")]
    UnknownFormat,
    #[error("no column of the table holds phone numbers; its columns are {columns}")]
    NoPhoneColumn { columns: String },
}

impl LoadReport {
    const MAX_EXAMPLES: usize = 20;

    pub(crate) fn skip(&mut self, line: u64, why: impl Into<String>) {
        self.skipped += 1;
        if self.examples.len() < Self::MAX_EXAMPLES {
            self.examples.push(Skipped {
                line,
                why: why.into(),
            });
        }
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} people with {} numbers", self.entries, self.numbers)?;
        if self.without_number > 0 {
            write!(f, ", {} without a number", self.without_number)?;
        }
        if self.skipped > 0 {
            write!(f, ", {} left out", self.skipped)?;
        }
        match self.examples.first() {
            Some(first) => write!(f, " (line {}: {})", first.line, first.why),
            None => Ok(()),
        }
    }
}
