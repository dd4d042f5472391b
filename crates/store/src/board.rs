//! The board of missed calls, which closes itself when anybody has talked to the number.
//!
//! A line is what its misses make of it: they are counted anew after each change, so that a call which turns out to be
//! another one, or to have been answered, is no longer counted.

use crate::calls::{CallRecord, Direction, digits};
use crate::db::{Only, Row, Tx, values};
use crate::{CallId, ItemId, Store, StoreError, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Missed calls of one number, from the first until somebody talked to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedItem {
    pub id: ItemId,
    pub pbx: String,
    /// `None`: the number was withheld, and each such call is a line of its own.
    pub number: Option<String>,
    pub name: Option<String>,
    pub line: Option<String>,
    pub queue: Option<String>,
    pub first_at: i64,
    pub last_at: i64,
    pub times: i64,
    /// The last of the calls.
    pub call: CallId,
    pub closed: Option<Closed>,
}

/// Who talked to the number or closed the line by hand, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    pub at: i64,
    pub by_extension: Option<String>,
    pub by_user: Option<UserId>,
    pub by_call: Option<CallId>,
}

/// What those who show the board have to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BoardChange {
    /// New, or different.
    Changed(Box<MissedItem>),
    /// It was no missed call.
    Gone(ItemId),
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Board {
    Open,
    ClosedSince(i64),
}

const COLUMNS: &str = "id, pbx, number, name, line, queue, first_at, last_at, times, call_id, closed_at, \
                       closed_by_extension, closed_by_user, closed_by_call";
/// No answer has more lines.
const MOST: u32 = 1000;

impl Store {
    /// Lines of the board: the open ones by their last call, the closed ones by when they were closed, newest first.
    pub async fn missed_board(
        &self,
        board: Board,
        limit: u32,
    ) -> Result<Vec<MissedItem>, StoreError> {
        let (condition, since) = match board {
            Board::Open => (
                "closed_at IS NULL AND last_at >= $1 ORDER BY last_at DESC, id",
                i64::MIN,
            ),
            Board::ClosedSince(since) => ("closed_at >= $1 ORDER BY closed_at DESC, id", since),
        };
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = format!("SELECT {COLUMNS} FROM missed_items WHERE {condition} LIMIT $2");
            let mut rows = tx
                .rows(&sql, &values![since, i64::from(limit.min(MOST))])
                .await?;
            rows.iter_mut().map(read).collect()
        })
        .await
    }

    /// Closes a line by hand; `None` if it is closed already or gone.
    pub async fn close_missed(
        &self,
        id: &ItemId,
        by: &UserId,
        now: i64,
    ) -> Result<Option<MissedItem>, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(Only::WriteCalls).await?;
            let sql = "UPDATE missed_items SET closed_at = $2, closed_by_user = $3 \
                       WHERE id = $1 AND closed_at IS NULL";
            if tx.run(sql, &values![id.as_str(), now, by.as_str()]).await? == 0 {
                tx.commit().await?;
                return Ok(None);
            }
            let item = item(&mut tx, id.as_str()).await?;
            tx.commit().await?;
            Ok(item)
        })
        .await
    }
}

/// Brings the board up to calls that were written, in the transaction that wrote them. `stale` are lines from which
/// calls have gone.
pub(crate) async fn follow(
    tx: &mut Tx,
    calls: &[CallRecord],
    stale: BTreeSet<String>,
) -> Result<Vec<BoardChange>, StoreError> {
    let mut changes = Changes::default();
    for item in stale {
        changes.recount(tx, &item).await?;
    }
    for call in calls {
        changes.follow(tx, call).await?;
    }
    changes.into_list(tx).await
}

/// Lines that a transaction touched.
#[derive(Default)]
struct Changes {
    touched: BTreeSet<String>,
    /// Nobody has heard of these yet.
    made: BTreeSet<String>,
}

