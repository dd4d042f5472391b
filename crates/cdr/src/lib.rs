//! The phone system's own records of calls, read from its CSV file or its database.
//!
//! A [`Source`] is read in batches, from where the [`Cursor`] of the batch before says. Rows may come
//! twice (a database is read with an overlap, because a record appears when its call ends and is
//! dated when it began) and must be told apart by `uniqueid`, `sequence` and `start`.
#![forbid(unsafe_code)]

mod csv;
mod database;
mod error;
mod row;
mod zone;

pub use csv::{Csv, CsvConfig, Layout};
pub use database::{Database, DatabaseConfig, Kind, Tls};
pub use error::ReadError;
pub use row::{Column, Disposition, Row, UnknownColumn};
pub use zone::{UnknownZone, Zone};

use serde::{Deserialize, Serialize};

/// Where the next reading begins. Opaque; to be kept with what was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The oldest record there is.
    pub fn beginning() -> Self {
        Self::default()
    }

    /// As it was kept.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(position: &impl Serialize) -> Result<Self, ReadError> {
        let text = serde_json::to_string(position);
        text.map(Self).map_err(|_| ReadError::Cursor)
    }

    /// `None` at the beginning.
    fn position<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, ReadError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let position = serde_json::from_str(&self.0);
        position.map(Some).map_err(|_| ReadError::Cursor)
    }
}

/// What one reading gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Oldest first, as far as the source has an order.
    pub rows: Vec<Row>,
    pub cursor: Cursor,
    /// Whether there is more to be had at once.
    pub more: bool,
    /// Records that could not be understood.
    pub skipped: u64,
    /// Records were taken away before they were read: the file was rotated, and where to is not known.
    pub gap: bool,
}

/// Where records are.
#[derive(Debug, Clone)]
pub enum Source {
    Csv(Csv),
    Database(Database),
}

impl Source {
    /// At most `limit` records from there on.
    pub async fn read(&self, cursor: &Cursor, limit: usize) -> Result<Batch, ReadError> {
        let limit = limit.max(1);
        match self {
            Self::Csv(file) => file.read(cursor, limit).await,
            Self::Database(database) => database.read(cursor, limit).await,
        }
    }
}
