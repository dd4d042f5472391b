//! Windows that are started for a call: a notification carries the caller until the card is there, and they end again.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::DIRECT_LINE;
use gui::stage::CARD;
use gui::{SOON, Stage, wait_for};
use std::time::Duration;
use testkit::phones::Customer;
use testkit::processes::{binary, running, tree};
use testkit::session::NoticeChange;
use view::KeepWindows;

#[test]
fn the_windows_come_for_a_call_and_end_when_it_is_over() {
    let mut setup = Setup::default();
    setup.settings.keep_windows = KeepWindows::OnDemand;
    let stage = Stage::start_without_windows("on-demand", &setup).expect("a stage");
    assert!(!stage.status().expect("status").windows);
    assert_eq!(window_programs(&stage), 0);
    let call = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    let notices = stage
        .session
        .notifications()
        .expect("a notification service");
    let shown = notices
        .events()
        .wait_for(SOON, |event| {
            event
                .shown()
                .is_some_and(|notice| notice.summary.contains("Ada Lovelace"))
        })
        .expect("a notification carries the caller");
    let id = shown.shown().expect("a notice").id;
    stage.shown(CARD).expect("a card");
    notices
        .events()
        .wait_for(
            SOON,
            |event| matches!(event.what, NoticeChange::Closed { id: closed } if closed == id),
        )
        .expect("the card takes over");
    let status = stage.status().expect("status");
    let ring = status.hops.rings.first().expect("a ring");
    println!(
        "from the event of the PBX: notification {:?}, card painted {:?}",
        ring.notified
            .map(|at| Duration::from_micros(at - ring.event_read)),
        ring.painted
            .map(|at| Duration::from_micros(at - ring.event_read)),
    );

    let mine = stage.own_phone_rings().expect("101 rings");
    stage.phones.answer(mine).expect("answer");
    stage.phones.wait_answered(call, SOON).expect("answered");
    stage.phones.hang_up(call).expect("hang up");
    stage.gone(CARD).expect("no card");
    // Twenty idle seconds, then nothing of the windows is left in memory.
    wait_for("no window program", SOON * 4, || {
        Ok((window_programs(&stage) == 0).then_some(()))
    })
    .expect("they end");
    stage
        .wait("no windows", SOON, |status| !status.windows)
        .expect("known");
}

/// How many `sidetone-ui` this stage's agent runs; other tests have theirs.
fn window_programs(stage: &Stage) -> usize {
    let ours = tree(stage.agent.pid()).expect("processes");
    let all = running(&binary("sidetone-ui").expect("built")).expect("processes");
    all.iter().filter(|pid| ours.contains(pid)).count()
}
