//! Tables of contacts: any separator, any charset, columns by their headings.

mod columns;

use crate::{LoadError, book::Builder, charset::Fallback, person::Card};
use columns::Columns;
use csv::{ByteRecord, ReaderBuilder};
use std::io::Read;

/// Values that Google puts into one cell.
const SEVERAL: &str = " ::: ";

pub(crate) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), LoadError> {
    let fallback = Fallback::guess(bytes);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(bytes))
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    if !next(&mut reader, &mut record, builder) {
        return Err(LoadError::UnknownFormat);
    }
    let first = cells(&record, fallback);
    let columns = Columns::of(&first)?;
    if !columns.has_headings {
        add(&columns, &first, &record, builder);
    }
    while next(&mut reader, &mut record, builder) {
        add(&columns, &cells(&record, fallback), &record, builder);
    }
    Ok(())
}

/// Moves on to the next row that can be read.
fn next(
    reader: &mut csv::Reader<impl Read>,
    record: &mut ByteRecord,
    builder: &mut Builder,
) -> bool {
    loop {
        match reader.read_byte_record(record) {
            Ok(more) => return more,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                builder.skip(line, "the row cannot be read");
                if error.is_io_error() {
                    return false;
                }
            }
        }
    }
}

fn cells(record: &ByteRecord, fallback: Fallback) -> Vec<String> {
    record
        .iter()
        .map(|cell| fallback.decode(cell).trim().to_owned())
        .collect()
}

fn add(columns: &Columns, cells: &[String], record: &ByteRecord, builder: &mut Builder) {
    let line = record.position().map_or(0, csv::Position::line);
    if cells.iter().all(String::is_empty) {
        return;
    }
    builder.add(line, &card(columns, cells));
}

fn card(columns: &Columns, cells: &[String]) -> Card {
    let cell = |column: &usize| cells.get(*column).map_or("", String::as_str);
    let joined = |columns: &[usize], separator: &str| {
        let parts = columns.iter().map(cell).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(separator)
    };
    let mut name = joined(&columns.name, " ");
    if name.is_empty() {
        name = joined(&columns.name_parts, " ");
    }
    let phone = |phone: &columns::Phone| {
        let extension = phone.extension.as_ref().map_or("", cell);
        match (cell(&phone.number), extension) {
            ("", _) => Vec::new(),
            (number, "") => number.split(SEVERAL).map(str::to_owned).collect(),
            (number, extension) => vec![format!("{number} ext. {extension}")],
        }
    };
    Card {
        name,
        company: joined(&columns.company, ", "),
        note: joined(&columns.note, " "),
        url: columns.url.first().map_or("", cell).to_owned(),
        email: columns.email.first().map_or("", cell).to_owned(),
        phones: columns.phones.iter().flat_map(phone).collect(),
        id: String::new(),
    }
}

/// The mark that the first line has most of, outside quotes. Excel writes `;` where the comma is
/// the decimal mark.
fn delimiter(bytes: &[u8]) -> u8 {
    let first_line = bytes
        .trim_ascii_start()
        .split(|b| *b == b'\n')
        .next()
        .unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in first_line {
        quoted ^= *byte == b'"';
        let count = counts.iter_mut().find(|(mark, _)| mark == byte);
        if let Some((_, count)) = count.filter(|_| !quoted) {
            *count += 1;
        }
    }
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(mark, _)| *mark)
}
