//! Which field of a line is what.

use crate::row::Raw;
use crate::{Column, Row, Zone};

/// How the lines of a file are made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// As `cdr_csv` writes them. What `loguniqueid`, `loguserfield` and `newcdrcolumns` in `cdr.conf`
    /// add is found out from each line.
    Standard,
    /// As the mapping in `cdr_custom.conf` has them.
    Columns(Vec<Column>),
}

/// What every line of `cdr_csv` begins with.
const STANDARD: [Column; 16] = [
    Column::Account,
    Column::Src,
    Column::Dst,
    Column::Dcontext,
    Column::Clid,
    Column::Channel,
    Column::DstChannel,
    Column::Ignored, // lastapp
    Column::Ignored, // lastdata
    Column::Start,
    Column::Answer,
    Column::End,
    Column::Duration,
    Column::Billsec,
    Column::Disposition,
    Column::Ignored, // amaflags
];
/// What `newcdrcolumns=yes` puts at the end; the first is peeraccount.
const NEW: [Column; 3] = [Column::Ignored, Column::Linkedid, Column::Sequence];

impl Layout {
    /// `None` if the line is not made up so.
    pub(super) fn row(&self, fields: Vec<String>, zone: &Zone) -> Option<Row> {
        let columns = match self {
            Self::Standard => standard(&fields)?,
            Self::Columns(columns) => columns.clone(),
        };
        if columns.len() != fields.len() {
            return None;
        }
        let mut raw = Raw::default();
        for (column, text) in columns.into_iter().zip(fields) {
            raw.set(column, text);
        }
        raw.row(zone)
    }
}

fn standard(fields: &[String]) -> Option<Vec<Column>> {
    let optional = fields.len().checked_sub(STANDARD.len())?;
    let (between, new): (usize, &[Column]) = match optional {
        0..=2 => (optional, &[]),
        3..=5 => (optional - 3, &NEW),
        _ => return None,
    };
    let middle: &[Column] = match between {
        0 => &[],
        1 if is_uniqueid(&fields[STANDARD.len()]) => &[Column::Uniqueid],
        1 => &[Column::Userfield],
        _ => &[Column::Uniqueid, Column::Userfield],
    };
    Some([&STANDARD, middle, new].concat())
}

/// `1700000000.12`, or with the name of the system before it and a dash between.
fn is_uniqueid(text: &str) -> bool {
    let Some((before, number)) = text.rsplit_once('.') else {
        return false;
    };
    let seconds = before.rsplit('-').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number(number) && is_number(seconds) && seconds.len() >= 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seventeenth_field_is_what_it_looks_like() {
        assert!(is_uniqueid("1700000000.12"));
        assert!(is_uniqueid("sidetone-test-1700000000.12"));
        for text in ["", "order 5", "1.2", "1700000000", "file-2026.wav"] {
            assert!(!is_uniqueid(text), "{text}");
        }
    }

    #[test]
    fn each_option_of_cdr_conf_adds_its_fields() {
        let kinds = |count: usize| {
            let columns = standard(&vec!["1700000000.1".to_owned(); count])?;
            Some(columns[16..].to_vec())
        };
        assert_eq!(kinds(15), None);
        assert_eq!(kinds(16), Some(vec![]));
        assert_eq!(kinds(18), Some(vec![Column::Uniqueid, Column::Userfield]));
        assert_eq!(kinds(20), Some([&[Column::Uniqueid], &NEW[..]].concat()));
        assert_eq!(kinds(22), None);
    }
}
