//! Who is shown for a number, and who must not be, whatever the sources say.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{Likeness, Person, SourceErrorKind, likeness};
use proptest::prelude::*;
use std::sync::Arc;
use support::{Fake, ada, asked, directory, number, people, person};
use wire::{People, PersonFact, Record};

/// What local sources say of a number.
fn who(sources: &[&Arc<Fake>], text: &str) -> People {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { directory(sources).who(&asked(text), None).people })
}

fn shown(sources: &[&Arc<Fake>], text: &str) -> String {
    people(&who(sources, text))
}

fn with_mail(name: &str, mail: &str) -> Person {
    Person {
        email: Some(mail.into()),
        ..person(name, &["+79062195047"])
    }
}

fn local(id: &str, person: Person) -> Arc<Fake> {
    Fake::new(id).local().knows(person)
}

#[test]
fn a_source_that_answers_with_everybody_names_nobody_wrong() {
    let crm = Fake::new("crm")
        .local()
        .knows(ada())
        .knows(person("Sub", &["2195047", "062195047"]))
        .knows(person("More", &["+790621950471"]))
        .knows(person("Abroad", &["+49 906 2195047"]))
        .knows(person("Nameless", &[]))
        .knows(person("Extension", &["+79062195047 ext. 12"]));
    assert_eq!(shown(&[&crm], "+79062195047"), "Ada");
    assert_eq!(shown(&[&crm], "+79062195047 ext. 12"), "Extension");
    // Ada's line may be what another extension of it is known by; the other extension is somebody else.
    assert_eq!(shown(&[&crm], "+79062195047 ext. 13"), "[Ada?]");
    assert_eq!(shown(&[&crm], "+79062195"), "nobody");
    assert_eq!(shown(&[&crm], "+4 9 906 2195047"), "Abroad");
}

#[test]
fn rows_without_the_number_are_counted() {
    let crm = Fake::new("crm")
        .local()
        .knows(person("Nameless", &[]))
        .knows(ada());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let directory = directory(&[&crm]);
        assert_eq!(people(&directory.who(&asked("101"), None).people), "nobody");
        assert_eq!(directory.counts().outside, 2);
    });
}

#[test]
fn likely_people_are_shown_only_where_nobody_is_sure_in_any_source() {
    let firm = Fake::new("firm")
        .local()
        .knows(person("Firm", &["+74951234567"]));
    let crm = Fake::new("crm")
        .local()
        .knows(person("Ada", &["+74951234567 ext. 12"]));
    assert_eq!(shown(&[&firm, &crm], "+74951234567 ext. 12"), "Ada");
    assert_eq!(shown(&[&firm, &crm], "+74951234567"), "Firm");
    assert_eq!(shown(&[&crm], "+74951234567"), "[Ada?]");
    assert_eq!(shown(&[&firm], "+74951234567 ext. 14"), "[Firm?]");
}

#[test]
fn two_people_on_one_number_are_two() {
    let crm = Fake::new("crm")
        .local()
        .knows(ada())
        .knows(person("Bob", &["89062195047"]));
    assert_eq!(shown(&[&crm], "+79062195047"), "[Ada, Bob]");
    // In one source two records are two people, even of one name.
    let twins = Person {
        record: person("ada2", &[]).record,
        ..ada()
    };
    let crm = Fake::new("crm")
        .local()
        .knows(ada())
        .knows(twins)
        .knows(ada());
    assert_eq!(shown(&[&crm], "+79062195047"), "[Ada, Ada]");
}

#[test]
fn one_person_in_two_sources_is_shown_once_with_what_both_know() {
    let fact = |value: &str| PersonFact {
        label: "Open deals".into(),
        value: value.into(),
        url: None,
    };
    let one = Person {
        facts: vec![fact("Roof")],
        url: Some("https://one.example/1".into()),
        ..ada()
    };
    let other = Person {
        name: "ADA".into(),
        company: Some("Engines".into()),
        facts: vec![fact("Roof"), fact("Cellar")],
        url: Some("https://other.example/1".into()),
        ..person("x", &["+79062195047 ext. 1", "+79062195047"])
    };
    let (one, other) = (
        Fake::new("one").local().knows(one),
        Fake::new("other").local().knows(other),
    );
    let both = who(&[&one, &other], "+79062195047");
    let both = both.one().unwrap();
    assert_eq!(
        (both.name.as_str(), both.source.as_str()),
        ("Ada", "one, other")
    );
    assert_eq!(
        (both.record.source.as_str(), both.record.id.as_str()),
        ("one", "ada")
    );
    assert_eq!(both.url.as_deref(), Some("https://one.example/1"));
    assert_eq!(both.company.as_deref(), Some("Engines"));
    assert_eq!(both.facts, [fact("Roof"), fact("Cellar")]);
    let turned = who(&[&other, &one], "+79062195047");
    assert_eq!(turned.one().unwrap().record.source, "other");
}

