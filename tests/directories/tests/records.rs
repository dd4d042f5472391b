//! Call records in real databases, with the tables that FreePBX and Asterisk's own scripts make.

use std::time::Duration;

use cdr::{Cursor, Database, DatabaseConfig, Disposition, Kind, ReadError, Row, Source, Tls, Zone};
use directories::postgres::Postgres;
use secrecy::SecretString;
use testkit::Mariadb;

/// As FreePBX makes it.
const FREEPBX: &str = "
CREATE DATABASE asteriskcdrdb DEFAULT CHARACTER SET utf8mb4;
USE asteriskcdrdb;
CREATE TABLE cdr (
  calldate datetime NOT NULL DEFAULT '0000-00-00 00:00:00', clid varchar(80) NOT NULL DEFAULT '',
  src varchar(80) NOT NULL DEFAULT '', dst varchar(80) NOT NULL DEFAULT '',
  dcontext varchar(80) NOT NULL DEFAULT '', channel varchar(80) NOT NULL DEFAULT '',
  dstchannel varchar(80) NOT NULL DEFAULT '', lastapp varchar(80) NOT NULL DEFAULT '',
  lastdata varchar(80) NOT NULL DEFAULT '', duration int NOT NULL DEFAULT 0,
  billsec int NOT NULL DEFAULT 0, disposition varchar(45) NOT NULL DEFAULT '',
  amaflags int NOT NULL DEFAULT 0, accountcode varchar(20) NOT NULL DEFAULT '',
  uniqueid varchar(32) NOT NULL DEFAULT '', userfield varchar(255) NOT NULL DEFAULT '',
  did varchar(50) NOT NULL DEFAULT '', recordingfile varchar(255) NOT NULL DEFAULT '',
  cnum varchar(80) NOT NULL DEFAULT '', cnam varchar(80) NOT NULL DEFAULT '',
  outbound_cnum varchar(80) NOT NULL DEFAULT '', outbound_cnam varchar(80) NOT NULL DEFAULT '',
  dst_cnam varchar(80) NOT NULL DEFAULT '', linkedid varchar(32) NOT NULL DEFAULT '',
  peeraccount varchar(80) NOT NULL DEFAULT '', sequence int NOT NULL DEFAULT 0,
  KEY calldate (calldate), KEY uniqueid (uniqueid));
CREATE TABLE cel (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY, eventtype varchar(30) NOT NULL,
  eventtime datetime NOT NULL, cid_name varchar(80) NOT NULL DEFAULT '',
  uniqueid varchar(32) NOT NULL, linkedid varchar(32) NOT NULL);
CREATE USER 'reader'@'%' IDENTIFIED BY 'reader-secret';
GRANT SELECT ON asteriskcdrdb.* TO 'reader'@'%';
CREATE USER 'nobody'@'%' IDENTIFIED BY 'nobody-secret';
GRANT SELECT ON asteriskcdrdb.cel TO 'nobody'@'%';
";

/// As Asterisk's own scripts make it, with the columns of `cdr_pgsql`.
const PGSQL: &str = "
CREATE TABLE cdr (
  calldate timestamp NOT NULL, clid varchar(80) NOT NULL DEFAULT '',
  src varchar(80) NOT NULL DEFAULT '', dst varchar(80) NOT NULL DEFAULT '',
  dcontext varchar(80) NOT NULL DEFAULT '', channel varchar(80) NOT NULL DEFAULT '',
  dstchannel varchar(80) NOT NULL DEFAULT '', lastapp varchar(80) NOT NULL DEFAULT '',
  lastdata varchar(80) NOT NULL DEFAULT '', duration int NOT NULL DEFAULT 0,
  billsec int NOT NULL DEFAULT 0, disposition varchar(45) NOT NULL DEFAULT '',
  amaflags int NOT NULL DEFAULT 0, accountcode varchar(20) NOT NULL DEFAULT '',
  uniqueid varchar(150) NOT NULL DEFAULT '', userfield varchar(255) NOT NULL DEFAULT '',
  linkedid varchar(150) NOT NULL DEFAULT '', sequence int NOT NULL DEFAULT 0);
