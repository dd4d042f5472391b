//! What can go wrong, in sentences that say what to do.

use std::path::{Path, PathBuf};

/// Why an operation did not happen. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("nothing can be stored, the disk is full or does not take writes; make room")]
    Full(#[source] sqlx::Error),
    #[error("the database is in use by another program and did not become free in time")]
    Locked(#[source] Option<sqlx::Error>),
    #[error("the database does not answer")]
    Away(#[source] Option<sqlx::Error>),
    #[error("the database refused: {what}")]
    Other {
        what: String,
        #[source]
        source: Option<sqlx::Error>,
    },
}

impl StoreError {
    /// A row that this program did not write like that.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Other {
            what: what.into(),
            source: None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match kind(&error) {
            Kind::Full => Self::Full(error),
            Kind::Locked => Self::Locked(Some(error)),
            Kind::Away | Kind::Refused => Self::Away(Some(error)),
            Kind::NotADatabase | Kind::CannotOpen | Kind::Other => Self::Other {
                what: error.to_string(),
                source: Some(error),
            },
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::damaged(format!("a stored list cannot be read: {error}"))
    }
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{path} cannot be opened; its folder must exist and this program's user must own it: {source}",
        path = path.display()
    )]
    CannotOpen {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{path} is held by another program; end that one first", path = path.display())]
    Locked { path: PathBuf },
    #[error("{path} cannot be written, its disk is full; make room", path = path.display())]
    Full { path: PathBuf },
    #[error(
        "{path} is not a database of this program; move it away or name another file",
        path = path.display()
    )]
    NotADatabase { path: PathBuf },
    #[error(
        "the database was written by a newer version of this program (schema {found}, this one knows {known}); install that version"
    )]
    Newer { found: i64, known: i64 },
    #[error("PostgreSQL does not answer; check its address and whether it runs: {source}")]
    Away {
        #[source]
        source: sqlx::Error,
    },
    #[error("PostgreSQL does not let this program in; check user, password and database: {source}")]
    Refused {
        #[source]
        source: sqlx::Error,
    },
    #[error(
        "the address of PostgreSQL is not understood; it looks like postgres://user:password@host/database"
    )]
    Address,
    #[error("the database cannot be made ready: {source}")]
    Other {
        #[source]
        source: StoreError,
    },
}

impl OpenError {
    pub(crate) fn of_file(path: &Path, error: sqlx::Error) -> Self {
        let path = path.to_owned();
        match kind(&error) {
            Kind::Full => Self::Full { path },
            Kind::Locked => Self::Locked { path },
            Kind::NotADatabase => Self::NotADatabase { path },
            Kind::CannotOpen | Kind::Away => Self::CannotOpen {
                path,
                source: error.into(),
            },
            Kind::Refused | Kind::Other => Self::Other {
                source: error.into(),
            },
        }
    }

    pub(crate) fn of_postgres(error: sqlx::Error) -> Self {
        match kind(&error) {
            Kind::Away => Self::Away { source: error },
            Kind::Refused => Self::Refused { source: error },
            Kind::Full | Kind::Locked | Kind::NotADatabase | Kind::CannotOpen | Kind::Other => {
                Self::Other {
                    source: error.into(),
                }
            }
        }
    }
}

enum Kind {
    Full,
    Locked,
    Away,
    Refused,
    NotADatabase,
    CannotOpen,
    Other,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlx's enum is open, and few of its errors are told apart"
)]
fn kind(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default();
            // PostgreSQL's have five characters, SQLite's are numbers below 10000.
            if code.len() == 5 {
                kind_of_postgres(&code)
            } else {
                kind_of_sqlite(code.parse().unwrap_or(0))
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Kind::Away,
        _ => Kind::Other,
    }
}

fn kind_of_postgres(code: &str) -> Kind {
    match code {
        "53100" => Kind::Full,
        // Lock timeout, deadlock, serialisation, statement timeout.
        "55P03" | "40P01" | "40001" | "57014" => Kind::Locked,
        "28000" | "28P01" | "3D000" | "42501" => Kind::Refused,
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            Kind::Away
        }
        _ => Kind::Other,
    }
}

fn kind_of_sqlite(code: i64) -> Kind {
    /// A write that failed otherwise than for want of room: a quota, a limit on the file's size, a broken disk.
    const IOERR_WRITE: i64 = 778;
    /// The index of SQLite's log cannot grow.
    const IOERR_SHMSIZE: i64 = 4874;
    match (code, code & 0xff) {
        (IOERR_WRITE | IOERR_SHMSIZE, _) | (_, 13) => Kind::Full,
        (_, 5 | 6) => Kind::Locked,
        // Also a file that is read only.
        (_, 14 | 8 | 23) => Kind::CannotOpen,
        (_, 26 | 11) => Kind::NotADatabase,
        _ => Kind::Other,
    }
}
