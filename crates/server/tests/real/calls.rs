//! What people and programs see of calls, and do with them.

use crate::{
    client::everything,
    firm::{Firm, SOON, Setup},
};
use serde_json::json;
use testkit::phones::{Customer, Policy};
use wire::{Answer, CallState, Direction, ErrorCode, Lamp, Progress, rest::LogPage};

/// Rings 101 and 102.
const GROUP_LINE: &str = "74951230003";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_rings_ones_own_phone_then_theirs_and_is_in_the_log_once() {
    let firm = Firm::start(&Setup::default());
    let mut anna = firm.server.client("anna", everything()).await;
    anna.until("connected", |client| {
        client.is_up()
            && client
                .lamp("101")
                .is_some_and(|lamp| lamp.lamp == Lamp::Idle)
    })
    .await;
    firm.phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    firm.phones
        .set_policy("102", Policy::answer_after(50))
        .expect("policy");

    let dial = json!({ "request": "dial", "text": "102" });
    assert_eq!(anna.ask_as("click-1", dial.clone()).await, Answer::Done);
    anna.until("answered", |client| {
        client
            .dials()
            .iter()
            .any(|dial| dial.progress == Progress::Answered)
    })
    .await;
    assert_eq!(
        anna.ask_as("click-1", dial).await,
        Answer::Done,
        "the same click"
    );
    anna.until("both talk", |client| {
        let with = |extension: &str, other: &str| {
            client.lamp(extension).is_some_and(|lamp| {
                lamp.calls
                    .iter()
                    .any(|call| call.party.number.as_deref() == Some(other))
            })
        };
        with("101", "102") && with("102", "101")
    })
    .await;
    assert_eq!(anna.dials().len(), 1, "one click, one dial");
    let lamp = anna.lamp("102").expect("a lamp");
    assert_eq!(
        (lamp.name.as_str(), lamp.groups.as_slice()),
        ("Bert Berg", ["Sales".to_owned()].as_slice())
    );

    assert_eq!(
        anna.ask(json!({ "request": "hang_up", "call": null }))
            .await,
        Answer::Done
    );
    anna.until("over", |client| {
        client.calls().iter().all(|call| call.ended.is_some())
    })
    .await;
    let token = firm.server.enrol("anna").await.token.0;
    let page = log_until(&firm, &token, 1).await;
    let call = &page.calls[0];
    assert_eq!(call.answered_by.as_deref(), Some("102"));
    assert_eq!(call.caller.number.as_deref(), Some("101"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_colleague_answers_the_group_call_the_other_card_says_who() {
    let firm = Firm::start(&Setup::default());
    let mut anna = firm.server.client("anna", wire::Interest::default()).await;
    let mut bert = firm.server.client("bert", wire::Interest::default()).await;
    anna.until("connected", |client| client.is_up()).await;
    bert.until("connected", |client| client.is_up()).await;
    let caller = Customer::new("+442079460958", "ADA L");
    let call = firm
        .phones
        .customer_calls(&caller, GROUP_LINE)
        .expect("a call");
    for client in [&mut anna, &mut bert] {
        client
            .until("it rings", |client| client.states() == [CallState::Ringing])
            .await;
        let call = &client.calls()[0];
        assert_eq!(call.direction, Direction::Incoming);
        assert_eq!(call.party.number.as_deref(), Some("+44 20 7946 0958"));
    }
    let mine = firm
        .phones
        .wait_incoming("102", 0, SOON)
        .expect("102 rings");
    firm.phones.answer(mine).expect("answer");
    anna.until("answered elsewhere", |client| {
        client.states() == [CallState::AnsweredElsewhere { by: "102".into() }]
    })
    .await;
    bert.until("talks", |client| client.states() == [CallState::Talking])
        .await;
    assert!(
        !anna.facts.keys().any(|key| key.starts_with("extension")),
        "what nobody follows is not sent"
    );
    firm.phones.hang_up(call).expect("hang up");
    bert.until("over", |client| {
        client.calls().iter().all(|call| call.ended.is_some())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_passed_on_and_anothers_cannot_be_touched() {
    let firm = Firm::start(&Setup::default());
    let mut anna = firm.server.client("anna", everything()).await;
    let mut bert = firm.server.client("bert", everything()).await;
    anna.until("connected", |client| client.is_up()).await;
    firm.phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    firm.phones
        .set_policy("103", Policy::answer_after(50))
        .expect("policy");
    let caller = Customer::new("+442079460958", "");
    let _call = firm
        .phones
        .customer_calls(&caller, "74951230001")
        .expect("a call");
    anna.until("talks", |client| client.states() == [CallState::Talking])
        .await;
    let id = anna.calls()[0].id.clone();

    let steal = json!({ "request": "order", "call": id, "order": { "order": "blind_transfer", "to": "102" } });
    let Answer::Failed(failure) = bert.ask(steal).await else {
        panic!("stolen")
    };
    assert_eq!(failure.code, ErrorCode::NotFound);

    let pass = json!({ "request": "order", "call": id, "order": { "order": "blind_transfer", "to": "103" } });
    assert_eq!(anna.ask(pass).await, Answer::Done);
    bert.until("103 talks with the customer", |client| {
        client.lamp("103").is_some_and(|lamp| {
            lamp.calls
                .iter()
                .any(|call| call.party.number.as_deref() == Some("+44 20 7946 0958"))
        })
    })
    .await;
}

/// The call log once it has this many finished calls.
async fn log_until(firm: &Firm, token: &str, calls: usize) -> LogPage {
    let until = std::time::Instant::now() + SOON;
    loop {
        let answer = firm.server.get("/api/v1/calls", token).await;
        let page: LogPage = answer.json().await.expect("a page");
        if page
            .calls
            .iter()
            .filter(|call| call.ended.is_some())
            .count()
            >= calls
        {
            return page;
        }
        assert!(std::time::Instant::now() < until, "{page:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
