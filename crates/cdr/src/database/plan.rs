//! The statements, written for the columns that a table has.

use super::Kind;
use super::line::Fields;
use crate::{Column, ReadError};

/// What is read of a table and how.
#[derive(Debug)]
pub(super) struct Plan {
    kind: Kind,
    table: String,
    /// What is asked for, and what each answer is.
    columns: Vec<(Column, String)>,
    /// By which rows are in order: when the call began, and two texts that tell rows of one second apart.
    time: Time,
    uniqueid: String,
    sequence: String,
}

/// A column of time.
#[derive(Debug, Clone)]
struct Time {
    /// As the database compares it.
    column: String,
    /// As text, with a `Z` where the database knows the zone.
    text: String,
    kind: TimeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeKind {
    /// In the zone of whoever wrote it.
    Civil,
    /// The database knows which moment is meant.
    Moment,
    /// A text; Asterisk writes them so that they sort.
    Text,
}

/// Asks which columns a table has, and of what kind they are.
pub(super) fn columns_statement(kind: Kind) -> &'static str {
    match kind {
        Kind::Mysql => {
            "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR) FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = ?"
        }
        Kind::Postgres => {
            "SELECT column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = ANY(current_schemas(false)) AND table_name = $1"
        }
    }
}

/// Reads nothing of a table, to hear what stands in the way.
pub(super) fn probe_statement(kind: Kind, table: &str) -> String {
    format!("SELECT '' FROM {} LIMIT 1", quoted(kind, table))
}

impl Plan {
    /// From what [`columns_statement`] gave.
    pub(super) fn new(kind: Kind, table: &str, found: &[Fields]) -> Result<Self, ReadError> {
        let mut columns = Vec::new();
        let mut times = Vec::new();
        for found in found {
            let [name, data_type] = found.as_slice() else {
                continue;
            };
            let lower = name.to_ascii_lowercase();
            // A table of one's own has columns of one's own.
            let Ok(column) = lower.parse::<Column>() else {
                continue;
            };
            if column == Column::Ignored {
                continue;
            }
            let is_time = matches!(column, Column::Start | Column::Answer | Column::End);
            let text = if is_time {
                let time = Time::new(kind, name, data_type);
                times.push((lower.clone(), time.clone()));
                time.text
            } else {
                text(kind, &quoted(kind, name))
            };
            columns.push((lower, column, text));
        }
        let time = |name: &str| times.iter().find(|(found, _)| found == name);
        // FreePBX has an index on calldate.
        let (by, time) = time("calldate").or_else(|| time("start")).ok_or_else(|| {
            let table = table.into();
            ReadError::NoTime { table }
        })?;
        let key = |wanted: Column| {
            let found = columns.iter().find(|(_, column, _)| *column == wanted);
            found.map_or_else(|| text(kind, "''"), |(_, _, text)| text.clone())
        };
        Ok(Self {
            kind,
            table: quoted(kind, table),
            time: time.clone(),
            uniqueid: key(Column::Uniqueid),
            sequence: key(Column::Sequence),
            // Of calldate and start, which are the same, the one that is in order.
            columns: columns
                .into_iter()
                .filter(|(name, column, _)| *column != Column::Start || name == by)
                .map(|(_, column, text)| (column, text))
                .collect(),
        })
    }

