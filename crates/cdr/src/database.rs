//! The table `cdr` of MySQL, MariaDB or PostgreSQL, as FreePBX, `cdr_adaptive_odbc` and `cdr_pgsql` fill it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::{Batch, Cursor, ReadError, Zone};

mod line;
mod plan;
mod read;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MariaDB too.
    Mysql,
    Postgres,
}

/// How the line to the database is protected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// Not at all, which is right on the same machine alone.
    #[default]
    Off,
    /// The server shows a certificate for its name, signed by an authority that this system believes.
    System,
    /// The same, signed by the authority of this PEM file.
    CaFile(PathBuf),
}

/// Where the table is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    pub kind: Kind,
    pub host: String,
    /// Usually 3306, for PostgreSQL 5432.
    pub port: u16,
    pub user: String,
    pub password: SecretString,
    /// `asteriskcdrdb` in FreePBX.
    pub database: String,
    /// Usually `cdr`.
    pub table: String,
    /// The table of channel events, usually `cel`: it tells the linkedid where `table` does not. It may be missing.
    pub events: Option<String>,
    pub tls: Tls,
    /// In which Asterisk writes times into columns that have no zone of their own.
    pub zone: Zone,
    /// A record appears when its call ends and is dated when it began, so this must be longer than calls are.
    pub overlap: Duration,
    /// For one reading.
    pub deadline: Duration,
}

/// A table of records; holds settings and no connection.
#[derive(Debug, Clone)]
pub struct Database {
    config: DatabaseConfig,
}

impl Database {
    pub fn new(config: DatabaseConfig) -> Self {
        Self { config }
    }

    /// At most `limit` records from there on, by one connection that only reads.
    pub async fn read(&self, cursor: &Cursor, limit: usize) -> Result<Batch, ReadError> {
        let late = |_| ReadError::Late {
            host: self.config.host.clone(),
            seconds: self.config.deadline.as_secs(),
        };
        tokio::time::timeout(
            self.config.deadline,
            read::batch(&self.config, cursor, limit),
        )
        .await
        .map_err(late)?
    }
}
