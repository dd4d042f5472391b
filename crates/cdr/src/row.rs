//! One record of one leg of a call, whatever it was read from.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Zone;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disposition {
    Answered,
    NoAnswer,
    Busy,
    Failed,
    Congestion,
    /// As the PBX wrote it.
    Other(String),
}

impl From<&str> for Disposition {
    fn from(text: &str) -> Self {
        match text.trim().to_ascii_uppercase().as_str() {
            // The numbers are Asterisk's own, which a database gets whose column is a number.
            "ANSWERED" | "8" => Self::Answered,
            "NO ANSWER" | "NOANSWER" | "0" | "1" => Self::NoAnswer,
            "BUSY" | "4" => Self::Busy,
            "FAILED" | "2" => Self::Failed,
            "CONGESTION" | "16" => Self::Congestion,
            _ => Self::Other(text.trim().to_owned()),
        }
    }
}

/// A record. Times are unix milliseconds, texts are as the PBX wrote them and may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// `None` where the source does not have it: in CSV it needs `loguniqueid=yes` in `cdr.conf`.
    pub uniqueid: Option<String>,
    pub linkedid: Option<String>,
    /// Tells records of one channel apart.
    pub sequence: Option<i64>,
    pub src: String,
    pub clid: String,
    pub dst: String,
    pub dcontext: String,
    pub channel: String,
    pub dst_channel: String,
    pub start: i64,
    pub answer: Option<i64>,
    pub end: i64,
    pub duration_s: u32,
    pub billsec: u32,
    pub disposition: Disposition,
    pub account: String,
    pub userfield: String,
}

/// A field of a record, by the name that Asterisk gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Uniqueid,
    Linkedid,
    Sequence,
    Src,
    Clid,
    Dst,
    Dcontext,
    Channel,
    DstChannel,
    Start,
    Answer,
    End,
    Duration,
    Billsec,
    Disposition,
    Account,
    Userfield,
    /// One that is not read.
    Ignored,
}

/// Asterisk has no field of that name.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no field of a call record; write - for one that is not to be read")]
pub struct UnknownColumn(String);

impl FromStr for Column {
    type Err = UnknownColumn;

    fn from_str(name: &str) -> Result<Self, UnknownColumn> {
        Ok(match name.trim().to_ascii_lowercase().as_str() {
            "uniqueid" => Self::Uniqueid,
            "linkedid" => Self::Linkedid,
            "sequence" => Self::Sequence,
            "src" => Self::Src,
            "clid" => Self::Clid,
            "dst" => Self::Dst,
            "dcontext" => Self::Dcontext,
            "channel" => Self::Channel,
            "dstchannel" => Self::DstChannel,
            "start" | "calldate" => Self::Start,
            "answer" => Self::Answer,
            "end" => Self::End,
            "duration" => Self::Duration,
            "billsec" => Self::Billsec,
            "disposition" => Self::Disposition,
            "accountcode" => Self::Account,
            "userfield" => Self::Userfield,
            "-" | "lastapp" | "lastdata" | "amaflags" | "peeraccount" => Self::Ignored,
            _ => return Err(UnknownColumn(name.into())),
        })
    }
}

/// The texts of a record before anything is made of them.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    uniqueid: String,
    linkedid: String,
    sequence: String,
    src: String,
    clid: String,
    dst: String,
    dcontext: String,
    channel: String,
    dst_channel: String,
    start: String,
    answer: String,
    end: String,
    duration: String,
    billsec: String,
    disposition: String,
    account: String,
    userfield: String,
}

impl Raw {
    pub(crate) fn set(&mut self, column: Column, text: String) {
        let field = match column {
            Column::Uniqueid => &mut self.uniqueid,
            Column::Linkedid => &mut self.linkedid,
            Column::Sequence => &mut self.sequence,
            Column::Src => &mut self.src,
            Column::Clid => &mut self.clid,
            Column::Dst => &mut self.dst,
            Column::Dcontext => &mut self.dcontext,
            Column::Channel => &mut self.channel,
            Column::DstChannel => &mut self.dst_channel,
            Column::Start => &mut self.start,
            Column::Answer => &mut self.answer,
            Column::End => &mut self.end,
            Column::Duration => &mut self.duration,
            Column::Billsec => &mut self.billsec,
            Column::Disposition => &mut self.disposition,
            Column::Account => &mut self.account,
            Column::Userfield => &mut self.userfield,
            Column::Ignored => return,
        };
        *field = text;
    }

    /// `None` without a start or with a length that is no number.
    pub(crate) fn row(self, zone: &Zone) -> Option<Row> {
        let start = zone.ms(&self.start)?;
        let duration_s = seconds(&self.duration)?;
        let billsec = seconds(&self.billsec)?;
        let after = |seconds: u32| start + i64::from(seconds) * 1000;
        // An end before the start is an hour that the clock showed twice.
        let end = zone.ms(&self.end).filter(|end| *end >= start);
        let end = end.unwrap_or_else(|| after(duration_s));
        let disposition = Disposition::from(self.disposition.as_str());
        let was_answered = disposition == Disposition::Answered || billsec > 0;
        let answer = zone
            .ms(&self.answer)
            .filter(|at| (start..=end).contains(at));
        let answer = answer.or_else(|| was_answered.then(|| end - i64::from(billsec) * 1000));
        Some(Row {
            uniqueid: filled(self.uniqueid),
            linkedid: filled(self.linkedid),
            sequence: self.sequence.trim().parse().ok(),
            src: self.src,
            clid: self.clid,
            dst: self.dst,
            dcontext: self.dcontext,
            channel: self.channel,
            dst_channel: self.dst_channel,
            start,
            answer: answer.map(|at| at.max(start)),
            end,
            duration_s,
            billsec,
            disposition,
            account: self.account,
            userfield: self.userfield,
        })
    }
}

fn filled(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

/// Whole seconds; a clock that was set back gives less than none, which is none.
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let whole = text.split('.').next()?;
    let seconds: i64 = whole.parse().ok()?;
    u32::try_from(seconds.max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_and_end_are_reckoned_where_the_pbx_does_not_tell_them() {
        let row = raw("2026-01-31 12:00:00", "90", "60", "ANSWERED").row(&Zone::utc());
        let row = row.expect("a row");
        assert_eq!(row.end - row.start, 90_000);
        assert_eq!(row.answer, Some(row.start + 30_000));
        let missed = raw("2026-01-31 12:00:00", "20", "0", "NO ANSWER").row(&Zone::utc());
        assert_eq!(missed.expect("a row").answer, None);
    }

    #[test]
    fn a_call_over_the_hour_that_comes_twice_does_not_end_before_it_began() {
        let mut raw = raw("2026-10-25 02:59:00", "120", "0", "BUSY");
        raw.set(Column::End, "2026-10-25 02:01:00".into());
        let row = raw.row(&Zone::named("Europe/Berlin").expect("a zone"));
        let row = row.expect("a row");
        assert_eq!(row.end - row.start, 120_000);
    }

    #[test]
    fn what_has_no_start_is_no_record() {
        assert_eq!(raw("", "1", "1", "ANSWERED").row(&Zone::utc()), None);
        assert_eq!(
            raw("2026-01-31 12:00:00", "x", "1", "BUSY").row(&Zone::utc()),
            None
        );
    }

    fn raw(start: &str, duration: &str, billsec: &str, disposition: &str) -> Raw {
        Raw {
            start: start.into(),
            duration: duration.into(),
            billsec: billsec.into(),
            disposition: disposition.into(),
            ..Raw::default()
        }
    }
}