    /// What each column of a row is; three more texts follow, see [`Self::statement`].
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().map(|(column, _)| *column)
    }

    pub(super) fn has(&self, wanted: Column) -> bool {
        self.columns().any(|column| column == wanted)
    }

    /// A time behind which the next page certainly ends, where there is so much. To be bound: time.
    ///
    /// Read off the index alone, it spares sorting all that is left of the table for each page.
    pub(super) fn bound_statement(&self, limit: usize) -> String {
        let Self { table, time, .. } = self;
        let at = &time.column;
        let from = time.parameter(self.kind, 1);
        format!(
            "SELECT {} FROM {table} WHERE {at} > {from} ORDER BY {at} LIMIT 1 OFFSET {limit}",
            time.text
        )
    }

    /// Rows from a place on, in order, with the three texts of their place behind them. To be bound:
    /// time, time, uniqueid, uniqueid, sequence, and the bound where there is one.
    pub(super) fn statement(&self, limit: usize, offset: usize, is_bounded: bool) -> String {
        let Self {
            table,
            time,
            uniqueid,
            sequence,
            ..
        } = self;
        let texts: Vec<&str> = self.columns.iter().map(|(_, text)| text.as_str()).collect();
        // By all the rest too: only rows that are the same in everything may change places between two pages.
        let ordinals: Vec<String> = (1..=texts.len()).map(|number| number.to_string()).collect();
        let at = &time.column;
        let moment = |number| time.parameter(self.kind, number);
        let text = |number| parameter(self.kind, number);
        let bound = match is_bounded {
            true => format!(" AND {at} <= {}", moment(6)),
            false => String::new(),
        };
        format!(
            "SELECT {texts}, {time_text}, {uniqueid}, {sequence} FROM {table} \
             WHERE {at} >= {p1} AND ({at} > {p2} OR {uniqueid} > {p3} OR ({uniqueid} = {p4} AND {sequence} >= {p5})){bound} \
             ORDER BY {at}, {uniqueid}, {sequence}, {rest} LIMIT {limit} OFFSET {offset}",
            texts = texts.join(", "),
            rest = ordinals.join(", "),
            time_text = time.text,
            p1 = moment(1),
            p2 = moment(2),
            p3 = text(3),
            p4 = text(4),
            p5 = text(5),
        )
    }
}

/// Asks the table of events for the linkedid of so many channels, the last word last.
pub(super) fn linkedid_statement(kind: Kind, events: &str, count: usize) -> String {
    let name = |name| quoted(kind, name);
    let (uniqueid, linkedid) = (name("uniqueid"), name("linkedid"));
    let parameters: Vec<String> = (1..=count).map(|number| parameter(kind, number)).collect();
    format!(
        "SELECT {}, {} FROM {} WHERE {uniqueid} IN ({}) ORDER BY {}",
        text(kind, &uniqueid),
        text(kind, &linkedid),
        name(events),
        parameters.join(", "),
        name("eventtime"),
    )
}

impl Time {
    fn new(kind: Kind, name: &str, data_type: &str) -> Self {
        let column = quoted(kind, name);
        let data_type = data_type.to_ascii_lowercase();
        let has_zone = match kind {
            // The session's zone is UTC, as sqlx sets it.
            Kind::Mysql => data_type == "timestamp",
            Kind::Postgres => data_type == "timestamp with time zone",
        };
        let is_text = data_type.contains("char") || data_type.contains("text");
        let time_kind = match (has_zone, is_text) {
            (true, _) => TimeKind::Moment,
            (false, true) => TimeKind::Text,
            (false, false) => TimeKind::Civil,
        };
        let written = match (kind, time_kind) {
            (Kind::Mysql, TimeKind::Moment) => format!("CONCAT(CAST({column} AS CHAR), 'Z')"),
            (Kind::Postgres, TimeKind::Moment) => {
                format!("(({column} AT TIME ZONE 'UTC')::text || 'Z')")
            }
            (Kind::Mysql | Kind::Postgres, TimeKind::Civil | TimeKind::Text) => column.clone(),
        };
        Self {
            text: text(kind, &written),
            column,
            kind: time_kind,
        }
    }

    /// A text that is bound, as a time; a `Z` at its end is not part of it.
    fn parameter(&self, kind: Kind, number: usize) -> String {
        match (kind, self.kind) {
            (Kind::Mysql, _) | (Kind::Postgres, TimeKind::Text) => parameter(kind, number),
            (Kind::Postgres, TimeKind::Civil) => format!("${number}::text::timestamp"),
            (Kind::Postgres, TimeKind::Moment) => {
                format!("(${number}::text::timestamp AT TIME ZONE 'UTC')")
            }
        }
    }
}

