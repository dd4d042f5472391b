//! A click on a `tel:` link, from the page in the browser to the two phones and back to the windows.
#![cfg(target_os = "linux")]

use e2e::Setup;
use gui::stage::{CONFIRM, PANEL};
use gui::{SOON, Stage};
use std::time::Duration;
use testkit::browser::{Chromium, Consent, LinkPage};
use testkit::phones::{Policy, TRUNK, What};
use view::{DialEnd, DialStep};

const CUSTOMER: &str = "+79161112233";

#[test]
fn a_click_in_chromium_asks_then_rings_both_phones_in_order() {
    let stage = Stage::start("click", &asking()).expect("a stage");
    phones_answer(&stage, 200);
    stage
        .session
        .install_handler(stage.agent.program())
        .expect("handler of links");
    let page = LinkPage::serve(&["tel:+7%20(916)%20111-22-33", "https://example.invalid/"])
        .expect("a page");
    let browser = Chromium::open(&stage.session, &page, Consent::Policy).expect("a browser");
    browser.click(0).expect("click");
    let question = stage.shown(CONFIRM).expect("the question");
    stage.active(question.id).expect("keys go to the question");
    assert!(stage.phones.events().iter().all(|event| !rings(event)));
    stage
        .picture(None, "question")
        .expect("a picture of the question");
    // For a moment it is deaf to keys that were meant for elsewhere.
    let dials = (0..10).any(|_| {
        stage.session.press("Return").expect("press");
        let second = Duration::from_secs(1);
        let dialled = stage.wait("a dial", second, |status| !status.dials.is_empty());
        dialled.is_ok()
    });
    assert!(dials, "Return says yes");
    let status = stage
        .wait("answered", SOON, |status| {
            let mut steps = status.dials.iter().map(|dial| &dial.step);
            steps.any(|step| *step == DialStep::Answered)
        })
        .expect("answered");
    assert_eq!(status.dials.len(), 1);
    stage.gone(CONFIRM).expect("the question is answered");
    let events = stage.phones.events();
    let rang: Vec<_> = events
        .iter()
        .filter(|event| rings(event))
        .map(|event| event.phone.as_str())
        .collect();
    assert_eq!(rang, ["101", TRUNK]);
    let (code, _, err) = stage.sidetone(&["hangup"]).expect("hang up");
    assert_eq!(code, 0, "{err}");
    stage
        .wait("ended", SOON, |status| {
            matches!(
                status.dials.first().map(|dial| &dial.step),
                Some(DialStep::Ended {
                    end: DialEnd::ByYou,
                    ..
                })
            )
        })
        .expect("ended by me");
}

#[test]
fn escape_answers_the_question_and_nothing_is_dialled() {
    let stage = Stage::start("not-now", &asking()).expect("a stage");
    let (code, _, err) = stage.sidetone(&["tel:+79161112233"]).expect("a link");
    assert_eq!(code, 0, "{err}");
    let question = stage.shown(CONFIRM).expect("the question");
    stage.active(question.id).expect("keys go to the question");
    stage.session.press("Escape").expect("press");
    stage.gone(CONFIRM).expect("the question goes");
    let status = stage.status().expect("status");
    assert!(status.dials.is_empty(), "{:?}", status.dials);
    assert!(!stage.phones.events().iter().any(rings));
}

#[test]
fn the_question_says_the_number_and_the_panel_every_step() {
    let (page, stage) =
        Stage::start_driven("steps", &mut asking()).expect("a stage with WebDriver");
    phones_answer(&stage, 600);
    page.turn_to("panel").expect("panel");
    page.script(
        "window.seen = [];
         const look = () => {
           const at = document.querySelector('[aria-current=step]')?.innerText;
           const step = at?.replace(/[^a-z ]/gi, ' ').trim();
           if (step && window.seen.at(-1) !== step) window.seen.push(step);
         };
         new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
         return null",
    )
    .expect("watch");
    stage.sidetone(&["tel:8-916-111-22-33"]).expect("a link");
    page.turn_to("confirm").expect("the question");
    page.wait_text("h1", |text| text == "Anna Petrova")
        .expect("who is called");
    page.wait_text("dd", |text| text == "+7 916 111-22-33")
        .expect("the number");
    page.wait_text("dd", |text| text == CUSTOMER)
        .expect("exactly what is dialled");
    page.wait_text("button.main:enabled", |text| text == "Call from 101")
        .expect("ready");
    stage
        .picture(None, "question")
        .expect("a picture of the question");
    page.press("Call from 101").expect("yes");

    page.turn_to("panel").expect("panel");
    page.wait_text("[aria-current=step]", |text| text.starts_with("answered"))
        .expect("answered");
    let panel = stage.shown(PANEL).expect("panel");
    stage
        .picture(Some(panel.id), "panel")
        .expect("a picture of the panel");
    let seen: Vec<String> =
        serde_json::from_value(page.script("return window.seen").expect("seen")).expect("texts");
    // What lasts a moment only may pass between two paintings.
    let lasting: Vec<_> = seen
        .iter()
        .map(String::as_str)
        .filter(|step| ["your phone", "ringing", "answered"].contains(step))
        .collect();
    assert_eq!(lasting, ["your phone", "ringing", "answered"], "{seen:?}");
    page.press("Hang up Anna Petrova").expect("hang up");
    page.wait_text("[aria-label='Call to Anna Petrova'] .words", |text| {
        text.starts_with("You hung up.")
    })
    .expect("said so");
    stage
        .wait("no call", SOON, |status| status.calls.is_empty())
        .expect("ended");
}

fn asking() -> Setup {
    let mut setup = Setup::default();
    setup.settings.confirm_links = true;
    setup
}

fn phones_answer(stage: &Stage, after: u64) {
    stage
        .phones
        .set_policy("101", Policy::answer_after(after))
        .expect("policy");
    stage
        .phones
        .set_customer_policy(
            CUSTOMER,
            Policy::Answer {
                after: Duration::from_millis(after),
                hang_up: None,
            },
        )
        .expect("policy");
}

fn rings(event: &testkit::phones::PhoneEvent) -> bool {
    matches!(event.what, What::Incoming { .. })
}
