//! Where the store lies, as it stands in the settings.

use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::str::FromStr;

/// A SQLite file or a PostgreSQL database.
#[derive(Debug, Clone)]
pub enum Location {
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database`; secret for the password in it.
    Postgres(SecretString),
}

/// The text names no place for a store. It is not repeated, it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the place of the database must begin with sqlite: or postgres://, as in sqlite:/var/lib/sidetone/sidetone.db"
)]
pub struct LocationError;

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        let path = text.strip_prefix("sqlite:").ok_or(LocationError)?;
        // Three slashes as in other programs' addresses mean the same file.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains('\0') {
            return Err(LocationError);
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl std::fmt::Display for Location {
    /// For logs: the file, or the database without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let rest = url
                    .expose_secret()
                    .rsplit_once('@')
                    .map_or("", |(_, rest)| rest);
                // What follows a question mark may be a password too.
                let place = rest.split('?').next().unwrap_or_default();
                write!(f, "postgres://{place}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_database_are_told_apart() {
        assert_eq!(read("sqlite:/var/lib/a.db"), "sqlite:/var/lib/a.db");
        assert_eq!(read("sqlite:///var/lib/a.db"), "sqlite:/var/lib/a.db");
        assert_eq!(read("sqlite:a.db"), "sqlite:a.db");
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = read("postgres://me:hush@db.example/calls?password=hush");
        assert_eq!(shown, "postgres://db.example/calls");
        assert!(!format!("{:?}", Location::from_str("postgres://me:hush@h/d")).contains("hush"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "sqlite:", "mysql://h/d", "/var/lib/a.db", "sqlite:a\0b"] {
            assert_eq!(
                Location::from_str(text).unwrap_err(),
                LocationError,
                "{text}"
            );
        }
    }

    fn read(text: &str) -> String {
        Location::from_str(text).unwrap().to_string()
    }
}
