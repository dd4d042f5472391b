//! Writing calls: each batch is one transaction, and each call is one record.

use super::merge::{Certainty, Known, merge};
use super::read::{self, COLUMNS, DERIVED, load, texts};
use super::{CallPerson, CallRecord, Outcome, Source, digits, numbers};
use crate::board::{self, BoardChange};
use crate::db::{Only, Tx, Value, places, values};
use crate::outbox::{self, Event};
use crate::{CallId, Store, StoreError};
use std::collections::BTreeSet;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PutCalls {
    /// Under which id each record of the batch is kept, in the batch's order.
    pub ids: Vec<CallId>,
    /// Records that were found to be the same call as another one and are no longer.
    pub removed: Vec<CallId>,
    /// Lines of the missed-call board that are different now.
    pub board: Vec<BoardChange>,
}

impl Store {
    /// Writes records: new ones, or more of what is known of old ones. May be repeated, and in any order.
    pub async fn put_calls(&self, batch: &[CallRecord]) -> Result<PutCalls, StoreError> {
        self.put_calls_with_events(batch, &[]).await
    }

    /// As [`Self::put_calls`]; the events are delivered if and only if the records are kept.
    pub async fn put_calls_with_events(
        &self,
        batch: &[CallRecord],
        events: &[Event],
    ) -> Result<PutCalls, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(Only::WriteCalls).await?;
            let mut writing = Writing::default();
            for record in batch {
                writing.put(&mut tx, Known::from(record.clone())).await?;
            }
            outbox::enqueue(&mut tx, events).await?;
            let put = writing.finish(&mut tx).await?;
            tx.commit().await?;
            Ok(put)
        })
        .await
    }

    /// Says who was at the other end of a call, or with `None` that it is not known; whether there is such a call.
    pub async fn set_call_person(
        &self,
        id: &CallId,
        person: Option<&CallPerson>,
    ) -> Result<bool, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(Only::WriteCalls).await?;
            let ids = read::by_id(&mut tx, id).await?;
            let Some(mut known) = load(&mut tx, &ids).await?.pop() else {
                return Ok(false);
            };
            known.record.person = person.cloned();
            save(&mut tx, &known, true).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// After a reconnect: calls none of whose channels is alive ended while nobody was watching.
    pub async fn close_lost(
        &self,
        pbx: &str,
        still_alive: &[String],
        now: i64,
    ) -> Result<PutCalls, StoreError> {
        self.within(async {
            let alive: BTreeSet<&str> = still_alive.iter().map(String::as_str).collect();
            let mut tx = self.pools.write().await?;
            tx.lock(Only::WriteCalls).await?;
            let mut writing = Writing::default();
            for known in read::open(&mut tx, pbx).await? {
                let legs = &known.record.legs;
                if legs.iter().any(|leg| alive.contains(leg.uniqueid.as_str())) {
                    continue;
                }
                let lost = CallRecord {
                    ended: Some(now.max(known.record.started)),
                    outcome: Outcome::Unknown,
                    ..known.record
                };
                writing.put(&mut tx, lost.into()).await?;
            }
            let put = writing.finish(&mut tx).await?;
            tx.commit().await?;
            Ok(put)
        })
        .await
    }
}

/// A batch on its way into the store.
#[derive(Default)]
pub(super) struct Writing {
    put: PutCalls,
    /// Calls that changed, by id.
    touched: BTreeSet<String>,
    /// Lines of the board whose calls went away.
    stale: BTreeSet<String>,
}

impl Writing {
    /// Writes one record over what is known of its call.
    pub(super) async fn put(&mut self, tx: &mut Tx, new: Known) -> Result<(), StoreError> {
        let ids = find(tx, &new.record).await?;
        let known = load(tx, &ids).await?;
        let first = known.first().cloned();
        let others: Vec<CallId> = known
            .iter()
            .skip(1)
            .map(|known| known.record.id.clone())
            .collect();
        // The PBX's records have no ids of ours; nobody will ask for one that was made up here.
        let new_id = (new.record.source != Source::Cdr).then(|| new.record.id.clone());
        let merged = known.into_iter().reduce(merge);
        let merged = match merged {
            Some(known) => merge(known, new),
            None => new,
        };
        let id = merged.record.id.clone();
        self.put.ids.push(id.clone());
        // An old id of this batch may have been of a call that is now part of this one.
        for old in &mut self.put.ids {
            if others.contains(old) {
                *old = id.clone();
            }
        }
        let first_is_same = first.as_ref() == Some(&merged);
        if !(first_is_same && others.is_empty()) {
            self.save(tx, &merged, first, others).await?;
        }
        if let Some(new_id) = new_id.filter(|new_id| *new_id != id) {
            alias(tx, &new_id, &id).await?;
        }
        Ok(())
    }

