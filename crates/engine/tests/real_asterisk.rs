//! The engine on a real Asterisk with real SIP phones.
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, calls_at, config, ended_as, is_over, start};
use engine::{CallUpdate, Command, Config, End, Mine, Pbx, People, Phase, Progress, Tls, Update};
use std::time::{Duration, Instant};
use testkit::{
    asterisk::{ManagerUser, ONLOOKER, SIDETONE},
    phones::{Customer, Policy},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_rings_both_phones_in_order_and_can_be_hung_up() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(100)).unwrap();
    phones.set_policy("102", Policy::answer_after(100)).unwrap();
    desk.dial("d1", "102");
    desk.dial("d1", "102");
    let answered = desk
        .dial_until("d1", |dial| dial.progress == Progress::Answered)
        .await;
    let stamps = answered.stamps;
    assert!(stamps.asked <= stamps.sent.unwrap() && stamps.sent <= stamps.queued);
    assert!(stamps.queued.unwrap() <= stamps.phone_rings.unwrap());
    let call = desk.call_until(|call| call.phase == Phase::Talking).await;
    assert_eq!(call.dial, Some("d1".into()));
    assert!(call.internal && call.mine == Mine::Up);
    let steps = desk.steps();
    let in_order = [
        Progress::Queued,
        Progress::RingingYourPhone,
        Progress::YouPickedUp,
        Progress::Calling,
        Progress::RingingThere,
        Progress::Answered,
    ];
    assert!(
        steps.is_sorted_by_key(|step| in_order.iter().position(|known| known == step)),
        "{steps:?}"
    );
    desk.send(Command::HangUp { call: None });
    let ended = desk.dial_until("d1", is_over).await;
    assert_eq!(ended_as(&ended), Some(End::ByYou));
    let ended = desk.call_until(|call| call.ended.is_some()).await;
    assert_eq!(ended.mine, Mine::Gone);
    assert_eq!(calls_at(&phones, "102"), 1, "a double click dials once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_fail_is_told() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones.set_policy("102", Policy::reject(486)).unwrap();
    phones
        .set_customer_policy("79160000002", Policy::reject(404))
        .unwrap();
    for (dial, number, end) in [
        ("busy", "102", End::Busy),
        ("no such number", "979160000002", End::NoSuchNumber),
        ("not in the dialplan", "5550", End::Refused),
    ] {
        desk.dial(dial, number);
        let ended = desk.dial_until(dial, is_over).await;
        assert_eq!(ended_as(&ended), Some(end), "{dial}: {:?}", ended.progress);
    }
    phones.set_policy("101", Policy::reject(603)).unwrap();
    desk.dial("rejected", "103");
    assert_eq!(
        ended_as(&desk.dial_until("rejected", is_over).await),
        Some(End::YouRejected)
    );
    phones.unregister("101").unwrap();
    desk.until(|update| matches!(update, Update::Phone(phone) if phone.registered == Some(false)))
        .await;
    desk.dial("offline", "103");
    assert_eq!(
        ended_as(&desk.dial_until("offline", is_over).await),
        Some(End::YourPhoneOffline)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_works_at_each_step() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("102", Policy::Ring).unwrap();
    desk.dial("at once", "102");
    desk.send(Command::Cancel {
        dial: "at once".into(),
    });
    assert_eq!(
        ended_as(&desk.dial_until("at once", is_over).await),
        Some(End::Cancelled)
    );
    for (dial, mine, step) in [
        ("my phone rings", Policy::Ring, Progress::RingingYourPhone),
        (
            "theirs rings",
            Policy::answer_after(50),
            Progress::RingingThere,
        ),
    ] {
        phones.set_policy("101", mine).unwrap();
        desk.dial(dial, "102");
        desk.dial_until(dial, |update| update.progress == step)
            .await;
        desk.send(Command::Cancel { dial: dial.into() });
        let ended = desk.dial_until(dial, is_over).await;
        assert_eq!(
            ended_as(&ended),
            Some(End::Cancelled),
            "{dial}: {:?}",
            ended.progress
        );
    }
    assert!(
        asterisk
            .cli("core show channels")
            .unwrap()
            .contains("0 active channels")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_has_a_name_with_the_first_word_of_the_call() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(200)).unwrap();
    let customer = Customer::new("79161234567", "Ада");
    let theirs = phones.customer_calls(&customer, "74951230001").unwrap();
    let ring = desk.until(|update| matches!(update, Update::Call(_))).await;
    let Update::Call(ring) = ring else {
        unreachable!()
    };
    assert_eq!((&ring.phase, ring.mine), (&Phase::Ringing, Mine::Ringing));
    let People::One { person } = &ring.people else {
        panic!("{:?}", ring.people)
    };
    assert_eq!(person.name, "Ada Lovelace");
    assert_eq!(ring.line.as_deref(), Some("74951230001"));
    assert_eq!(
        ring.remote.number.as_ref().unwrap().dial_back,
        "+79161234567"
    );
    desk.call_until(|call| call.phase == Phase::Talking).await;
    phones.hang_up(theirs).unwrap();
    let ended = desk.call_until(|call| call.ended.is_some()).await;
    assert!(
        matches!(
            ended.phase,
            Phase::Ended {
                by: Some(engine::Side::Them),
                ..
            }
        ),
        "{:?}",
        ended.phase
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_call_closes_here_when_a_colleague_answers() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::Ring).unwrap();
    phones.set_policy("102", Policy::answer_after(300)).unwrap();
    let theirs = phones
        .customer_calls(&Customer::anonymous(), "74951230003")
        .unwrap();
    let ring = desk.call_until(|call| call.phase == Phase::Ringing).await;
    assert_eq!(
        (ring.remote.number, ring.people),
        (None, People::Nobody),
        "the number is withheld"
    );
    let taken = desk.call_until(|call| call.phase != Phase::Ringing).await;
    assert_eq!(taken.phase, Phase::AnsweredElsewhere { by: "102".into() });
    phones.hang_up(theirs).unwrap();
    let over = desk.call_until(|call| call.ended.is_some()).await;
    assert_eq!(over.phase, Phase::AnsweredElsewhere { by: "102".into() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calls_at_once_are_two_and_rejecting_one_leaves_the_other() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::Ring).unwrap();
    let rings = |number: &'static str| {
        move |call: &CallUpdate| {
            let is_it = call
                .remote
                .number
                .as_ref()
                .is_some_and(|known| known.dial_back == number);
            is_it && call.mine == Mine::Ringing
        }
    };
    phones
        .customer_calls(&Customer::new("79161234567", "One"), "74951230001")
        .unwrap();
    let one = desk.call_until(rings("+79161234567")).await;
    let second = phones
        .customer_calls(&Customer::new("79160000000", "Two"), "74951230001")
        .unwrap();
    let two = desk.call_until(rings("+79160000000")).await;
    assert_ne!(one.call, two.call);
    desk.send(Command::HangUp {
        call: Some(one.call),
    });
    let rejected = desk.call_until(|call| call.ended.is_some()).await;
    let words = "You rejected the call.".to_owned();
    assert_eq!(rejected.call, one.call);
    assert_eq!(
        rejected.phase,
        Phase::Ended {
            words,
            by: Some(engine::Side::Me)
        }
    );
    phones.hang_up(second).unwrap();
    let missed = desk.call_until(|call| call.ended.is_some()).await;
    assert_eq!((missed.call, missed.phase), (two.call, Phase::Missed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_over_another_connection_encrypted_this_time() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones
        .customer_calls(&Customer::new("79161234567", "Ada"), "74951230001")
        .unwrap();
    let before = desk.call_until(|call| call.phase == Phase::Talking).await;
    let mut config = config(&asterisk, SIDETONE);
    // The same PBX by name: the port stays, or its calls would be those of another.
    config.pbx.charset = "windows-1251".into();
    desk.send(Command::Configure(Box::new(config.clone())));
    desk.call_until(|call| matches!(call.phase, Phase::Unknown { .. }))
        .await;
    let after = desk.call_until(|call| call.phase == Phase::Talking).await;
    assert_eq!((after.call, after.mine), (before.call, Mine::Up));
    config.pbx.port = asterisk.ami_tls_addr().port();
    config.pbx.tls = Tls::Ca {
        file: asterisk.ca_certificate().display().to_string(),
    };
    desk.send(Command::Configure(Box::new(config)));
    desk.connected().await;
    let found = desk.call_until(|call| call.phase == Phase::Talking).await;
    assert_eq!(found.direction, before.direction);
    desk.send(Command::HangUp {
        call: Some(found.call),
    });
    let over = desk
        .call_until(|call| call.call == found.call && call.ended.is_some())
        .await;
    assert!(
        matches!(over.phase, Phase::Ended { .. }),
        "{:?}",
        over.phase
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_asterisk_leaves_nothing_ringing_and_nothing_doubled() {
    let (mut asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    desk.dial("d1", "102");
    desk.dial_until("d1", |dial| dial.progress == Progress::Answered)
        .await;
    asterisk.kill().unwrap();
    assert_eq!(
        ended_as(&desk.dial_until("d1", is_over).await),
        Some(End::Unknown)
    );
    desk.until(|update| matches!(update, Update::Call(call) if matches!(call.phase, Phase::Unknown { .. }))).await;
    asterisk.restart().unwrap();
    desk.send(Command::RetryNow);
    desk.connected().await;
    let back = Instant::now();
    desk.call_until(|call| call.ended.is_some()).await;
    assert!(
        back.elapsed() < Duration::from_secs(1),
        "{:?}",
        back.elapsed()
    );
    assert_eq!(calls_at(&phones, "102"), 1);
    assert!(
        asterisk
            .cli("core show channels")
            .unwrap()
            .contains("0 calls processed"),
        "dialled again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_of_the_settings_finds_what_is_wrong() {
    let (asterisk, phones) = start();
    // A phone that has just registered is looked at first.
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    let good = config(&asterisk, SIDETONE);
    let report = desk.test(good.clone()).await;
    assert!(
        report.connection.passed && report.phone.passed,
        "{report:?}"
    );
    let wrong_secret = ManagerUser {
        secret: "wrong",
        ..SIDETONE
    };
    let no_asterisk = Config {
        pbx: Pbx {
            port: asterisk.sip_port(),
            ..good.pbx.clone()
        },
        ..good.clone()
    };
    let mut other_phone = good.clone();
    other_phone.desk.channel = "PJSIP/109".into();
    let mut other_context = good.clone();
    other_context.desk.context = "nowhere".into();
    for (config, connected, words) in [
        (
            config(&asterisk, wrong_secret),
            false,
            "refuses user sidetone",
        ),
        (
            config(&asterisk, ONLOOKER),
            false,
            "lacks the right “originate”",
        ),
        (no_asterisk, false, "nothing listens at"),
        (other_context, false, "does not know 101"),
        (other_phone, true, "no phone PJSIP/109"),
    ] {
        let report = desk.test(config).await;
        let said = if connected {
            &report.phone
        } else {
            &report.connection
        };
        assert_eq!(report.connection.passed, connected, "{report:?}");
        assert!(
            said.words.to_lowercase().contains(&words.to_lowercase()),
            "{report:?}"
        );
    }
    phones.unregister("101").unwrap();
    let report = desk.test(good).await;
    assert_eq!(
        report.phone.words,
        "Your phone 101 is not registered: switch it on, or check its account."
    );
    assert!(
        phones.events().iter().all(|event| event.call.is_none()),
        "a test rang somebody"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_up_a_customers_call_is_ours() {
    let (asterisk, phones) = start();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones
        .customer_calls(&Customer::new("79161234567", "Ada"), "74951230001")
        .unwrap();
    desk.call_until(|call| call.phase == Phase::Talking).await;
    desk.send(Command::HangUp { call: None });
    let over = desk.call_until(|call| call.ended.is_some()).await;
    assert_eq!(
        over.phase,
        Phase::Ended {
            words: "You hung up.".into(),
            by: Some(engine::Side::Me)
        }
    );
}
