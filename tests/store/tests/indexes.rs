//! Among a hundred thousand calls nothing that people ask every day reads them all.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sqlx::{Connection as _, Executor as _};
use store::{CallCursor, CallFilter, Location, Visible};
use store_tests::Scratch;

#[tokio::test]
async fn numbers_and_times_are_found_by_index_in_sqlite() {
    let scratch = Scratch::sqlite();
    scratch.open().await.close().await;
    let url = format!("sqlite:{}", scratch.path().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for sql in FILL {
        connection.execute(sql).await.unwrap();
    }
    connection.close().await.unwrap();
    // Also without ANALYZE, which nobody runs on SQLite.
    let store = scratch.open().await;
    for (asked, filter) in questions() {
        let plan = store.explain_calls(&filter).await.unwrap();
        for step in plan.lines().filter(|step| step.starts_with("SCAN")) {
            let is_bounded = step.contains("calls_by_time")
                || step.contains("SCAN lead")
                || step.contains("SCAN n") && !step.contains("number_parts")
                || step.contains("CONSTANT")
                || step.contains("SCAN one")
                || step.contains("subquery");
            assert!(is_bounded, "{asked}:\n{plan}");
        }
        if asked.starts_with("time") {
            assert!(!plan.contains("TEMP B-TREE"), "{asked} sorts:\n{plan}");
        }
        check_answer(&store, asked, &filter).await;
    }
}

#[tokio::test]
async fn numbers_and_times_are_found_by_index_in_postgres() {
    let scratch = Scratch::postgres();
    let store = scratch.open().await;
    let Location::Postgres(url) = &scratch.location else {
        unreachable!("a PostgreSQL")
    };
    let url = secrecy::ExposeSecret::expose_secret(url);
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    for sql in FILL {
        connection.execute(sql).await.unwrap();
    }
    connection.execute("ANALYZE").await.unwrap();
    for (asked, filter) in questions() {
        let plan = store.explain_calls(&filter).await.unwrap();
        assert!(!plan.contains("Seq Scan"), "{asked}:\n{plan}");
        check_answer(&store, asked, &filter).await;
    }
    store.close().await;
}

async fn check_answer(store: &store::Store, asked: &str, filter: &CallFilter) {
    let found = store.calls(filter).await.unwrap().calls;
    assert!(!found.is_empty(), "{asked}");
    if let Some(number) = &filter.number {
        let digits = number.replace(['(', ')', ' ', '-'], "");
        let last = &digits[digits.len() - 4..];
        let has =
            |number: &Option<String>| number.as_ref().is_some_and(|number| number.contains(last));
        assert!(found.iter().all(|call| has(&call.caller.number)), "{asked}");
    }
}

fn questions() -> Vec<(&'static str, CallFilter)> {
    let all = CallFilter {
        visible: Visible::All,
        limit: 50,
        ..CallFilter::default()
    };
    let number = |number: &str| CallFilter {
        number: Some(number.into()),
        ..all.clone()
    };
    let place = CallCursor {
        started: 50_000_000,
        id: "c50000".into(),
    };
    let own = Visible::Extensions {
        pbx: "office".into(),
        extensions: ["101".into(), "117".into()].into(),
    };
    vec![
        ("number, its end", number("1234567")),
        ("number, whole", number("+74951234567")),
        (
            "number, in the country's spelling",
            number("8 (495) 123-45-67"),
        ),
        ("number, a part", number("5123456")),
        (
            "number of a group's",
            CallFilter {
                visible: own.clone(),
                ..number("1234567")
            },
        ),
        (
            "number in a time",
            CallFilter {
                from: Some(0),
                ..number("1234567")
            },
        ),
        (
            "extension",
            CallFilter {
                extension: Some("100".into()),
                ..all.clone()
            },
        ),
        ("time: newest", all.clone()),
        (
            "time: from and until",
            CallFilter {
                from: Some(1_000_000),
                until: Some(2_000_000),
                ..all.clone()
            },
        ),
        (
            "time: next page",
            CallFilter {
                before: Some(place),
                ..all.clone()
            },
        ),
        (
            "time: a group's newest",
            CallFilter {
                visible: own,
                ..all
            },
        ),
    ]
}

/// 100,000 calls of 20,000 numbers on 50 phones; one text for both databases.
const FILL: [&str; 4] = [
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
     INSERT INTO calls (id, pbx, certainty, direction, caller_number, queues, started, ended, ring_ms, wait_ms, \
     talk_ms, outcome, outcome_words, way, source, legs, counts_as_missed, names, peer) \
     SELECT 'c' || CAST(i AS TEXT), 'office', 3, 'incoming', '+7495' || CAST(1230000 + i % 20000 AS TEXT), '[]', \
     i * 1000, i * 1000 + 500, 0, 0, 0, 'missed', '', '[]', 'live', '[]', 0, '', \
     '7495' || CAST(1230000 + i % 20000 AS TEXT) FROM n",
    "INSERT INTO call_keys (kind, word, started, call_id) SELECT 'number', peer, started, id FROM calls",
    "INSERT INTO call_keys (kind, word, started, call_id) \
     SELECT 'extension', CAST(100 + (started / 1000) % 50 AS TEXT), started, id FROM calls",
    "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 10) \
     INSERT INTO number_parts (part, number) SELECT DISTINCT substr(peer, i), peer FROM calls CROSS JOIN k",
];