    /// Writes what became of `first` and the `others`.
    async fn save(
        &mut self,
        tx: &mut Tx,
        merged: &Known,
        first: Option<Known>,
        others: Vec<CallId>,
    ) -> Result<(), StoreError> {
        let id = &merged.record.id;
        save(tx, merged, first.is_some()).await?;
        for other in others {
            self.absorb(tx, &other, id).await?;
        }
        keep_channels(tx, &merged.record).await?;
        let is_found_as_before =
            first.is_some_and(|first| keys(&first.record) == keys(&merged.record));
        if !is_found_as_before {
            keep_keys(tx, &merged.record).await?;
        }
        self.touched.insert(id.as_str().to_owned());
        Ok(())
    }

    /// Makes one record part of another.
    async fn absorb(&mut self, tx: &mut Tx, other: &CallId, id: &CallId) -> Result<(), StoreError> {
        let both = values![id.as_str(), other.as_str()];
        tx.run("UPDATE channels SET call_id = $1 WHERE call_id = $2", &both)
            .await?;
        tx.run("UPDATE aliases SET call_id = $1 WHERE call_id = $2", &both)
            .await?;
        tx.run(
            "UPDATE missed_items SET closed_by_call = $1 WHERE closed_by_call = $2",
            &both,
        )
        .await?;
        let one = values![other.as_str()];
        let items = tx
            .rows("SELECT item FROM misses WHERE call_id = $1", &one)
            .await?;
        self.stale.extend(texts(items)?);
        tx.run("DELETE FROM calls WHERE id = $1", &one).await?;
        alias(tx, other, id).await?;
        self.touched.remove(other.as_str());
        self.put.removed.push(other.clone());
        Ok(())
    }

    /// Brings the board up to the calls that were written.
    pub(super) async fn finish(mut self, tx: &mut Tx) -> Result<PutCalls, StoreError> {
        let ids: Vec<String> = self.touched.into_iter().collect();
        let mut calls = Vec::new();
        for ids in ids.chunks(500) {
            calls.extend(load(tx, ids).await?.into_iter().map(|known| known.record));
        }
        self.put.board = board::follow(tx, &calls, self.stale).await?;
        Ok(self.put)
    }
}

/// The ids of what is known of a record's call: by its id, by its channels, and among what only the PBX's records or
/// only its called phones told by the linkedid. A record of the PBX that is found by none of these is looked for by its
/// linkedid; what was seen has a linkedid only where nobody saw the channel of that name.
async fn find(tx: &mut Tx, record: &CallRecord) -> Result<Vec<String>, StoreError> {
    let mut found: BTreeSet<String> = read::by_id(tx, &record.id).await?.into_iter().collect();
    let mut names: BTreeSet<&str> = record
        .legs
        .iter()
        .map(|leg| leg.uniqueid.as_str())
        .collect();
    if record.source != Source::Cdr {
        names.extend(record.linkedid.as_deref());
    }
    found.extend(by_channels(tx, &record.pbx, &names).await?);
    names.extend(record.linkedid.as_deref());
    found.extend(told_by_linkedid(tx, &record.pbx, &names).await?);
    if let (true, Source::Cdr, Some(linkedid)) = (found.is_empty(), record.source, &record.linkedid)
    {
        let sql = "SELECT id FROM calls WHERE pbx = $1 AND linkedid = $2 UNION \
                   SELECT call_id FROM channels WHERE pbx = $1 AND uniqueid = $2 ORDER BY 1 LIMIT 1";
        let rows = tx
            .rows(sql, &values![record.pbx.as_str(), linkedid.as_str()])
            .await?;
        found.extend(texts(rows)?);
    }
    Ok(found.into_iter().collect())
}

async fn by_channels(
    tx: &mut Tx,
    pbx: &str,
    names: &BTreeSet<&str>,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT call_id FROM channels WHERE pbx = $1 AND uniqueid IN";
    by_names(tx, sql, pbx, names).await
}

