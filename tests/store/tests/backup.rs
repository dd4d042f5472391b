//! A backup of one database is taken back by the other.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use store::{
    BackupError, Board, CallPerson, Event, Origin, Remembered, Role, Store, Subscription, User,
};
use store_tests::{Scratch, answered_call, cdr_row, missed_call};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_from_sqlite_to_postgres_and_back_unchanged() {
    let (first, second, third) = (Scratch::sqlite(), Scratch::postgres(), Scratch::sqlite());
    let store = first.open().await;
    fill(&store).await;
    let file = backup(&store).await;
    let postgres = second.open().await;
    let rows = postgres.restore(&mut file.as_slice()).await.unwrap();
    assert!(rows > 1_000);
    assert_eq!(text(&backup(&postgres).await), text(&file));
    let back = third.open().await;
    back.restore(&mut backup(&postgres).await.as_slice())
        .await
        .unwrap();
    assert_eq!(text(&backup(&back).await), text(&file));

    // What was taken back goes on where it was.
    for store in [&postgres, &back] {
        store
            .put_calls(&[answered_call("new", "+74950000001", 1, &["1.1"], "100")])
            .await
            .unwrap();
        assert_eq!(
            store.call(&"new".into()).await.unwrap().unwrap().id,
            "c1".into()
        );
        assert_eq!(
            store.missed_board(Board::Open, 1_000).await.unwrap().len(),
            599
        );
        store.enqueue(&[event()]).await.unwrap();
        assert_eq!(store.due(10, 10).await.unwrap().len(), 2);
    }
    for store in [store, postgres, back] {
        store.close().await;
    }
}

#[tokio::test]
async fn a_backup_is_taken_back_only_whole_and_only_into_nothing() {
    let (first, second) = (Scratch::sqlite(), Scratch::sqlite());
    let store = first.open().await;
    fill(&store).await;
    let file = text(&backup(&store).await);
    assert!(file.contains("\"memory\"") && file.contains("Марина"));
    let again = store.restore(&mut file.as_bytes()).await;
    assert!(matches!(again, Err(BackupError::NotEmpty)), "{again:?}");

    let empty = second.open().await;
    let half = &file[..file.len() / 2];
    let half = half.rsplit_once('\n').unwrap().0;
    let cut = empty.restore(&mut half.as_bytes()).await;
    assert!(matches!(cut, Err(BackupError::Cut)), "{cut:?}");
    let newer = file.replacen("\"schema\":2", "\"schema\":99", 1);
    let newer = empty.restore(&mut newer.as_bytes()).await;
    assert!(
        matches!(newer, Err(BackupError::Newer { found: 99, .. })),
        "{newer:?}"
    );
    let hostile = file.replacen("[\"login\"", "[\"login) --\"", 1);
    let hostile = hostile.replacen("\"login\",", "\"login) --\",", 1);
    let hostile = empty.restore(&mut hostile.as_bytes()).await;
    assert!(
        matches!(hostile, Err(BackupError::NotABackup { .. })),
        "{hostile:?}"
    );
    let other = empty.restore(&mut &b"hello\n"[..]).await;
    assert!(
        matches!(other, Err(BackupError::NotABackup { line: 1 })),
        "{other:?}"
    );
    // After all that it is as empty as before.
    empty.restore(&mut file.as_bytes()).await.unwrap();
}

async fn fill(store: &Store) {
    let user = User {
        id: "u".into(),
        login: "Анна".into(),
        name: "Анна \u{1F4DE} \"quoted\"\nsecond line".into(),
        role: Role::Admin,
        pbx: "office".into(),
        extension: None,
        channel: None,
        groups: vec![],
        source: Origin::Admin,
        disabled: false,
        policy: "{\"a\":1}".into(),
        subject: None,
    };
    store.put_user(&user).await.unwrap();
    let subscription = Subscription {
        id: "s".into(),
        url: "https://crm.example/".into(),
        secret: "hush".into(),
        events: vec!["*".into()],
        active: true,
        dropped: 0,
    };
    store.put_subscription(&subscription).await.unwrap();
    store.set_setting("a", "1", None, 1).await.unwrap();
    store.begin_request("desk", "r", 1).await.unwrap();
    let calls: Vec<_> = (0..600)
        .map(|n| {
            missed_call(
                &format!("c{n}"),
                &format!("+7495{n:07}"),
                n,
                &[&format!("{n}.1")],
            )
        })
        .collect();
    store
        .put_calls_with_events(&calls, &[event()])
        .await
        .unwrap();
    let person = CallPerson {
        name: "Марина".into(),
        ..CallPerson::default()
    };
    let is_there = store.set_call_person(&"c1".into(), Some(&person)).await;
    assert!(is_there.unwrap());
    let choice = Remembered {
        number: "+74950000700".into(),
        choice: "{\"name\":\"Марина\"}".into(),
        ..Remembered::default()
    };
    store.remember(&[choice], &[]).await.unwrap();
    let rows = [cdr_row("x.1", "x.1", "+74950000700", 5, None)];
    store
        .put_cdr("office", "csv", &rows, "place", 1)
        .await
        .unwrap();
    let rows = [cdr_row("y.1", "y.1", "+74950000700", 9, Some("100"))];
    store
        .put_cdr("office", "csv", &rows, "place", 1)
        .await
        .unwrap();
}

fn event() -> Event {
    Event {
        name: "call_ended".into(),
        body: "{}".into(),
        now: 1,
    }
}

async fn backup(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    store.backup(&mut file).await.unwrap();
    file
}

fn text(file: &[u8]) -> String {
    String::from_utf8(file.to_vec()).unwrap()
}
