//! What the directory says of a number while its sources answer, or do not. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Changed, Directory, Link, Question, SourceErrorKind, Unlink, directory::Settings};
use std::{sync::Arc, time::Duration};
use support::{Fake, ada, asked, link, number, person, plan, told};
use tokio::time::{Instant, sleep};
use wire::{People, Remember};

const SECOND: Duration = Duration::from_secs(1);

fn directory(sources: &[&Arc<Fake>]) -> Directory {
    let directory = Directory::new(Settings::new(plan()));
    support::set(&directory, sources);
    directory
}

#[tokio::test(start_paused = true)]
async fn the_card_has_the_number_at_once_and_the_person_when_the_source_has_answered() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    let mut news = directory.listen();
    assert_eq!(
        told(&directory.who(&asked("89062195047"), Some("1"))),
        "asking; crm asking"
    );
    assert_eq!(
        news.changed().await,
        Changed::Numbers(vec!["+79062195047".into()])
    );
    assert_eq!(
        told(&directory.who(&asked("89062195047"), Some("1"))),
        "Ada; crm 1 in 1000 ms"
    );
    // Another call comes later.
    sleep(SECOND).await;
    assert_eq!(
        told(&directory.who(&asked("9062195047"), Some("2"))),
        "Ada; crm 1 in 1000 ms, cached"
    );
    assert_eq!(crm.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_phones_that_ring_ask_once() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    for phone in 0..100 {
        let question = Question {
            extension: Some(phone.to_string()),
            line: Some("+74951234567".into()),
            ..asked("+79062195047")
        };
        assert_eq!(
            directory.who(&question, Some(&phone.to_string())).people,
            People::Asking
        );
    }
    directory
        .who_until(&asked("+79062195047"), Instant::now() + SECOND * 10)
        .await;
    assert_eq!((crm.asked(), directory.counts().asked), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_hides_nobody() {
    let crm = Fake::new("crm").fails(SourceErrorKind::Away, "no route to host");
    let book = Fake::new("book").knows(ada()).local();
    let directory = directory(&[&crm, &book]);
    let who = directory
        .who_until(&asked("+79062195047"), Instant::now() + SECOND)
        .await;
    assert_eq!(
        told(&who),
        "Ada; crm failed: no route to host in 0 ms; book 1 in 0 ms"
    );
}

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
