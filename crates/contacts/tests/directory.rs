//! What the directory says of a number while its sources answer, or do not. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Changed, Directory, Question, SourceErrorKind, directory::Settings};
use std::time::Duration;
use support::{Fake, ada, asked, directory, number, plan, told};
use tokio::time::{Instant, sleep};
use wire::People;

const SECOND: Duration = Duration::from_secs(1);

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

/// What a new call sees at once.
fn seen(directory: &Directory) -> String {
    told(&directory.who(&asked("+79062195047"), None))
}

/// What is known once every source has spoken or passed its deadline.
async fn settled(directory: &Directory) -> String {
    let minute = Instant::now() + SECOND * 60;
    told(&directory.who_until(&asked("+79062195047"), minute).await)
}

#[tokio::test(start_paused = true)]
async fn a_person_is_kept_for_ten_minutes_and_asked_for_again_behind_after_five() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    settled(&directory).await;
    sleep(SECOND * 299).await;
    assert_eq!(
        (seen(&directory).as_str(), crm.asked()),
        ("Ada; crm 1 in 1000 ms, cached", 1)
    );
    sleep(SECOND * 2).await;
    // Shown at once, and asked for behind.
    assert_eq!(seen(&directory), "Ada; crm 1 in 1000 ms, cached");
    sleep(SECOND * 2).await;
    assert_eq!(
        (seen(&directory).as_str(), crm.asked()),
        ("Ada; crm 1 in 1000 ms", 2)
    );
    sleep(SECOND * 600).await;
    assert_eq!(
        (seen(&directory).as_str(), crm.asked()),
        ("asking; crm asking", 2)
    );
    sleep(SECOND * 2).await;
    assert_eq!(crm.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn that_nobody_has_a_number_is_kept_for_a_minute() {
    let crm = Fake::new("crm");
    let directory = directory(&[&crm]);
    assert_eq!(settled(&directory).await, "nobody; crm nobody in 0 ms");
    let crm = crm.knows(ada());
    sleep(SECOND * 29).await;
    assert_eq!(
        (seen(&directory).as_str(), crm.asked()),
        ("nobody; crm nobody in 0 ms, cached", 1)
    );
    sleep(SECOND * 60).await;
    assert_eq!(settled(&directory).await, "Ada; crm 1 in 0 ms");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_failed_is_left_alone_briefly_or_as_long_as_it_says() {
    let crm = Fake::new("crm").fails(SourceErrorKind::Broken, "500: out of order");
    let directory = directory(&[&crm]);
    assert_eq!(
        settled(&directory).await,
        "nobody; crm failed: 500: out of order in 0 ms"
    );
    sleep(SECOND * 4).await;
    settled(&directory).await;
    assert_eq!(crm.asked(), 1);
    let retry_after = Some(SECOND * 40);
    let crm = crm.fails(SourceErrorKind::Limited { retry_after }, "429");
    sleep(SECOND * 2).await;
    settled(&directory).await;
    sleep(SECOND * 39).await;
    assert_eq!(
        settled(&directory).await,
        "nobody; crm failed: 429 in 0 ms, cached"
    );
    assert_eq!(crm.asked(), 2);
    let _crm = crm.works().knows(ada());
    sleep(SECOND * 2).await;
    assert_eq!(settled(&directory).await, "Ada; crm 1 in 0 ms");
}

#[tokio::test(start_paused = true)]
async fn a_person_stays_when_asking_again_behind_fails() {
    let crm = Fake::new("crm").knows(ada());
    let directory = directory(&[&crm]);
    settled(&directory).await;
    let crm = crm.fails(SourceErrorKind::Away, "gone");
    sleep(SECOND * 400).await;
    seen(&directory);
    sleep(SECOND).await;
    assert_eq!(seen(&directory), "Ada; crm 1 in 0 ms, cached");
    // And it is not asked at each call.
    for _ in 0..10 {
        seen(&directory);
        sleep(SECOND / 10).await;
    }
    assert_eq!(crm.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_is_added_and_who_comes_too_late_is_not_waited_for() {
    let late = Fake::new("late").knows(ada()).slow(SECOND * 20);
    let silent = Fake::new("silent").slow(SECOND * 3600);
    let directory = directory(&[&late, &silent]);
    let mut news = directory.listen();
    let started = Instant::now();
    assert_eq!(
        settled(&directory).await,
        "nobody; late failed: has not answered within 3 s and is still waited for; \
         silent failed: has not answered within 3 s and is still waited for"
    );
    assert_eq!(started.elapsed(), SECOND * 3);
    while started.elapsed() < SECOND * 20 {
        news.changed().await;
    }
    assert!(seen(&directory).starts_with("Ada; late 1 in 20000 ms;"));
    news.changed().await;
    assert_eq!(started.elapsed(), SECOND * 30);
    assert!(seen(&directory).ends_with("silent failed: has not answered within 30 s in 30000 ms"));
    assert_eq!((silent.asked(), silent.dropped()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_source_is_asked_few_questions_at_once_and_the_others_wait_or_are_told() {
    let crm = Fake::new("crm").slow(SECOND);
    let mut settings = Settings::new(plan());
    settings.asked_at_once = 4;
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    let question = |i: u32| asked(&format!("+7906{i:07}"));
    let asked_now: Vec<String> = (0..1010)
        .map(|i| told(&directory.who(&question(i), None)))
        .collect();
    assert!(
        asked_now[..1004]
            .iter()
            .all(|told| told == "asking; crm asking")
    );
    let full = "nobody; crm failed: too many questions at once";
    assert!(
        asked_now[1004..].iter().all(|told| told == full),
        "{}",
        asked_now[1004]
    );
    sleep(SECOND * 31).await;
    // As many as had their turn in thirty seconds; the others were not asked.
    assert_eq!((crm.most_at_once(), crm.asked()), (4, 120));
    let waited = told(&directory.who(&question(1003), None));
    assert_eq!(
        waited,
        "nobody; crm failed: too many questions at once in 30000 ms"
    );
    // It is over, and there is room again.
    let who = directory
        .who_until(&question(2000), Instant::now() + SECOND * 9)
        .await;
    assert_eq!(told(&who), "nobody; crm nobody in 1000 ms");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_breaks_within_hurts_only_itself() {
    let crm = Fake::new("crm").panics();
    let book = Fake::new("book").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm, &book]);
    assert_eq!(
        settled(&directory).await,
        "Ada; crm failed: has failed within in 0 ms; book 1 in 1000 ms"
    );
    let crm = crm.works();
    sleep(SECOND * 6).await;
    assert!(
        settled(&directory).await.contains("crm nobody"),
        "{}",
        crm.asked()
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_in_memory_is_asked_each_time_and_one_that_would_be_waited_for_is_not() {
    let book = Fake::new("book").knows(ada()).local();
    let liar = Fake::new("liar").slow(SECOND).local();
    let directory = directory(&[&book, &liar]);
    assert_eq!(seen(&directory), "Ada; book 1 in 0 ms; liar asking");
    let book = book.forgets("Ada");
    assert_eq!(seen(&directory), "asking; book nobody in 0 ms; liar asking");
    assert_eq!(book.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_and_the_number_asked_for_longest_ago_goes_first() {
    let crm = Fake::new("crm");
    let mut settings = Settings::new(plan());
    settings.kept = 2;
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    let ask = async |text: &str| {
        directory
            .who_until(&asked(text), Instant::now() + SECOND)
            .await;
        crm.asked()
    };
    assert_eq!(ask("+79060000001").await, 1);
    assert_eq!(ask("+79060000002").await, 2);
    assert_eq!(ask("+79060000001").await, 2);
    assert_eq!(ask("+79060000003").await, 3);
    assert_eq!(ask("+79060000001").await, 3);
    assert_eq!(ask("+79060000002").await, 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_a_source_is_forgotten_when_it_tells_news() {
    let crm = Fake::new("crm");
    let directory = directory(&[&crm]);
    settled(&directory).await;
    let mut news = directory.listen();
    let crm = crm.knows(ada());
    crm.tells_news();
    assert_eq!(news.changed().await, Changed::All);
    assert_eq!(settled(&directory).await, "Ada; crm 1 in 0 ms");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_stays_keeps_what_is_known_of_it_and_another_begins_anew() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    settled(&directory).await;
    sleep(SECOND * 10).await;
    let mut news = directory.listen();
    let other = Fake::new("other").slow(SECOND);
    support::set(&directory, &[&other, &crm]);
    assert_eq!(news.changed().await, Changed::All);
    assert_eq!(
        seen(&directory),
        "Ada; other asking; crm 1 in 1000 ms, cached"
    );
    sleep(SECOND / 10).await;
    support::set(&directory, &[&Fake::new("crm")]);
    // What was asked of the one that went is not waited for.
    sleep(SECOND / 10).await;
    assert_eq!((other.asked(), other.dropped()), (1, 1));
    assert_eq!(settled(&directory).await, "nobody; crm nobody in 0 ms");
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_on_when_the_directory_is_gone() {
    let crm = Fake::new("crm").slow(SECOND * 5);
    let directory = directory(&[&crm]);
    seen(&directory);
    directory.find("ada", 5, SECOND / 10).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    assert!(metrics.num_alive_tasks() > 0);
    drop(directory);
    sleep(SECOND).await;
    assert_eq!((metrics.num_alive_tasks(), crm.dropped()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_forgotten_is_asked_for_again_even_if_an_answer_is_under_way() {
    let crm = Fake::new("crm").slow(SECOND);
    let directory = directory(&[&crm]);
    seen(&directory);
    sleep(SECOND / 2).await;
    // Somebody is made in the CRM, whose answer from before is on its way.
    let mut news = directory.listen();
    directory.forget_number(&number("8 906 219-50-47"));
    assert_eq!(
        news.changed().await,
        Changed::Numbers(vec!["+79062195047".into()])
    );
    seen(&directory);
    sleep(SECOND * 2 / 3).await;
    assert_eq!(seen(&directory), "asking; crm asking");
    assert_eq!(crm.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_time_is_over() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND * 2);
    let directory = directory(&[&crm]);
    let started = Instant::now();
    let who = directory
        .who_until(&asked("+79062195047"), started + SECOND)
        .await;
    assert_eq!(
        (told(&who).as_str(), started.elapsed()),
        ("asking; crm asking", SECOND)
    );
}

#[tokio::test(start_paused = true)]
async fn lines_are_asked_for_by_themselves_only_where_they_make_a_difference() {
    let plain = Fake::new("plain");
    let picky = Fake::new("picky").by_line();
    let directory = directory(&[&plain, &picky]);
    for line in ["100", "200"] {
        let question = Question {
            line: Some(line.into()),
            ..asked("+79062195047")
        };
        directory
            .who_until(&question, Instant::now() + SECOND)
            .await;
    }
    assert_eq!((plain.asked(), picky.asked()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_one_extension_is_not_shown_to_another_where_it_makes_a_difference() {
    let plain = Fake::new("plain");
    let picky = Fake::new("picky").by_extension();
    let directory = directory(&[&plain, &picky]);
    for extension in ["101", "102", "101"] {
        let question = Question {
            extension: Some(extension.into()),
            ..asked("+79062195047")
        };
        directory
            .who_until(&question, Instant::now() + SECOND)
            .await;
    }
    assert_eq!((plain.asked(), picky.asked()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_a_number_once_however_often_it_changed() {
    let crm = Fake::new("crm").knows(ada());
    let slow = Fake::new("slow").slow(SECOND);
    let directory = directory(&[&crm, &slow]);
    let mut news = directory.listen();
    seen(&directory);
    sleep(SECOND * 2).await;
    assert_eq!(
        news.changed().await,
        Changed::Numbers(vec!["+79062195047".into()])
    );
    let more = tokio::time::timeout(SECOND, news.changed()).await;
    assert!(more.is_err());
    for i in 0..5000 {
        directory.forget_number(&number(&format!("+7906{i:07}")));
    }
    assert_eq!(news.changed().await, Changed::All);
}

#[tokio::test(start_paused = true)]
async fn asking_again_behind_takes_nobodys_turn() {
    let crm = Fake::new("crm").knows(ada());
    let mut settings = Settings::new(plan());
    settings.asked_at_once = 1;
    let directory = Directory::new(settings);
    support::set(&directory, &[&crm]);
    settled(&directory).await;
    sleep(SECOND * 400).await;
    let crm = crm.slow(SECOND);
    let stranger = asked("+79060000001");
    assert_eq!(told(&directory.who(&stranger, None)), "asking; crm asking");
    assert_eq!(seen(&directory), "Ada; crm 1 in 0 ms, cached");
    sleep(SECOND * 3).await;
    assert_eq!(crm.asked(), 2);
    seen(&directory);
    sleep(SECOND).await;
    assert_eq!(crm.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_long_call_keeps_its_person_whatever_becomes_of_the_source() {
    let crm = Fake::new("crm").knows(ada()).slow(SECOND);
    let directory = directory(&[&crm]);
    let on_the_call = || told(&directory.who(&asked("+79062195047"), Some("long")));
    on_the_call();
    settled(&directory).await;
    sleep(SECOND * 1000).await;
    let crm = crm.fails(SourceErrorKind::Away, "gone");
    assert_eq!(on_the_call(), "Ada; crm 1 in 1000 ms");
    sleep(SECOND * 2).await;
    assert_eq!(on_the_call(), "Ada; crm 1 in 1000 ms");
    assert_eq!(
        (seen(&directory).as_str(), crm.asked()),
        ("nobody; crm failed: gone in 1000 ms", 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_in_memory_that_breaks_hurts_only_itself() {
    let book = Fake::new("book").panics().local();
    let crm = Fake::new("crm").knows(ada()).local();
    let directory = directory(&[&book, &crm]);
    assert_eq!(
        seen(&directory),
        "Ada; book failed: has failed within in 0 ms; crm 1 in 0 ms"
    );
}

#[tokio::test]
async fn whose_extensions_have_more_digits_than_before_is_asked_otherwise_from_then_on() {
    let crm = Fake::new("crm").knows(ada());
    let directory = directory(&[&crm]);
    let asked_for = |text: &str| {
        let before = directory.counts().asked;
        let _ = directory.who(&asked(text), None);
        directory.counts().asked - before
    };
    assert_eq!(
        asked_for("12345678"),
        1,
        "nobody's extension has eight digits"
    );
    let mut longer = plan();
    longer.internal_length = phone_number::InternalLength { min: 2, max: 8 };
    directory.set_plan(longer);
    assert_eq!(
        asked_for("12345679"),
        0,
        "an extension is no business of a CRM's"
    );
}
