//! Files as Asterisk writes them, cut anywhere, broken, rotated.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{Column, Disposition};

const LINE: &str = r#""","101","102","internal","""Anna"" <101>","PJSIP/101-00000001","PJSIP/102-00000002","Dial","PJSIP/102,20","2026-01-31 12:00:00","2026-01-31 12:00:05","2026-01-31 12:01:05",65,60,"ANSWERED","DOCUMENTATION","1769860800.1","note"
"#;

#[test]
fn a_line_of_asterisk_is_a_row() {
    let file = CsvFile::with(LINE);
    let batch = file.read(&Cursor::beginning(), 10);
    let row = &batch.rows[0];
    assert_eq!(row.clid, "\"Anna\" <101>");
    assert_eq!(row.uniqueid.as_deref(), Some("1769860800.1"));
    assert_eq!(row.userfield, "note");
    assert_eq!(row.disposition, Disposition::Answered);
    assert_eq!(row.start, 1_769_860_800_000);
    assert_eq!(row.answer, Some(row.start + 5000));
    assert_eq!(row.end, row.start + 65_000);
    assert_eq!((row.duration_s, row.billsec), (65, 60));
    assert!(!batch.more && !batch.gap && batch.skipped == 0);
}

#[test]
fn a_growing_file_is_read_on_and_half_a_line_is_waited_for() {
    let file = CsvFile::with(LINE);
    let first = file.read(&Cursor::beginning(), 10);
    let again = file.read(&first.cursor, 10);
    assert!(again.rows.is_empty() && again.cursor == first.cursor);
    file.append(&LINE[..40]);
    let half = file.read(&first.cursor, 10);
    assert!(half.rows.is_empty() && half.skipped == 0);
    file.append(&LINE[40..]);
    assert_eq!(file.read(&half.cursor, 10).rows.len(), 1);
}

#[test]
fn a_broken_line_is_counted_and_costs_no_other() {
    let broken = "\"half\",\"of a li";
    let file = CsvFile::with(&format!("{LINE}{broken}{LINE}{LINE}nonsense\n\n{LINE}"));
    let batch = file.read(&Cursor::beginning(), 10);
    assert_eq!((batch.rows.len(), batch.skipped), (3, 2));
}

#[test]
fn bytes_that_are_no_utf8_are_read_all_the_same() {
    let file = CsvFile::with("");
    let mut bytes = LINE.as_bytes().to_vec();
    let at = LINE.find("Anna").expect("a name");
    bytes[at] = 0xe4;
    fs::write(&file.path, bytes).expect("written");
    let batch = file.read(&Cursor::beginning(), 10);
    assert_eq!(batch.rows[0].clid, "\"\u{fffd}nna\" <101>");
}

#[test]
fn what_was_written_before_a_rotation_is_read_first() {
    let file = CsvFile::with(&numbered(0..3));
    let first = file.read(&Cursor::beginning(), 10);
    file.append(&numbered(3..6));
    file.rotate();
    // Between the two there is no file, which is nothing to complain of.
    let moved = file.read(&first.cursor, 2);
    assert_eq!(numbers(&moved), [3, 4]);
    assert!(moved.more);
    fs::write(&file.path, numbered(6..8)).expect("written");
    let rest = file.read(&moved.cursor, 10);
    assert_eq!(numbers(&rest), [5, 6, 7]);
    assert!(!rest.gap);
    file.append(&numbered(8..9));
    assert_eq!(numbers(&file.read(&rest.cursor, 10)), [8]);
}

