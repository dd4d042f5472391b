//! Two desktops and a browser on one server, one Asterisk and its phones.
#![cfg(target_os = "linux")]

use e2e::{Scene, Setup, Through, panel::Panel, scene::GROUP_LINE};
use std::time::{Duration, Instant};
use testkit::phones::{Customer, Policy};
use view::CardPhase;

const SOON: Duration = Duration::from_secs(10);
/// Ten times what a person is promised: machines that test are shared.
const CLOSES: Duration = Duration::from_millis(500);

fn firm() -> Scene {
    Scene::start(&Setup {
        through: Through::Server,
        ..Setup::default()
    })
    .expect("a scene")
}

#[test]
fn a_group_call_rings_at_two_desktops_and_a_browser_and_closes_when_one_answers() {
    let scene = firm();
    let (agent, session) = scene.colleague("boris").expect("a second desktop");
    let mut browser = Panel::open(&scene, "boris", &["101", "102", "103"]).expect("a browser");
    let call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", "ADA L"), GROUP_LINE)
        .expect("call");
    let is_ringing = |status: &view::Status| {
        let rings = |card: &view::Card| card.phase == CardPhase::Ringing;
        status.cards.iter().any(rings)
    };
    scene.wait("Anna's card", SOON, is_ringing).expect("a card");
    agent
        .wait(&session, "Boris' card", SOON, is_ringing)
        .expect("a card");
    browser
        .until_tile("101", "ringing")
        .expect("the tile rings");

    let boris = scene
        .phones
        .wait_incoming("102", 0, SOON)
        .expect("102 rings");
    let answered = Instant::now();
    scene.phones.answer(boris).expect("answer");
    let status = scene
        .wait("answered elsewhere", SOON, |status| !is_ringing(status))
        .expect("the card closes");
    let took = answered.elapsed();
    let says = |card: &view::Card| matches!(&card.phase, CardPhase::AnsweredElsewhere { by } if by.contains("102"));
    assert!(status.cards.iter().any(says), "{status:?}");
    assert!(took < CLOSES, "the card closed {took:?} after the answer");
    browser
        .until_tile("102", "talking")
        .expect("the tile talks");
    browser.act("axe").expect("nobody is shut out");
    scene.phones.hang_up(call).expect("hang up");
    browser.until_tile("102", "idle").expect("the tile is idle");
}

#[test]
fn from_the_browser_one_calls_and_passes_on_by_drag_and_by_keyboard() {
    let scene = firm();
    for phone in ["101", "102", "103", "104"] {
        let policy = Policy::answer_after(50);
        scene.phones.set_policy(phone, policy).expect("policy");
    }
    let mut browser =
        Panel::open(&scene, "anna", &["101", "102", "103", "104"]).expect("a browser");
    let target = "103";
    for (way, colleague) in [("by drag", "102"), ("by keyboard", "104")] {
        let click = format!("call {colleague}");
        browser.act(&click).expect("a click calls");
        browser.until_tile("101", "talking").expect("101 talks");
        let talks = browser.until_tile(colleague, "talking");
        talks.expect("the colleague talks");
        browser
            .act(&format!("transfer {target} {way}"))
            .expect("a transfer");
        browser.until_tile(target, "talking").expect("103 talks");
        browser.until_tile("101", "idle").expect("101 is free");
        let free = scene.asterisk.cli("channel request hangup all");
        free.expect("hang up");
        browser.until_tile(target, "idle").expect("103 is free");
    }
    browser.act("walk").expect("the arrows walk over the tiles");
    browser.act("tab Call log").expect("the log");
    browser.act("axe").expect("nobody is shut out");
}
