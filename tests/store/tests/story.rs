//! What the server keeps, told to SQLite and to a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::task::Poll;
use store::{
    AuditFilter, AuditNew, Begun, Board, BoardChange, CallFilter, CallPerson, CallRecord,
    DeviceKind, DeviceNew, EnrolmentNew, Event, LegRecord, MissedItem, Origin, Outcome, Remembered,
    Role, Source, Store, StoreError, Subscription, SubscriptionId, TokenHash, User, UserId,
    Visible,
};
use store_tests::{answered_call, cdr_row, missed_call, on_both, open_call, outgoing_call};

const ANNA: &str = "+74951234567";
const BORIS: &str = "+74957654321";

#[test]
fn a_call_is_kept_as_it_was_written() {
    on_both(async |store| {
        let mut call = answered_call("a", ANNA, 1_000, &["1.1", "1.2"], "100");
        call.caller.name = Some("Анна \"О'Нил\" \\ %_".into());
        call.cause = Some(16);
        call.legs[0].ringing = Some(1_500);
        call.recording = Some("a.wav".into());
        let put = store.put_calls(&[call.clone()]).await.unwrap();
        assert_eq!(put.ids, ["a".into()]);
        assert_eq!(store.call(&"a".into()).await.unwrap(), Some(call));
        assert_eq!(store.call(&"b".into()).await.unwrap(), None);
        store.health().await.unwrap();
    });
}

#[test]
fn a_call_that_is_seen_again_under_a_new_id_is_the_same_call() {
    on_both(async |store| {
        put(&store, open_call("before", ANNA, 1_000, &["1.1"])).await;
        let after = answered_call("after", ANNA, 9_000, &["1.1", "1.2"], "100");
        let ids = store.put_calls(&[after]).await.unwrap().ids;
        assert_eq!(ids, ["before".into()]);
        let call = only_call(&store).await;
        assert_eq!((call.started, call.outcome), (1_000, Outcome::Answered));
        assert_eq!(call.legs.len(), 2);
        // Also whoever asks by the newer id finds it.
        assert_eq!(store.call(&"after".into()).await.unwrap(), Some(call));
    });
}

#[test]
fn a_call_has_its_person_whatever_is_written_of_it_later() {
    on_both(async |store| {
        put(&store, open_call("a", ANNA, 1_000, &["1.1"])).await;
        let anna = CallPerson {
            source: "tryton".into(),
            kind: "party".into(),
            id: "17".into(),
            name: "Анна Öztürk".into(),
            company: Some("Крыши 100%".into()),
            url: None,
        };
        assert!(
            store
                .set_call_person(&"a".into(), Some(&anna))
                .await
                .unwrap()
        );
        assert!(!store.set_call_person(&"b".into(), None).await.unwrap());
        // Its end, told without knowing her, under another id; and what the PBX says of it.
        put(&store, answered_call("again", ANNA, 1_000, &["1.1"], "100")).await;
        let row = cdr_row("1.1", "1.1", ANNA, 1_000, Some("100"));
        store
            .put_cdr("office", "csv", &[row], "1", 2)
            .await
            .unwrap();
        assert_eq!(only_call(&store).await.person, Some(anna));
        for (text, is_found) in [
            ("öztürk", true),
            ("анна КРЫШИ", true),
            ("100%", true),
            ("1000", false),
            ("Борис", false),
        ] {
            let filter = CallFilter {
                name: Some(text.into()),
                visible: Visible::All,
                ..CallFilter::default()
            };
            let found = store.calls(&filter).await.unwrap().calls;
            assert_eq!(!found.is_empty(), is_found, "{text}");
        }
        let mut csv = Vec::new();
        let filter = CallFilter {
            visible: Visible::All,
            ..CallFilter::default()
        };
        store.export_calls(&filter, &mut csv).await.unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.ends_with("Анна Öztürk,Крыши 100%\r\n"), "{csv}");
        // Wrong person, by the id that the end was told under.
        assert!(store.set_call_person(&"again".into(), None).await.unwrap());
        assert_eq!(only_call(&store).await.person, None);
    });
}

