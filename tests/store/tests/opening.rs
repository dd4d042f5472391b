//! What opening and losing a database says.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sqlx::{Connection as _, Executor as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use store::{CallFilter, Location, OpenError, Store, StoreError, Visible};
use store_tests::{Scratch, missed_call, postgres};
use testkit::Postgres;

#[tokio::test]
async fn a_new_file_is_for_its_user_alone_and_so_is_its_log() {
    let scratch = Scratch::sqlite();
    let store = scratch.open().await;
    store.health().await.unwrap();
    for ending in ["", "-wal", "-shm"] {
        let path = format!("{}{ending}", scratch.path().display());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
}

#[tokio::test]
async fn two_programs_may_open_one_file() {
    let scratch = Scratch::sqlite();
    let (one, other) = tokio::join!(scratch.open(), scratch.open());
    let write = async |store: &Store, name: &str| {
        for n in 0..40 {
            let (id, channel) = (format!("{name}{n}"), format!("{n}.1"));
            let call = missed_call(&id, "+74951234567", n, &[&channel]);
            store.put_calls(&[call]).await.unwrap();
        }
    };
    tokio::join!(write(&one, "a"), write(&other, "b"));
    for store in [one, other] {
        let filter = CallFilter {
            visible: Visible::All,
            ..CallFilter::default()
        };
        assert_eq!(store.calls(&filter).await.unwrap().calls.len(), 40);
    }
}

#[tokio::test]
async fn a_file_that_another_program_holds_is_told_and_free_again() {
    let scratch = Scratch::sqlite();
    let store = scratch.open().await;
    let mut other = raw(&scratch.path()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let call = missed_call("a", "+74951234567", 1, &["1.1"]);
    let batch = [call];
    let (put, open) = tokio::join!(store.put_calls(&batch), Store::open(&scratch.location));
    assert!(matches!(put, Err(StoreError::Locked(_))), "{put:?}");
    assert!(matches!(open, Err(OpenError::Locked { .. })), "{open:?}");
    other.execute("ROLLBACK").await.unwrap();
    store.put_calls(&batch).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_of_this_program_is_left_alone() {
    let scratch = Scratch::sqlite();
    let text = "just a text file, longer than the header of a database ".repeat(4);
    std::fs::write(scratch.path(), &text).unwrap();
    let opened = Store::open(&scratch.location).await;
    assert!(
        matches!(opened, Err(OpenError::NotADatabase { .. })),
        "{opened:?}"
    );
    assert_eq!(std::fs::read_to_string(scratch.path()).unwrap(), text);

    let scratch = Scratch::sqlite();
    std::fs::write(scratch.path(), "").unwrap();
    raw(&scratch.path())
        .await
        .execute("CREATE TABLE songs (name TEXT)")
        .await
        .unwrap();
    let opened = Store::open(&scratch.location).await;
    assert!(
        matches!(opened, Err(OpenError::NotADatabase { .. })),
        "{opened:?}"
    );
}

/// The first schema, with a call and without people outside.
#[tokio::test]
async fn a_database_of_an_older_program_is_brought_up_with_what_it_holds() {
    let scratch = Scratch::sqlite();
    std::fs::write(scratch.path(), "").unwrap();
    let mut old = raw(&scratch.path()).await;
    let first = include_str!("../../../crates/store/migrations/sqlite/0001_first.sql");
    sqlx::raw_sql(first).execute(&mut old).await.unwrap();
    for sql in [
        "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)",
        "INSERT INTO schema_version (version) VALUES (1)",
        "INSERT INTO calls (id, pbx, certainty, direction, queues, started, ring_ms, wait_ms, talk_ms, outcome, \
         outcome_words, way, source, legs, counts_as_missed, names) VALUES ('a', 'office', 0, 'incoming', '[]', 1, 0, 0, \
         0, 'unknown', '', '[]', 'live', '[]', 0, '')",
    ] {
        old.execute(sql).await.unwrap();
    }
    old.close().await.unwrap();
    let store = scratch.open().await;
    let call = store.call(&"a".into()).await.unwrap().unwrap();
    assert_eq!((call.started, call.person), (1, None));
    assert!(store.remembered(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let newer = "INSERT INTO schema_version (version) VALUES (99)";
    let scratch = Scratch::sqlite();
    scratch.open().await.close().await;
    raw(&scratch.path()).await.execute(newer).await.unwrap();
    let opened = Store::open(&scratch.location).await;
    assert!(
        matches!(opened, Err(OpenError::Newer { found: 99, .. })),
        "{opened:?}"
    );

    let server = postgres();
    let url = server.database().unwrap();
    let location: Location = url.parse().unwrap();
    Store::open(&location).await.unwrap().close().await;
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    connection.execute(newer).await.unwrap();
    let opened = Store::open(&location).await;
    assert!(
        matches!(opened, Err(OpenError::Newer { found: 99, .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let scratch = Scratch::sqlite();
    let location = Location::Sqlite(scratch.path().join("none/sidetone.db"));
    let opened = Store::open(&location).await;
    assert!(
        matches!(opened, Err(OpenError::CannotOpen { .. })),
        "{opened:?}"
    );
    let said = opened.unwrap_err().to_string();
    assert!(said.contains("its folder must exist"), "{said}");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_database_are_refusals_and_say_no_password() {
    let server = postgres();
    let url = server.database().unwrap();
    let wrong = url.replace("postgres-secret", "guess");
    for url in [wrong, url.replace("/calls", "/nothing")] {
        let opened = Store::open(&url.parse().unwrap()).await;
        assert!(
            matches!(opened, Err(OpenError::Refused { .. })),
            "{opened:?}"
        );
        let said = format!("{:?} {}", opened, opened.as_ref().unwrap_err());
        assert!(
            !said.contains("guess") && !said.contains("postgres-secret"),
            "{said}"
        );
    }
    let nowhere = Store::open(&"postgres://a:b@127.0.0.1:1/c".parse().unwrap()).await;
    assert!(
        matches!(nowhere, Err(OpenError::Away { .. })),
        "{nowhere:?}"
    );
    let nonsense = Store::open(&"postgres://:::".parse().unwrap()).await;
    assert!(matches!(nonsense, Err(OpenError::Address)), "{nonsense:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_goes_away_is_told_and_used_again_when_it_is_back() {
    let mut server = Postgres::start().unwrap();
    let location: Location = server.database().unwrap().parse().unwrap();
    let store = Store::open(&location).await.unwrap();
    let call = missed_call("a", "+74951234567", 1, &["1.1"]);
    store.put_calls(std::slice::from_ref(&call)).await.unwrap();
    server.stop().unwrap();
    let health = store.health().await;
    assert!(matches!(health, Err(StoreError::Away(_))), "{health:?}");
    let put = store.put_calls(std::slice::from_ref(&call)).await;
    assert!(matches!(put, Err(StoreError::Away(_))), "{put:?}");
    server.restart().unwrap();
    // Connections that died meanwhile are found out one by one.
    let back = async {
        while store.health().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back)
        .await
        .unwrap();
    store.put_calls(&[call]).await.unwrap();
    store.close().await;
}

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    let url = format!("sqlite:{}", path.display());
    sqlx::SqliteConnection::connect(&url).await.unwrap()
}
