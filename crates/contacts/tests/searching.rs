//! People by name, of all sources, while somebody types. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Directory, Found, Person, SourceErrorKind, directory::Settings};
use std::time::Duration;
use support::{Fake, ada, directory, person, plan};
use tokio::time::{Instant, sleep};
use wire::SourceState;

const SECOND: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_millis(500);

/// `Ada, Bob; crm 2; slow asking`.
fn told(found: &Found) -> String {
    let names: Vec<&str> = found
        .people
        .iter()
        .map(|person| person.name.as_str())
        .collect();
    let mut told = names.join(", ");
    for report in &found.sources {
        let state = match &report.state {
            SourceState::Asking => "asking".to_owned(),
            SourceState::Found { people } => people.to_string(),
            SourceState::Nobody => "nobody".to_owned(),
            SourceState::Failed { words } => format!("failed: {words}"),
        };
        told += &format!("; {} {state}", report.source);
    }
    told
}

async fn find(directory: &Directory, text: &str) -> String {
    told(&directory.find(text, 10, WAIT).await)
}

#[tokio::test(start_paused = true)]
async fn who_is_found_at_once_is_shown_and_the_same_text_goes_on_with_the_same_search() {
    let book = Fake::new("book").knows(ada());
    let crm = Fake::new("crm")
        .knows(person("Adam", &["+74950000000"]))
        .slow(SECOND * 3 / 4);
    let directory = directory(&[&book, &crm]);
    let started = Instant::now();
    assert_eq!(find(&directory, "ada").await, "Ada; book 1; crm asking");
    assert_eq!(started.elapsed(), WAIT);
    assert_eq!(find(&directory, " ADA ").await, "Ada, Adam; book 1; crm 1");
    // It ends when all have told, not when the time is over.
    assert_eq!(started.elapsed(), SECOND * 3 / 4);
    assert_eq!(find(&directory, "ada").await, "Ada, Adam; book 1; crm 1");
    assert_eq!(
        (book.searched(), crm.searched(), started.elapsed()),
        (1, 1, SECOND * 3 / 4)
    );
    // Later it is searched anew.
    sleep(SECOND * 11).await;
    find(&directory, "ada").await;
    assert_eq!((book.searched(), crm.searched()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn many_who_search_for_one_text_search_once() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND / 4);
    let directory = directory(&[&crm]);
    let searches = (0..100).map(|_| {
        let directory = directory.clone();
        tokio::spawn(async move { find(&directory, "ada").await })
    });
    for search in searches.collect::<Vec<_>>() {
        assert_eq!(search.await.unwrap(), "Ada; crm 1");
    }
    assert_eq!(crm.searched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_search_that_nobody_waits_for_ends() {
    let crm = Fake::new("crm").slow(SECOND * 20);
    let directory = directory(&[&crm]);
    for text in ["a", "ad", "ada"] {
        let typing = tokio::time::timeout(SECOND / 10, directory.find(text, 10, WAIT)).await;
        assert!(typing.is_err());
    }
    sleep(SECOND).await;
    assert_eq!((crm.searched(), crm.dropped()), (3, 0));
    // Somebody waits for the last one still.
    assert_eq!(find(&directory, "ada").await, "; crm asking");
    sleep(SECOND).await;
    assert_eq!((crm.searched(), crm.dropped()), (3, 2));
    sleep(SECOND * 2).await;
    assert_eq!((crm.searched(), crm.dropped()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_breaks_or_is_silent_hides_nobody() {
    let fails = Fake::new("fails").fails(SourceErrorKind::Login, "401: who are you?");
    let breaks = Fake::new("breaks").panics();
    let silent = Fake::new("silent").slow(SECOND * 3600);
    let book = Fake::new("book").knows(ada());
    let directory = directory(&[&fails, &breaks, &silent, &book]);
    let start = Instant::now();
    let asked = "Ada; fails failed: 401: who are you?; breaks failed: has failed within; ";
    assert_eq!(
        find(&directory, "ada").await,
        format!("{asked}silent asking; book 1")
    );
    while start.elapsed() < SECOND * 30 {
        find(&directory, "ada").await;
    }
    let silent = "silent failed: does not answer in time; book 1";
    assert_eq!(find(&directory, "ada").await, format!("{asked}{silent}"));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_a_number_finds_who_has_it() {
    let crm = Fake::new("crm")
        .knows(ada())
        .knows(person("Bob 906", &["+74950000000"]));
    let directory = directory(&[&crm]);
    assert_eq!(find(&directory, "8 (906) 219-50-47").await, "Ada; crm 1");
    assert_eq!(find(&directory, "906").await, "Bob 906; crm 1");
}

#[tokio::test(start_paused = true)]
async fn whose_name_starts_so_comes_first_whatever_the_source() {
    let one = Fake::new("one")
        .knows(person("Nevada", &["101"]))
        .knows(person("King Ada", &["102"]));
    let other = Fake::new("other").knows(person("Ada King", &["103"]));
    let directory = directory(&[&one, &other]);
    assert!(
        find(&directory, "ada")
            .await
            .starts_with("Ada King, King Ada, Nevada;")
    );
    assert_eq!(directory.find("ada", 1, WAIT).await.people.len(), 1);
    assert_eq!(told(&directory.find("  ", 10, WAIT).await), "");
}

#[tokio::test(start_paused = true)]
async fn one_name_in_two_sources_is_one_person_only_where_the_number_or_the_mail_is_too() {
    let crm = Fake::new("crm").knows(ada());
    let same = Fake::new("same").knows(ada());
    let namesake = Fake::new("namesake").knows(person("Ada", &["+74950000000"]));
    let directory = directory(&[&crm, &same, &namesake]);
    let found = directory.find("ada", 10, WAIT).await;
    let sources: Vec<&str> = found
        .people
        .iter()
        .map(|person| person.source.as_str())
        .collect();
    assert_eq!(sources, ["crm, same", "namesake"]);
}

#[tokio::test(start_paused = true)]
async fn searches_are_bounded_and_who_comes_too_much_is_told() {
    let crm = Fake::new("crm").slow(SECOND);
    let directory = directory(&[&crm]);
    let search = |index: usize| {
        let directory = directory.clone();
        tokio::spawn(async move { find(&directory, &format!("text{index}")).await })
    };
    let searches: Vec<_> = (0..300).map(search).collect();
    let mut told = Vec::new();
    for search in searches {
        told.push(search.await.unwrap());
    }
    let refused = told
        .iter()
        .filter(|told| told.contains("too many questions at once"));
    assert_eq!(refused.count(), 300 - 256);
    assert!(crm.most_at_once() <= Settings::new(plan()).asked_at_once);
}

#[tokio::test(start_paused = true)]
async fn searching_takes_no_callers_turn() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let mut settings = Settings::new(plan());
    settings.asked_at_once = 1;
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    let typing = tokio::spawn({
        let directory = directory.clone();
        async move { directory.find("x", 5, SECOND * 9).await }
    });
    sleep(SECOND / 10).await;
    let question = support::asked("+79062195047");
    let who = directory
        .who_until(&question, Instant::now() + SECOND * 9)
        .await;
    assert_eq!(support::told(&who), "Ada; crm 1 in 1000 ms");
    typing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn typing_a_number_takes_no_callers_turn_and_asks_for_whole_numbers_only() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let mut settings = Settings::new(plan());
    settings.asked_at_once = 1;
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    for text in ["+7906", "+790621", "+79062195", "8906219504"] {
        find(&directory, text).await;
    }
    assert_eq!(crm.asked(), 0);
    sleep(SECOND * 10).await;
    let typing = tokio::spawn({
        let directory = directory.clone();
        async move { directory.find("+79060000001", 5, SECOND * 9).await }
    });
    sleep(SECOND / 10).await;
    let question = support::asked("+79062195047");
    let who = directory
        .who_until(&question, Instant::now() + SECOND * 9)
        .await;
    assert_eq!(support::told(&who), "Ada; crm 1 in 1000 ms");
    typing.await.unwrap();
    assert_eq!(crm.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_nobody_waits_for_any_more_is_not_asked_for() {
    let crm = Fake::new("crm").slow(SECOND * 20);
    let directory = directory(&[&crm]);
    find(&directory, "+79062195047").await;
    sleep(SECOND * 3).await;
    assert_eq!((crm.asked(), crm.searched(), crm.dropped()), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn who_was_chosen_for_a_number_is_found_by_it() {
    let crm = Fake::new("crm").knows(person("Eve", &["+74950000000"]));
    let directory = directory(&[&crm]);
    find(&directory, "eve").await;
    directory.link(support::link("crm", "eve"));
    assert_eq!(find(&directory, "+79062195047").await, "Eve; crm nobody");
}

#[tokio::test(start_paused = true)]
async fn what_a_book_says_of_an_extension_is_not_said_of_the_crm_before_it() {
    let crm = Fake::new("crm");
    let book = Fake::new("book").local().knows(person("Ada", &["101"]));
    let directory = directory(&[&crm, &book]);
    assert_eq!(find(&directory, "101").await, "Ada; crm nobody; book 1");
    assert_eq!(crm.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_a_source_made_can_be_linked() {
    let crm = Fake::new("crm");
    let directory = directory(&[&crm]);
    let made = directory
        .learn(
            "crm",
            Person {
                name: "New\0".into(),
                ..ada()
            },
        )
        .unwrap();
    assert_eq!(
        (made.name.as_str(), made.record.source.as_str()),
        ("New", "crm")
    );
    assert_eq!(directory.learn("nobody", ada()), None);
    let linked = directory.link(support::link("crm", "ada"));
    assert_eq!(linked.unwrap().name, "New");
}

#[tokio::test(start_paused = true)]
async fn a_search_goes_on_in_the_new_sources_when_they_are_replaced() {
    let old = Fake::new("old").slow(SECOND * 9);
    let directory = directory(&[&old]);
    let typing = tokio::spawn({
        let directory = directory.clone();
        async move { find(&directory, "ada").await }
    });
    sleep(SECOND / 10).await;
    support::set(&directory, &[&Fake::new("new").knows(ada())]);
    assert_eq!(typing.await.unwrap(), "; new asking");
    assert_eq!(find(&directory, "ada").await, "Ada; new 1");
}
