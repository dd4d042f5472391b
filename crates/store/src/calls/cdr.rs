//! The PBX's own records (CDR), which complete what was not seen and never override what was.

use super::write::{Writing, told};
use super::{CallRecord, Direction, LegRecord, Outcome, Party, PutCalls, Source, digits};
use crate::db::{Only, values};
use crate::{CallId, Store, StoreError};
use serde::{Deserialize, Serialize};

/// What the PBX says of a connection attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    Answered,
    NoAnswer,
    Busy,
    Failed,
    Congestion,
}

/// A row of the PBX's records. A call has several: one for each pair of channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrRow {
    pub uniqueid: String,
    pub linkedid: Option<String>,
    pub sequence: Option<i64>,
    /// In the normal form, as all numbers here.
    pub src: String,
    pub clid_name: Option<String>,
    pub dst: String,
    pub dcontext: String,
    pub channel: String,
    pub dst_channel: String,
    pub start: i64,
    pub answer: Option<i64>,
    pub end: i64,
    pub duration_s: i64,
    pub billsec: i64,
    pub disposition: Disposition,
    pub did: Option<String>,
    pub userfield: Option<String>,
    pub accountcode: Option<String>,
    /// Where the reader knows it; else it is guessed from the names of the channels.
    pub direction: Option<Direction>,
    /// Whether the call belongs on the board if it was missed.
    pub counts_as_missed: bool,
}

impl Store {
    /// Completes calls by rows and keeps how far `source` was read, both or neither. Rows may be read again.
    pub async fn put_cdr(
        &self,
        pbx: &str,
        source: &str,
        rows: &[CdrRow],
        cursor: &str,
        now: i64,
    ) -> Result<PutCalls, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(Only::WriteCalls).await?;
            let mut writing = Writing::default();
            for row in rows {
                writing.put(&mut tx, told(record_of(pbx, row))).await?;
            }
            let sql = "INSERT INTO cdr_cursors (pbx, source, place, at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (pbx, source) DO UPDATE SET place = excluded.place, at = excluded.at";
            tx.run(sql, &values![pbx, source, cursor, now]).await?;
            let put = writing.finish(&mut tx).await?;
            tx.commit().await?;
            Ok(put)
        })
        .await
    }

    /// How far a source was read.
    pub async fn cdr_cursor(&self, pbx: &str, source: &str) -> Result<Option<String>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = "SELECT place FROM cdr_cursors WHERE pbx = $1 AND source = $2";
            let row = tx.row(sql, &values![pbx, source]).await?;
            row.map(|mut row| row.text()).transpose()
        })
        .await
    }
}

/// What one row says of its call. Its id does not matter once the call is known by another.
fn record_of(pbx: &str, row: &CdrRow) -> CallRecord {
    let direction = row.direction.unwrap_or_else(|| guessed_direction(row));
    let own = extension_of(&row.channel);
    let other = extension_of(&row.dst_channel);
    let outcome = outcome_of(row, direction);
    let is_answered = outcome == Outcome::Answered;
    let answered = row.answer.filter(|_| is_answered);
    let answered_by = other
        .clone()
        .filter(|_| is_answered && direction != Direction::Outgoing);
    CallRecord {
        id: CallId::fresh(),
        pbx: pbx.to_owned(),
        direction,
        caller: Party {
            number: known(&row.src),
            name: row.clid_name.as_deref().and_then(known),
        },
        callee: Party {
            number: match direction {
                Direction::Outgoing => known(&row.dst),
                Direction::Incoming | Direction::Internal => {
                    other.clone().or_else(|| known(&row.dst))
                }
            },
            name: None,
        },
        dialled: known(&row.dst),
        line: None,
        did: row.did.as_deref().and_then(known),
        queues: Vec::new(),
        started: row.start,
        answered,
        ended: Some(row.end.max(row.start)),
        ring_ms: answered.unwrap_or(row.end).saturating_sub(row.start).max(0),
        wait_ms: 0,
        talk_ms: if is_answered {
            row.billsec.saturating_mul(1000)
        } else {
            0
        },
        outcome,
        outcome_words: String::new(),
        answered_by,
        ended_by: None,
        cause: None,
        way: own.iter().chain(&other).cloned().collect(),
        recording: None,
        source: Source::Cdr,
        legs: vec![LegRecord {
            uniqueid: row.uniqueid.clone(),
            channel: row.channel.clone(),
            extension: own,
            gone: Some(row.end.max(row.start)),
            ..LegRecord::default()
        }],
        linkedid: row.linkedid.clone(),
        counts_as_missed: row.counts_as_missed,
        person: None,
    }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A caller whom only the dialplan answered (a menu, a queue's music) has talked to nobody.
fn outcome_of(row: &CdrRow, direction: Direction) -> Outcome {
    let is_incoming = direction == Direction::Incoming;
    match row.disposition {
        Disposition::Answered if is_incoming && row.dst_channel.is_empty() => Outcome::Missed,
        Disposition::Answered => Outcome::Answered,
        Disposition::NoAnswer if is_incoming => Outcome::Missed,
        Disposition::NoAnswer => Outcome::NoAnswer,
        Disposition::Busy => Outcome::Busy,
        Disposition::Failed | Disposition::Congestion => Outcome::Failed,
    }
}

fn guessed_direction(row: &CdrRow) -> Direction {
    let is_short =
        |number: &str| digits(number).is_some_and(|digits| digits.len() <= LONGEST_EXTENSION);
    let from_phone = extension_of(&row.channel).is_some();
    let to_phone = extension_of(&row.dst_channel).is_some() || is_short(&row.dst);
    match (from_phone, to_phone) {
        (true, true) => Direction::Internal,
        (true, false) => Direction::Outgoing,
        (false, _) => Direction::Incoming,
    }
}

const LONGEST_EXTENSION: usize = 6;

/// `100` of `PJSIP/100-0000001a` and of `Local/100@from-queue-00000003;1`; nothing of a trunk with a name.
fn extension_of(channel: &str) -> Option<String> {
    let (_, rest) = channel.split_once('/')?;
    let endpoint = match rest.split_once('@') {
        Some((endpoint, _)) => endpoint,
        None => rest.rsplit_once('-')?.0,
    };
    let is_extension = !endpoint.is_empty()
        && endpoint.len() <= LONGEST_EXTENSION
        && endpoint.chars().all(|digit| digit.is_ascii_digit());
    is_extension.then(|| endpoint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_told_from_a_trunk() {
        assert_eq!(extension_of("PJSIP/100-0000001a").as_deref(), Some("100"));
        assert_eq!(
            extension_of("Local/100@from-queue-00000003;1").as_deref(),
            Some("100")
        );
        assert_eq!(extension_of("PJSIP/trunk-0000001a"), None);
        assert_eq!(extension_of("PJSIP/74951234567-0000001a"), None);
        assert_eq!(extension_of(""), None);
    }
}