impl Changes {
    async fn follow(&mut self, tx: &mut Tx, call: &CallRecord) -> Result<(), StoreError> {
        let sql = "SELECT item FROM misses WHERE call_id = $1";
        let row = tx.row(sql, &values![call.id.as_str()]).await?;
        let old = row.map(|mut row| row.text()).transpose()?;
        match (old, call.is_missed()) {
            (None, true) => self.add(tx, call).await?,
            (Some(item), true) => self.update(tx, call, &item).await?,
            (Some(item), false) => self.withdraw(tx, call, &item).await?,
            (None, false) => {}
        }
        if call.is_answered() {
            self.close(tx, call).await
        } else {
            self.reopen(tx, call).await
        }
    }

    async fn add(&mut self, tx: &mut Tx, call: &CallRecord) -> Result<(), StoreError> {
        let item = match call.peer().and_then(digits) {
            Some(digits) => self.item_for(tx, call, &digits).await?,
            None => self.make(tx, call, None).await?,
        };
        let queue = call.queues.first();
        let sql = "INSERT INTO misses (call_id, item, at, number, name, line, queue) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = values![
            call.id.as_str(),
            item.as_str(),
            call.started,
            call.peer(),
            call.caller.name.as_deref(),
            call.line.as_deref(),
            queue.map(String::as_str),
        ];
        tx.run(sql, &values).await?;
        self.recount(tx, &item).await
    }

    /// The line to which a miss of this number belongs: the open one, or that which a later talk has closed already
    /// (calls may be written in any order).
    async fn item_for(
        &mut self,
        tx: &mut Tx,
        call: &CallRecord,
        digits: &str,
    ) -> Result<String, StoreError> {
        if let Some((talk, closed)) = first_talk(tx, digits, call.started).await? {
            let sql = "SELECT id FROM missed_items WHERE closed_by_call = $1 AND digits = $2";
            return match tx.row(sql, &values![talk.as_str(), digits]).await? {
                Some(mut row) => row.text(),
                None => self.make(tx, call, Some(&closed)).await,
            };
        }
        let sql = "SELECT id FROM missed_items WHERE digits = $1 AND pbx = $2 AND closed_at IS NULL LIMIT 1";
        match tx.row(sql, &values![digits, call.pbx.as_str()]).await? {
            Some(mut row) => row.text(),
            None => self.make(tx, call, None).await,
        }
    }

    async fn update(
        &mut self,
        tx: &mut Tx,
        call: &CallRecord,
        item: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE misses SET at = $2, number = $3, name = $4, line = $5, queue = $6 WHERE call_id = $1";
        let values = values![
            call.id.as_str(),
            call.started,
            call.peer(),
            call.caller.name.as_deref(),
            call.line.as_deref(),
            call.queues.first().map(String::as_str),
        ];
        tx.run(sql, &values).await?;
        self.recount(tx, item).await
    }

    async fn withdraw(
        &mut self,
        tx: &mut Tx,
        call: &CallRecord,
        item: &str,
    ) -> Result<(), StoreError> {
        tx.run(
            "DELETE FROM misses WHERE call_id = $1",
            &values![call.id.as_str()],
        )
        .await?;
        self.recount(tx, item).await
    }

    /// Somebody talked to the number: what was missed before is done.
    async fn close(&mut self, tx: &mut Tx, call: &CallRecord) -> Result<(), StoreError> {
        let Some(digits) = call.peer().and_then(digits) else {
            return Ok(());
        };
        let closed = closed_by(call);
        let sql = "SELECT id, last_at FROM missed_items WHERE digits = $1 AND closed_at IS NULL AND first_at <= $2";
        for mut row in tx
            .rows(sql, &values![digits.as_str(), call.started])
            .await?
        {
            let (item, last_at) = (row.text()?, row.int()?);
            if last_at <= call.started {
                close_item(tx, &item, &closed).await?;
                self.touched.insert(item);
            } else {
                self.split(tx, call, &item, &closed).await?;
            }
        }
        Ok(())
    }

    /// A talk that is written late closes what was missed before it, and not what was missed after.
    async fn split(
        &mut self,
        tx: &mut Tx,
        call: &CallRecord,
        item: &str,
        closed: &Closed,
    ) -> Result<(), StoreError> {
        let done = ItemId::fresh().as_str().to_owned();
        let sql = "INSERT INTO missed_items (id, pbx, number, digits, first_at, last_at, times, call_id) \
                   SELECT $1, pbx, number, digits, first_at, last_at, 0, call_id FROM missed_items WHERE id = $2";
        tx.run(sql, &values![done.as_str(), item]).await?;
        let sql = "UPDATE misses SET item = $1 WHERE item = $2 AND at <= $3";
        tx.run(sql, &values![done.as_str(), item, call.started])
            .await?;
        close_item(tx, &done, closed).await?;
        self.made.insert(done.clone());
        self.recount(tx, &done).await?;
        self.recount(tx, item).await
    }

    /// What this call closed is open again, should it turn out that nobody talked.
    async fn reopen(&mut self, tx: &mut Tx, call: &CallRecord) -> Result<(), StoreError> {
        let sql = "SELECT id, digits, pbx FROM missed_items WHERE closed_by_call = $1 AND closed_at IS NOT NULL";
        for mut row in tx.rows(sql, &values![call.id.as_str()]).await? {
            let (item, digits, pbx) = (row.text()?, row.opt_text()?, row.text()?);
            let sql = "SELECT id FROM missed_items WHERE digits = $1 AND pbx = $2 AND closed_at IS NULL LIMIT 1";
            let open = tx
                .row(sql, &values![digits.as_deref(), pbx.as_str()])
                .await?;
            match open {
                Some(mut open) => {
                    let open = open.text()?;
                    tx.run(
                        "UPDATE misses SET item = $1 WHERE item = $2",
                        &values![open.as_str(), item.as_str()],
                    )
                    .await?;
                    self.recount(tx, &open).await?;
                }
                None => {
                    let sql = "UPDATE missed_items SET closed_at = NULL, closed_by_extension = NULL, \
                               closed_by_call = NULL WHERE id = $1";
                    tx.run(sql, &values![item.as_str()]).await?;
                }
            }
            self.recount(tx, &item).await?;
        }
        Ok(())
    }

    async fn make(
        &mut self,
        tx: &mut Tx,
        call: &CallRecord,
        closed: Option<&Closed>,
    ) -> Result<String, StoreError> {
        let id = ItemId::fresh().as_str().to_owned();
        let sql = "INSERT INTO missed_items (id, pbx, number, digits, first_at, last_at, times, call_id) \
                   VALUES ($1, $2, $3, $4, $5, $5, 0, $6)";
        let digits = call.peer().and_then(digits);
        let values = values![
            id.as_str(),
            call.pbx.as_str(),
            call.peer(),
            digits.as_deref(),
            call.started,
            call.id.as_str(),
        ];
        tx.run(sql, &values).await?;
        if let Some(closed) = closed {
            close_item(tx, &id, closed).await?;
        }
        self.made.insert(id.clone());
        Ok(id)
    }

    /// Makes a line what its misses say; one without any goes.
    async fn recount(&mut self, tx: &mut Tx, item: &str) -> Result<(), StoreError> {
        self.touched.insert(item.to_owned());
        let sql = "SELECT number, name, line, queue, call_id FROM misses WHERE item = $1 \
                   ORDER BY at DESC, call_id DESC LIMIT 1";
        let Some(mut last) = tx.row(sql, &values![item]).await? else {
            return tx
                .run("DELETE FROM missed_items WHERE id = $1", &values![item])
                .await
                .map(drop);
        };
        let sql = "UPDATE missed_items SET \
                   times = (SELECT count(*) FROM misses WHERE item = $1), \
                   first_at = (SELECT min(at) FROM misses WHERE item = $1), \
                   last_at = (SELECT max(at) FROM misses WHERE item = $1), \
                   number = $2, name = $3, line = $4, queue = $5, call_id = $6 WHERE id = $1";
        let values = values![
            item,
            last.opt_text()?.as_deref(),
            last.opt_text()?.as_deref(),
            last.opt_text()?.as_deref(),
            last.opt_text()?.as_deref(),
            last.text()?.as_str(),
        ];
        tx.run(sql, &values).await.map(drop)
    }

    async fn into_list(self, tx: &mut Tx) -> Result<Vec<BoardChange>, StoreError> {
        let mut changes = Vec::new();
        for id in self.touched {
            match item(tx, &id).await? {
                Some(item) => changes.push(BoardChange::Changed(item.into())),
                None if self.made.contains(&id) => {}
                None => changes.push(BoardChange::Gone(ItemId::from(id))),
            }
        }
        Ok(changes)
    }
}

