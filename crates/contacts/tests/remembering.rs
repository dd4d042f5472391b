//! Who was chosen for a number, and what becomes of it. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{
    Directory, Link, Question, SourceErrorKind, Unlink,
    directory::{MemoryChanges, Settings},
    memory::{MAX_REMEMBERED, MemoryChange, Remembering},
};
use std::time::Duration;
use support::{Fake, ada, asked, directory, link, number, person, plan, told};
use tokio::time::{Instant, sleep, timeout};
use wire::Remember;

const SECOND: Duration = Duration::from_secs(1);

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

/// What a new call on this line sees once all sources have spoken.
async fn on_line(directory: &Directory, line: Option<&str>) -> String {
    let question = Question {
        line: line.map(str::to_owned),
        ..asked("+79062195047")
    };
    let minute = Instant::now() + SECOND * 60;
    told(&directory.who_until(&question, minute).await)
}

async fn settled(directory: &Directory) -> String {
    on_line(directory, None).await
}

#[tokio::test(start_paused = true)]
async fn a_choice_for_the_line_wins_over_one_for_the_number() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    directory.link(link("crm", "ada"));
    let sales = Some("+74951110000".to_owned());
    let line = sales.clone();
    directory.link(Link {
        line: line.clone(),
        remember: Remember::NumberOnLine,
        ..link("crm", "bob")
    });
    let here = |line| on_line(&directory, line);
    assert!(here(sales.as_deref()).await.starts_with("Bob (remembered)"));
    assert!(
        here(Some("+74952220000"))
            .await
            .starts_with("Ada (remembered)")
    );
    // Whoever says it for the number means this line as well.
    directory.link(Link {
        line: line.clone(),
        ..link("crm", "ada")
    });
    assert!(here(sales.as_deref()).await.starts_with("Ada (remembered)"));
    assert_eq!(directory.remembered().len(), 1);
    // Without a line there is nothing to remember it for.
    directory.link(Link {
        remember: Remember::NumberOnLine,
        ..link("crm", "bob")
    });
    assert!(here(None).await.starts_with("Ada (remembered)"));
}

#[tokio::test(start_paused = true)]
async fn the_wrong_person_is_forgotten_for_the_line_and_the_number_but_nobody_else_is() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    let line = Some("+74951110000".to_owned());
    let on_line = |id| Link {
        line: line.clone(),
        remember: Remember::NumberOnLine,
        ..link("crm", id)
    };
    directory.link(link("crm", "ada"));
    directory.link(on_line("ada"));
    let wrong_ada = Unlink {
        line: line.clone(),
        record: Some(link("crm", "ada").record),
        ..wrong("1")
    };
    assert_eq!(directory.unlink(wrong_ada.clone()).len(), 2);
    directory.link(link("crm", "bob"));
    directory.link(on_line("ada"));
    let forgotten = directory.unlink(wrong_ada);
    assert_eq!(forgotten.len(), 1);
    assert!(settled(&directory).await.starts_with("Bob (remembered)"));
}

#[tokio::test(start_paused = true)]
async fn the_wrong_person_of_a_source_is_not_shown_again_for_this_call() {
    let crm = Fake::new("crm").local().knows(ada());
    let directory = directory(&[&crm]);
    let question = asked("+79062195047");
    assert!(directory.unlink(wrong("1")).is_empty());
    assert!(told(&directory.who(&question, Some("1"))).starts_with("nobody"));
    assert!(told(&directory.who(&question, Some("2"))).starts_with("Ada"));
    // It was he after all.
    directory.link(Link {
        call: Some("1".into()),
        ..link("crm", "ada")
    });
    assert!(told(&directory.who(&question, Some("1"))).starts_with("Ada"));
}