#[test]
fn one_person_is_remembered_for_a_number_and_one_for_it_on_a_line() {
    on_both(async |store| {
        let choice = |line: Option<&str>, whom: &str, at| Remembered {
            number: ANNA.into(),
            line: line.map(str::to_owned),
            choice: format!("{{\"name\":\"{whom}\"}}"),
            at,
        };
        let line = Some("74951230000");
        let first = [choice(None, "Анна", 1), choice(line, "Борис", 2)];
        store.remember(&first, &[]).await.unwrap();
        let again = [choice(None, "Вера", 3)];
        store.remember(&again, &[]).await.unwrap();
        let known = [choice(None, "Вера", 3), choice(line, "Борис", 2)];
        assert_eq!(store.remembered(10).await.unwrap(), known);
        assert_eq!(store.remembered(1).await.unwrap(), known[..1]);
        let place = (ANNA.to_owned(), line.map(str::to_owned));
        store.remember(&[], &[place.clone(), place]).await.unwrap();
        assert_eq!(store.remembered(10).await.unwrap(), known[..1]);
        store.remember_only(&first).await.unwrap();
        assert_eq!(store.remembered(10).await.unwrap().len(), 2);
        store.remember_only(&[]).await.unwrap();
        assert!(store.remembered(10).await.unwrap().is_empty());
    });
}

#[test]
fn a_finished_call_is_never_open_again() {
    on_both(async |store| {
        let end = answered_call("a", ANNA, 1_000, &["1.1"], "100");
        put(&store, end.clone()).await;
        put(&store, open_call("a", ANNA, 1_000, &["1.1"])).await;
        assert_eq!(only_call(&store).await, end);
        assert!(store.open_calls("office").await.unwrap().is_empty());
    });
}

#[test]
fn one_number_calls_as_often_as_it_likes() {
    on_both(async |store| {
        for n in 0..5 {
            put(
                &store,
                missed_call(&format!("c{n}"), ANNA, n, &[&format!("{n}.1")]),
            )
            .await;
        }
        assert_eq!(all(&store).await.len(), 5);
    });
}

#[test]
fn two_records_that_turn_out_to_be_one_call_become_one() {
    on_both(async |store| {
        put(&store, missed_call("a", ANNA, 1_000, &["1.1"])).await;
        put(&store, missed_call("b", BORIS, 2_000, &["2.1"])).await;
        assert_eq!(board(&store).await.len(), 2);
        let both = answered_call("c", ANNA, 1_000, &["1.1", "2.1"], "100");
        let put = store.put_calls(&[both]).await.unwrap();
        assert_eq!((put.ids, put.removed), (vec!["a".into()], vec!["b".into()]));
        assert_eq!(only_call(&store).await.id, "a".into());
        assert_eq!(
            store.call(&"b".into()).await.unwrap().unwrap().id,
            "a".into()
        );
        assert!(board(&store).await.is_empty(), "nothing was missed");
        assert_eq!(put.board.len(), 2);
        assert!(
            put.board
                .iter()
                .all(|change| matches!(change, BoardChange::Gone(_)))
        );
    });
}

/// Whoever watches anew while a caller hangs up sees only the phone that he rang, and by its Linkedid who he was.
#[test]
fn a_called_phone_that_was_left_alone_is_no_call_beside_its_callers() {
    let lone = || CallRecord {
        linkedid: Some("1.1".into()),
        ..missed_call("lone", ANNA, 1_500, &["1.2"])
    };
    on_both(async |store| {
        put(&store, open_call("a", ANNA, 1_000, &["1.1"])).await;
        put(&store, lone()).await;
        assert_eq!(only_call(&store).await.outcome, Outcome::Missed);
        let rows = [cdr_row("1.1", "1.1", ANNA, 1_000, None)];
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        assert_eq!(only_call(&store).await.id, "a".into());
        assert_eq!(board(&store).await.len(), 1);
    });
    on_both(async |store| {
        put(&store, lone()).await;
        put(&store, open_call("a", ANNA, 1_000, &["1.1"])).await;
        assert_eq!(only_call(&store).await.outcome, Outcome::Missed);
    });
    on_both(async |store| {
        let rows = [cdr_row("1.1", "1.1", ANNA, 1_000, Some("101"))];
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        put(&store, lone()).await;
        only_call(&store).await;
    });
}