/// The first call with this number that began at this time or later and was answered.
async fn first_talk(
    tx: &mut Tx,
    digits: &str,
    since: i64,
) -> Result<Option<(String, Closed)>, StoreError> {
    let sql = "SELECT id, direction, caller_number, answered_by, coalesce(answered, started) FROM calls \
               WHERE peer = $1 AND started >= $2 \
               AND (outcome = 'answered' OR (outcome = 'unknown' AND answered IS NOT NULL)) \
               ORDER BY started, id LIMIT 1";
    let Some(mut row) = tx.row(sql, &values![digits, since]).await? else {
        return Ok(None);
    };
    let (id, direction) = (row.text()?, Direction::read(&row.text()?)?);
    let (caller, answered_by) = (row.opt_text()?, row.opt_text()?);
    let closed = Closed {
        at: row.int()?,
        by_extension: talker(direction, caller, answered_by),
        by_user: None,
        by_call: Some(id.as_str().into()),
    };
    Ok(Some((id, closed)))
}

fn closed_by(call: &CallRecord) -> Closed {
    Closed {
        at: call.answered.unwrap_or(call.started),
        by_extension: talker(
            call.direction,
            call.caller.number.clone(),
            call.answered_by.clone(),
        ),
        by_user: None,
        by_call: Some(call.id.clone()),
    }
}

