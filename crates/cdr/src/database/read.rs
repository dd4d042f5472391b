//! From a place on in a table: which rows, and where the next reading begins.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan as _};
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::DatabaseConfig;
use super::line::{Fields, Line};
use super::plan::{self, Plan};
use crate::row::Raw;
use crate::{Batch, Column, Cursor, ReadError, Row};

/// Before all calls; not the zero that stands for "never".
const FIRST: &str = "1970-01-02 00:00:00";
/// So many channels are asked for at once.
const AT_ONCE: usize = 500;

/// Between two rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    time: String,
    uniqueid: String,
    sequence: String,
    /// So many rows of exactly this time, uniqueid and sequence were read: old tables have some that
    /// nothing tells apart.
    skip: usize,
}

impl Position {
    fn at(time: String) -> Self {
        Self {
            time,
            uniqueid: String::new(),
            sequence: String::new(),
            skip: 0,
        }
    }

    /// Of a row's last three texts.
    fn of(fields: &[String]) -> Option<Self> {
        let [.., time, uniqueid, sequence] = fields else {
            return None;
        };
        Some(Self {
            time: time.trim_end_matches('Z').to_owned(),
            uniqueid: uniqueid.clone(),
            sequence: sequence.clone(),
            skip: 0,
        })
    }

    fn is_same_place(&self, other: &Self) -> bool {
        (&self.time, &self.uniqueid, &self.sequence)
            == (&other.time, &other.uniqueid, &other.sequence)
    }

    fn binds(&self) -> [String; 5] {
        let Self {
            time,
            uniqueid,
            sequence,
            ..
        } = self.clone();
        [time.clone(), time, uniqueid.clone(), uniqueid, sequence]
    }
}

pub(super) async fn batch(
    config: &DatabaseConfig,
    cursor: &Cursor,
    limit: usize,
) -> Result<Batch, ReadError> {
    let position = cursor.position()?;
    let position = position.unwrap_or_else(|| Position::at(FIRST.to_owned()));
    let mut line = Line::open(config).await?;
    let plan = plan(&mut line, config).await?;
    let found = page(&mut line, config, &plan, &position, limit).await?;
    let (mut rows, skipped) = rows(config, &plan, &found);
    if !plan.has(Column::Linkedid)
        && let Some(events) = &config.events
    {
        link(&mut line, config, events, &mut rows).await;
    }
    line.close().await;
    let more = found.len() == limit;
    let next = match more {
        true => after(&position, &found),
        false => back(&position, &found, config.overlap),
    };
    Ok(Batch {
        rows,
        cursor: Cursor::of(&next)?,
        more,
        skipped,
        gap: false,
    })
}

async fn page(
    line: &mut Line,
    config: &DatabaseConfig,
    plan: &Plan,
    position: &Position,
    limit: usize,
) -> Result<Vec<Fields>, ReadError> {
    let table = &config.table;
    let from = [position.time.clone()];
    let bound = line
        .rows(config, table, &plan.bound_statement(limit), &from)
        .await?;
    let bound = bound.into_iter().flatten().next();
    let statement = plan.statement(limit, position.skip, bound.is_some());
    let mut binds = position.binds().to_vec();
    binds.extend(bound.map(|bound| bound.trim_end_matches('Z').to_owned()));
    line.rows(config, table, &statement, &binds).await
}

async fn plan(line: &mut Line, config: &DatabaseConfig) -> Result<Plan, ReadError> {
    let table = &config.table;
    let statement = plan::columns_statement(config.kind);
    let binds = [table.clone()];
    let found = line.rows(config, table, statement, &binds).await?;
    if found.is_empty() {
        // A table that may not be read has no columns for us, and one that is not there neither.
        let probe = plan::probe_statement(config.kind, table);
        line.rows(config, table, &probe, &[]).await?;
    }
    Plan::new(config.kind, table, &found)
}

fn rows(config: &DatabaseConfig, plan: &Plan, found: &[Fields]) -> (Vec<Row>, u64) {
    let row = |fields: &Fields| {
        let mut raw = Raw::default();
        for (column, text) in plan.columns().zip(fields) {
            raw.set(column, text.clone());
        }
        raw.row(&config.zone)
    };
    let rows: Vec<Row> = found.iter().filter_map(row).collect();
    let skipped = found.len() - rows.len();
    (rows, skipped as u64)
}

