//! `sidetone-ui` is killed while it rings: nothing is lost, and the card is back.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::DIRECT_LINE;
use gui::stage::CARD;
use gui::{SOON, Stage};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::phones::Customer;
use testkit::session::Change;

/// The goal is one second; a busy machine gets ten times that.
const BACK: Duration = Duration::from_secs(10);

#[test]
fn killed_while_ringing_it_is_back_with_the_same_call_and_a_notification_meanwhile() {
    let stage = Stage::start("crash", &Setup::default()).expect("a stage");
    let call = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    let card = stage.shown(CARD).expect("a card");
    let before = stage.ringing(1).expect("a call");
    let windows = stage.session.windows();
    let notices = stage
        .session
        .notifications()
        .expect("a notification service");
    let (screen, noticed) = (windows.changes().mark(), notices.events().mark());
    let killed = Instant::now();
    kill(card.pid.expect("a program"));
    let notice = notices
        .events()
        .wait_after(noticed, SOON, |event| {
            event
                .shown()
                .is_some_and(|notice| notice.summary.contains("Ada Lovelace"))
        })
        .expect("a notification meanwhile");
    // It is looked for again and again: a window may be mapped a moment before its title is there.
    let new = windows
        .wait_for(BACK, |window| {
            window.mapped && window.title == CARD && window.pid != card.pid
        })
        .expect("the card is back");
    let back = windows
        .changes()
        .wait_after(screen, SOON, |change| {
            change.change == Change::Mapped && change.window == new.id
        })
        .expect("its coming was noticed");
    println!(
        "notification {:?}, card {:?} after the kill",
        notice.at - killed,
        back.at - killed
    );
    let after = stage.ringing(1).expect("the call rings on");
    assert_eq!(after.cards, before.cards);
    assert_eq!(after.me, before.me);
    stage.picture(None, "back").expect("a picture");

    let mine = stage.own_phone_rings().expect("101 rings on");
    stage.phones.answer(mine).expect("answer");
    stage
        .phones
        .wait_answered(call, SOON)
        .expect("nothing was lost");
}

fn kill(pid: u32) {
    let status = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success());
}