#[test]
fn a_mailbox_that_two_people_share_makes_them_no_single_person() {
    let one = local("one", with_mail("Ada Lovelace", "office@example.com"));
    let other = local("other", with_mail("Bob King", "office@example.com"));
    let nameless = local("third", with_mail("", "office@example.com"));
    assert_eq!(
        shown(&[&one, &other], "+79062195047"),
        "[Ada Lovelace, Bob King]"
    );
    // Nor does somebody without a name between them.
    for sources in [[&one, &nameless, &other], [&nameless, &one, &other]] {
        assert_eq!(shown(&sources, "+79062195047"), "[Ada Lovelace, Bob King]");
    }
}

#[test]
fn the_same_mail_address_is_the_same_person_where_one_source_knows_no_name() {
    let one = local("one", with_mail("Ada Lovelace", "ada@example.com"));
    let other = local("other", with_mail("", "Ada@Example.com"));
    for sources in [[&one, &other], [&other, &one]] {
        assert_eq!(shown(&sources, "+79062195047"), "Ada Lovelace");
    }
}

#[test]
fn hostile_values_in_every_field_are_short_plain_text() {
    let bad = "<b>\u{202e}\0\r\n".to_owned() + &"я".repeat(1_000_000);
    let text = || bad.chars().take(10_000).collect();
    let fact = PersonFact {
        label: text(),
        value: text(),
        url: Some("javascript:alert(1)".into()),
    };
    let hostile = Person {
        name: bad.clone(),
        company: Some(bad.clone()),
        note: Some(bad.clone()),
        url: Some("javascript:alert(1)".into()),
        numbers: vec![number("+79062195047"); 1000],
        record: Record {
            source: bad.clone(),
            kind: bad.clone(),
            id: bad.clone(),
        },
        email: Some(bad.clone()),
        owner: Some(bad),
        facts: vec![fact; 1000],
    };
    let crm = Fake::new("crm").local().knows(hostile);
    let who = who(&[&crm], "+79062195047");
    let one = who.one().unwrap();
    let text = serde_json::to_string(one).unwrap();
    assert!(text.len() < 20_000, "{}", text.len());
    assert!(
        one.name.starts_with("<b> яяя") && one.name.chars().count() == 120,
        "{}",
        one.name
    );
    assert!(!text.contains(['\u{202e}', '\0', '\n']) && !text.contains("javascript"));
    assert_eq!(
        (one.record.source.as_str(), one.record.id.as_str()),
        ("crm", "")
    );
    assert_eq!((&one.url, &one.email), (&None, &None));
}

#[test]
fn links_are_of_the_web_or_of_a_scheme_that_the_source_names() {
    let link = |schemes: &[&str], url: &str| {
        let ada = Person {
            url: Some(url.into()),
            ..ada()
        };
        let crm = Fake::new("crm").local().schemes_are(schemes).knows(ada);
        who(&[&crm], "+79062195047").one().unwrap().url.is_some()
    };
    assert!(link(&[], "https://example.com/1"));
    assert!(!link(&[], "e1c://server/base#1"));
    assert!(link(&["e1c"], "e1c://server/base#1"));
    for never in ["javascript", "data", "file", "FILE", ""] {
        assert!(!link(&[never], &format!("{never}:alert(1)")), "{never}");
    }
}

#[test]
fn somebody_without_a_name_is_called_by_what_there_is() {
    let nameless = |company: Option<&str>| Person {
        name: " \0 ".into(),
        company: company.map(str::to_owned),
        ..ada()
    };
    let crm = Fake::new("crm").local().knows(nameless(Some("Engines")));
    assert_eq!(shown(&[&crm], "+79062195047"), "Engines");
    let crm = Fake::new("crm").local().knows(nameless(None));
    assert_eq!(shown(&[&crm], "+79062195047"), "+7 906 219-50-47");
}

