//! The log is completed from the phone system's own records: what happened while the server was away, or was too late.

use super::{Writer, live::tell_board};
use crate::{apart::apart, clock, config, pbx::Site};
use cdr::{Cursor, Row, Source, Zone};
use phone_number::DialPlan;
use std::{path::Path, time::Duration};
use store::{CdrRow, Disposition};
use tracing::{debug, info, warn};

/// The records are looked at this often. They come when a call has ended, and the live record mostly came before.
const EVERY: Duration = Duration::from_secs(5);
/// After a fault.
const LATER: Duration = Duration::from_secs(60);
/// Rows in one transaction.
const BATCH: usize = 500;
/// A call is longer than this only by mistake.
const LONGEST_CALL: Duration = Duration::from_secs(8 * 3_600);
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the records of a site are; `None`: nowhere.
///
/// # Errors
/// A sentence that names what cannot be used.
pub(crate) fn source(
    from: &config::Records,
    file: Option<&Path>,
) -> Result<Option<(String, Source)>, String> {
    if !from.csv.is_empty() {
        let path = config::beside(file, &from.csv);
        let csv = cdr::Csv::new(cdr::CsvConfig {
            path: path.clone(),
            layout: cdr::Layout::Standard,
            zone: match from.csv_utc {
                true => Zone::utc(),
                false => Zone::system(),
            },
        });
        return Ok(Some((format!("csv:{}", path.display()), Source::Csv(csv))));
    }
    if from.url.is_empty() {
        return Ok(None);
    }
    let database = database(from)?;
    let name = format!("table:{}", from.table);
    Ok(Some((name, Source::Database(cdr::Database::new(database)))))
}

fn database(from: &config::Records) -> Result<cdr::DatabaseConfig, String> {
    let url = reqwest::Url::parse(from.url.expose()).map_err(|_| "records.url is no address")?;
    let (kind, port) = match url.scheme() {
        "mysql" | "mariadb" => (cdr::Kind::Mysql, 3306),
        "postgres" | "postgresql" => (cdr::Kind::Postgres, 5432),
        other => {
            return Err(format!(
                "records.url begins with {other}://, not mysql:// or postgres://"
            ));
        }
    };
    let table = match from.table.as_str() {
        "" => "cdr",
        table => table,
    };
    Ok(cdr::DatabaseConfig {
        kind,
        host: url.host_str().unwrap_or("127.0.0.1").to_owned(),
        port: url.port().unwrap_or(port),
        user: url.username().to_owned(),
        password: url.password().unwrap_or_default().to_owned().into(),
        database: url.path().trim_start_matches('/').to_owned(),
        table: table.to_owned(),
        events: Some("cel".into()),
        tls: cdr::Tls::Off,
        zone: Zone::system(),
        overlap: LONGEST_CALL,
        deadline: DEADLINE,
    })
}

/// Reads on for as long as the server runs.
pub(crate) async fn complete(writer: Writer, site: Site, name: String, source: Source) {
    let mut told = None;
    loop {
        let pause = match step(&writer, &site, &name, &source).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => {
                if told.take().is_some() {
                    info!(pbx = %site.name, "the PBX's records can be read again");
                }
                EVERY
            }
            Err(words) => {
                if told.as_ref() != Some(&words) {
                    warn!(pbx = %site.name, error = %words, "the PBX's records cannot be read");
                    told = Some(words);
                }
                LATER
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// True when there is more at once.
async fn step(writer: &Writer, site: &Site, name: &str, source: &Source) -> Result<bool, String> {
    let cursor = writer
        .insist("how far records were read", || {
            writer.store.cdr_cursor(&site.name, name)
        })
        .await;
    let is_first = cursor.is_none();
    let cursor = cursor.map_or_else(Cursor::beginning, Cursor::from_text);
    let (from, place) = (source.clone(), cursor.clone());
    let batch = apart(move || async move { from.read(&place, BATCH).await }).await;
    let batch = batch.ok_or("reading broke off")?;
    let batch = batch.map_err(|error| error.to_string())?;
    if batch.gap {
        warn!(pbx = %site.name, "records of calls were taken away before they were read");
    }
    if batch.skipped > 0 {
        warn!(pbx = %site.name, records = batch.skipped, "records that cannot be understood");
    }
    let rows: Vec<CdrRow> = batch
        .rows
        .into_iter()
        .filter_map(|row| of(row, site))
        .collect();
    if rows.is_empty() && batch.cursor == cursor && !is_first {
        return Ok(false);
    }
    let put = writer
        .insist("records", || {
            let now = clock::store_ms();
            writer
                .store
                .put_cdr(&site.name, name, &rows, batch.cursor.as_str(), now)
        })
        .await;
    debug!(pbx = %site.name, rows = rows.len(), "records read");
    tell_board(writer, site, put).await;
    Ok(batch.more)
}

/// Without a uniqueid nothing tells which call a row belongs to.
fn of(row: Row, site: &Site) -> Option<CdrRow> {
    let plan = &site.dial_plan;
    let disposition = match &row.disposition {
        cdr::Disposition::Answered => Disposition::Answered,
        cdr::Disposition::NoAnswer => Disposition::NoAnswer,
        cdr::Disposition::Busy => Disposition::Busy,
        cdr::Disposition::Failed | cdr::Disposition::Other(_) => Disposition::Failed,
        cdr::Disposition::Congestion => Disposition::Congestion,
    };
    let name = row.clid.split('"').nth(1).map(str::to_owned);
    let counts_as_missed = site.missed_lines.contains(&row.dst);
    let some = |text: String| (!text.is_empty()).then_some(text);
    Some(CdrRow {
        uniqueid: row.uniqueid?,
        linkedid: row.linkedid,
        sequence: row.sequence,
        src: normal(plan, &row.src),
        clid_name: name.filter(|name| !name.is_empty()),
        did: some(row.dst.clone()),
        dst: normal(plan, &row.dst),
        dcontext: row.dcontext,
        channel: row.channel,
        dst_channel: row.dst_channel,
        start: row.start,
        answer: row.answer,
        end: row.end,
        duration_s: row.duration_s.into(),
        billsec: row.billsec.into(),
        disposition,
        userfield: some(row.userfield),
        accountcode: some(row.account),
        direction: None,
        counts_as_missed,
    })
}

fn normal(plan: &DialPlan, text: &str) -> String {
    let number = plan.number_of_trunk(text);
    number.map_or_else(|| text.to_owned(), |number| number.normal_form().to_owned())
}