CREATE TABLE cel (eventtype text, eventtime timestamp, uniqueid text, linkedid text);
CREATE USER reader PASSWORD 'reader-secret';
CREATE USER nobody PASSWORD 'nobody-secret';
GRANT SELECT ON cdr, cel TO reader;
";

#[tokio::test]
async fn a_record_of_freepbx_is_a_row() {
    let server = mysql();
    the_row_of(&mysql_config(&server), |sql| {
        server.sql(&format!("USE asteriskcdrdb; {sql}")).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_record_of_cdr_pgsql_is_a_row() {
    let server = postgres();
    the_row_of(&postgres_config(&server), |sql| server.sql(sql)).await;
}

async fn the_row_of(config: &DatabaseConfig, sql: impl Fn(&str) -> anyhow::Result<()>) {
    sql("INSERT INTO cdr (calldate, clid, src, dst, dcontext, channel, dstchannel, duration, billsec, \
         disposition, accountcode, uniqueid, userfield, linkedid, sequence) VALUES \
         ('2026-01-31 13:00:00', '\"Анна\" <101>', '101', '102', 'from-internal', 'PJSIP/101-1', \
          'PJSIP/102-2', 65, 60, 'ANSWERED', 'acc', '1769860800.9', 'note', '1769860800.8', 7)")
    .expect("written");
    let rows = all(config, 10).await;
    let row = &rows[0];
    // Berlin's clock, which is the PBX's and neither ours nor the database's.
    let start = 1_769_860_800_000;
    let wanted = Row {
        uniqueid: Some("1769860800.9".into()),
        linkedid: Some("1769860800.8".into()),
        sequence: Some(7),
        src: "101".into(),
        clid: "\"Анна\" <101>".into(),
        dst: "102".into(),
        dcontext: "from-internal".into(),
        channel: "PJSIP/101-1".into(),
        dst_channel: "PJSIP/102-2".into(),
        start,
        answer: Some(start + 5_000),
        end: start + 65_000,
        duration_s: 65,
        billsec: 60,
        disposition: Disposition::Answered,
        account: "acc".into(),
        userfield: "note".into(),
    };
    assert_eq!(*row, wanted);
}

#[tokio::test]
async fn nothing_is_lost_between_batches_in_mysql() {
    let server = mysql();
    nothing_is_lost(&mysql_config(&server), |sql| {
        server.sql(&format!("USE asteriskcdrdb; {sql}")).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_between_batches_in_postgres() {
    let server = postgres();
    nothing_is_lost(&postgres_config(&server), |sql| server.sql(sql)).await;
}

/// Many of one second, some that nothing tells apart, and one that comes when its call ends.
async fn nothing_is_lost(config: &DatabaseConfig, sql: impl Fn(&str) -> anyhow::Result<()>) {
    let insert = |number: u32, time: &str, uniqueid: &str, sequence: u32| {
        format!(
            "INSERT INTO cdr (calldate, uniqueid, sequence, userfield) VALUES ('{time}', '{uniqueid}', {sequence}, '{number}');"
        )
    };
    let mut statements = String::new();
    for number in 0..40 {
        let (time, id) = match number {
            0..10 => ("2026-01-31 12:00:00".to_owned(), format!("1.{number}")),
            10..25 => ("2026-01-31 12:00:01".to_owned(), "2.1".to_owned()),
            _ => (format!("2026-01-31 12:00:{number}"), "3.1".to_owned()),
        };
        statements += &insert(number, &time, &id, 0);
    }
    sql(&statements).expect("written");
    for limit in [1, 3, 7, 40, 100] {
        let seen = numbers(&all(config, limit).await);
        assert_eq!(seen, (0..40).collect::<Vec<u32>>(), "by {limit}");
    }

    let source = Source::Database(Database::new(config.clone()));
    let mut cursor = Cursor::beginning();
    loop {
        let batch = source.read(&cursor, 16).await.expect("a batch");
        cursor = batch.cursor;
        if !batch.more {
            break;
        }
    }
    // A call of two hours ends only now.
    sql(&insert(77, "2026-01-31 10:00:00", "0.1", 0)).expect("written");
    let late = source.read(&cursor, 100).await.expect("a batch");
    assert_eq!(numbers(&late.rows)[0], 77);
    // What is older than the overlap is done with.
    sql(&insert(78, "2026-01-30 10:00:00", "0.0", 0)).expect("written");
    let again = source.read(&late.cursor, 100).await.expect("a batch");
    assert!(!numbers(&again.rows).contains(&78) && !again.more);
}

#[tokio::test]
async fn where_records_have_no_linkedid_the_events_tell_it() {
    let server = mysql();
    old_table(&mysql_config(&server), |sql| {
        server.sql(&format!("USE asteriskcdrdb; {sql}")).map(|_| ())
    })
    .await;
    let server = postgres();
    old_table(&postgres_config(&server), |sql| server.sql(sql)).await;
}

async fn old_table(config: &DatabaseConfig, sql: impl Fn(&str) -> anyhow::Result<()>) {
    sql("ALTER TABLE cdr DROP COLUMN linkedid; ALTER TABLE cdr DROP COLUMN sequence; \
         INSERT INTO cdr (calldate, uniqueid, userfield) VALUES ('2026-01-31 12:00:00', '1.2', '0'), ('2026-01-31 12:00:01', '9.9', '1'); \
         INSERT INTO cel (eventtype, eventtime, uniqueid, linkedid) VALUES \
         ('BRIDGE_ENTER', '2026-01-31 12:00:05', '1.2', '1.1'), ('CHAN_START', '2026-01-31 12:00:00', '1.2', '1.2');")
    .expect("an old table");
    let rows = all(config, 10).await;
    let linked: Vec<_> = rows.iter().map(|row| row.linkedid.as_deref()).collect();
    assert_eq!(linked, [Some("1.1"), None]);
    sql("DROP TABLE cel").expect("dropped");
    assert_eq!(all(config, 10).await.len(), 2);
}

#[tokio::test]
async fn columns_that_know_their_moment_need_no_zone() {
    let server = postgres();
    server
        .sql(
            "DROP TABLE cdr; CREATE TABLE cdr (start timestamptz, answer timestamptz, \"end\" timestamptz, \
             duration int, billsec int, disposition text, uniqueid text); GRANT SELECT ON cdr TO reader; \
             INSERT INTO cdr VALUES ('2026-01-31 12:00:00.5+00', NULL, '2026-01-31 13:00:10+01', 9, 0, 'BUSY', '1.1'), \
             ('2026-01-31 12:00:02+00', NULL, NULL, 1, 0, 'BUSY', '1.2'), \
             ('2026-01-31 12:00:03+00', NULL, NULL, 1, 0, 'BUSY', '1.3')",
        )
        .expect("a table");
    let rows = all(&postgres_config(&server), 1).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[0].start, rows[0].end),
        (1_769_860_800_500, 1_769_860_810_000)
    );
    assert_eq!(
        (rows[0].answer, &rows[0].disposition),
        (None, &Disposition::Busy)
    );

    let server = mysql();
    server
        .sql(
            "USE asteriskcdrdb; ALTER TABLE cdr MODIFY calldate timestamp NULL; SET time_zone = '+00:00'; \
             INSERT INTO cdr (calldate, uniqueid) VALUES ('2026-01-31 12:00:00', '1.1')",
        )
        .expect("a table");
    let rows = all(&mysql_config(&server), 1).await;
    assert_eq!(rows[0].start, 1_769_860_800_000);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let server = mysql();
    let mysql = mysql_config(&server);
    let postgres_server = postgres();
    let postgres = postgres_config(&postgres_server);
    for good in [mysql, postgres] {
        let kind = good.kind;
        let password = SecretString::from("wrong");
        let wrong = failure(DatabaseConfig {
            password,
            ..good.clone()
        })
        .await;
        assert!(
            matches!(wrong, ReadError::Refused { .. }),
            "{kind:?} {wrong:?}"
        );
        let table = "calls".to_owned();
        let table = failure(DatabaseConfig {
            table,
            ..good.clone()
        })
        .await;
        assert!(
            matches!(table, ReadError::NoTable { .. }),
            "{kind:?} {table:?}"
        );
        let nobody = DatabaseConfig {
            user: "nobody".into(),
            password: SecretString::from("nobody-secret"),
            ..good.clone()
        };
        let right = failure(nobody).await.to_string();
        assert!(right.contains("GRANT SELECT ON"), "{kind:?} {right}");
        let database = "nowhere".to_owned();
        let none = failure(DatabaseConfig {
            database,
            ..good.clone()
        })
        .await;
        assert!(
            matches!(
                none,
                ReadError::NoDatabase { .. } | ReadError::NoRight { .. }
            ),
            "{kind:?} {none:?}"
        );
        let away = failure(DatabaseConfig { port: 9, ..good })
            .await
            .to_string();
        assert!(away.contains("does not answer"), "{kind:?} {away}");
    }
}

#[tokio::test]
async fn nothing_can_be_written_even_by_accident() {
    // To read these tables is to write to another.
    let server = mysql();
    server
        .sql(
            "USE asteriskcdrdb; CREATE TABLE readings (at int);\n\
             DELIMITER //\n\
             CREATE FUNCTION note() RETURNS varchar(9) MODIFIES SQL DATA \
             BEGIN INSERT INTO readings VALUES (1); RETURN 'x'; END//\n\
             DELIMITER ;\n\
             INSERT INTO cdr (calldate) VALUES ('2026-01-31 12:00:00'); \
             CREATE VIEW trap AS SELECT calldate, note() AS userfield FROM cdr;",
        )
        .expect("a trap");
    let other = postgres();
    other
        .sql(
            "CREATE TABLE readings (at int); \
             CREATE FUNCTION note() RETURNS text LANGUAGE sql SECURITY DEFINER \
             AS 'INSERT INTO readings VALUES (1); SELECT 1::text'; \
             INSERT INTO cdr (calldate) VALUES ('2026-01-31 12:00:00'); \
             CREATE VIEW trap AS SELECT calldate, note() AS userfield FROM cdr; \
             GRANT SELECT ON trap TO reader",
        )
        .expect("a trap");
    for config in [mysql_config(&server), postgres_config(&other)] {
        let table = "trap".to_owned();
        let refused = failure(DatabaseConfig { table, ..config }).await;
        let refused = refused.to_string().to_lowercase().replace('-', " ");
        assert!(refused.contains("read only"), "{refused}");
    }
}

async fn failure(config: DatabaseConfig) -> ReadError {
    let failed = Database::new(config).read(&Cursor::beginning(), 1).await;
    failed.expect_err("an error")
}

/// Everything there is, by so many at once.
async fn all(config: &DatabaseConfig, limit: usize) -> Vec<Row> {
    let source = Source::Database(Database::new(config.clone()));
    let mut cursor = Cursor::beginning();
    let mut rows = Vec::new();
    loop {
        let batch = source.read(&cursor, limit).await.expect("a batch");
        assert_eq!(batch.skipped, 0);
        rows.extend(batch.rows);
        // As it is kept between two runs.
        cursor = Cursor::from_text(batch.cursor.as_str());
        if !batch.more {
            return rows;
        }
    }
}

fn numbers(rows: &[Row]) -> Vec<u32> {
    let mut numbers: Vec<u32> = rows
        .iter()
        .map(|row| row.userfield.parse().expect("a number"))
        .collect();
    // Those that nothing tells apart have no order.
    if numbers.len() == 40 {
        numbers.sort_unstable();
    }
    numbers
}

fn mysql() -> Mariadb {
    let server = Mariadb::start().expect("MariaDB");
    server.sql(FREEPBX).expect("tables");
    server
}

fn postgres() -> Postgres {
    let server = Postgres::start().expect("PostgreSQL");
    server.sql(PGSQL).expect("tables");
    server
}

fn mysql_config(server: &Mariadb) -> DatabaseConfig {
    config(Kind::Mysql, server.port())
}

fn postgres_config(server: &Postgres) -> DatabaseConfig {
    config(Kind::Postgres, server.port())
}

fn config(kind: Kind, port: u16) -> DatabaseConfig {
    DatabaseConfig {
        kind,
        host: "127.0.0.1".into(),
        port,
        user: "reader".into(),
        password: SecretString::from("reader-secret"),
        database: "asteriskcdrdb".into(),
        table: "cdr".into(),
        events: Some("cel".into()),
        tls: Tls::Off,
        zone: Zone::named("Europe/Berlin").expect("a zone"),
        overlap: Duration::from_secs(4 * 3600),
        deadline: Duration::from_secs(60),
    }
}