#[tokio::test(start_paused = true)]
async fn while_the_source_is_away_the_one_who_was_chosen_is_shown_by_name() {
    let crm = Fake::new("crm").knows(ada()).knows(bob());
    let book = Fake::new("book").local();
    let directory = directory(&[&crm, &book]);
    assert!(settled(&directory).await.starts_with("[Ada, Bob]"));
    directory.link(link("crm", "bob"));
    let crm = crm.fails(SourceErrorKind::Away, "gone");
    sleep(SECOND * 601).await;
    let who = directory
        .who_until(&asked("+79062195047"), Instant::now() + SECOND)
        .await;
    assert_eq!(
        told(&who),
        "Bob (remembered); crm failed: gone in 0 ms; book nobody in 0 ms"
    );
    assert_eq!(who.people.one().unwrap().source, "crm");
    // The source is back and knows him no more: it is right, and the choice is kept, for he may come back.
    let crm = crm.works().forgets("Bob");
    sleep(SECOND * 6).await;
    assert!(settled(&directory).await.starts_with("Ada; "));
    assert_eq!(directory.remembered().len(), 1);
    let _crm = crm.knows(bob());
    sleep(SECOND * 601).await;
    assert!(settled(&directory).await.starts_with("Bob (remembered); "));
}

#[tokio::test(start_paused = true)]
async fn while_the_source_is_asked_nobody_is_guessed() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    settled(&directory).await;
    directory.link(link("crm", "ada"));
    sleep(SECOND * 601).await;
    let who = directory.who(&asked("+79062195047"), None);
    assert_eq!(told(&who), "asking; crm asking");
}

#[tokio::test(start_paused = true)]
async fn somebody_found_by_name_is_attached_to_a_number_that_his_source_does_not_know() {
    let crm = Fake::new("crm")
        .by_record()
        .knows(person("Eve", &["+74950000000"]))
        .slow(SECOND);
    let directory = directory(&[&crm]);
    assert_eq!(settled(&directory).await, "nobody; crm nobody in 1000 ms");
    directory.find("eve", 5, SECOND * 2).await;
    let linked = directory.link(Link {
        call: Some("1".into()),
        ..link("crm", "eve")
    });
    assert_eq!(linked.unwrap().name, "Eve");
    // At once, for this call.
    let now = told(&directory.who(&asked("+79062195047"), Some("1")));
    assert!(now.starts_with("Eve (remembered)"), "{now}");
    sleep(SECOND * 601).await;
    assert_eq!(
        settled(&directory).await,
        "Eve (remembered); crm nobody in 1000 ms"
    );
    assert_eq!(crm.asked_records(), 2);
    // Deleted there.
    let _crm = crm.forgets("Eve");
    sleep(SECOND * 700).await;
    settled(&directory).await;
    sleep(SECOND * 2).await;
    assert!(settled(&directory).await.starts_with("nobody"));
}