fn parameter(kind: Kind, number: usize) -> String {
    match kind {
        Kind::Mysql => "?".to_owned(),
        Kind::Postgres => format!("${number}::text"),
    }
}

/// An expression as text, empty where it is NULL.
fn text(kind: Kind, expression: &str) -> String {
    match kind {
        Kind::Mysql => format!("COALESCE(CAST({expression} AS CHAR), '')"),
        Kind::Postgres => format!("COALESCE(({expression})::text, '')"),
    }
}

/// A name as a name, whatever stands in it.
fn quoted(kind: Kind, name: &str) -> String {
    let (mark, twice) = match kind {
        Kind::Mysql => ('`', "``"),
        Kind::Postgres => ('"', "\"\""),
    };
    format!("{mark}{}{mark}", name.replace(mark, twice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn only_columns_that_are_there_are_asked_for() {
        let found = [
            ["calldate", "datetime"],
            ["src", "varchar"],
            ["uniqueid", "varchar"],
            ["own`column", "int"],
        ];
        let plan = plan(Kind::Mysql, &found).expect("a plan");
        assert_snapshot!(plan.statement(10, 2, true), @"SELECT COALESCE(CAST(`calldate` AS CHAR), ''), COALESCE(CAST(`src` AS CHAR), ''), COALESCE(CAST(`uniqueid` AS CHAR), ''), COALESCE(CAST(`calldate` AS CHAR), ''), COALESCE(CAST(`uniqueid` AS CHAR), ''), COALESCE(CAST('' AS CHAR), '') FROM `cdr` WHERE `calldate` >= ? AND (`calldate` > ? OR COALESCE(CAST(`uniqueid` AS CHAR), '') > ? OR (COALESCE(CAST(`uniqueid` AS CHAR), '') = ? AND COALESCE(CAST('' AS CHAR), '') >= ?)) AND `calldate` <= ? ORDER BY `calldate`, COALESCE(CAST(`uniqueid` AS CHAR), ''), COALESCE(CAST('' AS CHAR), ''), 1, 2, 3 LIMIT 10 OFFSET 2");
    }

    #[test]
    fn a_time_with_a_zone_is_a_moment() {
        let found = [
            ["start", "timestamp with time zone"],
            ["end", "timestamp without time zone"],
        ];
        let plan = plan(Kind::Postgres, &found).expect("a plan");
        assert_snapshot!(plan.statement(10, 0, false), @r#"SELECT COALESCE(((("start" AT TIME ZONE 'UTC')::text || 'Z'))::text, ''), COALESCE(("end")::text, ''), COALESCE(((("start" AT TIME ZONE 'UTC')::text || 'Z'))::text, ''), COALESCE(('')::text, ''), COALESCE(('')::text, '') FROM "cdr" WHERE "start" >= ($1::text::timestamp AT TIME ZONE 'UTC') AND ("start" > ($2::text::timestamp AT TIME ZONE 'UTC') OR COALESCE(('')::text, '') > $3::text OR (COALESCE(('')::text, '') = $4::text AND COALESCE(('')::text, '') >= $5::text)) ORDER BY "start", COALESCE(('')::text, ''), COALESCE(('')::text, ''), 1, 2 LIMIT 10 OFFSET 0"#);
    }

    #[test]
    fn a_table_without_times_is_none_of_records() {
        let refused = plan(Kind::Mysql, &[["src", "varchar"]]);
        assert!(matches!(refused, Err(ReadError::NoTime { .. })));
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted(Kind::Mysql, "cdr` x"), "`cdr`` x`");
        assert_eq!(quoted(Kind::Postgres, "cdr\" x"), "\"cdr\"\" x\"");
    }

    fn plan(kind: Kind, found: &[[&str; 2]]) -> Result<Plan, ReadError> {
        let found: Vec<Fields> = found
            .iter()
            .map(|row| row.iter().map(|text| (*text).to_owned()).collect())
            .collect();
        Plan::new(kind, "cdr", &found)
    }
}
