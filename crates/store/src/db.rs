//! One face for both databases: a transaction, statements with bound values, rows of numbers and texts.
//!
//! The statements are one text for both. sqlx's own `Any` is not used: it has no typed nulls, which PostgreSQL needs.

use crate::StoreError;
use serde::de::DeserializeOwned;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Executor as _, Row as _, Transaction, TypeInfo as _, ValueRef as _};
use std::fmt::Write as _;

/// Statements may hold this many values in either database.
const MOST_VALUES: usize = 30_000;

/// The connections. SQLite has one that writes, so that writers wait in a fair queue and not for a lock.
#[derive(Debug, Clone)]
pub(crate) enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres(PgPool),
}

/// What a column holds. Nulls have a type, PostgreSQL asks for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

/// Values for a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::db::Value::from($value)),*] };
}
pub(crate) use values;

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(clean(text)))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(clean))
    }
}

/// PostgreSQL refuses NUL in a text; a caller's name may hold one.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

/// A row that is read column by column, in the order of the statement.
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Value::Int(number)) => Ok(number),
            Some(Value::Text(None)) => Ok(None),
            Some(Value::Text(Some(_))) | None => Err(StoreError::damaged("a number is missing")),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?
            .ok_or_else(|| StoreError::damaged("a number is missing"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Int(_)) | None => Err(StoreError::damaged("a text is missing")),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.opt_text()?
            .ok_or_else(|| StoreError::damaged("a text is missing"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        Ok(serde_json::from_str(&self.text()?)?)
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.0
    }
}

/// A transaction; undone when dropped.
pub(crate) enum Tx {
    Writing(SqliteWriting),
    Reading(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction that writes to SQLite, begun and ended by our own words: on a full disk SQLite ends it by itself, which
/// sqlx does not notice, and no transaction would begin on that connection any more.
pub(crate) struct SqliteWriting {
    connection: PoolConnection<Sqlite>,
    is_over: bool,
}

impl SqliteWriting {
    async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut writing = Self {
            connection: pool.acquire().await?,
            is_over: false,
        };
        writing.connection.execute("BEGIN IMMEDIATE").await?;
        Ok(writing)
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        self.connection.execute("COMMIT").await?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for SqliteWriting {
    /// Closing undoes whatever state a failure, or a caller who no longer waits, has left.
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}

/// The connection of a transaction.
enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Pools {
    /// Begins to write. On SQLite nobody else writes until the end; on PostgreSQL see [`Tx::lock`].
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Writing(SqliteWriting::begin(write).await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins to read what is there at this moment, however long it takes.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::Reading(read.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin_with(SNAPSHOT).await?),
        })
    }
}

/// Binds values in their order; the two databases' queries are two types.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match value {
                Value::Int(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_deref()),
            };
        }
        query
    }};
}

/// What only one transaction at a time may do.
#[derive(Clone, Copy)]
pub(crate) enum Only {
    Migrate = 5_150_001,
    WriteCalls = 5_150_002,
    WritePeople = 5_150_003,
    WriteSettings = 5_150_004,
}

