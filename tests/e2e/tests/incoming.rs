//! Incoming calls: whose card is shown, what it says, and when it goes.
#![cfg(target_os = "linux")]

use e2e::scene::{DIRECT_LINE, GROUP_LINE};
use e2e::{Scene, Setup};
use std::time::Duration;
use testkit::phones::{Customer, Policy};
use view::{Card, CardPhase, Lamp, People, Status};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_known_caller_has_a_name_before_the_answer() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", "ADA L"), DIRECT_LINE)
        .expect("call");
    let status = scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    let card = ringing(&status).expect("ringing");
    let person = card.people.one().expect("one person");
    assert_eq!(
        (person.name.as_str(), person.company.as_deref()),
        ("Ada Lovelace", Some("Analytical Engines Ltd"))
    );
    assert_eq!(card.party.number.as_deref(), Some("+44 20 7946 0958"));
    assert_eq!(
        status.me.lamp,
        Lamp::Ringing,
        "the card alone makes it ring"
    );

    let mine = scene
        .phones
        .wait_incoming("101", 0, SOON)
        .expect("my phone rings");
    scene.phones.answer(mine).expect("answer");
    scene
        .wait("talking", SOON, |status| {
            matches!(
                status.cards.first().map(|card| &card.phase),
                Some(CardPhase::Talking { .. })
            )
        })
        .expect("talking");
    assert_eq!(scene.status().expect("status").me.lamp, Lamp::InCall);
    scene.phones.hang_up(call).expect("hang up");
    scene
        .wait("card gone, phone free", SOON, |status| {
            status.cards.is_empty() && status.me.lamp == Lamp::Idle
        })
        .expect("gone");
}

#[test]
fn the_number_is_found_however_the_trunk_writes_it() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    for number in ["+74951234567", "84951234567", "74951234567", "4951234567"] {
        let call = scene
            .phones
            .customer_calls(&Customer::new(number, ""), DIRECT_LINE)
            .expect("call");
        let status = scene
            .wait("a card", SOON, |status| ringing(status).is_some())
            .expect("card");
        assert_eq!(
            ringing(&status).expect("card").party.number.as_deref(),
            Some("+7 495 123-45-67"),
            "{number}"
        );
        scene.phones.hang_up(call).expect("hang up");
        scene
            .wait("missed", SOON, |status| {
                ringing(status).is_none() && status.calls.is_empty()
            })
            .expect("gone");
    }
}

#[test]
fn two_people_with_one_number_are_both_named_and_none_is_chosen() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let _call = scene
        .phones
        .customer_calls(&Customer::new("89062195047", ""), DIRECT_LINE)
        .expect("call");
    let status = scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    let People::Several { people } = &ringing(&status).expect("card").people else {
        panic!("{status:?}")
    };
    let mut names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Иван Иванов", "Мария Иванова"]);
}

#[test]
fn a_stranger_keeps_the_name_that_the_pbx_gives_and_a_withheld_number_is_said() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let call = scene
        .phones
        .customer_calls(
            &Customer::new("+12125550199", "Zoë Ångström 💡"),
            DIRECT_LINE,
        )
        .expect("call");
    let status = scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    let card = ringing(&status).expect("card");
    assert_eq!(
        (card.party.name.as_deref(), &card.people),
        (Some("Zoë Ångström 💡"), &People::Nobody)
    );
    scene.phones.hang_up(call).expect("hang up");
    scene
        .wait("gone", SOON, |status| status.calls.is_empty())
        .expect("gone");

    let _call = scene
        .phones
        .customer_calls(&Customer::anonymous(), DIRECT_LINE)
        .expect("call");
    let status = scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    assert_eq!(ringing(&status).expect("card").party.number, None);
}

#[test]
fn a_call_nobody_takes_is_missed_and_one_given_up_early_too() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    scene.phones.hang_up(call).expect("hang up");
    scene
        .wait("missed", SOON, |status| {
            status
                .cards
                .iter()
                .any(|card| card.phase == CardPhase::Missed)
        })
        .expect("missed");
    idle(&scene);
}

