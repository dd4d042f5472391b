//! What a person wants of a call, on a real Asterisk with real SIP phones: who talks with whom afterwards.
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use ami::Uniqueid;
use calls::Call;
use desk::{Desk, SOON, calls_at, config, start};
use engine::{
    Ability, Command, Conference, DoNotDisturb, Fact, Handling, Mine, Order, Outcome, Phase,
    Progress, Update,
};
use phone_number::{Dialable, Tones};
use std::{collections::VecDeque, fs, sync::Arc};
use testkit::{
    Asterisk,
    asterisk::{LAB, ManagerEvent, ManagerUser, Options, SIDETONE, Watch},
    phones::{Customer, PhoneCall, PhoneEvent, Phones, Policy, TRUNK, What},
};

use tokio::{runtime::Handle, task::spawn_blocking};

/// May dial and nothing else.
const DIALLER: ManagerUser = ManagerUser {
    name: "dialler",
    secret: "dialler-secret",
};
const MANAGER: &str = "
[dialler]
secret = dialler-secret
read = call,agent,user
write = originate
";

/// Behind these a Dial without `t`, and a menu that tells which keys it heard.
const DIALPLAN: &str = "
[no-features]
exten => 101,1,Dial(PJSIP/101,20)
[from-trunk]
exten => 74951230099,1,Goto(no-features,101,1)
[internal]
exten => 950,1,Answer()
 same => n,Read(KEYS,,3,,1,5)
 same => n,UserEvent(Keys,Keys: ${KEYS})
 same => n,Wait(20)
";

fn to(number: &str) -> Dialable {
    Dialable::new(number).expect("dialable")
}

fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Refused { words } | Outcome::Unknown { words } => words,
    }
}

fn is_talking(call: &Call) -> bool {
    call.talking().next().is_some()
}

/// A customer calls 101, who answers.
async fn customer_talks(desk: &mut Desk, phones: &Phones, did: &str) -> (PhoneCall, PhoneCall) {
    phones
        .set_policy("101", Policy::answer_after(50))
        .expect("a policy");
    let mark = phones.mark();
    let customer = Customer::new("79161234567", "Ada");
    let theirs = phones.customer_calls(&customer, did).expect("a call");
    let mine = phones.wait_incoming("101", mark, SOON).expect("a ring");
    let call = desk
        .call_until(|call| call.phase == Phase::Talking && call.mine == Mine::Up)
        .await;
    desk.until_call(call.call, is_talking).await;
    (theirs, mine)
}

