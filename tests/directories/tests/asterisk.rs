//! Records that a real Asterisk writes: `cdr_csv`, `cdr_custom`, and `cdr_pgsql` into a real PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cdr::{
    Batch, Column, Csv, CsvConfig, Cursor, Database, DatabaseConfig, Disposition, Kind, Layout,
    ReadError, Row, Source, Tls, Zone,
};
use directories::postgres::Postgres;
use secrecy::SecretString;
use testkit::Asterisk;
use testkit::asterisk::{Options, Version};

const DIALPLAN: &str = r#"[recorded]
exten => answered,1,Answer()
 same => n,Set(CDR(userfield)=said "yes", twice)
 same => n,Wait(1)
 same => n,Hangup()
exten => busy,1,Busy(1)
"#;
/// Most of a minute, for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(50);

#[tokio::test]
async fn what_asterisk_writes_to_its_file_is_read() {
    for version in Version::ALL {
        let options = "usegmtime=yes\nloguniqueid=yes\nloguserfield=yes\nnewcdrcolumns=yes";
        let asterisk = asterisk(version, options);
        let source = Source::Csv(csv(&asterisk, "Master.csv", Layout::Standard));
        let before = source.read(&Cursor::beginning(), 10).await;
        assert!(
            matches!(before, Err(ReadError::Missing { .. })),
            "{before:?}"
        );

        call(&asterisk, "answered", r#""Anna ""A"", B" <101>"#);
        let first = rows_of(&source, &Cursor::beginning(), 2).await;
        assert_eq!(first.skipped, 0, "{first:?}");
        let row = with_userfield(&first.rows);
        assert_eq!(row.disposition, Disposition::Answered);
        assert!(row.uniqueid.is_some() && row.linkedid.is_some() && row.sequence.is_some());
        assert_eq!(
            (row.dst.as_str(), row.dcontext.as_str()),
            ("answered", "recorded")
        );
        assert!(
            row.channel.starts_with("Local/answered@recorded"),
            "{row:?}"
        );
        is_now(row);

        call(&asterisk, "busy", "Boris <102>");
        let second = rows_of(&source, &first.cursor, 1).await;
        assert!(second.rows.iter().all(|row| !first.rows.contains(row)));
        assert_eq!(second.rows[0].dst, "busy");
    }
}

#[tokio::test]
async fn without_any_option_the_file_has_all_but_ids() {
    let asterisk = asterisk(Version::V22, "usegmtime=yes");
    let source = Source::Csv(csv(&asterisk, "Master.csv", Layout::Standard));
    call(&asterisk, "answered", "Anna <101>");
    let batch = rows_of(&source, &Cursor::beginning(), 1).await;
    assert_eq!((batch.skipped, batch.rows[0].uniqueid.as_ref()), (0, None));
    assert_eq!(batch.rows[0].disposition, Disposition::Answered);
}

#[tokio::test]
async fn a_mapping_of_cdr_custom_is_read_by_its_columns() {
    let asterisk = asterisk(Version::V22, "usegmtime=yes");
    let mapping = "[mappings]\nCalls.csv => ${CSV_QUOTE(${CDR(linkedid)})},${CSV_QUOTE(${CDR(uniqueid)})},${CDR(sequence)},${CSV_QUOTE(${CDR(clid)})},${CSV_QUOTE(${CDR(start,u)})},${CSV_QUOTE(${CDR(userfield)})},${CDR(duration)},${CDR(billsec)},${CDR(disposition)}\n";
    // What it is built on since 22.8, without which it does not load.
    load(&asterisk, "res_cdrel_custom", "");
    load(&asterisk, "cdr_custom", mapping);
    let names = [
        "linkedid",
        "uniqueid",
        "sequence",
        "clid",
        "start",
        "userfield",
        "duration",
        "billsec",
        "disposition",
    ];
    let columns: Vec<Column> = names.map(|name| name.parse().expect("a column")).to_vec();
    let csv = csv(
        &asterisk,
        "../cdr-custom/Calls.csv",
        Layout::Columns(columns),
    );
    call(&asterisk, "answered", r#""Anna" <101>"#);
    let batch = rows_of(&Source::Csv(csv), &Cursor::beginning(), 2).await;
    assert_eq!(batch.skipped, 0);
    let row = with_userfield(&batch.rows);
    assert!(row.linkedid.is_some() && row.uniqueid.is_some() && row.sequence.is_some());
    assert_eq!(row.disposition, Disposition::Answered);
    is_now(row);
}

#[tokio::test]
async fn what_asterisk_writes_to_postgresql_is_read() {
    let server = Postgres::start().expect("PostgreSQL");
    server
        .sql(
            "CREATE TABLE cdr (calldate timestamptz, \"start\" timestamptz, answer timestamptz, \"end\" timestamptz, \
             clid text, src text, dst text, dcontext text, channel text, dstchannel text, lastapp text, lastdata text, \
             duration int, billsec int, disposition text, amaflags text, accountcode text, uniqueid text, \
             userfield text, linkedid text, peeraccount text, sequence int)",
        )
        .expect("a table");
    let asterisk = asterisk(Version::V22, "usegmtime=yes");
    let configuration = format!(
        "[global]\nhostname=127.0.0.1\nport={}\ndbname=asteriskcdrdb\nuser={}\npassword={}\ntable=cdr\ntimezone=UTC\n",
        server.port(),
        Postgres::USER,
        Postgres::PASSWORD,
    );
    server
        .sql("ALTER ROLE admin SET timezone = 'UTC'")
        .expect("a zone");
    load(&asterisk, "cdr_pgsql", &configuration);
    let source = Source::Database(Database::new(DatabaseConfig {
        kind: Kind::Postgres,
        host: "127.0.0.1".into(),
        port: server.port(),
        user: Postgres::USER.into(),
        password: SecretString::from(Postgres::PASSWORD),
        database: "asteriskcdrdb".into(),
        table: "cdr".into(),
        events: None,
        tls: Tls::Off,
        zone: Zone::utc(),
        overlap: Duration::from_secs(3600),
        deadline: PATIENCE,
    }));
    call(&asterisk, "answered", r#""Anna" <101>"#);
    let batch = rows_of(&source, &Cursor::beginning(), 2).await;
    let row = with_userfield(&batch.rows);
    assert!(row.linkedid.is_some() && row.uniqueid.is_some() && row.sequence.is_some());
    assert_eq!(row.disposition, Disposition::Answered);
    assert!(row.answer.is_some());
    is_now(row);
}

fn asterisk(version: Version, csv_options: &str) -> Asterisk {
    let options = Options {
        version,
        extra: vec![
            ("extensions.conf", DIALPLAN.to_owned()),
            ("cdr.conf", format!("[csv]\n{csv_options}")),
            (
                "modules.conf",
                "load = func_cdr.so\nload = cdr_csv.so".to_owned(),
            ),
        ],
        ..Options::default()
    };
    Asterisk::start(&options).expect("Asterisk")
}

/// Loads a module that Asterisk was not started with.
fn load(asterisk: &Asterisk, module: &str, configuration: &str) {
    let file = asterisk.folder().join("etc").join(format!("{module}.conf"));
    fs::write(file, configuration).expect("written");
    fs::create_dir_all(asterisk.folder().join("log/cdr-custom")).expect("a folder");
    let said = asterisk.cli(&format!("module load {module}.so"));
    assert!(
        said.as_ref().is_ok_and(|said| said.contains("Loaded")),
        "{said:?}"
    );
}

/// Calls a number of the dialplan by both ends of a Local channel, and does not wait.
fn call(asterisk: &Asterisk, number: &str, caller: &str) {
    let watch = asterisk.watch().expect("the manager interface");
    let said = watch.action(&[
        ("Action", "Originate"),
        ("Channel", &format!("Local/{number}@recorded")),
        ("Application", "Wait"),
        ("Data", "1"),
        ("CallerID", caller),
        ("Async", "true"),
    ]);
    let said = said.expect("an answer");
    assert_eq!(said.get("Response"), Some("Success"), "{said:?}");
}

/// Nobody tells when a record is written, so ask until so many are there.
async fn rows_of(source: &Source, cursor: &Cursor, count: usize) -> Batch {
    let until = Instant::now() + PATIENCE;
    loop {
        let batch = source.read(cursor, 100).await;
        match batch {
            Ok(batch) if batch.rows.len() >= count => return batch,
            other if Instant::now() >= until => panic!("{other:?}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn csv(asterisk: &Asterisk, file: &str, layout: Layout) -> Csv {
    let folder: PathBuf = asterisk.folder().join(Path::new("log/cdr-csv"));
    Csv::new(CsvConfig {
        path: folder.join(file),
        layout,
        zone: Zone::utc(),
    })
}

fn with_userfield(rows: &[Row]) -> &Row {
    let found = rows.iter().find(|row| !row.userfield.is_empty());
    let row = found.unwrap_or_else(|| panic!("{rows:?}"));
    assert_eq!(row.userfield, r#"said "yes", twice"#);
    row
}

/// In this hour, so in the right time zone.
fn is_now(row: &Row) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("a clock").as_millis()).expect("a time");
    assert!((now - row.start).abs() < 15 * 60 * 1000, "{row:?}");
}
