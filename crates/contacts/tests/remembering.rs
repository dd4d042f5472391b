//! Who was chosen for a number, and what becomes of it. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Link, Unlink};
use support::{Fake, ada, asked, directory, link, number, person, told};
use wire::Remember;

fn bob() -> contacts::Person {
    person("Bob", &["8 906 219-50-47"])
}

fn wrong(call: &str) -> Unlink {
    Unlink {
        number: number("+79062195047"),
        line: None,
        call: Some(call.into()),
        record: None,
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_chosen_is_shown_alone_until_he_is_the_wrong_person() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    let question = asked("+79062195047");
    let who = |call: &str| support::people(&directory.who(&question, Some(call)).people);
    assert_eq!(who("1"), "[Ada, Bob]");
    let call = Some("1".to_owned());
    let linked = directory.link(Link {
        call,
        ..link("crm", "bob")
    });
    assert_eq!(linked.unwrap().name, "Bob");
    assert_eq!((who("1"), who("2")), ("Bob".into(), "Bob".into()));
    assert!(directory.who(&question, Some("2")).remembered.is_some());
    let forgotten = directory.unlink(wrong("2"));
    assert_eq!(forgotten.len(), 1);
    assert_eq!(
        (who("2"), who("3")),
        ("[Ada, Bob]".into(), "[Ada, Bob]".into())
    );
    // The other call was linked by hand.
    assert_eq!(who("1"), "Bob");
}

#[tokio::test(start_paused = true)]
async fn what_holds_for_a_call_is_not_remembered() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    directory.link(Link {
        call: Some("1".into()),
        remember: Remember::No,
        ..link("crm", "ada")
    });
    let question = asked("+79062195047");
    assert_eq!(
        told(&directory.who(&question, Some("1"))),
        "Ada; crm 2 in 0 ms"
    );
    assert_eq!(
        told(&directory.who(&question, Some("2"))),
        "[Ada, Bob]; crm 2 in 0 ms"
    );
    assert!(directory.remembered().is_empty());
}