#[tokio::test(start_paused = true)]
async fn somebody_attached_is_shown_as_last_known_where_the_source_cannot_be_asked_for_him() {
    let crm = Fake::new("crm").knows(person("Eve", &["+74950000000"]));
    let directory = directory(&[&crm]);
    directory.find("eve", 5, SECOND).await;
    directory.link(link("crm", "eve"));
    assert_eq!(
        settled(&directory).await,
        "Eve (remembered); crm nobody in 0 ms"
    );
    // Nobody else is said to be Eve.
    let other = directory
        .who_until(&asked("+79062195048"), Instant::now() + SECOND)
        .await;
    assert_eq!(told(&other), "nobody; crm nobody in 0 ms");
    support::set(&directory, &[]);
    assert_eq!(settled(&directory).await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_nobody_has_seen_yet_is_asked_for() {
    let crm = Fake::new("crm")
        .by_record()
        .knows(person("Eve", &[]))
        .slow(SECOND);
    let directory = directory(&[&crm]);
    assert_eq!(directory.link(link("crm", "eve")), None);
    settled(&directory).await;
    sleep(SECOND * 2).await;
    assert_eq!(
        settled(&directory).await,
        "Eve (remembered); crm nobody in 1000 ms, cached"
    );
    // Her name is stored now.
    assert_eq!(directory.remembered()[0].name, "Eve");
}

#[tokio::test(start_paused = true)]
async fn another_extension_and_another_country_are_other_numbers() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    directory.link(link("crm", "ada"));
    for other in ["+79062195047 ext. 12", "+49062195047", "9062195"] {
        let who = directory.who(&asked(other), None);
        assert_eq!(who.remembered, None, "{other}");
    }
    // However it is written.
    assert!(
        directory
            .who(&asked("8 (906) 219-50-47"), None)
            .remembered
            .is_some()
    );
}

/// What is to be stored, within a minute of virtual time.
async fn next(changes: &mut MemoryChanges) -> Vec<MemoryChange> {
    timeout(SECOND * 60, changes.next()).await.unwrap()
}

fn remembering(number: &str, at: u64) -> Remembering {
    Remembering {
        number: number.into(),
        line: None,
        record: link("crm", "ada").record,
        name: "Ada".into(),
        company: None,
        url: None,
        source: "crm".into(),
        attached: false,
        by: Some("Bob".into()),
        at,
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_counts_after_a_start_and_says_who_chose_and_when() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let mut settings = Settings::new(plan());
    settings.memory = vec![remembering("+79062195047", 7)];
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    let remembered = directory
        .who(&asked("+79062195047"), None)
        .remembered
        .unwrap();
    assert_eq!(
        (remembered.by.as_deref(), remembered.at, remembered.line),
        (Some("Bob"), 7, None)
    );
    assert!(directory.memory_changes().take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_told_the_newest_state_of_each_choice_and_loses_none() {
    let crm = Fake::new("crm").local().knows(ada()).knows(bob());
    let directory = directory(&[&crm]);
    let mut changes = directory.memory_changes();
    directory.link(link("crm", "ada"));
    directory.link(link("crm", "bob"));
    let told = next(&mut changes).await;
    assert!(matches!(&told[..], [MemoryChange::Remembered(entry)] if entry.name == "Bob"));
    // The disk is full; meanwhile he is forgotten.
    changes.put_back(told);
    directory.unlink(Unlink {
        call: None,
        ..wrong("1")
    });
    let forgotten = MemoryChange::Forgotten {
        number: "+79062195047".into(),
        line: None,
    };
    assert_eq!(next(&mut changes).await, [forgotten]);
    let nothing = timeout(SECOND, changes.next()).await;
    assert!(nothing.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_bounded_and_the_oldest_goes_with_a_word() {
    let mut settings = Settings::new(plan());
    let stored = |at: usize| remembering(&format!("+7906{at:07}"), at as u64);
    settings.memory = (0..=MAX_REMEMBERED).rev().map(stored).collect();
    let directory = Directory::new(settings);
    support::set(&directory, &[&Fake::new("crm")]);
    let mut changes = directory.memory_changes();
    let forgotten = |number: &str| MemoryChange::Forgotten {
        number: number.into(),
        line: None,
    };
    assert_eq!(next(&mut changes).await, [forgotten("+79060000000")]);
    directory.link(link("crm", "ada"));
    let told = next(&mut changes).await;
    assert!(told.contains(&forgotten("+79060000001")), "{told:?}");
    assert_eq!(directory.remembered().len(), MAX_REMEMBERED);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_of_any_source_is_remembered_of_nobody() {
    let directory = directory(&[&Fake::new("crm").local().knows(ada())]);
    let long = "1".repeat(1_000_000);
    for (source, id) in [
        ("nobody", "ada"),
        ("crm", ""),
        ("crm", "a\0b"),
        ("crm", &long),
    ] {
        assert_eq!(directory.link(link(source, id)), None);
    }
    assert!(directory.remembered().is_empty());
    assert!(directory.memory_changes().take().is_empty());
}