/// Who of ours talked.
fn talker(
    direction: Direction,
    caller: Option<String>,
    answered_by: Option<String>,
) -> Option<String> {
    match direction {
        Direction::Outgoing => caller,
        Direction::Incoming | Direction::Internal => answered_by,
    }
}

async fn close_item(tx: &mut Tx, item: &str, closed: &Closed) -> Result<(), StoreError> {
    let sql = "UPDATE missed_items SET closed_at = $2, closed_by_extension = $3, closed_by_call = $4 WHERE id = $1";
    let values = values![
        item,
        closed.at,
        closed.by_extension.as_deref(),
        closed.by_call.as_ref().map(CallId::as_str),
    ];
    tx.run(sql, &values).await.map(drop)
}

async fn item(tx: &mut Tx, id: &str) -> Result<Option<MissedItem>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM missed_items WHERE id = $1");
    tx.row(&sql, &values![id])
        .await?
        .as_mut()
        .map(read)
        .transpose()
}

/// Reads [`COLUMNS`].
fn read(row: &mut Row) -> Result<MissedItem, StoreError> {
    Ok(MissedItem {
        id: row.text()?.into(),
        pbx: row.text()?,
        number: row.opt_text()?,
        name: row.opt_text()?,
        line: row.opt_text()?,
        queue: row.opt_text()?,
        first_at: row.int()?,
        last_at: row.int()?,
        times: row.int()?,
        call: row.text()?.into(),
        closed: read_closed(row)?,
    })
}

fn read_closed(row: &mut Row) -> Result<Option<Closed>, StoreError> {
    let at = row.opt_int()?;
    let (by_extension, by_user, by_call) = (row.opt_text()?, row.opt_text()?, row.opt_text()?);
    Ok(at.map(|at| Closed {
        at,
        by_extension,
        by_user: by_user.map(UserId::from),
        by_call: by_call.map(CallId::from),
    }))
}
