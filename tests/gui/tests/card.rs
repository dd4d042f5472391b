//! The caller card on the screen: where it comes up, whose keyboard it leaves alone, what it says.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::{DIRECT_LINE, GROUP_LINE};
use gui::stage::CARD;
use gui::{Driver, SOON, Stage, TextWindow};
use testkit::phones::{Customer, Policy, What};
use testkit::session::Change;

/// Screen of 1280 by 800, 12 from its edges, 48 kept free for a panel.
const RIGHT: i32 = 1280 - 12;
const BOTTOM: i32 = 800 - 48 - 12;

#[test]
fn it_comes_up_in_the_corner_above_all_and_takes_no_keyboard() {
    let stage = Stage::start("card", &Setup::default()).expect("a stage");
    let mut letter = TextWindow::open(&stage.session).expect("a window of another program");
    stage.active(letter.id()).expect("it has the keyboard");
    let before = stage.session.windows().changes().mark();
    let first = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    let card = stage.shown(CARD).expect("a card");
    assert_eq!(card.x + card.width as i32, RIGHT, "{card:?}");
    assert_eq!(card.y + card.height as i32, BOTTOM, "{card:?}");
    for state in ["_NET_WM_STATE_ABOVE", "_NET_WM_STATE_SKIP_TASKBAR"] {
        assert!(card.states.iter().any(|has| has == state), "{card:?}");
    }
    stage.session.type_text("still here").expect("type");
    gui::wait_for("every letter", SOON, || {
        Ok((letter.text()? == "still here").then_some(()))
    })
    .expect("the letters go where they went before");
    stage.picture(None, "one-call").expect("a picture");

    stage
        .phones
        .customer_calls(&Customer::new("+12125550100", ""), DIRECT_LINE)
        .expect("call");
    stage.ringing(2).expect("two calls");
    let taller = stage
        .session
        .windows()
        .wait_for(SOON, |window| {
            window.id == card.id && window.height > card.height
        })
        .expect("the same window grows");
    assert_eq!(taller.y + taller.height as i32, BOTTOM, "{taller:?}");
    stage
        .wait("both painted", SOON, |status| {
            let rings = &status.hops.rings;
            rings.len() == 2 && rings.iter().all(|ring| ring.painted.is_some())
        })
        .expect("painted");
    stage.picture(None, "two-calls").expect("a picture");

    stage.phones.hang_up(first).expect("hang up");
    stage
        .wait("one card", SOON * 2, |status| status.cards.len() == 1)
        .expect("a missed call goes by itself");
    stage
        .session
        .windows()
        .wait_for(SOON, |window| {
            window.id == card.id && window.height < taller.height
        })
        .expect("the window shrinks");
    let changes = stage.session.windows().changes().all();
    let stolen: Vec<_> = changes[before..]
        .iter()
        .filter(|change| change.change == Change::Activated && change.window != letter.id())
        .collect();
    assert!(stolen.is_empty(), "{stolen:?}");
}

#[test]
fn escape_hides_the_card_and_the_phone_rings_on() {
    let stage = Stage::start("escape", &Setup::default()).expect("a stage");
    stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    let card = stage.shown(CARD).expect("a card");
    let mine = stage.own_phone_rings().expect("101 rings");
    // Only who clicks the card wants keys to go there.
    stage
        .session
        .click(card.x + 60, card.y + card.height as i32 - 12)
        .expect("click");
    stage.active(card.id).expect("the card takes keys");
    stage.session.press("Escape").expect("press");
    stage.gone(CARD).expect("hidden");
    assert_eq!(stage.status().expect("status").calls.len(), 1);
    let ended = |event: &testkit::phones::PhoneEvent| {
        event.call == Some(mine) && matches!(event.what, What::Ended { .. })
    };
    assert!(!stage.phones.events().iter().any(ended));
    stage.phones.answer(mine).expect("answer");
    stage
        .phones
        .wait_answered(mine, SOON)
        .expect("it was still there to be answered");
}

#[test]
fn it_says_who_calls_and_what_became_of_it() {
    let (page, stage) =
        Stage::start_driven("words", &mut Setup::default()).expect("a stage with WebDriver");
    page.turn_to("card").expect("the card's page");
    let call = |number: &str, name: &str, line| {
        stage
            .phones
            .customer_calls(&Customer::new(number, name), line)
            .expect("call")
    };

    let ada = call("+442079460958", "", DIRECT_LINE);
    page.wait_text("h2", |text| text == "Ada Lovelace")
        .expect("name");
    page.wait_text(".about", |text| text.contains("Analytical Engines Ltd"))
        .expect("company");
    page.wait_text(".number", |text| text == "+44 20 7946 0958")
        .expect("number");
    page.wait_text(".status", |text| text.starts_with("Ringing"))
        .expect("state");
    stage.phones.hang_up(ada).expect("hang up");
    page.wait_text(".status", |text| text == "Missed")
        .expect("state");
    page.press("Hide Ada Lovelace").expect("hide");

    let stranger = call("+12125550199", "Zoë Ångström", DIRECT_LINE);
    page.wait_text("h2", |text| text == "Zoë Ångström")
        .expect("the name that the PBX gives");
    page.wait_text(".small", |text| {
        text == "name from the phone system, not in your contacts"
    })
    .expect("where it comes from");
    page.press("Hang up Zoë Ångström").expect("hang up");
    stage
        .phones
        .wait_ended(stranger, SOON)
        .expect("rejected from the card");
    no_card(&page);

    let hidden = stage
        .phones
        .customer_calls(&Customer::anonymous(), DIRECT_LINE)
        .expect("call");
    page.wait_text("h2", |text| text == "Number withheld")
        .expect("said so");
    stage.phones.hang_up(hidden).expect("hang up");
    page.press("Hide Number withheld").expect("hide");

    stage
        .phones
        .set_policy("102", Policy::answer_after(500))
        .expect("policy");
    call("+442079460958", "", GROUP_LINE);
    let said = page
        .wait_text(".status", |text| text.starts_with("Answered by"))
        .expect("said by whom");
    assert!(said.contains("102"), "{said}");
    no_card(&page);
}

/// It goes by itself.
fn no_card(page: &Driver) {
    gui::wait_for("no card", SOON, || {
        Ok(page.texts("article")?.is_empty().then_some(()))
    })
    .expect("no card left");
}
