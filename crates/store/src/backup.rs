//! Everything in one file, which either database writes and either reads: lines of JSON.
//!
//! First a header, then for each table a line with its name and columns and a line for each row, last how many rows
//! there were, so that half a file is known as such. It holds hashes of tokens and the secrets of subscriptions: whoever
//! writes it keeps it from others.

use crate::db::{Tx, Value, values};
use crate::{Store, StoreError, open};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Why a backup was not written, or not taken back. In the second case the store is as empty as before.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the backup cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    #[error(
        "a backup is taken back only into an empty database, and this one is not; name a new one"
    )]
    NotEmpty,
    #[error(
        "the backup was written by a newer version of this program (schema {found}, this one knows {known}); install that version"
    )]
    Newer { found: i64, known: i64 },
    #[error("line {line} is not of a backup of this program")]
    NotABackup { line: u64 },
    #[error("the backup ends too early: it was not written to its end, or was cut")]
    Cut,
}

/// The format of the lines.
const FORMAT: i64 = 1;
const ROWS_AT_ONCE: usize = 500;
/// No transaction waits longer for the next line or the next place to write.
const STALLED: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Header {
    sidetone_backup: i64,
    schema: i64,
}

#[derive(Serialize, Deserialize)]
struct Begin {
    table: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct End {
    rows: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Begin(Begin),
    Row(Vec<serde_json::Value>),
    End(End),
}

/// A table, its columns (numbers with a `#`) and how many of them, from the first, are its key. Those to which others
/// refer come first.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    key: usize,
}

const TABLES: &[Table] = &[
    Table {
        name: "counters",
        columns: &["name", "#n"],
        key: 1,
    },
    Table {
        name: "users",
        columns: &[
            "id",
            "login",
            "login_key",
            "name",
            "role",
            "pbx",
            "extension",
            "channel",
            "teams",
            "source",
            "#disabled",
            "policy",
            "subject",
        ],
        key: 1,
    },
    Table {
        name: "devices",
        columns: &[
            "id",
            "user_id",
            "kind",
            "name",
            "platform",
            "token_hash",
            "#created_at",
            "#last_seen",
            "last_address",
            "#expires_at",
            "#revoked_at",
        ],
        key: 1,
    },
    Table {
        name: "enrolments",
        columns: &[
            "code_hash",
            "user_id",
            "#created_at",
            "#expires_at",
            "made_by",
            "#taken_at",
        ],
        key: 1,
    },
    Table {
        name: "audit",
        columns: &[
            "#id",
            "#at",
            "actor_user",
            "actor_device",
            "address",
            "action",
            "target",
            "outcome",
            "details",
        ],
        key: 1,
    },
    Table {
        name: "calls",
        columns: &[
            "id",
            "pbx",
            "#certainty",
            "direction",
            "caller_number",
            "caller_name",
            "callee_number",
            "callee_name",
            "dialled",
            "line",
            "did",
            "queues",
            "#started",
            "#answered",
            "#ended",
            "#ring_ms",
            "#wait_ms",
            "#talk_ms",
            "outcome",
            "outcome_words",
            "answered_by",
            "ended_by",
            "#cause",
            "way",
            "recording",
            "source",
            "legs",
            "linkedid",
            "#counts_as_missed",
            "names",
            "peer",
            "person",
        ],
        key: 1,
    },
    Table {
        name: "channels",
        columns: &["pbx", "uniqueid", "call_id"],
        key: 2,
    },
    Table {
        name: "aliases",
        columns: &["alias", "call_id"],
        key: 1,
    },
    Table {
        name: "call_keys",
        columns: &["kind", "word", "#started", "call_id"],
        key: 4,
    },
    Table {
        name: "number_parts",
        columns: &["part", "number"],
        key: 2,
    },
    Table {
        name: "cdr_cursors",
        columns: &["pbx", "source", "place", "#at"],
        key: 2,
    },
    Table {
        name: "missed_items",
        columns: &[
            "id",
            "pbx",
            "number",
            "digits",
            "name",
            "line",
            "queue",
            "#first_at",
            "#last_at",
            "#times",
            "call_id",
            "#closed_at",
            "closed_by_extension",
            "closed_by_user",
            "closed_by_call",
        ],
        key: 1,
    },
    Table {
        name: "misses",
        columns: &["call_id", "item", "#at", "number", "name", "line", "queue"],
        key: 1,
    },
    Table {
        name: "subscriptions",
        columns: &["id", "url", "secret", "events", "#active", "#dropped"],
        key: 1,
    },
    Table {
        name: "outbox",
        columns: &[
            "#id",
            "subscription",
            "event",
            "body",
            "#created_at",
            "#due_at",
            "#attempts",
            "error",
            "#dead",
        ],
        key: 1,
    },
    Table {
        name: "settings",
        columns: &["name", "#version", "value", "changed_by", "#changed_at"],
        key: 2,
    },
    Table {
        name: "requests",
        columns: &["who", "request_id", "outcome", "#at"],
        key: 2,
    },
    Table {
        name: "memory",
        columns: &["number", "line", "choice", "#at"],
        key: 2,
    },
];

