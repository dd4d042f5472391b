//! Opening: connections, the schema, and whether the store is well.

use crate::db::{Only, Pools, Tx};
use crate::{Location, OpenError, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// Nobody waits longer for one operation. Longer than the databases' own deadlines, whose errors say more.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long SQLite waits for another program that writes.
const BUSY: Duration = Duration::from_secs(8);
const ACQUIRE: Duration = Duration::from_secs(12);
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 8;

/// The steps of the schema, each written once and never changed: for SQLite and for PostgreSQL.
const STEPS: &[(&str, &str)] = &[
    (
        include_str!("../migrations/sqlite/0001_first.sql"),
        include_str!("../migrations/postgres/0001_first.sql"),
    ),
    (
        include_str!("../migrations/sqlite/0002_people.sql"),
        include_str!("../migrations/postgres/0002_people.sql"),
    ),
];

/// What is kept. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pools: Pools,
}

impl Store {
    /// Opens the store, makes it if it is new and brings its schema up to this program.
    pub async fn open(location: &Location) -> Result<Self, OpenError> {
        let store = match location {
            Location::Sqlite(path) => Self::open_sqlite(path).await?,
            Location::Postgres(url) => Self::open_postgres(url).await?,
        };
        tracing::info!(%location, schema = known(), "store opened");
        Ok(store)
    }

    /// Writes and reads a row: whether the store takes calls now.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "INSERT INTO health (id, at) VALUES (1, 1) \
                       ON CONFLICT (id) DO UPDATE SET at = health.at + 1";
            tx.run(sql, &[]).await?;
            tx.commit().await?;
            let mut tx = self.pools.read().await?;
            let row = tx.row("SELECT at FROM health WHERE id = 1", &[]).await?;
            row.map(drop)
                .ok_or_else(|| StoreError::damaged("what was written is not there"))
        })
        .await
    }

    /// Ends all connections; SQLite's log is then in the file.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Runs an operation with the deadline of all operations. What is dropped then is undone.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(DEADLINE, work).await {
            Ok(result) => result,
            Err(_) => Err(match self.pools {
                Pools::Sqlite { .. } => StoreError::Locked(None),
                Pools::Postgres(_) => StoreError::Away(None),
            }),
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Self, OpenError> {
        create_private(path).map_err(|source| OpenError::CannotOpen {
            path: path.to_owned(),
            source: source.into(),
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let in_file = |error| OpenError::of_file(path, error);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(in_file)?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options.pragma("query_only", "1"));
        let store = Self {
            pools: Pools::Sqlite { write, read },
        };
        store.migrate().await.map_err(|error| match error {
            MigrateError::Newer(found) => newer(found),
            MigrateError::Foreign => OpenError::NotADatabase {
                path: path.to_owned(),
            },
            MigrateError::Store(StoreError::Other {
                source: Some(error),
                ..
            }) => in_file(error),
            MigrateError::Store(StoreError::Full(_)) => OpenError::Full {
                path: path.to_owned(),
            },
            MigrateError::Store(StoreError::Locked(_)) => OpenError::Locked {
                path: path.to_owned(),
            },
            MigrateError::Store(source) => OpenError::Other { source },
        })?;
        Ok(store)
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, OpenError> {
        let options: PgConnectOptions = url
            .expose_secret()
            .parse()
            .map_err(|_| OpenError::Address)?;
        let options = options
            .application_name("sidetone-server")
            .disable_statement_logging();
        // The pool would say of every refusal only that it waited.
        let first = sqlx::PgConnection::connect_with(&options);
        let first = match tokio::time::timeout(ACQUIRE, first).await {
            Ok(connection) => connection.map_err(OpenError::of_postgres)?,
            Err(_) => {
                return Err(OpenError::Away {
                    source: sqlx::Error::PoolTimedOut,
                });
            }
        };
        let _ = first.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // Not as options of the connection, which poolers refuse.
                    connection
                        .execute("SET statement_timeout = '15s'; SET lock_timeout = '10s'")
                        .await
                        .map(drop)
                })
            })
            .connect_lazy_with(options);
        let store = Self {
            pools: Pools::Postgres(pool),
        };
        store.migrate().await.map_err(|error| match error {
            MigrateError::Newer(found) => newer(found),
            MigrateError::Foreign => OpenError::Other {
                source: StoreError::damaged("it holds tables of another program"),
            },
            MigrateError::Store(StoreError::Other {
                source: Some(error),
                ..
            }) => OpenError::of_postgres(error),
            MigrateError::Store(source) => OpenError::Other { source },
        })?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        let made = self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(Only::Migrate).await?;
            if is_foreign(&mut tx).await? {
                return Ok(Err(MigrateError::Foreign));
            }
            let found = apply_steps(&mut tx).await?;
            if found > known() {
                return Ok(Err(MigrateError::Newer(found)));
            }
            tx.commit().await?;
            Ok(Ok(()))
        });
        made.await?
    }
}

/// The schema that this program knows.
pub(crate) fn known() -> i64 {
    STEPS.len() as i64
}

enum MigrateError {
    Newer(i64),
    Foreign,
    Store(StoreError),
}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn newer(found: i64) -> OpenError {
    OpenError::Newer {
        found,
        known: known(),
    }
}

/// Whether a SQLite file has tables, and none of them ours. A schema of PostgreSQL may be shared.
async fn is_foreign(tx: &mut Tx) -> Result<bool, StoreError> {
    if !tx.is_sqlite() {
        return Ok(false);
    }
    let tables = tx
        .rows("SELECT name FROM sqlite_master WHERE type = 'table'", &[])
        .await?;
    let mut names = Vec::new();
    for mut row in tables {
        names.push(row.text()?);
    }
    Ok(!names.is_empty() && !names.iter().any(|name| name == "schema_version"))
}

/// Makes the steps that are missing; the version that was found.
async fn apply_steps(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)")
        .await?;
    let row = tx
        .row("SELECT coalesce(max(version), 0) FROM schema_version", &[])
        .await?;
    let found = row
        .ok_or_else(|| StoreError::damaged("there is no version"))?
        .int()?;
    for (version, (sqlite, postgres)) in (1_i64..).zip(STEPS) {
        if version <= found {
            continue;
        }
        tx.script(if tx.is_sqlite() { sqlite } else { postgres })
            .await?;
        tx.run(
            "INSERT INTO schema_version (version) VALUES ($1)",
            &crate::db::values![version],
        )
        .await?;
    }
    Ok(found)
}

/// Makes the file before SQLite does, for this user alone. SQLite gives its log the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
