//! Click-to-call on a real Asterisk: what both phones show, what the dialplan gets, and what the person is told.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, SOON, config, ended_as, is_over};
use engine::{Command, Config, End, PhoneModel, Placing, Progress};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;
use testkit::{
    Asterisk,
    asterisk::{Configuration, Options, SIDETONE, Version},
    phones::{PhoneEvent, Phones, Policy, TRUNK, What},
};

/// A customer who is in the contact book, and what is dialled for her.
const ADA: &str = "+79161234567";
const ADA_DIALLED: &str = "979161234567";

/// Contexts that an administrator might have.
const DIALPLAN: &str = "
[with-mailbox]
exten => _10X,1,Dial(PJSIP/${EXTEN},1)
 same => n,Answer()
 same => n,Wait(30)
[forwarded]
exten => _10X,1,Dial(PJSIP/103,10)
[keeps-caller-id]
exten => _10X,1,Dial(PJSIP/${EXTEN},10,I)
[sees-variables]
exten => 5001,1,Set(SEEN=${PLAIN})
 same => n,Set(SEEN_ACCOUNT=${CHANNEL(accountcode)})
 same => n,Dial(Local/5002@sees-variables/n,5)
exten => 5002,1,Set(SEEN_THERE=${CRM_ID})
 same => n,Hangup()
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_phone_shows_the_other() {
    for version in Version::ALL {
        each_phone_shows_the_other_on(version).await;
    }
}

