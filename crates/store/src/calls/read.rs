//! A call as a row, and reading it by its id.

use super::merge::{Certainty, Known};
use super::{CallPerson, CallRecord, Direction, Outcome, Party, Source, digits};
use crate::db::{Row, Tx, Value, places, values};
use crate::{CallId, Store, StoreError};

/// What [`values`] writes and [`read`] reads.
pub(super) const COLUMNS: [&str; 30] = [
    "id",
    "pbx",
    "certainty",
    "direction",
    "caller_number",
    "caller_name",
    "callee_number",
    "callee_name",
    "dialled",
    "line",
    "did",
    "queues",
    "started",
    "answered",
    "ended",
    "ring_ms",
    "wait_ms",
    "talk_ms",
    "outcome",
    "outcome_words",
    "answered_by",
    "ended_by",
    "cause",
    "way",
    "recording",
    "source",
    "legs",
    "linkedid",
    "counts_as_missed",
    "person",
];
/// What is made of the others, for searching.
pub(super) const DERIVED: [&str; 2] = ["names", "peer"];

impl Store {
    /// A call, also under an id it had before it was found to be another one.
    pub async fn call(&self, id: &CallId) -> Result<Option<CallRecord>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let ids = by_id(&mut tx, id).await?;
            Ok(load(&mut tx, &ids).await?.pop().map(|known| known.record))
        })
        .await
    }

    /// Calls that have not ended, as far as the store was told.
    pub async fn open_calls(&self, pbx: &str) -> Result<Vec<CallRecord>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            Ok(open(&mut tx, pbx)
                .await?
                .into_iter()
                .map(|known| known.record)
                .collect())
        })
        .await
    }
}

pub(super) async fn open(tx: &mut Tx, pbx: &str) -> Result<Vec<Known>, StoreError> {
    let sql = format!(
        "SELECT {} FROM calls WHERE pbx = $1 AND ended IS NULL ORDER BY started, id",
        COLUMNS.join(", ")
    );
    tx.rows(&sql, &values![pbx])
        .await?
        .iter_mut()
        .map(read)
        .collect()
}

/// The id under which a call is now.
pub(super) async fn by_id(tx: &mut Tx, id: &CallId) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT id FROM calls WHERE id = $1 UNION SELECT call_id FROM aliases WHERE alias = $1";
    texts(tx.rows(sql, &values![id.as_str()]).await?)
}

pub(super) fn texts(rows: Vec<Row>) -> Result<Vec<String>, StoreError> {
    rows.into_iter().map(|mut row| row.text()).collect()
}

/// The calls with these ids, the earliest first.
pub(super) async fn load(tx: &mut Tx, ids: &[String]) -> Result<Vec<Known>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {} FROM calls WHERE id IN ({}) ORDER BY started, id",
        COLUMNS.join(", "),
        places(1, ids.len())
    );
    let values: Vec<Value> = ids.iter().map(|id| Value::from(id.as_str())).collect();
    tx.rows(&sql, &values).await?.iter_mut().map(read).collect()
}

pub(super) fn read(row: &mut Row) -> Result<Known, StoreError> {
    let id = row.text()?.into();
    let pbx = row.text()?;
    let certainty = Certainty::from_stored(row.int()?);
    let record = CallRecord {
        id,
        pbx,
        direction: Direction::read(&row.text()?)?,
        caller: read_party(row)?,
        callee: read_party(row)?,
        dialled: row.opt_text()?,
        line: row.opt_text()?,
        did: row.opt_text()?,
        queues: row.json()?,
        started: row.int()?,
        answered: row.opt_int()?,
        ended: row.opt_int()?,
        ring_ms: row.int()?,
        wait_ms: row.int()?,
        talk_ms: row.int()?,
        outcome: Outcome::read(&row.text()?)?,
        outcome_words: row.text()?,
        answered_by: row.opt_text()?,
        ended_by: row.opt_text()?,
        cause: row.opt_int()?.and_then(|cause| cause.try_into().ok()),
        way: row.json()?,
        recording: row.opt_text()?,
        source: Source::read(&row.text()?)?,
        legs: row.json()?,
        linkedid: row.opt_text()?,
        counts_as_missed: row.flag()?,
        person: person(row)?,
    };
    Ok(Known { record, certainty })
}

fn read_party(row: &mut Row) -> Result<Party, StoreError> {
    Ok(Party {
        number: row.opt_text()?,
        name: row.opt_text()?,
    })
}

/// The values of [`COLUMNS`] and [`DERIVED`].
pub(super) fn values(known: &Known) -> Result<Vec<Value>, StoreError> {
    let record = &known.record;
    Ok(values![
        record.id.as_str(),
        record.pbx.as_str(),
        known.certainty as i64,
        record.direction.word(),
        record.caller.number.as_deref(),
        record.caller.name.as_deref(),
        record.callee.number.as_deref(),
        record.callee.name.as_deref(),
        record.dialled.as_deref(),
        record.line.as_deref(),
        record.did.as_deref(),
        serde_json::to_string(&record.queues)?.as_str(),
        record.started,
        record.answered,
        record.ended,
        record.ring_ms,
        record.wait_ms,
        record.talk_ms,
        record.outcome.word(),
        record.outcome_words.as_str(),
        record.answered_by.as_deref(),
        record.ended_by.as_deref(),
        record.cause.map(i64::from),
        serde_json::to_string(&record.way)?.as_str(),
        record.recording.as_deref(),
        record.source.word(),
        serde_json::to_string(&record.legs)?.as_str(),
        record.linkedid.as_deref(),
        record.counts_as_missed,
        stored_person(record)?.as_deref(),
        names(record).as_str(),
        record.peer().and_then(digits).as_deref(),
    ]
    .into())
}

fn person(row: &mut Row) -> Result<Option<CallPerson>, StoreError> {
    let text = row.opt_text()?;
    Ok(text.as_deref().map(serde_json::from_str).transpose()?)
}

fn stored_person(record: &CallRecord) -> Result<Option<String>, StoreError> {
    let person = record.person.as_ref();
    Ok(person.map(serde_json::to_string).transpose()?)
}

/// All names in small letters.
fn names(record: &CallRecord) -> String {
    let person = record.person.as_ref();
    let names = [
        record.caller.name.as_deref(),
        record.callee.name.as_deref(),
        person.map(|person| person.name.as_str()),
        person.and_then(|person| person.company.as_deref()),
    ];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    names.join("\n").to_lowercase()
}