#[test]
fn calls_that_ended_while_nobody_watched_are_unknown_until_the_pbx_tells() {
    on_both(async |store| {
        put(&store, open_call("a", ANNA, 1_000, &["1.1"])).await;
        put(&store, open_call("b", BORIS, 2_000, &["2.1"])).await;
        store
            .close_lost("office", &["2.1".into()], 50_000)
            .await
            .unwrap();
        let open = store.open_calls("office").await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].id, "b".into());
        let lost = store.call(&"a".into()).await.unwrap().unwrap();
        assert_eq!((lost.outcome, lost.ended), (Outcome::Unknown, Some(50_000)));
        assert!(
            board(&store).await.is_empty(),
            "neither missed nor answered"
        );

        let rows = [cdr_row("1.1", "1.1", ANNA, 1_000, None)];
        let told = store
            .put_cdr("office", "csv", &rows, "offset 80", 60_000)
            .await
            .unwrap();
        assert_eq!(told.ids, ["a".into()]);
        let call = store.call(&"a".into()).await.unwrap().unwrap();
        assert_eq!(
            (call.outcome, call.ended, call.source),
            (Outcome::Missed, Some(16_000), Source::LiveAndCdr)
        );
        assert_eq!(board(&store).await.len(), 1);
        let place = store.cdr_cursor("office", "csv").await.unwrap();
        assert_eq!(place.as_deref(), Some("offset 80"));
        assert_eq!(store.cdr_cursor("office", "odbc").await.unwrap(), None);
    });
}

#[test]
fn what_was_seen_to_its_end_is_not_changed_by_the_pbxs_record() {
    on_both(async |store| {
        put(&store, answered_call("a", ANNA, 1_200, &["1.1"], "100")).await;
        let rows = [cdr_row("1.1", "1.1", ANNA, 1_000, None)];
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        let call = only_call(&store).await;
        assert_eq!((call.outcome, call.started), (Outcome::Answered, 1_200));
        assert_eq!(call.source, Source::LiveAndCdr);
    });
}

#[test]
fn a_record_of_the_pbx_that_comes_first_is_the_same_call() {
    on_both(async |store| {
        let rows = [
            cdr_row("1.2", "1.1", ANNA, 1_000, None),
            cdr_row("1.1", "1.1", ANNA, 1_000, Some("101")),
        ];
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        let told = only_call(&store).await;
        assert_eq!(
            (told.outcome, told.answered_by.as_deref()),
            (Outcome::Answered, Some("101"))
        );
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        assert_eq!(
            only_call(&store).await,
            told,
            "read again, nothing is different"
        );

        put(&store, open_call("live", ANNA, 1_000, &["1.1"])).await;
        assert_eq!(only_call(&store).await.outcome, Outcome::Answered);
        put(&store, answered_call("live", ANNA, 1_000, &["1.1"], "102")).await;
        let call = only_call(&store).await;
        assert_eq!(call.answered_by.as_deref(), Some("102"));
    });
}

#[test]
fn the_board_counts_and_closes_itself() {
    on_both(async |store| {
        put(&store, missed_call("a", ANNA, 1_000, &["1.1"])).await;
        put(&store, missed_call("b", BORIS, 2_000, &["2.1"])).await;
        put(&store, missed_call("c", ANNA, 3_000, &["3.1"])).await;
        let open = board(&store).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines(&open), @r"
            +74951234567 twice, 1000 to 3000, queue sales, last c
            +74957654321 once, 2000 to 2000, queue sales, last b
            ");
        }
        let put = store
            .put_calls(&[outgoing_call("d", "105", ANNA, 9_000, &["9.1"])])
            .await
            .unwrap();
        let [BoardChange::Changed(closed)] = put.board.as_slice() else {
            panic!("{:?}", put.board);
        };
        let by = closed.closed.clone().unwrap();
        assert_eq!((by.by_extension.as_deref(), by.at), (Some("105"), 14_000));
        assert_eq!(board(&store).await.len(), 1);
        let done = store
            .missed_board(Board::ClosedSince(14_000), 10)
            .await
            .unwrap();
        assert_eq!(done.len(), 1);
        // The next one is a new line.
        self::put(&store, missed_call("e", ANNA, 10_000, &["10.1"])).await;
        assert_eq!(board(&store).await[0].times, 1);
    });
}

#[test]
fn the_board_is_the_same_when_calls_are_written_late() {
    on_both(async |store| {
        put(&store, missed_call("third", ANNA, 30_000, &["3.1"])).await;
        put(&store, missed_call("first", ANNA, 10_000, &["1.1"])).await;
        // A talk between them is told last.
        put(
            &store,
            answered_call("second", ANNA, 20_000, &["2.1"], "100"),
        )
        .await;
        let open = board(&store).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines(&open), @"+74951234567 once, 30000 to 30000, queue sales, last third");
        }
        let done = store.missed_board(Board::ClosedSince(0), 10).await.unwrap();
        assert_eq!((done.len(), done[0].first_at), (1, 10_000));
        // And one that was missed before the talk, told even later, is done already.
        put(&store, missed_call("zeroth", ANNA, 5_000, &["0.1"])).await;
        assert_eq!(board(&store).await, open);
        let done = store.missed_board(Board::ClosedSince(0), 10).await.unwrap();
        assert_eq!((done.len(), done[0].times), (1, 2));
    });
}

