//! Real phones call each other through a real Asterisk.
#![cfg(target_os = "linux")]

use std::time::Duration;

use testkit::asterisk::{Asterisk, Options};
use testkit::phones::{Customer, Phones, Policy, RawCaller, TRUNK, What};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn one_phone_calls_another_which_answers() {
    let (_asterisk, phones) = start();
    phones.set_policy("102", Policy::answer_after(200)).unwrap();
    let call = phones.dial("101", "102").unwrap();
    phones.wait_answered(call, SOON).unwrap();
    let other = phones.wait_incoming("102", 0, SOON).unwrap();
    phones.hang_up(call).unwrap();
    assert_eq!(phones.wait_ended(other, SOON).unwrap(), 200);
}

#[test]
fn a_phone_refuses_rings_on_or_is_gone() {
    let (_asterisk, phones) = start();
    let end = |number: &str| {
        let call = phones.dial("101", number).unwrap();
        phones.wait_ended(call, SOON).unwrap()
    };
    phones.set_policy("102", Policy::reject(486)).unwrap();
    assert_eq!(end("102"), 486);
    phones.unregister("103").unwrap();
    // Dial finds no contact to send to: cause 3, no route.
    assert_eq!(end("103"), 404);
    phones.register("103").unwrap();
    let mark = phones.mark();
    let call = phones.dial("101", "103").unwrap();
    let rings = phones.wait_incoming("103", mark, SOON).unwrap();
    phones.answer(rings).unwrap();
    phones.wait_answered(call, SOON).unwrap();
}

#[test]
fn a_customer_with_a_cyrillic_name_rings_the_phone_behind_the_number() {
    let (asterisk, phones) = start();
    let watch = asterisk.watch().unwrap();
    let customer = Customer::new("79161234567", "Ада Лавлейс");
    let call = phones.customer_calls(&customer, "74951230001").unwrap();
    let rings = phones.wait_incoming("101", 0, SOON).unwrap();
    let channel = watch
        .wait_for(SOON, |event| event.is("Newchannel"))
        .unwrap();
    assert_eq!(channel.get("CallerIDName"), Some(customer.name.as_str()));
    assert_eq!(channel.get("CallerIDNum"), Some("79161234567"));
    phones.hang_up(call).unwrap();
    assert_eq!(phones.wait_ended(rings, SOON).unwrap(), 487);
}

#[test]
fn numbers_go_out_with_and_without_a_prefix() {
    let (asterisk, phones) = start();
    phones
        .set_customer_policy("79161234567", Policy::reject(603))
        .unwrap();
    phones
        .set_customer_policy("79160000000", Policy::answer_after(50))
        .unwrap();
    let refused = phones.dial("101", "979161234567").unwrap();
    phones.wait_ended(refused, SOON).unwrap();
    let mark = phones.mark();
    let watch = asterisk.watch().unwrap();
    watch
        .action(&[
            ("Action", "Originate"),
            ("Channel", "PJSIP/101"),
            ("Context", "direct"),
            ("Exten", "+79160000000"),
            ("Priority", "1"),
            ("Async", "true"),
        ])
        .unwrap();
    let own = phones.wait_incoming("101", mark, SOON).unwrap();
    phones.answer(own).unwrap();
    let dialled = phones
        .wait_after(mark, SOON, |event| {
            event.phone == TRUNK && matches!(event.what, What::Incoming { .. })
        })
        .unwrap();
    assert!(
        matches!(dialled.what, What::Incoming { ref dialled, .. } if dialled == "+79160000000"),
        "{dialled:?}"
    );
    phones.wait_answered(dialled.call.unwrap(), SOON).unwrap();
}

#[test]
fn a_name_may_hold_bytes_that_are_no_text() {
    let (asterisk, phones) = start();
    let caller = RawCaller::ring(
        &asterisk,
        "79161234567",
        b"<b>\xc0\xc4\"\\\x01\xff",
        "74951230001",
        SOON,
    )
    .unwrap();
    let rings = phones.wait_incoming("101", 0, SOON).unwrap();
    caller.cancel().unwrap();
    phones.wait_ended(rings, SOON).unwrap();
}

fn start() -> (Asterisk, Phones) {
    let asterisk = Asterisk::start(&Options::default()).expect("asterisk starts");
    let phones = Phones::start(&asterisk).expect("the phones register");
    (asterisk, phones)
}

#[test]
fn two_calls_are_joined_and_the_log_tells_who_did_what() {
    let (_asterisk, phones) = start();
    phones.add("105").unwrap();
    phones.add("105b").unwrap();
    phones.set_policy("101", Policy::answer_after(0)).unwrap();
    phones.set_policy("105b", Policy::answer_after(0)).unwrap();
    let customer = Customer::new("79161234567", "Ада");
    let theirs = phones.customer_calls(&customer, "74951230001").unwrap();
    let first = phones.wait_incoming("101", 0, SOON).unwrap();
    phones.wait_answered(theirs, SOON).unwrap();
    phones.hold(first).unwrap();
    let second = phones.dial("101", "105").unwrap();
    let other = phones.wait_incoming("105", 0, SOON).unwrap();
    phones.wait_answered(second, SOON).unwrap();
    assert_eq!(
        phones.wait_ended(other, SOON).unwrap(),
        487,
        "its twin answered"
    );
    phones.join(first, second).unwrap();
    phones.wait_ended(first, SOON).unwrap();
    phones.wait_ended(second, SOON).unwrap();
    phones.hang_up(theirs).unwrap();
    let twin = phones.wait_incoming("105b", 0, SOON).unwrap();
    phones.wait_ended(twin, SOON).unwrap();
    let log = phones.log();
    for said in [
        r#""op": "call", "acc": "trunk", "to": "74951230001", "as": "ext1", "from": "\"\u0410"#,
        r#""op": "xfer_replaces""#,
        r#""ev": "xferstatus""#,
        r#""ev": "theyended""#,
        r#""acc": "105b", "state": "CONFIRMED""#,
    ] {
        assert!(
            log.iter().any(|line| line.contains(said)),
            "{said}: {log:#?}"
        );
    }
}