#[test]
fn a_colleague_answers_the_group_call_and_the_card_says_who() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    scene
        .phones
        .set_policy("102", Policy::answer_after(700))
        .expect("policy");
    let _call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), GROUP_LINE)
        .expect("call");
    scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    let status = scene
        .wait("answered elsewhere", SOON, |status| {
            status
                .cards
                .iter()
                .any(|card| matches!(card.phase, CardPhase::AnsweredElsewhere { .. }))
        })
        .expect("answered elsewhere");
    let CardPhase::AnsweredElsewhere { by } = &status.cards[0].phase else {
        panic!("{status:?}")
    };
    assert!(by.contains("102"), "{by}");
    scene
        .wait("folded", SOON, |status| status.cards.is_empty())
        .expect("the card goes by itself");
    idle(&scene);
}

#[test]
fn two_calls_at_once_have_two_cards() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let first = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    scene
        .wait("first card", SOON, |status| status.cards.len() == 1)
        .expect("card");
    let second = scene
        .phones
        .customer_calls(&Customer::new("+12125550100", ""), DIRECT_LINE)
        .expect("call");
    let status = scene
        .wait("second card", SOON, |status| status.cards.len() == 2)
        .expect("cards");
    let names: Vec<_> = status
        .cards
        .iter()
        .filter_map(|card| card.people.one())
        .map(|person| person.name.as_str())
        .collect();
    assert_eq!(names, ["Ada Lovelace", "Grace Hopper"]);
    scene.phones.hang_up(first).expect("hang up");
    scene
        .wait("only the second rings", SOON, |status| {
            let ringing: Vec<_> = status
                .cards
                .iter()
                .filter(|card| card.phase == CardPhase::Ringing)
                .collect();
            ringing.len() == 1
                && ringing[0]
                    .people
                    .one()
                    .is_some_and(|person| person.name == "Grace Hopper")
        })
        .expect("one left");
    scene.phones.hang_up(second).expect("hang up");
    scene
        .wait("none", SOON, |status| {
            status.calls.is_empty() && status.me.lamp == Lamp::Idle
        })
        .expect("none");
}

#[test]
fn hanging_up_from_the_command_line_ends_what_rings() {
    let scene = Scene::start(&Setup::default()).expect("a scene");
    let call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    let (code, _, err) = scene.sidetone(&["hangup"]).expect("hangup");
    assert_eq!(code, 0, "{err}");
    scene
        .phones
        .wait_ended(call, SOON)
        .expect("the caller is not left ringing");
    let (code, _, err) = scene.sidetone(&["hangup"]).expect("hangup");
    assert_eq!(code, 4, "there is no call now: {err}");
}

#[test]
fn the_pbx_restarts_while_it_rings_and_the_call_is_not_called_missed() {
    let mut scene = Scene::start(&Setup::default()).expect("a scene");
    let _call = scene
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    scene
        .wait("a card", SOON, |status| ringing(status).is_some())
        .expect("card");
    scene.asterisk.kill().expect("kill");
    let status = scene
        .wait("unknown", SOON, |status| {
            status
                .cards
                .iter()
                .any(|card| matches!(card.phase, CardPhase::Unknown { .. }))
        })
        .expect("unknown");
    assert!(
        !status
            .cards
            .iter()
            .any(|card| card.phase == CardPhase::Missed)
    );
    scene.asterisk.restart().expect("restart");
    scene
        .wait("back and free", Duration::from_secs(35), |status| {
            status.connection.is_up() && status.calls.is_empty()
        })
        .expect("back");
}

fn ringing(status: &Status) -> Option<&Card> {
    status
        .cards
        .iter()
        .find(|card| card.phase == CardPhase::Ringing)
}

/// The PBX tells the lamp on its own time, after the call.
fn idle(scene: &Scene) {
    scene
        .wait("the lamp is idle", SOON, |status| {
            status.me.lamp == Lamp::Idle
        })
        .expect("idle");
}