/// Waits until these two, and no other, are in one bridge.
fn wait_talking(watch: &Watch, one: &str, other: &str) {
    let in_bridge = |messages: &VecDeque<ManagerEvent>| {
        let bridge_of = |endpoint: &str| {
            let mut bridge = None;
            for event in messages {
                let is_its = event
                    .get("Channel")
                    .is_some_and(|channel| channel.starts_with(endpoint));
                if is_its && event.is("BridgeEnter") {
                    bridge = event.get("BridgeUniqueid");
                } else if is_its && (event.is("BridgeLeave") || event.is("Hangup")) {
                    bridge = None;
                }
            }
            bridge
        };
        let bridge = bridge_of(one);
        bridge.is_some() && bridge == bridge_of(other)
    };
    watch
        .wait_for_all(SOON, in_bridge)
        .unwrap_or_else(|why| panic!("{one} does not talk with {other}: {why}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_passed_on_and_stays_on_the_line() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    let order = Order::BlindTransfer { to: to("102") };
    assert_eq!(desk.order("o1", order.clone()).await, Outcome::Done);
    phones.wait_ended(mine, SOON).unwrap();
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/102");
    // The same order again is the same order.
    assert_eq!(desk.order("o1", order).await, Outcome::Done);
    assert_eq!(calls_at(&phones, "102"), 1);
    phones.hang_up(theirs).unwrap();
    desk.call_until(|call| call.ended.is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_is_asked_before_he_gets_the_customer() {
    let options = Options {
        extra: vec![("extensions.conf", DIALPLAN.to_owned())],
        ..Options::default()
    };
    // Asterisk 22.10.1 itself dies in one of a dozen such runs, when the asker hangs up; those tell nothing of ours.
    for _ in 0..4 {
        let asterisk = Arc::new(Asterisk::start(&options).unwrap());
        let (here, scene) = (Handle::current(), asked_first(asterisk.clone()));
        // Phones are waited for without a runtime, so not on a thread of the engine's.
        match spawn_blocking(move || here.block_on(scene)).await {
            Ok(()) => return,
            Err(_) if has_died(&asterisk) => {}
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
    panic!("Asterisk has died each time");
}

fn has_died(asterisk: &Asterisk) -> bool {
    let pid = asterisk.pid().unwrap_or_default();
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.is_empty() || state.contains(") Z ")
}

async fn asked_first(asterisk: Arc<Asterisk>) {
    let phones = Phones::start(&asterisk).expect("done");
    let watch = asterisk.watch().expect("done");
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones
        .set_policy("103", Policy::answer_after(50))
        .expect("done");
    let ask = || Order::AttendedTransfer { to: to("103") };
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let mark = phones.mark();
    assert_eq!(desk.order("asked", ask()).await, Outcome::Done);
    let asked = phones.wait_incoming("103", mark, SOON).expect("done");
    phones.wait_answered(asked, SOON).expect("done");
    desk.send(Command::HangUp { call: None });
    phones.wait_ended(mine, SOON).expect("done");
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/103");
    phones.hang_up(theirs).expect("done");
    desk.call_until(|call| call.ended.is_some()).await;
    // Without the feature in Dial Asterisk says Success, and nothing happens.
    let (theirs, _) = customer_talks(&mut desk, &phones, "74951230099").await;
    let outcome = desk.order("deaf", ask()).await;
    assert!(
        words(&outcome).contains("the option `t` or `T`"),
        "{outcome:?}"
    );
    phones.hang_up(theirs).expect("done");
    desk.call_until(|call| call.ended.is_some()).await;
    assert_eq!(calls_at(&phones, "103"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calls_of_one_phone_are_joined_without_any_feature_code() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("103", Policy::answer_after(50)).unwrap();
    let (_, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let first = desk.last_call().call;
    phones.hold(mine).unwrap();
    desk.dial("second", "103");
    let dial = desk
        .dial_until("second", |dial| dial.progress == Progress::Answered)
        .await;
    let join = Order::Join {
        with: dial.call.unwrap(),
    };
    assert_eq!(
        desk.order_of("join", Some(first), join).await,
        Outcome::Done
    );
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/103");
    phones.wait_ended(mine, SOON).unwrap();
    // Both of our legs are gone, and nobody else's.
    let is_over = |event: &ManagerEvent| {
        let channel = event.get("Channel").unwrap_or_default();
        event.is("Hangup") && channel.starts_with("PJSIP/101-")
    };
    watch
        .wait_for_all(SOON, |messages| {
            messages.iter().filter(|event| is_over(event)).count() == 2
        })
        .unwrap();
    let channels = asterisk.cli("core show channels").unwrap();
    assert!(channels.contains("2 active channels"), "{channels}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_parked_and_fetched_and_redirected_while_he_rings() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let call = desk.last_call().call;
    assert_eq!(desk.order("park", Order::Park).await, Outcome::Done);
    phones.wait_ended(mine, SOON).unwrap();
    desk.until_call(call, |call| call.parked().is_some()).await;
    let outcome = desk.order_of("fetch", Some(call), Order::PickUp).await;
    assert_eq!(outcome, Outcome::Done);
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/101");
    phones.hang_up(theirs).unwrap();
    desk.call_until(|call| call.ended.is_some()).await;
    // It rings here; a colleague shall take it.
    phones.set_policy("101", Policy::Ring).unwrap();
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    let customer = Customer::new("79160000000", "Bob");
    let theirs = phones.customer_calls(&customer, "74951230001").unwrap();
    desk.call_until(|call| call.mine == Mine::Ringing && call.ended.is_none())
        .await;
    let order = Order::Redirect { to: to("102") };
    assert_eq!(desk.order("redirect", order).await, Outcome::Done);
    let call = desk.last_call().call;
    desk.until_call(call, is_talking).await;
    let again = Order::Redirect { to: to("103") };
    let outcome = desk.order("late", again).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    phones.hang_up(theirs).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_becomes_a_conference() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let conference = Some(Conference {
        exten: "800".into(),
        context: String::new(),
    });
    let mut config = config(&asterisk, SIDETONE);
    config.desk.handling.conference = conference;
    let mut desk = Desk::connect_with(config).await;
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    assert_eq!(desk.order("room", Order::Conference).await, Outcome::Done);
    let joins = |endpoint: &'static str| {
        let join = watch.wait_for(SOON, move |event| {
            let channel = event.get("Channel").unwrap_or_default();
            event.is("ConfbridgeJoin") && channel.starts_with(endpoint)
        });
        let join = join.unwrap_or_else(|why| panic!("{endpoint} does not come in: {why}"));
        Uniqueid::from(join.get("Uniqueid").unwrap())
    };
    desk.until_member(&joins("PJSIP/101"), true).await;
    joins("PJSIP/trunk");
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    desk.dial("third", "102");
    let dial = desk
        .dial_until("third", |dial| dial.progress == Progress::Answered)
        .await;
    desk.until_call(dial.call.unwrap(), is_talking).await;
    let outcome = desk.order_of("add", dial.call, Order::Add).await;
    assert_eq!(outcome, Outcome::Done);
    let member = joins("PJSIP/102");
    desk.until_member(&member, true).await;
    let mute = Order::MuteMember {
        member: member.clone(),
        on: true,
    };
    assert_eq!(desk.order("mute", mute).await, Outcome::Done);
    watch
        .wait_for(SOON, |event| event.is("ConfbridgeMute"))
        .unwrap();
    let kick = || Order::Kick {
        member: member.clone(),
    };
    assert_eq!(desk.order("kick", kick()).await, Outcome::Done);
    let left = |event: &ManagerEvent| {
        event.is("ConfbridgeLeave") && event.get("Uniqueid") == Some(member.as_str())
    };
    watch.wait_for(SOON, left).unwrap();
    desk.until_member(&member, false).await;
    let outcome = desk.order("again", kick()).await;
    assert_eq!(
        words(&outcome),
        "This member is not in your conference any more."
    );
    phones.hang_up(theirs).unwrap();
    phones.hang_up(mine).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tones_reach_the_menu_and_the_extension_behind_a_number() {
    let options = Options {
        extra: vec![("extensions.conf", DIALPLAN.to_owned())],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    desk.dial("menu", "950");
    watch
        .wait_for(SOON, |event| {
            event.is("Newexten") && event.get("Application") == Some("Read")
        })
        .unwrap();
    desk.call_until(|call| call.mine == Mine::Up).await;
    let tones = Tones::new("4*2").unwrap();
    assert_eq!(
        desk.order("keys", Order::Tones { tones }).await,
        Outcome::Done
    );
    let heard = watch.wait_for(SOON, |event| event.get("UserEvent") == Some("Keys"));
    assert_eq!(heard.unwrap().get("Keys"), Some("4*2"));
    desk.send(Command::HangUp { call: None });
    desk.call_until(|call| call.ended.is_some()).await;
    // tel:+79161234567;ext=17
    phones.set_policy(TRUNK, Policy::answer_after(50)).unwrap();
    let mark = phones.mark();
    desk.dial_with_tones("extension", "979161234567", "17");
    for key in ["1", "7"] {
        let is_key = |event: &PhoneEvent| {
            event.phone == TRUNK && matches!(&event.what, What::Digit { digit } if digit == key)
        };
        phones.wait_after(mark, SOON, is_key).unwrap();
    }
    let told = |update: &Update| matches!(update, Update::Order { order, outcome: Outcome::Done } if order.0 == "tones of extension");
    desk.until(told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_recorded_on_demand_and_queues_and_dnd_are_left_and_entered() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let handling = Handling {
        do_not_disturb: DoNotDisturb::Both,
        ..Handling::default()
    };
    let mut config = config(&asterisk, LAB);
    config.desk.handling = handling;
    let mut desk = Desk::connect_with(config).await;
    let (theirs, _) = customer_talks(&mut desk, &phones, "74951230001").await;
    let record = |on| Order::Record { on };
    assert_eq!(desk.order("rec", record(true)).await, Outcome::Done);
    let call = desk.last_call().call;
    desk.until_call(call, |call| call.recording).await;
    assert_eq!(
        words(&desk.order("rec again", record(true)).await),
        "The call is being recorded already."
    );
    assert_eq!(desk.order("stop", record(false)).await, Outcome::Done);
    desk.until_call(call, |call| !call.recording).await;
    phones.hang_up(theirs).unwrap();
    desk.call_until(|call| call.ended.is_some()).await;
    let folder = asterisk.folder().join("spool/monitor/sidetone");
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|why| panic!("{}: {why}", folder.display()))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");

    let queue = || "support".to_owned();
    let login = Order::QueueLogin { queue: queue() };
    assert_eq!(desk.order("in", login.clone()).await, Outcome::Done);
    let pause = Order::QueuePause {
        queue: None,
        paused: true,
        reason: Some("lunch, then a walk".into()),
    };
    assert_eq!(desk.order("pause", pause).await, Outcome::Done);
    let paused = watch.wait_for(SOON, |event| event.is("QueueMemberPause"));
    let paused = paused.unwrap();
    assert_eq!(paused.get("Interface"), Some("PJSIP/101"));
    assert_eq!(paused.get("PausedReason"), Some("lunch, then a walk"));
    desk.until_known(|facts| {
        let mut members = facts.values();
        members.any(|fact| matches!(fact, Fact::QueueMember(member) if member.member.paused))
    })
    .await;
    let outcome = desk.order("in again", login).await;
    assert_eq!(words(&outcome), "You are in the queue support already.");
    let logout = Order::QueueLogout { queue: queue() };
    assert_eq!(desk.order("out", logout).await, Outcome::Done);
    watch
        .wait_for(SOON, |event| event.is("QueueMemberRemoved"))
        .unwrap();

    let dnd = |on| Order::DoNotDisturb { on };
    assert_eq!(desk.order("dnd", dnd(true)).await, Outcome::Done);
    assert!(asterisk.cli("database show DND").unwrap().contains("YES"));
    let refused = phones.dial("102", "101").unwrap();
    assert_eq!(phones.wait_ended(refused, SOON).unwrap(), 486);
    assert_eq!(desk.order("dnd off", dnd(false)).await, Outcome::Done);
    assert!(!asterisk.cli("database show DND").unwrap().contains("YES"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lacks_a_right_is_told_which_before_anything_is_sent() {
    let options = Options {
        extra: vec![("manager.conf", MANAGER.to_owned())],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    let mut desk = Desk::new();
    desk.send(Command::Configure(Box::new(config(&asterisk, DIALLER))));
    let told = desk
        .until(|update| matches!(update, Update::Capabilities(_)))
        .await;
    let Update::Capabilities(capabilities) = told else {
        panic!("{told:?}")
    };
    assert!(capabilities.can(Ability::Dial) && !capabilities.can(Ability::Transfer));
    assert!(capabilities.excess.is_empty(), "{capabilities:?}");
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let transfer = Order::BlindTransfer { to: to("102") };
    for (order, words) in [
        (
            transfer,
            "Transfers need the write class `call` in manager.conf.",
        ),
        (
            Order::Park,
            "Parking needs the write class `call` in manager.conf.",
        ),
        (
            Order::Record { on: true },
            "Recording needs the write class `system` in manager.conf.",
        ),
        (
            Order::QueueLogin {
                queue: "support".into(),
            },
            "Changing queues needs the write class `agent` in manager.conf.",
        ),
        (
            Order::Hold,
            "Asterisk’s manager interface cannot put a phone on hold: press Hold on the phone, or park the call.",
        ),
    ] {
        let id = format!("{order:?}");
        let words = words.to_owned();
        assert_eq!(desk.order(&id, order).await, Outcome::Refused { words });
    }
    assert_eq!(calls_at(&phones, "102"), 0);
    phones.hang_up(theirs).unwrap();
    phones.wait_ended(mine, SOON).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paged_phone_is_called() {
    let options = Options {
        extra: vec![
            (
                "extensions.conf",
                "[internal]\nexten => 951,1,Page(PJSIP/101,i,10)\n".to_owned(),
            ),
            ("modules.conf", "load = app_page.so\n".to_owned()),
        ],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(500)).unwrap();
    let pager = phones.dial("102", "951").unwrap();
    desk.call_until(|call| call.mine == Mine::Up).await;
    watch
        .wait_for(SOON, |event| {
            event.is("DialBegin")
                && event
                    .get("DestChannel")
                    .is_some_and(|c| c.starts_with("PJSIP/101"))
                && event.get("Channel").is_none()
        })
        .unwrap();
    let call = desk.last_call().call;
    desk.until_call(call, |call| call.legs.len() > 1).await;
    assert_eq!(desk.last_call().direction, engine::Direction::Incoming);
    phones.hang_up(pager).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_the_parking_lot_is_fetched_and_not_who_parked_him() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut config = config(&asterisk, SIDETONE);
    config.desk.extension = "102".into();
    config.desk.channel = "PJSIP/102".into();
    let mut desk = Desk::connect_with(config).await;
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    phones.set_policy(TRUNK, Policy::answer_after(50)).unwrap();
    let mine = phones.dial("101", "979161112233").unwrap();
    phones.wait_answered(mine, SOON).unwrap();
    phones.transfer(mine, "700").unwrap();
    watch
        .wait_for(SOON, |event| event.is("ParkedCall"))
        .unwrap();
    let found = std::cell::Cell::new(None);
    desk.until_known(|facts| {
        for fact in facts.values() {
            if let Fact::Call(call) = fact
                && call.parked().is_some()
            {
                found.set(Some(call.id));
            }
        }
        found.get().is_some()
    })
    .await;
    let outcome = desk.order_of("fetch", found.get(), Order::PickUp).await;
    assert_eq!(outcome, Outcome::Done);
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/102");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_who_is_passed_on_outside_stays_the_caller() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones.set_policy(TRUNK, Policy::answer_after(50)).unwrap();
    let mark = phones.mark();
    let _theirs = phones.dial("103", "101").unwrap();
    let mine = phones.wait_incoming("101", mark, SOON).unwrap();
    phones.wait_answered(mine, SOON).unwrap();
    desk.call_until(|call| call.phase == Phase::Talking).await;
    let first = desk.last_call().call;
    phones.hold(mine).unwrap();
    desk.dial("second", "979161112233");
    let dial = desk
        .dial_until("second", |dial| dial.progress == Progress::Answered)
        .await;
    let join = Order::Join {
        with: dial.call.unwrap(),
    };
    let outcome = desk.order_of("join", Some(first), join).await;
    assert_eq!(outcome, Outcome::Done);
    wait_talking(&watch, "PJSIP/103", "PJSIP/trunk");
    desk.until_call(first, |call| {
        let done = call.ended.is_some() || call.talks.len() > 1;
        if done {
            assert_eq!(call.end, None, "103's call goes on");
        }
        done
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_joined_to_another_is_over_for_us_and_goes_on_for_them() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("103", Policy::answer_after(50)).unwrap();
    let (theirs, mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let first = desk.last_call().call;
    phones.hold(mine).unwrap();
    desk.dial("second", "103");
    let dial = desk
        .dial_until("second", |dial| dial.progress == Progress::Answered)
        .await;
    let join = Order::Join {
        with: dial.call.unwrap(),
    };
    assert_eq!(
        desk.order_of("join", Some(first), join).await,
        Outcome::Done
    );
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/103");
    phones.wait_ended(mine, SOON).unwrap();
    desk.dial_until("second", |dial| {
        matches!(dial.progress, Progress::Ended { .. })
    })
    .await;
    // The tray's "Hang up" cancels the newest dial.
    desk.send(Command::Cancel {
        dial: "second".into(),
    });
    let refused = desk.order_of("nothing", None, Order::Park).await;
    assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
    let channels = asterisk.cli("core show channels").unwrap();
    assert!(
        channels.contains("2 active channels"),
        "the customer still talks with 103"
    );
    phones.hang_up(theirs).unwrap();
}

/// A blind transfer by AMI of a call that we placed, to a phone that rings; a colleague picks it up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_whom_we_called_is_picked_up_where_he_was_sent() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let mut cfg = config(&asterisk, SIDETONE);
    cfg.desk.extension = "102".into();
    cfg.desk.channel = "PJSIP/102".into();
    let mut desk = Desk::connect_with(cfg).await;
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    phones.set_policy("103", Policy::Ring).unwrap();
    phones.set_policy(TRUNK, Policy::answer_after(50)).unwrap();
    let mine = phones.dial("101", "979161112233").unwrap();
    phones.wait_answered(mine, SOON).unwrap();
    let mark = phones.mark();
    phones.transfer(mine, "103").unwrap();
    phones.wait_incoming("103", mark, SOON).unwrap();
    let found = std::cell::Cell::new(None);
    desk.until_known(|facts| {
        for fact in facts.values() {
            if let Fact::Call(call) = fact
                && call.ringing().next().is_some()
            {
                found.set(Some(call.id));
            }
        }
        found.get().is_some()
    })
    .await;
    let outcome = desk.order_of("fetch", found.get(), Order::PickUp).await;
    assert_eq!(outcome, Outcome::Done);
    wait_talking(&watch, "PJSIP/trunk", "PJSIP/102");
}

/// The other side hangs up in the moment after an attended transfer that the PBX does not do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_was_asked_when_the_customer_hung_up_meanwhile() {
    let options = Options {
        extra: vec![("extensions.conf", DIALPLAN.to_owned())],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    let (theirs, _) = customer_talks(&mut desk, &phones, "74951230099").await;
    let phones2 = &phones;
    let hang = async {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        phones2.hang_up(theirs).unwrap();
    };
    let (outcome, ()) = tokio::join!(
        desk.order("deaf", Order::AttendedTransfer { to: to("103") }),
        hang
    );
    assert_ne!(outcome, Outcome::Done, "nobody was asked");
}

/// 101 asks 103 before passing on the customer; 103, whose phone rings, sends the question on to 104.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_of_a_colleague_is_not_sent_on_with_his_customer() {
    let (asterisk, phones) = start();
    let mut cfg = config(&asterisk, SIDETONE);
    cfg.desk.extension = "103".into();
    cfg.desk.channel = "PJSIP/103".into();
    let mut other = Desk::connect_with(cfg).await;
    let mut desk = Desk::connect(&asterisk, SIDETONE).await;
    phones.set_policy("103", Policy::Ring).unwrap();
    let (_theirs, _mine) = customer_talks(&mut desk, &phones, "74951230001").await;
    let asked = desk
        .order("ask", Order::AttendedTransfer { to: to("103") })
        .await;
    assert_eq!(asked, Outcome::Done);
    let call = other.call_until(|call| call.mine == Mine::Ringing).await;
    let outcome = other
        .order_of("r", Some(call.call), Order::Redirect { to: to("104") })
        .await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    let channels = asterisk.cli("core show channels concise").unwrap();
    assert!(channels.contains("PJSIP/101-"), "{channels}");
}