impl Store {
    /// Writes all that is kept at this moment; how many rows. Others may write meanwhile.
    pub async fn backup(&self, out: &mut (impl AsyncWrite + Unpin)) -> Result<u64, BackupError> {
        let mut tx = self.within(self.pools.read()).await?;
        let header = Header {
            sidetone_backup: FORMAT,
            schema: open::known(),
        };
        write_line(out, &header).await?;
        let mut count = 0;
        for table in TABLES {
            let begin = Begin {
                table: table.name.to_owned(),
                columns: table.names().map(str::to_owned).collect(),
            };
            write_line(out, &begin).await?;
            count += self.write_rows(&mut tx, table, out).await?;
        }
        write_line(out, &End { rows: count }).await?;
        out.flush().await?;
        Ok(count)
    }

    /// Takes a backup back into a store that has nothing in it: all of it or nothing. How many rows.
    pub async fn restore(
        &self,
        lines: &mut (impl AsyncBufRead + Unpin),
    ) -> Result<u64, BackupError> {
        let mut tx = self.within(self.pools.write()).await?;
        self.within(require_empty(&mut tx))
            .await?
            .then_some(())
            .ok_or(BackupError::NotEmpty)?;
        let mut restoring = Restoring::default();
        restoring.header(next_line(lines).await?)?;
        self.within(tx.run("DELETE FROM counters", &[])).await?;
        loop {
            let Some(text) = next_line(lines).await? else {
                return Err(BackupError::Cut);
            };
            let is_end = restoring.line(&text)?;
            if is_end || restoring.rows.len() >= ROWS_AT_ONCE || restoring.next.is_some() {
                self.within(restoring.insert(&mut tx)).await?;
            }
            if is_end {
                break;
            }
        }
        self.within(tx.commit()).await?;
        Ok(restoring.count)
    }

    async fn write_rows(
        &self,
        tx: &mut Tx,
        table: &Table,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, BackupError> {
        let mut count = 0;
        let mut after: Vec<Value> = Vec::new();
        loop {
            let sql = table.page(!after.is_empty());
            let rows = self.within(tx.rows(&sql, &after)).await?;
            let is_last = rows.len() < ROWS_AT_ONCE;
            for row in rows {
                let row: Vec<Value> = row.into_values().collect();
                let line: Vec<serde_json::Value> = row.iter().map(to_json).collect();
                write_line(out, &line).await?;
                after = row.into_iter().take(table.key).collect();
                count += 1;
            }
            if is_last {
                return Ok(count);
            }
        }
    }
}

impl Table {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns
            .iter()
            .map(|column| column.trim_start_matches('#'))
    }

    /// The next rows by their key.
    fn page(&self, has_before: bool) -> String {
        let columns: Vec<&str> = self.names().collect();
        let key = columns[..self.key].join(", ");
        let condition = if has_before {
            format!("WHERE ({key}) > ({})", crate::db::places(1, self.key))
        } else {
            String::new()
        };
        format!(
            "SELECT {} FROM {} {condition} ORDER BY {key} LIMIT {ROWS_AT_ONCE}",
            columns.join(", "),
            self.name
        )
    }
}

/// A backup on its way into the store.
#[derive(Default)]
struct Restoring {
    table: Option<(&'static Table, Vec<&'static str>)>,
    /// The table whose rows follow, once those before it are in.
    next: Option<(&'static Table, Vec<&'static str>)>,
    rows: Vec<Vec<Value>>,
    count: u64,
    line: u64,
}

impl Restoring {
    fn header(&mut self, text: Option<String>) -> Result<(), BackupError> {
        self.line += 1;
        let header = text.and_then(|text| serde_json::from_str::<Header>(&text).ok());
        let header = header.ok_or(BackupError::NotABackup { line: 1 })?;
        if header.schema > open::known() || header.sidetone_backup > FORMAT {
            return Err(BackupError::Newer {
                found: header.schema,
                known: open::known(),
            });
        }
        Ok(())
    }