impl Tx {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Writing(writing) => Connection::Sqlite(&mut writing.connection),
            Self::Reading(tx) => Connection::Sqlite(tx),
            Self::Postgres(tx) => Connection::Postgres(tx),
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        match self {
            Self::Writing(_) | Self::Reading(_) => true,
            Self::Postgres(_) => false,
        }
    }

    pub(crate) async fn rows(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        match self.connection() {
            Connection::Sqlite(connection) => {
                let rows = bound!(sql, values).fetch_all(connection).await?;
                rows.iter().map(row_of_sqlite).collect()
            }
            Connection::Postgres(connection) => {
                let rows = bound!(sql, values).fetch_all(connection).await?;
                rows.iter().map(row_of_postgres).collect()
            }
        }
    }

    pub(crate) async fn row(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(match self.connection() {
            Connection::Sqlite(connection) => {
                let done = bound!(sql, values).execute(connection).await?;
                done.rows_affected()
            }
            Connection::Postgres(connection) => {
                let done = bound!(sql, values).execute(connection).await?;
                done.rows_affected()
            }
        })
    }

    /// How the database would answer a question, a step a line.
    pub(crate) async fn explain(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<String, StoreError> {
        let words = if self.is_sqlite() {
            "EXPLAIN QUERY PLAN"
        } else {
            "EXPLAIN"
        };
        let rows = self.rows(&format!("{words} {sql}"), values).await?;
        let steps = rows
            .into_iter()
            .filter_map(|row| match row.into_values().last() {
                Some(Value::Text(step)) => step,
                Some(Value::Int(_)) | None => None,
            });
        Ok(steps.collect::<Vec<_>>().join("\n"))
    }

    /// Runs several statements of our own making, without values.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        match self.connection() {
            Connection::Sqlite(connection) => {
                sqlx::raw_sql(sql).execute(connection).await?;
            }
            Connection::Postgres(connection) => {
                sqlx::raw_sql(sql).execute(connection).await?;
            }
        }
        Ok(())
    }

    /// Inserts many rows; `conflict` is the end of the statement, e.g. `ON CONFLICT DO NOTHING`.
    pub(crate) async fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
        conflict: &str,
    ) -> Result<(), StoreError> {
        let at_once = (MOST_VALUES / columns.len()).min(200);
        for rows in rows.chunks(at_once) {
            let places = places_of_rows(columns.len(), rows.len());
            let sql = format!(
                "INSERT INTO {table} ({}) VALUES {places} {conflict}",
                columns.join(", ")
            );
            let values: Vec<Value> = rows.iter().flatten().cloned().collect();
            self.run(&sql, &values).await?;
        }
        Ok(())
    }

    /// Waits until no other transaction has this. SQLite has one writer anyway.
    pub(crate) async fn lock(&mut self, only: Only) -> Result<(), StoreError> {
        if let Connection::Postgres(connection) = self.connection() {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(only as i64)
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// The next number of a counter, one after the other in both databases.
    pub(crate) async fn count(&mut self, counter: &str) -> Result<i64, StoreError> {
        let sql = "INSERT INTO counters (name, n) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n";
        let row = self.row(sql, &values![counter]).await?;
        row.ok_or_else(|| StoreError::damaged("a counter gives no number"))?
            .int()
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Writing(writing) => writing.commit().await?,
            Self::Reading(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// `$3, $4, $5` for `places(3, 3)`.
pub(crate) fn places(first: usize, count: usize) -> String {
    let mut text = String::new();
    for place in first..first + count {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}${place}");
    }
    text
}

fn places_of_rows(columns: usize, rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("({})", places(row * columns + 1, columns)));
    rows.collect::<Vec<_>>().join(", ")
}

fn row_of_sqlite(row: &SqliteRow) -> Result<Row, StoreError> {
    let cell = |place| -> Result<Value, StoreError> {
        let raw = row.try_get_raw(place)?;
        Ok(match raw.type_info().name() {
            _ if raw.is_null() => Value::Text(None),
            "INTEGER" | "BIGINT" | "INT4" | "INT8" => {
                Value::Int(Some(row.try_get_unchecked(place)?))
            }
            _ => Value::Text(Some(row.try_get_unchecked(place)?)),
        })
    };
    let cells: Result<Vec<_>, _> = (0..row.len()).map(cell).collect();
    Ok(Row(cells?.into_iter()))
}

fn row_of_postgres(row: &PgRow) -> Result<Row, StoreError> {
    let cell = |place| -> Result<Value, StoreError> {
        let raw = row.try_get_raw(place)?;
        Ok(match raw.type_info().name() {
            "INT8" => Value::Int(row.try_get(place)?),
            "INT4" => Value::Int(row.try_get::<Option<i32>, _>(place)?.map(i64::from)),
            _ => Value::Text(row.try_get(place)?),
        })
    };
    let cells: Result<Vec<_>, _> = (0..row.len()).map(cell).collect();
    Ok(Row(cells?.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(3, 2), "$3, $4");
        assert_eq!(places_of_rows(2, 2), "($1, $2), ($3, $4)");
    }
}