#[test]
fn withheld_numbers_are_a_line_each_and_uncounted_calls_none() {
    on_both(async |store| {
        put(&store, missed_call("a", "", 1_000, &["1.1"])).await;
        put(&store, missed_call("b", "", 2_000, &["2.1"])).await;
        let direct = CallRecord {
            counts_as_missed: false,
            ..missed_call("c", ANNA, 3_000, &["3.1"])
        };
        put(&store, direct).await;
        assert_eq!(board(&store).await.len(), 2);
    });
}

#[test]
fn a_line_is_closed_by_hand_once() {
    on_both(async |store| {
        put(&store, missed_call("a", ANNA, 1_000, &["1.1"])).await;
        let item = board(&store).await.remove(0);
        let closed = store
            .close_missed(&item.id, &"anna".into(), 5_000)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(closed.closed.unwrap().by_user, Some("anna".into()));
        assert_eq!(
            store
                .close_missed(&item.id, &"boris".into(), 6_000)
                .await
                .unwrap(),
            None
        );
        assert!(board(&store).await.is_empty());
    });
}

#[test]
fn a_talk_that_was_none_opens_its_line_again() {
    on_both(async |store| {
        put(&store, missed_call("a", ANNA, 1_000, &["1.1"])).await;
        let rows = [cdr_row("2.1", "2.1", ANNA, 5_000, Some("100"))];
        store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
        assert!(board(&store).await.is_empty());
        // Whoever saw that phone ring saw whether anybody talked.
        let mut seen = missed_call("b", ANNA, 5_000, &["2.1"]);
        seen.legs.push(LegRecord {
            uniqueid: "2.2".into(),
            channel: "PJSIP/100-00000002".into(),
            extension: Some("100".into()),
            role: "callee".into(),
            ringing: Some(5_500),
            ..LegRecord::default()
        });
        put(&store, seen).await;
        let open = board(&store).await;
        assert_eq!((open.len(), open[0].times, open[0].last_at), (1, 2, 5_000));
    });
}

#[test]
fn calls_are_found_by_number_name_phone_queue_and_time() {
    on_both(async |store| {
        let mut anna = answered_call("anna", ANNA, 1_000, &["1.1"], "100");
        anna.caller.name = Some("Анна Каренина 50%".into());
        put(&store, anna).await;
        put(&store, missed_call("boris", BORIS, 2_000, &["2.1"])).await;
        put(&store, outgoing_call("out", "101", ANNA, 3_000, &["3.1"])).await;
        let by_number = async |number: &str| {
            ids(
                &store,
                CallFilter {
                    number: Some(number.into()),
                    ..everything()
                },
            )
            .await
        };
        for typed in [
            "+7 495 123",
            "8 (495) 123-45-67",
            "4567",
            "123-45",
            "84951234567",
        ] {
            assert_eq!(by_number(typed).await, ["out", "anna"], "{typed}");
        }
        assert_eq!(by_number("7654321").await, ["boris"]);
        assert_eq!(by_number("%").await, [""; 0]);
        assert_eq!(by_number("999").await, [""; 0]);
        let by_name = async |name: &str| {
            ids(
                &store,
                CallFilter {
                    name: Some(name.into()),
                    ..everything()
                },
            )
            .await
        };
        assert_eq!(by_name("КАРЕН анна").await, ["anna"]);
        assert_eq!(by_name("50%").await, ["anna"]);
        assert_eq!(by_name("5_%").await, [""; 0]);
        let found = async |filter: CallFilter| ids(&store, filter).await;
        assert_eq!(
            found(CallFilter {
                extension: Some("101".into()),
                ..everything()
            })
            .await,
            ["out"]
        );
        assert_eq!(
            found(CallFilter {
                queue: Some("sales".into()),
                ..everything()
            })
            .await,
            ["boris", "anna"]
        );
        assert_eq!(
            found(CallFilter {
                outcome: Some(Outcome::Missed),
                ..everything()
            })
            .await,
            ["boris"]
        );
        assert_eq!(
            found(CallFilter {
                from: Some(2_000),
                until: Some(3_000),
                ..everything()
            })
            .await,
            ["boris"]
        );
        let both = CallFilter {
            extension: Some("101".into()),
            number: Some("4567".into()),
            ..everything()
        };
        assert_eq!(found(both).await, ["out"]);
    });
}