    /// Takes a line; whether it was the last.
    fn line(&mut self, text: &str) -> Result<bool, BackupError> {
        self.line += 1;
        let wrong = BackupError::NotABackup { line: self.line };
        let Ok(line) = serde_json::from_str::<Line>(text) else {
            return Err(wrong);
        };
        match line {
            Line::Begin(begin) => self.next = Some(known_table(&begin).ok_or(wrong)?),
            Line::Row(cells) => {
                let row = self
                    .table
                    .as_ref()
                    .and_then(|(_, columns)| row(columns, cells));
                self.rows.push(row.ok_or(wrong)?);
                self.count += 1;
            }
            Line::End(end) if end.rows == self.count => return Ok(true),
            Line::End(_) => return Err(BackupError::Cut),
        }
        Ok(false)
    }

    async fn insert(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        if let Some((table, columns)) = &self.table {
            let names: Vec<&str> = columns
                .iter()
                .map(|column| column.trim_start_matches('#'))
                .collect();
            tx.insert(table.name, &names, &self.rows, "").await?;
        }
        self.rows.clear();
        if let Some(next) = self.next.take() {
            self.table = Some(next);
        }
        Ok(())
    }
}

/// A table of ours with the columns of the backup, all of which must be ours: their names go into a statement.
fn known_table(begin: &Begin) -> Option<(&'static Table, Vec<&'static str>)> {
    let table = TABLES.iter().find(|table| table.name == begin.table)?;
    let column = |name: &String| {
        let mut columns = table.columns.iter().copied();
        columns.find(|column| column.trim_start_matches('#') == name)
    };
    let columns: Option<Vec<_>> = begin.columns.iter().map(column).collect();
    Some((table, columns?))
}

fn row(columns: &[&str], cells: Vec<serde_json::Value>) -> Option<Vec<Value>> {
    if columns.len() != cells.len() {
        return None;
    }
    let mut row = Vec::with_capacity(cells.len());
    for (column, cell) in columns.iter().zip(cells) {
        let is_number = column.starts_with('#');
        row.push(match (is_number, cell) {
            (true, serde_json::Value::Null) => Value::Int(None),
            (true, serde_json::Value::Number(number)) => Value::Int(Some(number.as_i64()?)),
            (false, serde_json::Value::Null) => Value::Text(None),
            (false, serde_json::Value::String(text)) => Value::Text(Some(text)),
            (_, _) => return None,
        });
    }
    Some(row)
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
    }
}

async fn require_empty(tx: &mut Tx) -> Result<bool, StoreError> {
    for table in TABLES.iter().filter(|table| table.name != "counters") {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
        if tx.row(&sql, &values![]).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn write_line(
    out: &mut (impl AsyncWrite + Unpin),
    line: &impl Serialize,
) -> Result<(), BackupError> {
    let mut text = serde_json::to_string(line).map_err(StoreError::from)?;
    text.push('\n');
    deadline(out.write_all(text.as_bytes())).await
}

async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<String>, BackupError> {
    let mut text = String::new();
    let length = deadline(lines.read_line(&mut text)).await?;
    Ok((length > 0).then_some(text))
}

/// A reader or writer that stalls must not hold a transaction for ever.
async fn deadline<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T, BackupError> {
    match tokio::time::timeout(STALLED, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_column_of_the_schema_is_in_a_backup() {
        let schema = [
            include_str!("../migrations/sqlite/0001_first.sql"),
            include_str!("../migrations/sqlite/0002_people.sql"),
        ]
        .concat();
        let mut tables = Vec::new();
        for part in schema.split("CREATE TABLE ").skip(1) {
            let (name, rest) = part.split_once(" (").unwrap();
            let (body, _) = rest.split_once("\n);").unwrap();
            if name != "health" {
                tables.push((name, columns(body)));
            }
        }
        for change in schema.split("ALTER TABLE ").skip(1) {
            let (name, rest) = change.split_once(" ADD COLUMN ").unwrap();
            let (column, _) = rest.split_once('\n').unwrap();
            let table = tables.iter_mut().find(|(table, _)| *table == name);
            table
                .unwrap()
                .1
                .extend(columns(column.trim_end_matches(';')));
        }
        let kept: Vec<_> = TABLES
            .iter()
            .map(|table| {
                (
                    table.name,
                    table.columns.iter().map(|&c| c.to_owned()).collect(),
                )
            })
            .collect();
        assert_eq!(kept, tables);
    }

    fn columns(body: &str) -> Vec<String> {
        let lines = body.lines().map(str::trim);
        lines
            .filter_map(|line| {
                let mut words = line.split([' ', ',']);
                let name = words.next()?;
                match words.next()? {
                    "BIGINT" => Some(format!("#{name}")),
                    "TEXT" => Some(name.to_owned()),
                    _ => None,
                }
            })
            .collect()
    }
}