/// Numbers that are near one another: parts, other countries, other extensions, other spellings.
fn near() -> impl Strategy<Value = String> {
    let digits = prop::sample::select(vec![
        "79062195047",
        "9062195047",
        "2195047",
        "790621950471",
        "390206123456",
        "0206123456",
        "74951234567",
        "1234567",
        "101",
        "0101",
        "*21#",
        "12345678901234567890",
    ]);
    let start = prop::sample::select(vec!["", "+", "8", "00"]);
    let end = prop::sample::select(vec!["", " ext. 1", " доб. 12", "x2"]);
    (start, digits, end).prop_map(|(start, digits, end)| format!("{start}{digits}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whoever_is_shown_has_the_number_and_whoever_has_it_is_shown(
        owned in prop::collection::vec(prop::collection::vec(near(), 0..3), 1..6),
        others in prop::collection::vec(near(), 0..3),
        called in near(),
    ) {
        let people: Vec<Person> = owned.iter().enumerate().map(|(index, numbers)| {
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            person(&format!("p{index}"), &numbers)
        }).collect();
        let crm = people.iter().fold(Fake::new("crm").local(), |crm, person| crm.knows(person.clone()));
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let other = Fake::new("other").local().knows(person("other", &others));
        let called_number = number(&called);
        let best = |person: &Person| person.numbers.iter().map(|own| likeness(own, &called_number)).max();
        let everybody: Vec<Person> = people.into_iter().chain([person("other", &others)]).collect();
        let top = everybody.iter().filter_map(best).max().filter(|best| *best != Likeness::Different);
        let meant: Vec<String> = everybody.iter()
            .filter(|person| top.is_some() && best(person) == top)
            .map(|person| person.name.clone()).collect();
        let shown = match who(&[&crm, &other], &called) {
            People::Asking => vec!["asking".to_owned()],
            People::Nobody => vec![],
            People::One { person } => vec![person.name],
            People::Several { people } => people.into_iter().map(|person| person.name).collect(),
        };
        prop_assert_eq!(shown, meant);
    }

}

proptest! {
    // Each reads numbers anew.
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_book_finds_whom_comparing_with_everybody_finds(
        owned in prop::collection::vec(prop::collection::vec(near(), 1..3), 1..8),
        called in near(),
    ) {
        let mut builder = contacts::Builder::new(&support::plan());
        for (index, phones) in owned.iter().enumerate() {
            builder.add(0, &contacts::Card {
                name: format!("p{index}"),
                phones: phones.clone(),
                ..contacts::Card::default()
            });
        }
        let (book, _) = builder.finish();
        let called = number(&called);
        let best = |phones: &Vec<String>| phones.iter().map(|own| likeness(&number(own), &called)).max();
        let top = owned.iter().filter_map(best).max().filter(|best| *best != Likeness::Different);
        let meant: Vec<String> = owned.iter().enumerate()
            .filter(|(_, phones)| top.is_some() && best(phones) == top)
            .map(|(index, _)| format!("p{index}")).collect();
        let found: Vec<String> = book.look_up(&called).into_iter().map(|person| person.name).collect();
        prop_assert_eq!(found, meant);
    }
}

#[tokio::test]
async fn what_a_book_says_of_somebody_comes_back_as_it_went_in() {
    let card = contacts::Card {
        name: "Ада Лавлейс".into(),
        company: "ООО «Машины»".into(),
        note: "долг 5 €".into(),
        url: "https://example.com".into(),
        email: "ada@example.com".into(),
        phones: vec![
            "8 (906) 219-50-47 доб. 12".into(),
            "*21#".into(),
            "101".into(),
        ],
        id: "uid-1".into(),
    };
    let mut builder = contacts::Builder::new(&support::plan());
    builder.add(1, &card);
    builder.add(
        2,
        &contacts::Card {
            id: String::new(),
            phones: vec!["102".into()],
            ..card.clone()
        },
    );
    let (book, report) = builder.finish();
    assert_eq!((report.entries, report.numbers, report.skipped), (2, 4, 0));
    let found = book.look_up(&number("+79062195047 ext. 12")).pop().unwrap();
    assert_eq!(found, book.by_record("uid-1").unwrap());
    let texts =
        [&found.company, &found.note, &found.url, &found.email].map(|text| text.clone().unwrap());
    assert_eq!(
        (found.name, texts),
        (card.name, [card.company, card.note, card.url, card.email])
    );
    for (number, written) in found.numbers.iter().zip(&card.phones) {
        assert!(number.is_same(&support::number(written)), "{written}");
        assert!(!book.look_up(number).is_empty(), "{written}");
    }
    // Without an id of its own, one is made that does not change.
    let other = book.look_up(&number("102")).pop().unwrap();
    assert_eq!(other.record.id.len(), 32);
    assert_eq!(book.by_record(&other.record.id), Some(other.clone()));
    assert_eq!(book.by_record("nobody"), None);
    assert_eq!(other.record.kind, "person");
}

#[tokio::test(start_paused = true)]
async fn what_a_source_says_of_its_trouble_is_a_short_line_and_never_nothing() {
    let bad = "<b>\u{202e}\0\r\n".to_owned() + &"x".repeat(1_000_000);
    let hostile = Fake::new("hostile")
        .local()
        .fails(SourceErrorKind::Broken, &bad);
    let mute = Fake::new("mute").local().fails(SourceErrorKind::Login, "");
    let who = directory(&[&hostile, &mute]).who(&asked("101"), None);
    let told = support::told(&who);
    assert!(
        told.starts_with("nobody; hostile failed: <b> xxx") && told.len() < 500,
        "{told}"
    );
    assert!(
        told.contains("mute failed: does not take our login"),
        "{told}"
    );
}
