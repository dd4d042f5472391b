//! Each call is there once, in whatever order, how often and by how many it is written.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Board, BoardChange, CallFilter, CallRecord, Outcome, Store, Visible};
use store_tests::{Scratch, answered_call, cdr_row, missed_call, on_both, open_call};

/// Something that is written of a call.
#[derive(Debug, Clone, Copy)]
enum Write {
    /// It goes on, under the id of this life of the server.
    Open {
        life: u8,
    },
    End {
        life: u8,
    },
    Lost,
    /// The PBX's record of the channel with this number; the last one was never seen.
    Cdr {
        channel: usize,
    },
}

/// A call with three channels, and whether anybody answered.
#[derive(Debug, Clone)]
struct Script {
    is_answered: bool,
    writes: Vec<Write>,
}

#[test]
fn any_order_and_repetition_of_n_calls_makes_n_records() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (scratch, cases) in [(Scratch::sqlite(), 150), (Scratch::postgres(), 50)] {
        let store = runtime.block_on(scratch.open());
        let case = AtomicI64::new(0);
        let config = Config {
            cases,
            max_shrink_iters: 200,
            failure_persistence: None,
            ..Config::default()
        };
        let result = TestRunner::new(config).run(&scripts(), |(scripts, order)| {
            let case = case.fetch_add(1, Ordering::Relaxed);
            runtime.block_on(play(&store, case, &scripts, &order));
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
        runtime.block_on(store.close());
    }
}

#[test]
fn writers_at_once_make_no_call_twice() {
    on_both(async |store| {
        let writer = |own: usize| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..30 {
                    // Each begins elsewhere.
                    let n = (n + own * 7) % 30;
                    let (main, second) = (format!("{n}.1"), format!("{n}.{own}"));
                    let id = format!("{own}-{n}");
                    let number = format!("+7495{n:07}");
                    let rows = [cdr_row(&second, &main, &number, 1_000, None)];
                    let open = open_call(&id, &number, 1_000, &[&main]);
                    let end = missed_call(&id, &number, 1_000, &[&main, &second]);
                    store.put_calls(&[open]).await.unwrap();
                    store.put_cdr("office", "csv", &rows, "1", 0).await.unwrap();
                    store.put_calls(&[end]).await.unwrap();
                }
            })
        };
        let writers: Vec<_> = (2..8).map(writer).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let calls = calls(&store, "office").await;
        assert_eq!(calls.len(), 30);
        assert!(calls.iter().all(|call| call.legs.len() == 7));
        let board = store.missed_board(Board::Open, 100).await.unwrap();
        assert_eq!(board.len(), 30);
        assert!(board.iter().all(|item| item.times == 1));
    });
}

fn scripts() -> impl Strategy<Value = (Vec<Script>, Vec<usize>)> {
    let write = prop_oneof![
        (0..3_u8).prop_map(|life| Write::Open { life }),
        (0..3_u8).prop_map(|life| Write::End { life }),
        Just(Write::Lost),
        (0..4_usize).prop_map(|channel| Write::Cdr { channel }),
    ];
    let script =
        (any::<bool>(), prop::collection::vec(write, 1..6)).prop_map(|(is_answered, writes)| {
            Script {
                is_answered,
                writes,
            }
        });
    let order = prop::collection::vec(any::<usize>(), 24);
    (prop::collection::vec(script, 1..4), order)
}

/// Plays all writes, mixed as `order` says, and looks at what is kept.
async fn play(store: &Store, case: i64, scripts: &[Script], order: &[usize]) {
    let pbx = format!("pbx{case}");
    let mut queues: Vec<Vec<Write>> = scripts.iter().map(|script| script.writes.clone()).collect();
    let mut order = order.iter().cycle();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let next = *order.next().unwrap();
        let call = next % queues.len();
        if queues[call].is_empty() {
            let (first, _) = queues
                .iter()
                .enumerate()
                .find(|(_, queue)| !queue.is_empty())
                .unwrap();
            play_one(
                store,
                &pbx,
                case,
                first,
                &scripts[first],
                queues[first].remove(0),
            )
            .await;
            continue;
        }
        let at = next / 7 % queues[call].len();
        let write = queues[call].remove(at);
        play_one(store, &pbx, case, call, &scripts[call], write).await;
        if next.is_multiple_of(5) {
            play_one(store, &pbx, case, call, &scripts[call], write).await;
        }
    }
    check(store, &pbx, case, scripts).await;
}