async fn each_phone_shows_the_other_on(version: Version) {
    let (asterisk, phones) = start(version);
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    let own = "\"Anna Agent\" <sip:101@sidetone-test>";
    let customer = "\"Ada Lovelace\" <sip:979161234567@127.0.0.1>";
    let firm = Placing {
        caller_id: "74951230000".into(),
        ..Placing::default()
    };
    let through = |context: &str, placing: &Placing| Placing {
        through: format!("Local/101@{context}/n"),
        ..placing.clone()
    };
    let hidden = Placing {
        show_callee: false,
        ..Placing::default()
    };
    let optimized = Placing {
        through: "Local/101@internal".into(),
        ..Placing::default()
    };
    let outside = "\"Anna Agent\" <sip:74951230000@sidetone-test>";
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    for (placing, here, there) in [
        (Placing::default(), customer, own),
        (firm.clone(), customer, outside),
        (hidden, anonymous, own),
        (through("internal", &Placing::default()), customer, own),
        (optimized, customer, own),
        (
            through("keeps-caller-id", &firm),
            customer,
            "<sip:74951230000@sidetone-test>",
        ),
        (
            through("sidetone-phone", &Placing::default()),
            customer,
            own,
        ),
    ] {
        let mut desk = Desk::connect_with(placed(&asterisk, &placing)).await;
        let mark = phones.mark();
        desk.dial_as("d", ADA_DIALLED, ADA);
        desk.dial_until("d", |dial| dial.progress == Progress::RingingThere)
            .await;
        assert_eq!(shown(&phones, mark, "101"), here, "{placing:?}");
        assert_eq!(shown(&phones, mark, TRUNK), there, "{placing:?}");
        desk.send(Command::Cancel { dial: "d".into() });
        desk.dial_until("d", is_over).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_and_account_reach_the_dialplan_whole() {
    for version in Version::ALL {
        variables_and_account_reach_the_dialplan_whole_on(version).await;
    }
}

async fn variables_and_account_reach_the_dialplan_whole_on(version: Version) {
    let (asterisk, phones) = start(version);
    let watch = asterisk.watch().unwrap();
    phones.set_policy("101", Policy::answer_after(50)).unwrap();
    let plain = r#"Rook, "B" \ (Ltd; Жук"#;
    let placing = Placing {
        account: "sales-7".into(),
        variables: vec![format!("PLAIN={plain}"), "__CRM_ID=deal, 42".into()],
        ..Placing::default()
    };
    let mut config = placed(&asterisk, &placing);
    config.desk.context = "sees-variables".into();
    let mut desk = Desk::connect_with(config).await;
    desk.dial("d", "5001");
    // An event writes quotes and backslashes as C does.
    let seen = plain.replace('\\', r"\\").replace('"', r#"\""#);
    for (variable, value) in [
        ("SEEN", seen.as_str()),
        ("SEEN_ACCOUNT", "sales-7"),
        ("SEEN_THERE", "deal, 42"),
    ] {
        let set = watch
            .wait_for(SOON, |event| {
                event.is("VarSet") && event.get("Variable") == Some(variable)
            })
            .unwrap();
        assert_eq!(set.get("Value").unwrap_or_default(), value, "{variable}");
    }
    desk.dial_until("d", is_over).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_picks_up_by_itself_when_its_model_is_named() {
    for version in Version::ALL {
        a_phone_picks_up_by_itself_when_its_model_is_named_on(version).await;
    }
}

async fn a_phone_picks_up_by_itself_when_its_model_is_named_on(version: Version) {
    let (asterisk, phones) = start(version);
    phones.set_policy("101", Policy::Obey).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    let mut desk = Desk::connect_with(placed(&asterisk, &Placing::default())).await;
    desk.dial("not asked", "102");
    desk.dial_until("not asked", |dial| {
        dial.progress == Progress::RingingYourPhone
    })
    .await;
    desk.send(Command::Cancel {
        dial: "not asked".into(),
    });
    desk.dial_until("not asked", is_over).await;
    assert!(!told(&desk, &Progress::YouPickedUp));
    // A test phone takes about thirty calls in quick succession, so only some go the second way.
    let in_dialplan = ["other", "panasonic", "snom"].map(|name| PhoneModel::named(name).unwrap());
    let ways = PhoneModel::all()
        .map(|model| (model, ""))
        .chain(in_dialplan.map(|model| (model, "Local/101@sidetone-phone/n")));
    for (model, through) in ways {
        let placing = Placing {
            through: through.into(),
            auto_answer: Some(model),
            ..Placing::default()
        };
        desk.send(Command::Configure(Box::new(placed(&asterisk, &placing))));
        let dial = format!("{} {through}", model.name);
        desk.dial_as(&dial, ADA_DIALLED, ADA);
        desk.dial_until(&dial, |update| update.progress == Progress::RingingThere)
            .await;
        desk.send(Command::Cancel {
            dial: dial.as_str().into(),
        });
        desk.dial_until(&dial, is_over).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chan_sip_shows_the_same_and_picks_up_too() {
    let (asterisk, phones) = start(Version::V16);
    load_chan_sip(&asterisk);
    phones.set_policy("101", Policy::Obey).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    let placing = Placing {
        auto_answer: PhoneModel::named("other"),
        caller_id: "74951230000".into(),
        ring: Duration::from_secs(5),
        ..Placing::default()
    };
    let mut config = placed(&asterisk, &placing);
    config.desk.channel = "SIP/101".into();
    let mut desk = Desk::connect_with(config).await;
    let mark = phones.mark();
    desk.dial_as("d", ADA_DIALLED, ADA);
    desk.dial_until("d", |dial| dial.progress == Progress::RingingThere)
        .await;
    let here = shown(&phones, mark, "101");
    assert!(
        here.starts_with("\"Ada Lovelace\" <sip:979161234567@"),
        "{here}"
    );
    let there = shown(&phones, mark, TRUNK);
    assert!(there.contains("<sip:74951230000@"), "{there}");
    desk.send(Command::Cancel { dial: "d".into() });
    desk.dial_until("d", is_over).await;
    for (dial, policy, end) in [
        ("busy", Policy::reject(486), End::YouRejected),
        ("rings", Policy::Ring, End::YouDidNotPickUp),
    ] {
        phones.set_policy("101", policy).unwrap();
        desk.dial_as(dial, ADA_DIALLED, ADA);
        let ended = desk.dial_until(dial, is_over).await;
        assert_eq!(ended_as(&ended), Some(end), "{dial}: {:?}", ended.progress);
    }
}

/// Lets the old channel driver reach phone 101 too, where it listens.
fn load_chan_sip(asterisk: &Asterisk) {
    let contacts = asterisk.cli("pjsip show contacts").unwrap();
    let (_, rest) = contacts.split_once("sip:101@127.0.0.1:").unwrap();
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = free.local_addr().unwrap();
    drop(free);
    let sip = format!(
        "[general]\nudpbindaddr = {own}\ncontext = internal\nallowguest = no\n\
         [101]\ntype = peer\nhost = 127.0.0.1\nport = {port}\ndefaultuser = 101\n\
         context = internal\ncallerid = \"Anna Agent\" <101>\ntrustrpid = yes\nsendrpid = pai\n\
         disallow = all\nallow = ulaw\ndirectmedia = no\ncallcounter = yes\n"
    );
    std::fs::write(asterisk.folder().join("etc/sip.conf"), sip).unwrap();
    let said = asterisk.cli("module load chan_sip.so").unwrap();
    assert!(said.contains("Loaded"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_phones_of_an_extension_ring_through_the_dialplan_and_one_without() {
    let (asterisk, phones) = start(Version::default());
    phones.add("105").unwrap();
    phones.add("105b").unwrap();
    phones.set_policy("105", Policy::Ring).unwrap();
    phones.set_policy("105b", Policy::Ring).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    for (through, ringing) in [("", 1), ("Local/105@sidetone-phone/n", 2)] {
        let placing = Placing {
            through: through.into(),
            ..Placing::default()
        };
        let mut config = placed(&asterisk, &placing);
        config.desk.extension = "105".into();
        config.desk.channel = "PJSIP/105".into();
        let mut desk = Desk::connect_with(config).await;
        let mark = phones.mark();
        desk.dial_as("d", ADA_DIALLED, ADA);
        let mut called = Vec::new();
        while called.len() < ringing {
            let event = phones
                .wait_after(mark, SOON, |event| {
                    let is_call = matches!(event.what, What::Incoming { .. });
                    is_call && !called.contains(&event.call)
                })
                .unwrap();
            called.push(event.call);
        }
        let last = called.pop().flatten().unwrap();
        phones.answer(last).unwrap();
        desk.dial_until("d", |dial| dial.progress == Progress::RingingThere)
            .await;
        let rang = ["105", "105b"].map(|phone| was_called(&phones, mark, phone));
        assert_eq!(
            rang.iter().filter(|rang| **rang).count(),
            ringing,
            "{through}"
        );
        desk.send(Command::Cancel { dial: "d".into() });
        desk.dial_until("d", is_over).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reason_is_told_on_each_way_to_the_phone() {
    the_reason_is_told_on(Version::V22).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asterisk_16_gives_other_causes_and_the_same_reasons_are_told() {
    the_reason_is_told_on(Version::V16).await;
}

async fn the_reason_is_told_on(version: Version) {
    let (asterisk, phones) = start(version);
    for through in ["", "Local/101@internal/n", "Local/101@sidetone-phone/n"] {
        let placing = Placing {
            through: through.into(),
            ring: Duration::from_secs(5),
            ..Placing::default()
        };
        let mut desk = Desk::connect_with(placed(&asterisk, &placing)).await;
        let mark = phones.mark();
        for (dial, policy, end) in [
            ("busy", Policy::reject(486), End::YouRejected),
            ("declined", Policy::reject(603), End::YouRejected),
            ("rings", Policy::Ring, End::YouDidNotPickUp),
        ] {
            phones.set_policy("101", policy).unwrap();
            desk.dial_as(dial, ADA_DIALLED, ADA);
            let ended = desk.dial_until(dial, is_over).await;
            assert_eq!(
                ended_as(&ended),
                Some(end),
                "{through} {dial}: {:?}",
                ended.progress
            );
        }
        phones.unregister("101").unwrap();
        desk.dial_as("offline", ADA_DIALLED, ADA);
        let ended = desk.dial_until("offline", is_over).await;
        assert_eq!(ended_as(&ended), Some(End::YourPhoneOffline), "{through}");
        phones.register("101").unwrap();
        assert!(
            !was_called(&phones, mark, TRUNK),
            "{through}: the customer was called for nobody"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_picks_up_is_hung_up_and_never_called_answered() {
    for version in Version::ALL {
        a_mailbox_that_picks_up_is_hung_up_and_never_called_answered_on(version).await;
    }
}

async fn a_mailbox_that_picks_up_is_hung_up_and_never_called_answered_on(version: Version) {
    let (asterisk, phones) = start(version);
    phones.set_policy("101", Policy::Ring).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    let placing = Placing {
        through: "Local/101@with-mailbox/n".into(),
        ..Placing::default()
    };
    let mut desk = Desk::connect_with(placed(&asterisk, &placing)).await;
    let mark = phones.mark();
    desk.dial_as("d", ADA_DIALLED, ADA);
    let ended = desk.dial_until("d", is_over).await;
    let Progress::Ended { end, words } = ended.progress else {
        unreachable!()
    };
    assert_eq!(end, End::YouDidNotPickUp);
    assert!(words.contains("answered in its place"), "{words}");
    assert!(!told(&desk, &Progress::Answered) && !told(&desk, &Progress::YouPickedUp));
    if was_called(&phones, mark, TRUNK) {
        let is_over =
            |event: &PhoneEvent| event.phone == TRUNK && matches!(event.what, What::Ended { .. });
        phones.wait_after(mark, SOON, is_over).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_panel_the_customer_sees_the_firm_and_is_not_called_for_a_mailbox() {
    let asterisk = Asterisk::start(&Options {
        configuration: Configuration::Freepbx,
        ..Options::default()
    })
    .unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    phones.set_policy("103", Policy::answer_after(50)).unwrap();
    phones.set_policy(TRUNK, Policy::Ring).unwrap();
    let placed = |placing: &Placing| {
        let mut config = placed(&asterisk, placing);
        config.desk.extension = "103".into();
        config.desk.channel = "PJSIP/103".into();
        config.desk.context = Configuration::Freepbx.context().into();
        config
    };
    let mut desk = Desk::connect_with(placed(&Placing::default())).await;
    let mark = phones.mark();
    desk.dial_as("d", ADA_DIALLED, ADA);
    desk.dial_until("d", |dial| dial.progress == Progress::RingingThere)
        .await;
    assert_eq!(
        shown(&phones, mark, "103"),
        "\"Ada Lovelace\" <sip:979161234567@127.0.0.1>"
    );
    let firm = shown(&phones, mark, TRUNK);
    assert!(firm.contains("<sip:74951230000@"), "{firm}");
    desk.send(Command::Cancel { dial: "d".into() });
    desk.dial_until("d", is_over).await;

    phones.set_policy("103", Policy::reject(486)).unwrap();
    let through = Placing {
        through: "Local/103@from-internal/n".into(),
        ..Placing::default()
    };
    desk.send(Command::Configure(Box::new(placed(&through))));
    desk.dial_as("mailbox", ADA_DIALLED, ADA);
    let ended = desk.dial_until("mailbox", is_over).await;
    let Progress::Ended { end, words } = ended.progress else {
        unreachable!()
    };
    assert_eq!(end, End::YouDidNotPickUp, "{words}");
    assert!(words.contains("answered in its place"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_phone_may_talk_and_is_not_called_answered() {
    for version in Version::ALL {
        a_forwarded_phone_may_talk_and_is_not_called_answered_on(version).await;
    }
}

async fn a_forwarded_phone_may_talk_and_is_not_called_answered_on(version: Version) {
    let (asterisk, phones) = start(version);
    phones.set_policy("103", Policy::answer_after(50)).unwrap();
    let hang_up = Some(Duration::from_millis(500));
    let after = Duration::from_millis(50);
    phones
        .set_policy(TRUNK, Policy::Answer { after, hang_up })
        .unwrap();
    let placing = Placing {
        through: "Local/101@forwarded/n".into(),
        ..Placing::default()
    };
    let mut desk = Desk::connect_with(placed(&asterisk, &placing)).await;
    let mark = phones.mark();
    desk.dial_as("d", ADA_DIALLED, ADA);
    let ended = desk.dial_until("d", is_over).await;
    let steps = desk.steps();
    assert!(
        !told(&desk, &Progress::Answered) && !told(&desk, &Progress::YouPickedUp),
        "{steps:?}"
    );
    assert_eq!(ended_as(&ended), Some(End::YouDidNotPickUp), "{steps:?}");
    let talked = phones.events()[mark..]
        .iter()
        .any(|event| event.phone == TRUNK && matches!(event.what, What::Answered { .. }));
    assert!(talked, "the customer and the forwarded phone were cut off");
}

fn start(version: Version) -> (Asterisk, Phones) {
    let options = Options {
        version,
        extra: vec![("extensions.conf", format!("{DIALPLAN}\n{}", snippet()))],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).expect("an Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    (asterisk, phones)
}

/// What the documentation tells an administrator to add.
fn snippet() -> &'static str {
    let page = include_str!("../../../docs/dialplan.md");
    let begins = page.find("[sidetone-phone]").expect("the snippet");
    let rest = &page[begins..];
    &rest[..rest.find("```").expect("its end")]
}

fn placed(asterisk: &Asterisk, placing: &Placing) -> Config {
    let mut config = config(asterisk, SIDETONE);
    config.desk.placing = placing.clone();
    config
}

/// The caller as the phone shows him.
fn shown(phones: &Phones, mark: usize, phone: &str) -> String {
    let event = phones
        .wait_after(mark, SOON, |event| {
            event.phone == phone && matches!(event.what, What::Incoming { .. })
        })
        .expect("the phone rings");
    let What::Incoming { remote, .. } = event.what else {
        unreachable!("it was looked for")
    };
    remote
}

fn was_called(phones: &Phones, mark: usize, phone: &str) -> bool {
    phones.events()[mark..]
        .iter()
        .any(|event| event.phone == phone && matches!(event.what, What::Incoming { .. }))
}

fn told(desk: &Desk, step: &Progress) -> bool {
    desk.steps().contains(step)
}