#[test]
fn nobody_sees_what_he_may_not() {
    on_both(async |store| {
        put(&store, answered_call("a", ANNA, 1_000, &["1.1"], "100")).await;
        put(&store, answered_call("b", ANNA, 2_000, &["2.1"], "101")).await;
        let seen = async |visible: Visible| {
            ids(
                &store,
                CallFilter {
                    number: Some("4567".into()),
                    visible,
                    ..CallFilter::default()
                },
            )
            .await
        };
        let own = |pbx: &str, own: &[&str]| Visible::Extensions {
            pbx: pbx.into(),
            extensions: own.iter().map(|&own| own.into()).collect(),
        };
        assert_eq!(seen(own("office", &["100", "105"])).await, ["a"]);
        assert_eq!(seen(own("branch", &["100"])).await, [""; 0]);
        assert_eq!(seen(own("office", &[])).await, [""; 0]);
        assert_eq!(seen(Visible::default()).await, [""; 0]);
        assert_eq!(seen(Visible::All).await, ["b", "a"]);
    });
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    on_both(async |store| {
        for n in 0..25 {
            // Several at the same moment.
            put(
                &store,
                missed_call(&format!("c{n:02}"), ANNA, n / 4, &[&format!("{n}.1")]),
            )
            .await;
        }
        let mut filter = CallFilter {
            limit: 4,
            ..everything()
        };
        let mut seen = Vec::new();
        loop {
            let page = store.calls(&filter).await.unwrap();
            seen.extend(page.calls.into_iter().map(|call| call.id.to_string()));
            let Some(next) = page.next else { break };
            filter.before = Some(next);
        }
        let mut expected: Vec<String> = (0..25).map(|n| format!("c{n:02}")).collect();
        expected
            .sort_by_key(|id| std::cmp::Reverse((id[1..].parse::<i64>().unwrap() / 4, id.clone())));
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_spreadsheet_gets_every_call_and_no_formula() {
    on_both(async |store| {
        let mut call = answered_call("a", ANNA, 1_000, &["1.1"], "100");
        call.caller.name = Some("=HYPERLINK(\"http://x\")".into());
        put(&store, call).await;
        for n in 0..600 {
            put(
                &store,
                missed_call(&format!("c{n}"), BORIS, n, &[&format!("{n}.2")]),
            )
            .await;
        }
        let mut file = Vec::new();
        assert_eq!(
            store.export_calls(&everything(), &mut file).await.unwrap(),
            601
        );
        let text = String::from_utf8(file).unwrap();
        assert_eq!(text.matches("\r\n").count(), 602);
        let line = text.lines().find(|line| line.starts_with("a,")).unwrap();
        assert!(
            line.contains(&format!(",{ANNA},\"'=HYPERLINK(\"\"http://x\"\")\",")),
            "{line}"
        );
    });
}

#[test]
fn old_calls_are_forgotten_in_small_pieces() {
    on_both(async |store| {
        for n in 0..5 {
            put(
                &store,
                missed_call(&format!("c{n}"), ANNA, n * 1_000, &[&format!("{n}.1")]),
            )
            .await;
        }
        assert_eq!(store.forget_calls(4_000, 3).await.unwrap(), 3);
        assert_eq!(store.forget_calls(4_000, 3).await.unwrap(), 1);
        assert_eq!(store.forget_calls(4_000, 3).await.unwrap(), 0);
        assert_eq!(all(&store).await.len(), 1);
        assert_eq!(store.forget_calls(i64::MAX, 3).await.unwrap(), 1);
        assert!(board(&store).await.is_empty());
        // A channel's number is free again.
        put(&store, missed_call("new", ANNA, 0, &["1.1"])).await;
        assert_eq!(only_call(&store).await.id, "new".into());
    });
}

#[test]
fn a_list_of_people_replaces_the_one_of_its_source_only() {
    on_both(async |store| {
        let anna = user("u1", "Anna", Origin::Ldap);
        let boris = user("u2", "boris", Origin::Ldap);
        let clara = user("u3", "clara", Origin::Config);
        let synced = store
            .sync_users(Origin::Ldap, &[anna.clone(), boris])
            .await
            .unwrap();
        assert_eq!(synced.added.len(), 2);
        store.put_user(&clara).await.unwrap();
        let renamed = User {
            id: "other".into(),
            login: "anna".into(),
            name: "Anna B".into(),
            ..anna
        };
        let taken = user("u4", "CLARA", Origin::Ldap);
        let synced = store
            .sync_users(Origin::Ldap, &[renamed, taken])
            .await
            .unwrap();
        assert_eq!(synced.changed, ["u1".into()]);
        assert_eq!(synced.disabled, ["u2".into()]);
        assert_eq!(synced.taken, ["CLARA"]);
        let found = store.user_by_login("ANNA").await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.name.as_str()), ("u1", "Anna B"));
        assert!(store.user(&"u2".into()).await.unwrap().unwrap().disabled);
        assert_eq!(store.user(&"u3".into()).await.unwrap(), Some(clara));
        assert_eq!(
            store
                .user_by_extension("office", "clara")
                .await
                .unwrap()
                .unwrap()
                .id,
            "u3".into()
        );
        assert_eq!(
            store.user_by_subject("sub-u1").await.unwrap().unwrap().id,
            "u1".into()
        );
        assert_eq!(store.users().await.unwrap().len(), 3);
    });
}

#[test]
fn a_revoked_an_expired_and_a_disabled_ones_device_is_refused() {
    on_both(async |store| {
        let anna = user("u1", "anna", Origin::Config);
        store.put_user(&anna).await.unwrap();
        let desktop = TokenHash::of("secret");
        let id = store
            .add_device(&device("u1", &desktop, None))
            .await
            .unwrap();
        let browser = TokenHash::of("cookie");
        store
            .add_device(&device("u1", &browser, Some(5_000)))
            .await
            .unwrap();
        let (found, user) = store.device_by_token(&desktop, 100).await.unwrap().unwrap();
        assert_eq!((found.id.clone(), user), (id.clone(), anna.clone()));
        assert!(
            store
                .device_by_token(&TokenHash::of("other"), 100)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            store
                .device_by_token(&browser, 4_999)
                .await
                .unwrap()
                .is_some()
        );
        assert!(
            store
                .device_by_token(&browser, 5_000)
                .await
                .unwrap()
                .is_none()
        );

        store.touch_device(&id, "192.0.2.1", 10_000).await.unwrap();
        store.touch_device(&id, "192.0.2.2", 11_000).await.unwrap();
        let devices = store.devices(Some(&"u1".into())).await.unwrap();
        let seen = devices.iter().find(|device| device.id == id).unwrap();
        assert_eq!(
            (seen.last_seen, seen.last_address.as_deref()),
            (Some(10_000), Some("192.0.2.1"))
        );
        assert_eq!(devices.len(), store.devices(None).await.unwrap().len());

        store
            .put_user(&User {
                disabled: true,
                ..anna.clone()
            })
            .await
            .unwrap();
        assert!(
            store
                .device_by_token(&desktop, 100)
                .await
                .unwrap()
                .is_none()
        );
        store.put_user(&anna).await.unwrap();
        assert!(store.revoke_device(&id, 200).await.unwrap());
        assert!(!store.revoke_device(&id, 200).await.unwrap());
        assert!(
            store
                .device_by_token(&desktop, 100)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(store.forget_expired(5_000).await.unwrap(), 1);
    });
}

#[test]
fn of_many_who_take_a_code_at_once_one_gets_it() {
    on_both(async |store| {
        store
            .put_user(&user("u1", "anna", Origin::Config))
            .await
            .unwrap();
        for (code, expires_at) in [("code", 1_000), ("late", 10)] {
            let code = EnrolmentNew {
                user: "u1".into(),
                code_hash: TokenHash::of(code),
                now: 0,
                expires_at,
                made_by: None,
            };
            store.add_enrolment(&code).await.unwrap();
        }
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.take_enrolment(&TokenHash::of("code"), 500).await })
            })
            .collect();
        let mut winners = 0;
        for one in tries {
            winners += usize::from(one.await.unwrap().unwrap().is_some());
        }
        assert_eq!(winners, 1);
        assert!(
            store
                .take_enrolment(&TokenHash::of("late"), 500)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            store
                .take_enrolment(&TokenHash::of("none"), 500)
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn the_audit_is_read_page_by_page() {
    on_both(async |store| {
        for n in 0..5 {
            let what = AuditNew {
                at: n,
                user: Some(if n % 2 == 0 { "anna" } else { "boris" }.into()),
                device: None,
                address: Some("192.0.2.1".into()),
                action: "sign_in".into(),
                target: None,
                outcome: "done".into(),
                details: "{}".into(),
            };
            store.audit(&what).await.unwrap();
        }
        let filter = AuditFilter {
            user: Some("anna".into()),
            limit: 2,
            ..AuditFilter::default()
        };
        let page = store.audit_entries(&filter).await.unwrap();
        assert_eq!(
            page.iter().map(|entry| entry.what.at).collect::<Vec<_>>(),
            [4, 2]
        );
        let next = AuditFilter {
            before: Some(page[1].id),
            ..filter
        };
        let page = store.audit_entries(&next).await.unwrap();
        assert_eq!(
            page.iter().map(|entry| entry.what.at).collect::<Vec<_>>(),
            [0]
        );
        assert_eq!(store.forget_audit(3, 100).await.unwrap(), 3);
    });
}

#[test]
fn a_delivery_is_made_once_tried_often_and_then_dead() {
    on_both(async |store| {
        let id = SubscriptionId::fresh();
        let subscription = Subscription {
            id: id.clone(),
            url: "https://crm.example/hook".into(),
            secret: "hush".into(),
            events: vec!["call_ended".into()],
            active: true,
            dropped: 0,
        };
        store.put_subscription(&subscription).await.unwrap();
        let event = |name: &str| Event {
            name: name.into(),
            body: "{}".into(),
            now: 10,
        };
        let events = [event("call_ended"), event("call_began")];
        store
            .put_calls_with_events(&[missed_call("a", ANNA, 1, &["1.1"])], &events)
            .await
            .unwrap();
        assert!(store.due(9, 10).await.unwrap().is_empty());
        let due = store.due(10, 10).await.unwrap();
        assert_eq!((due.len(), due[0].event.as_str()), (1, "call_ended"));
        assert!(store.retry(due[0].id, 100, "503").await.unwrap());
        assert!(store.due(99, 10).await.unwrap().is_empty());
        let again = store.due(100, 10).await.unwrap();
        assert_eq!(
            (again[0].attempts, again[0].error.as_deref()),
            (1, Some("503"))
        );
        while store.retry(due[0].id, 100, "503").await.unwrap() {}
        assert!(store.due(100, 10).await.unwrap().is_empty());
        assert_eq!(store.dead_deliveries(0, 10).await.unwrap()[0].attempts, 12);

        store.enqueue(&[event("call_ended")]).await.unwrap();
        let due = store.due(10, 10).await.unwrap();
        store.delivered(due[0].id).await.unwrap();
        assert!(store.due(10, 10).await.unwrap().is_empty());
        assert!(store.remove_subscription(&id).await.unwrap());
        assert!(store.dead_deliveries(0, 10).await.unwrap().is_empty());
    });
}

#[test]
fn too_many_waiting_deliveries_lose_the_oldest_and_are_counted() {
    on_both(async |store| {
        let subscription = Subscription {
            id: "s".into(),
            url: "https://crm.example/hook".into(),
            secret: "hush".into(),
            events: vec!["*".into()],
            active: true,
            dropped: 0,
        };
        store.put_subscription(&subscription).await.unwrap();
        let event = |n: i64| Event {
            name: "e".into(),
            body: n.to_string(),
            now: n,
        };
        let events: Vec<Event> = (0..10_010).map(event).collect();
        for events in events.chunks(1_000) {
            store.enqueue(events).await.unwrap();
        }
        assert_eq!(store.due(0, 1).await.unwrap().len(), 0);
        assert_eq!(store.due(20_000, 1).await.unwrap()[0].body, "10");
        assert_eq!(store.subscriptions().await.unwrap()[0].dropped, 10);
    });
}

#[test]
fn a_refused_change_leaves_nothing_and_the_next_one_is_made() {
    on_both(async |store| {
        store
            .put_user(&user("u1", "anna", Origin::Config))
            .await
            .unwrap();
        for _ in 0..20 {
            let refused = store.put_user(&user("u2", "ANNA", Origin::Config)).await;
            assert!(
                matches!(refused, Err(StoreError::Other { .. })),
                "{refused:?}"
            );
        }
        store
            .put_user(&user("u3", "clara", Origin::Config))
            .await
            .unwrap();
        assert_eq!(store.users().await.unwrap().len(), 2);
    });
}

#[test]
fn a_caller_who_no_longer_waits_leaves_whole_calls_or_none() {
    on_both(async |store| {
        for n in 0..60_u32 {
            let (id, first, second) = (format!("c{n}"), format!("{n}.1"), format!("{n}.2"));
            let batch = [
                missed_call(&id, ANNA, 1_000, &[&first]),
                missed_call(&format!("d{n}"), BORIS, 1_000, &[&second]),
            ];
            // Dropped at its nth step, wherever that is.
            let mut steps = 0;
            let mut put = std::pin::pin!(store.put_calls(&batch));
            std::future::poll_fn(|context| {
                steps += 1;
                match put.as_mut().poll(context) {
                    Poll::Pending if steps < n => Poll::Pending,
                    Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
                }
            })
            .await;
        }
        let calls = all(&store).await;
        let begins = |letter: char| {
            calls
                .iter()
                .filter(move |call| call.id.as_str().starts_with(letter))
        };
        assert_eq!(begins('c').count(), begins('d').count());
        assert!(!calls.is_empty() && calls.len() < 120, "{}", calls.len());
        put(&store, missed_call("last", ANNA, 2_000, &["last"])).await;
        assert_eq!(all(&store).await.len(), calls.len() + 1);
    });
}

#[test]
fn a_setting_has_versions() {
    on_both(async |store| {
        assert_eq!(store.setting("queues").await.unwrap(), None);
        assert_eq!(
            store.set_setting("queues", "[1]", None, 5).await.unwrap(),
            1
        );
        assert_eq!(
            store
                .set_setting("queues", "[2]", Some(&"anna".into()), 6)
                .await
                .unwrap(),
            2
        );
        let setting = store.setting("queues").await.unwrap().unwrap();
        assert_eq!((setting.version, setting.value.as_str()), (2, "[2]"));
        assert_eq!(setting.changed_by, Some("anna".into()));
    });
}

#[test]
fn a_command_that_comes_twice_is_done_once() {
    on_both(async |store| {
        assert_eq!(
            store.begin_request("desk", "r1", 0).await.unwrap(),
            Begun::New
        );
        assert_eq!(
            store.begin_request("desk", "r1", 1).await.unwrap(),
            Begun::Unfinished
        );
        assert_eq!(
            store.begin_request("other", "r1", 1).await.unwrap(),
            Begun::New
        );
        store
            .finish_request("desk", "r1", "{\"done\":1}")
            .await
            .unwrap();
        let known = Begun::Known("{\"done\":1}".into());
        assert_eq!(store.begin_request("desk", "r1", 2).await.unwrap(), known);
        assert_eq!(store.forget_requests(1).await.unwrap(), 1);
        assert_eq!(
            store.begin_request("desk", "r1", 3).await.unwrap(),
            Begun::New
        );
    });
}

async fn put(store: &Store, call: CallRecord) {
    store.put_calls(&[call]).await.unwrap();
}

fn everything() -> CallFilter {
    CallFilter {
        visible: Visible::All,
        ..CallFilter::default()
    }
}

async fn all(store: &Store) -> Vec<CallRecord> {
    store.calls(&everything()).await.unwrap().calls
}

async fn only_call(store: &Store) -> CallRecord {
    let mut calls = all(store).await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

async fn ids(store: &Store, filter: CallFilter) -> Vec<String> {
    let page = store.calls(&filter).await.unwrap();
    page.calls
        .into_iter()
        .map(|call| call.id.to_string())
        .collect()
}

async fn board(store: &Store) -> Vec<MissedItem> {
    store.missed_board(Board::Open, 100).await.unwrap()
}

fn lines(items: &[MissedItem]) -> String {
    let line = |item: &MissedItem| {
        let times = match item.times {
            1 => "once".into(),
            2 => "twice".into(),
            times => format!("{times} times"),
        };
        format!(
            "{} {times}, {} to {}, queue {}, last {}",
            item.number.as_deref().unwrap_or("withheld"),
            item.first_at,
            item.last_at,
            item.queue.as_deref().unwrap_or("none"),
            item.call
        )
    };
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn user(id: &str, login: &str, source: Origin) -> User {
    User {
        id: id.into(),
        login: login.into(),
        name: login.into(),
        role: Role::Agent,
        pbx: "office".into(),
        extension: Some(login.into()),
        channel: None,
        groups: vec!["sales".into()],
        source,
        disabled: false,
        policy: "{}".into(),
        subject: Some(format!("sub-{id}")),
    }
}

fn device(user: &str, token_hash: &TokenHash, expires_at: Option<i64>) -> DeviceNew {
    DeviceNew {
        user: UserId::from(user),
        kind: if expires_at.is_some() {
            DeviceKind::Browser
        } else {
            DeviceKind::Desktop
        },
        name: "desk".into(),
        platform: "linux".into(),
        token_hash: token_hash.clone(),
        now: 0,
        expires_at,
    }
}