async fn play_one(store: &Store, pbx: &str, case: i64, call: usize, script: &Script, write: Write) {
    let channels = channels(call);
    let names: Vec<&str> = channels.iter().map(String::as_str).collect();
    let number = number(case, call);
    let id = |life: u8| format!("{pbx}-{call}-{life}");
    let by = script.is_answered.then_some("100");
    match write {
        Write::Open { life } => {
            // Later lives see more of the call, and all of them see its first channel.
            let seen = &names[..=usize::from(life)];
            put(
                store,
                pbx,
                open_call(&id(life), &number, 1_000 + i64::from(life), seen),
            )
            .await;
        }
        Write::End { life } => {
            let names = &names[..3];
            let end = match by {
                Some(by) => answered_call(&id(life), &number, 1_000, names, by),
                None => missed_call(&id(life), &number, 1_000, names),
            };
            put(store, pbx, end).await;
        }
        Write::Lost => {
            let of_others: Vec<String> = (0..4)
                .filter(|other| *other != call)
                .flat_map(self::channels)
                .collect();
            store.close_lost(pbx, &of_others, 90_000).await.unwrap();
        }
        Write::Cdr { channel } => {
            let row = cdr_row(names[channel], names[0], &number, 1_000, by);
            store.put_cdr(pbx, "csv", &[row], "1", 0).await.unwrap();
        }
    }
}

async fn put(store: &Store, pbx: &str, mut call: CallRecord) {
    call.pbx = pbx.into();
    let put = store.put_calls(&[call]).await.unwrap();
    for change in put.board {
        let BoardChange::Changed(item) = change else {
            continue;
        };
        assert!(item.times > 0);
    }
}

async fn check(store: &Store, pbx: &str, case: i64, scripts: &[Script]) {
    let written: Vec<usize> = (0..scripts.len())
        .filter(|call| {
            scripts[*call]
                .writes
                .iter()
                .any(|write| !matches!(write, Write::Lost))
        })
        .collect();
    let calls = calls(store, pbx).await;
    let kept: BTreeSet<Option<&str>> = calls
        .iter()
        .map(|call| call.caller.number.as_deref())
        .collect();
    assert_eq!(
        (calls.len(), kept.len()),
        (written.len(), written.len()),
        "{calls:#?}"
    );
    let board = store.missed_board(Board::Open, 1_000).await.unwrap();
    for call in written {
        let number = number(case, call);
        let kept = calls
            .iter()
            .find(|kept| kept.caller.number.as_deref() == Some(number.as_str()))
            .unwrap();
        let script = &scripts[call];
        let has = |wanted: fn(&Write) -> bool| script.writes.iter().any(wanted);
        let is_known = has(|write| matches!(write, Write::End { .. } | Write::Cdr { .. }));
        let expected = match (is_known, script.is_answered) {
            (false, _) => Outcome::Unknown,
            (true, true) => Outcome::Answered,
            (true, false) => Outcome::Missed,
        };
        assert_eq!(kept.outcome, expected, "{kept:#?}");
        if has(|write| matches!(write, Write::End { .. })) {
            assert!(
                !kept.outcome_words.is_empty(),
                "what was seen is kept: {kept:#?}"
            );
        }
        let times: Vec<i64> = board
            .iter()
            .filter(|item| item.number.as_deref() == Some(number.as_str()))
            .map(|item| item.times)
            .collect();
        let expected: &[i64] = if expected == Outcome::Missed {
            &[1]
        } else {
            &[]
        };
        assert_eq!(times, expected);
    }
}

fn channels(call: usize) -> Vec<String> {
    (0..4).map(|channel| format!("{call}.{channel}")).collect()
}

fn number(case: i64, call: usize) -> String {
    format!("+7{case:08}{call:02}")
}

async fn calls(store: &Store, pbx: &str) -> Vec<CallRecord> {
    let filter = CallFilter {
        pbx: Some(pbx.into()),
        visible: Visible::All,
        ..CallFilter::default()
    };
    store.calls(&filter).await.unwrap().calls
}
