//! Whoever types in another program while calls come and go loses not one letter.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::{DIRECT_LINE, GROUP_LINE};
use gui::stage::CARD;
use gui::{SOON, Stage, TextWindow};
use std::time::Duration;
use testkit::phones::{Customer, Policy};
use testkit::session::Change;

const CALLS: usize = 20;
const LETTERS_A_CALL: usize = 25;

#[test]
fn not_one_of_500_letters_is_lost_while_20_calls_come_and_go() {
    let stage = Stage::start("focus", &Setup::default()).expect("a stage");
    // Every other call is taken by a colleague: its card folds and goes, and the next one comes up anew.
    stage
        .phones
        .set_policy("102", Policy::answer_after(300))
        .expect("policy");
    let mut letter = TextWindow::open(&stage.session).expect("a window of another program");
    let mark = stage.session.windows().changes().mark();
    let mut typed = String::new();
    for round in 0..CALLS {
        let text: String = "the quick brown fox jumps over 0123456789 lazy dogs "
            .chars()
            .cycle()
            .skip(round * 7)
            .take(LETTERS_A_CALL)
            .collect();
        std::thread::scope(|scope| {
            let typing = scope.spawn(|| {
                stage
                    .session
                    .xdotool(&["type", "--delay", "25", "--", &text])
            });
            come_and_go(&stage, round);
            typing
                .join()
                .expect("the typist lives")
                .expect("the typist types");
        });
        typed.push_str(&text);
    }
    assert_eq!(typed.len(), CALLS * LETTERS_A_CALL);
    let arrived = gui::wait_for("the last letter", Duration::from_secs(5), || {
        let text = letter.text()?;
        Ok((text.len() >= typed.len()).then(|| text.to_owned()))
    });
    assert_eq!(
        arrived.unwrap_or_else(|_| letter.text().expect("text").to_owned()),
        typed
    );

    let changes = stage.session.windows().changes().all();
    let since = &changes[mark..];
    let shown = since.iter().filter(|change| {
        change.change == Change::Mapped
            && stage
                .session
                .windows()
                .info(change.window)
                .is_ok_and(|window| window.title == CARD)
    });
    assert!(
        shown.count() >= 2,
        "the card came up several times: {since:?}"
    );
    let stolen: Vec<_> = since
        .iter()
        .filter(|change| change.change == Change::Activated && change.window != letter.id())
        .collect();
    assert!(stolen.is_empty(), "{stolen:?}");
}

fn come_and_go(stage: &Stage, round: usize) {
    let painted = |count| {
        stage
            .wait("a card painted", SOON, |status| {
                let rings = status.hops.rings.iter();
                rings.filter(|ring| ring.painted.is_some()).count() >= count
            })
            .expect("painted")
    };
    let line = if round % 4 < 2 {
        DIRECT_LINE
    } else {
        GROUP_LINE
    };
    let call = stage
        .phones
        .customer_calls(&Customer::new(&format!("+79160000{round:03}"), ""), line)
        .expect("call");
    painted(round + 1);
    if line == GROUP_LINE {
        stage.phones.wait_answered(call, SOON).expect("taken");
    } else {
        let mine = stage
            .phones
            .wait_for(SOON, |event| {
                event.phone == "101"
                    && matches!(&event.what, testkit::phones::What::Incoming { remote, .. }
                        if remote.contains(&format!("9160000{round:03}")))
            })
            .expect("101 rings");
        stage
            .phones
            .answer(mine.call.expect("a call"))
            .expect("answer");
        stage.phones.wait_answered(call, SOON).expect("answered");
    }
    stage.phones.hang_up(call).expect("hang up");
    stage
        .wait("no call", SOON, |status| status.calls.is_empty())
        .expect("gone");
    if round % 4 == 3 {
        stage.gone(CARD).expect("no card left");
    }
}