async fn told_by_linkedid(
    tx: &mut Tx,
    pbx: &str,
    names: &BTreeSet<&str>,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM calls WHERE pbx = $1 AND source IN ('cdr', 'live') AND linkedid IN";
    by_names(tx, sql, pbx, names).await
}

async fn by_names(
    tx: &mut Tx,
    sql: &str,
    pbx: &str,
    names: &BTreeSet<&str>,
) -> Result<Vec<String>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{sql} ({})", places(2, names.len()));
    let mut values = Vec::from(values![pbx]);
    values.extend(names.iter().map(|name| Value::from(*name)));
    texts(tx.rows(&sql, &values).await?)
}

async fn alias(tx: &mut Tx, old: &CallId, id: &CallId) -> Result<(), StoreError> {
    let sql = "INSERT INTO aliases (alias, call_id) VALUES ($1, $2) \
               ON CONFLICT (alias) DO UPDATE SET call_id = excluded.call_id";
    tx.run(sql, &values![old.as_str(), id.as_str()])
        .await
        .map(drop)
}

async fn save(tx: &mut Tx, known: &Known, is_there: bool) -> Result<(), StoreError> {
    let columns: Vec<&str> = COLUMNS.into_iter().chain(DERIVED).collect();
    let values = read::values(known)?;
    if !is_there {
        return tx.insert("calls", &columns, &[values], "").await;
    }
    let changes: Vec<String> = (1..)
        .zip(&columns)
        .skip(1)
        .map(|(place, column)| format!("{column} = ${place}"))
        .collect();
    let sql = format!("UPDATE calls SET {} WHERE id = $1", changes.join(", "));
    tx.run(&sql, &values).await.map(drop)
}

async fn keep_channels(tx: &mut Tx, record: &CallRecord) -> Result<(), StoreError> {
    let names: BTreeSet<&str> = record
        .legs
        .iter()
        .map(|leg| leg.uniqueid.as_str())
        .collect();
    let rows: Vec<Vec<Value>> = names
        .into_iter()
        .map(|name| values![record.pbx.as_str(), name, record.id.as_str()].into())
        .collect();
    let conflict = "ON CONFLICT (pbx, uniqueid) DO UPDATE SET call_id = excluded.call_id";
    tx.insert("channels", &["pbx", "uniqueid", "call_id"], &rows, conflict)
        .await
}

async fn keep_keys(tx: &mut Tx, record: &CallRecord) -> Result<(), StoreError> {
    let (words, started) = keys(record);
    tx.run(
        "DELETE FROM call_keys WHERE call_id = $1",
        &values![record.id.as_str()],
    )
    .await?;
    let rows: Vec<Vec<Value>> = words
        .iter()
        .map(|(kind, word)| values![*kind, word.as_str(), started, record.id.as_str()].into())
        .collect();
    tx.insert(
        "call_keys",
        &["kind", "word", "started", "call_id"],
        &rows,
        "ON CONFLICT DO NOTHING",
    )
    .await?;
    let numbers = words.iter().filter(|(kind, _)| *kind == NUMBER);
    let parts: Vec<Vec<Value>> = numbers
        .flat_map(|(_, number)| {
            numbers::tails(number).map(|tail| values![tail, number.as_str()].into())
        })
        .collect();
    tx.insert(
        "number_parts",
        &["part", "number"],
        &parts,
        "ON CONFLICT DO NOTHING",
    )
    .await
}

pub(super) const NUMBER: &str = "number";
pub(super) const EXTENSION: &str = "extension";
pub(super) const QUEUE: &str = "queue";

/// What a call is found by.
fn keys(record: &CallRecord) -> (BTreeSet<(&'static str, String)>, i64) {
    let numbers = [
        &record.caller.number,
        &record.callee.number,
        &record.dialled,
        &record.did,
    ]
    .into_iter()
    .filter_map(|number| digits(number.as_deref()?))
    .map(|number| (NUMBER, number));
    let of_legs = record.legs.iter().filter_map(|leg| leg.extension.clone());
    let extensions = of_legs
        .chain(record.way.iter().cloned())
        .chain(record.answered_by.clone())
        .map(|extension| (EXTENSION, extension));
    let queues = record.queues.iter().map(|queue| (QUEUE, queue.clone()));
    (
        numbers.chain(extensions).chain(queues).collect(),
        record.started,
    )
}

/// What a row of the PBX's records says, as certain as it is.
pub(super) fn told(record: CallRecord) -> Known {
    Known {
        record,
        certainty: Certainty::Told,
    }
}