/// The events of a channel know its linkedid; it can change, and the last one is right. A table of
/// events that is missing or closed to us costs the linkedid and nothing else.
async fn link(line: &mut Line, config: &DatabaseConfig, events: &str, rows: &mut [Row]) {
    let mut known: HashMap<String, String> = HashMap::new();
    let mut ids: Vec<String> = rows.iter().filter_map(|row| row.uniqueid.clone()).collect();
    ids.sort();
    ids.dedup();
    for ids in ids.chunks(AT_ONCE) {
        let statement = plan::linkedid_statement(config.kind, events, ids.len());
        match line.rows(config, events, &statement, ids).await {
            Ok(found) => known.extend(found.into_iter().filter_map(pair)),
            Err(error) => {
                debug!(%error, "call records are read without their linkedid");
                return;
            }
        }
    }
    for row in rows {
        row.linkedid = row.uniqueid.as_ref().and_then(|id| known.get(id)).cloned();
    }
}

fn pair(fields: Fields) -> Option<(String, String)> {
    let [uniqueid, linkedid] = <[String; 2]>::try_from(fields).ok()?;
    (!linkedid.is_empty()).then_some((uniqueid, linkedid))
}

/// Behind the last row of a full page.
fn after(position: &Position, found: &[Fields]) -> Position {
    let Some(mut next) = found.last().and_then(|row| Position::of(row)) else {
        return position.clone();
    };
    let alike = |row: &&Fields| Position::of(row).is_some_and(|at| at.is_same_place(&next));
    let count = found.iter().rev().take_while(alike).count();
    let all_alike = count == found.len() && position.is_same_place(&next);
    next.skip = count + if all_alike { position.skip } else { 0 };
    next
}

/// All is read: next time from an overlap before the newest row, for calls that began before it and
/// go on longer.
fn back(position: &Position, found: &[Fields], overlap: Duration) -> Position {
    let newest = found.last().and_then(|row| Position::of(row));
    let is_between_pages = !position.uniqueid.is_empty() || position.skip > 0;
    let newest = match newest {
        Some(newest) => newest.time,
        None if is_between_pages => position.time.clone(),
        None => return position.clone(),
    };
    let earlier = earlier(&newest, overlap).unwrap_or(newest);
    Position::at(earlier)
}

/// `None` for what is no time.
fn earlier(time: &str, overlap: Duration) -> Option<String> {
    let civil: DateTime = time.parse().ok()?;
    let overlap = SignedDuration::try_from(overlap).ok()?;
    // The clock may have been set back by an hour meanwhile.
    let earlier = civil
        .checked_sub(overlap)
        .ok()?
        .checked_sub(1.hour())
        .ok()?;
    Some(
        earlier
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
            .max(FIRST.into()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_nothing_tells_apart_are_counted() {
        let start = Position::at(FIRST.into());
        let twins = [row("t", "u", "1"), row("t", "u", "1")];
        let next = after(&start, &twins);
        assert_eq!((next.uniqueid.as_str(), next.skip), ("u", 2));
        assert_eq!(after(&next, &twins).skip, 4);
        let other = [row("t", "u", "1"), row("t", "u", "2")];
        assert_eq!(after(&next, &other).skip, 1);
    }

    #[test]
    fn the_next_reading_begins_an_overlap_before_the_newest_row() {
        let start = Position::at(FIRST.into());
        let found = [row("2026-01-31 12:00:00.5Z", "u", "1")];
        let next = back(&start, &found, Duration::from_secs(7200));
        assert_eq!(next, Position::at("2026-01-31 09:00:00".into()));
        // Nothing new does not go back any further.
        assert_eq!(back(&next, &[], Duration::from_secs(7200)), next);
    }

    fn row(time: &str, uniqueid: &str, sequence: &str) -> Fields {
        ["src", time, uniqueid, sequence].map(String::from).to_vec()
    }
}