#[test]
fn rotations_while_nobody_read_lose_nothing() {
    let file = CsvFile::with(&numbered(0..2));
    let first = file.read(&Cursor::beginning(), 10);
    for generation in 1..4 {
        file.rotate();
        let from = generation * 2;
        fs::write(&file.path, numbered(from..from + 2)).expect("written");
    }
    assert_eq!(numbers(&file.read(&first.cursor, 100)), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_copy_that_is_truncated_is_a_rotation_too() {
    let file = CsvFile::with(&numbered(0..2));
    let first = file.read(&Cursor::beginning(), 10);
    file.append(&numbered(2..4));
    fs::copy(&file.path, rotated(&file.path, 1)).expect("copied");
    fs::write(&file.path, numbered(4..5)).expect("truncated");
    let batch = file.read(&first.cursor, 10);
    assert_eq!(numbers(&batch), [2, 3, 4]);
    assert!(!batch.gap);
}

#[test]
fn a_rotation_to_nowhere_is_said() {
    let file = CsvFile::with(&numbered(0..3));
    let first = file.read(&Cursor::beginning(), 10);
    fs::write(&file.path, numbered(7..8)).expect("truncated");
    let batch = file.read(&first.cursor, 10);
    assert_eq!(numbers(&batch), [7]);
    assert!(batch.gap);
    assert!(!file.read(&batch.cursor, 10).gap, "said twice");
}

#[test]
fn a_file_of_cdr_custom_has_the_columns_that_it_has() {
    let mut file = CsvFile::with("\"1769860800.123456\",\"1769860800.1\",\"7\",1769860800.9,x\n");
    let names = ["start", "linkedid", "sequence", "uniqueid", "-"];
    let columns: Result<Vec<Column>, _> = names.iter().map(|name| name.parse()).collect();
    file.layout = Layout::Columns(columns.expect("columns"));
    let batch = file.read(&Cursor::beginning(), 10);
    let row = &batch.rows[0];
    assert_eq!(row.start, 1_769_860_800_123);
    assert_eq!(row.linkedid.as_deref(), Some("1769860800.1"));
    assert_eq!(
        (row.sequence, row.uniqueid.as_deref()),
        (Some(7), Some("1769860800.9"))
    );
    assert!("lastname".parse::<Column>().is_err());
}

#[test]
fn a_file_that_is_not_there_is_said_with_what_to_do() {
    let file = CsvFile::with("");
    fs::remove_file(&file.path).expect("removed");
    let missing = read(&file.config(), &Cursor::beginning(), 1).expect_err("an error");
    assert!(missing.to_string().contains("module show like cdr_csv"));
    let cursor = Cursor::from_text("of something else");
    let foreign = read(&CsvFile::with("").config(), &cursor, 1);
    assert!(matches!(foreign, Err(ReadError::Cursor)));
}

#[tokio::test]
async fn a_large_file_is_read_in_batches() {
    let file = CsvFile::with(&numbered(0..5000));
    let csv = Csv::new(file.config());
    let mut cursor = Cursor::beginning();
    let mut seen = Vec::new();
    loop {
        let batch = csv.read(&cursor, 700).await.expect("a batch");
        seen.extend(numbers(&batch));
        cursor = batch.cursor;
        if !batch.more {
            break;
        }
    }
    assert!(seen.into_iter().eq(0..5000));
}

proptest! {
    #[test]
    fn whatever_asterisk_writes_is_read_back(
        texts in proptest::collection::vec("[^\0]{0,20}", 9),
        lengths in (0u32..90_000, 0u32..90_000),
    ) {
        let line = written(&texts, lengths.0, lengths.1);
        let batch = CsvFile::with(&format!("{line}{LINE}")).read(&Cursor::beginning(), 10);
        prop_assert_eq!(batch.skipped, 0);
        prop_assert_eq!(batch.rows.len(), 2);
        let row = &batch.rows[0];
        let read = [
            &row.account, &row.src, &row.dst, &row.dcontext, &row.clid, &row.channel,
            &row.dst_channel, &row.userfield,
        ];
        let meant: Vec<&String> = texts[..7].iter().chain(&texts[8..]).collect();
        prop_assert_eq!(read.to_vec(), meant);
        prop_assert_eq!((row.duration_s, row.billsec), lengths);
    }

    #[test]
    fn two_readings_are_one_reading_wherever_the_file_was_cut(
        pieces in proptest::collection::vec(piece(), 1..6),
        cut in any::<prop::sample::Index>(),
        limit in 1usize..4,
    ) {
        let bytes = pieces.concat();
        let cut = cut.index(bytes.len() + 1);
        let whole = CsvFile::with("");
        fs::write(&whole.path, &bytes).expect("written");
        let at_once = whole.read_all(&Cursor::beginning(), 100);

        let file = CsvFile::with("");
        fs::write(&file.path, &bytes[..cut]).expect("written");
        let mut first = file.read_all(&Cursor::beginning(), limit);
        fs::write(&file.path, &bytes).expect("written");
        let second = file.read_all(&first.cursor, limit);
        first.rows.extend(second.rows);
        prop_assert_eq!(first.rows, at_once.rows);
        prop_assert_eq!(first.skipped + second.skipped, at_once.skipped);
        prop_assert!(!second.gap);
    }
}

/// A good line, half of one, or anything.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = "[^\0]{0,9}";
    prop_oneof![
        4 => proptest::collection::vec(text, 9).prop_map(|texts| written(&texts, 3, 2).into_bytes()),
        1 => (0..LINE.len()).prop_map(|end| LINE.as_bytes()[..end].to_vec()),
        1 => proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'\n'), Just(b','), any::<u8>()], 0..30),
    ]
}

/// As `cdr_csv` puts a record together.
fn written(texts: &[String], duration: u32, billsec: u32) -> String {
    let quoted: Vec<String> = texts
        .iter()
        .map(|text| format!("\"{}\"", text.replace('"', "\"\"")))
        .collect();
    let (first, last) = (quoted[..7].join(","), &quoted[8]);
    let lastdata = &quoted[7];
    format!(
        "{first},\"Dial\",{lastdata},\"2026-01-31 12:00:00\",,\"2026-01-31 12:00:09\",{duration},{billsec},\"BUSY\",\"DOCUMENTATION\",\"1769860800.1\",{last}\n"
    )
}

fn numbered(range: std::ops::Range<usize>) -> String {
    range
        .map(|number| LINE.replace("\"note\"", &format!("\"{number}\"")))
        .collect()
}

fn numbers(batch: &Batch) -> Vec<usize> {
    let number = |row: &Row| row.userfield.parse().expect("a number");
    batch.rows.iter().map(number).collect()
}

struct CsvFile {
    path: PathBuf,
    layout: Layout,
    _folder: TempDir,
}

impl CsvFile {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("Master.csv");
        fs::write(&path, text).expect("written");
        Self {
            path,
            layout: Layout::Standard,
            _folder: folder,
        }
    }

    fn config(&self) -> CsvConfig {
        CsvConfig {
            path: self.path.clone(),
            layout: self.layout.clone(),
            zone: Zone::utc(),
        }
    }

    fn read(&self, cursor: &Cursor, limit: usize) -> Batch {
        read(&self.config(), cursor, limit).expect("a batch")
    }

    fn read_all(&self, cursor: &Cursor, limit: usize) -> Batch {
        let mut all = self.read(cursor, limit);
        while all.more {
            let next = self.read(&all.cursor, limit);
            all.rows.extend(next.rows);
            all.skipped += next.skipped;
            all.gap |= next.gap;
            all.more = next.more;
            all.cursor = next.cursor;
        }
        all
    }

    fn append(&self, text: &str) {
        let file = OpenOptions::new().append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("written");
    }

    /// As logrotate does it.
    fn rotate(&self) {
        for number in (0..5).rev() {
            let _ = fs::rename(rotated(&self.path, number), rotated(&self.path, number + 1));
        }
    }
}
