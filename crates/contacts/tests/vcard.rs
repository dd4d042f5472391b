//! vCards as phones and programs really write them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use contacts::{Book, LoadReport, Match, Person};
use phone_number::{DialPlan, PhoneNumber, Region};
use std::path::Path;

fn read(bytes: &[u8]) -> (Book, LoadReport) {
    Book::parse(bytes, Path::new("book.vcf"), &plan()).unwrap()
}

fn plan() -> DialPlan {
    DialPlan {
        area_code: "495".into(),
        ..DialPlan::new(Region::RU)
    }
}

fn number(text: &str) -> PhoneNumber {
    plan().number(text).unwrap()
}

fn only(book: &Book, text: &str) -> Person {
    match book.find(&number(text)) {
        Match::One(person) => person,
        other @ (Match::Nobody | Match::Several(_)) => panic!("{text}: {other:?}"),
    }
}

/// One card with these lines, read with LF, CRLF and a byte order mark.
fn card(lines: &str) -> Person {
    let text = format!("BEGIN:VCARD\n{lines}\nEND:VCARD\n");
    let crlf = text.replace('\n', "\r\n");
    let marked = format!("\u{feff}{crlf}");
    let people: Vec<Person> = [text, crlf, marked]
        .iter()
        .map(|text| {
            let (book, report) = read(text.as_bytes());
            assert_eq!((book.len(), report.skipped), (1, 0), "{text}: {report:?}");
            book.search("", 1)
                .pop()
                .unwrap_or_else(|| only(&book, "+79062195047"))
        })
        .collect();
    assert_eq!(people[0], people[1]);
    assert_eq!(people[0], people[2]);
    people.into_iter().next().unwrap()
}

fn numbers(person: &Person) -> Vec<String> {
    person.numbers.iter().map(PhoneNumber::to_string).collect()
}

#[test]
fn versions_3_and_4_give_name_company_note_link_and_numbers() {
    let person = card(
        "VERSION:3.0\nN:Lovelace;Ada;King;Lady;\nFN:Ada Lovelace\nORG:Analytical Engines Ltd;Research\n\
         item1.TEL;TYPE=CELL,VOICE;TYPE=pref:+7 (906) 219-50-47\nitem1.X-ABLabel:Main\n\
         TEL;TYPE=WORK:8 495 123-45-67 доб. 12\nNOTE:likes engines\\, numbers\\nand notes\n\
         URL:https://example.com/ada",
    );
    assert_eq!(person.name, "Ada Lovelace");
    assert_eq!(
        person.company.as_deref(),
        Some("Analytical Engines Ltd, Research")
    );
    assert_eq!(
        person.note.as_deref(),
        Some("likes engines, numbers and notes")
    );
    assert_eq!(person.url.as_deref(), Some("https://example.com/ada"));
    assert_eq!(
        numbers(&person),
        ["+7 906 219-50-47", "+7 495 123-45-67 ext. 12"]
    );

    let person = card(
        "VERSION:4.0\nFN:Ada\n  Love\n lace\nTEL;VALUE=uri;TYPE=\"voice,home\":tel:+7-906-219-50-47\n\
         TEL;VALUE=uri:tel:+74951234567;ext=12",
    );
    assert_eq!(person.name, "Ada Lovelace");
    assert_eq!(
        numbers(&person),
        ["+7 906 219-50-47", "+7 495 123-45-67 ext. 12"]
    );
}

#[test]
fn version_2_1_with_quoted_printable_and_old_charsets_is_read() {
    let person = card(
        "VERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=\n\
         =D0=98=D0=B2=D0=B0=D0=BD;;;\nORG;CHARSET=WINDOWS-1251;ENCODING=QUOTED-PRINTABLE:=CA=EE=EC=EF=E0=ED=E8=FF\n\
         TEL;CELL;VOICE:89062195047",
    );
    assert_eq!(person.name, "Иван Иванов");
    assert_eq!(person.company.as_deref(), Some("Компания"));
    assert_eq!(numbers(&person), ["+7 906 219-50-47"]);

    // "FN:Иванов" in windows-1251.
    let raw = b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:\xc8\xe2\xe0\xed\xee\xe2\r\nTEL:89062195047\r\nEND:VCARD\r\n";
    let (book, _) = read(raw);
    assert_eq!(only(&book, "+79062195047").name, "Иванов");
}

#[test]
fn a_missing_name_is_made_of_what_is_there() {
    let name = |lines: &str| card(&format!("{lines}\nTEL:+79062195047")).name;
    assert_eq!(name("N:Lovelace;Ada;;Lady;"), "Lady Ada Lovelace");
    assert_eq!(name("FN:\nN:Lovelace;Ada;;;"), "Ada Lovelace");
    assert_eq!(name("ORG:Analytical Engines Ltd"), "Analytical Engines Ltd");
    assert_eq!(name("VERSION:3.0"), "+7 906 219-50-47");
}

#[test]
fn several_numbers_in_one_field_all_find_the_person() {
    let person = card("FN:Ada\nTEL:+7 906 219-50-47\\; 8 495 123-45-67 или 123-45-68");
    assert_eq!(
        numbers(&person),
        ["+7 906 219-50-47", "+7 495 123-45-67", "+7 495 123-45-68"]
    );
}

#[test]
fn broken_cards_are_left_out_and_counted_and_hurt_no_neighbour() {
    let text = "BEGIN:VCARD\nFN:First\nTEL:+79062195041\nEND:VCARD\n\
                BEGIN:VCARD\nFN:Torn\nTEL:+79062195042\n\
                BEGIN:VCARD\nFN:Third\ngarbage\nTEL:+79062195043\nEND:VCARD\n\
                BEGIN:VCARD\nFN:Letters\nTEL:call me 5&6\nEND:VCARD\n\
                BEGIN:VCARD\nFN:Mail only\nEMAIL:a@example.com\nEND:VCARD\n\
                begin:vcard\nFN:Last\nTEL:+79062195044\nend:vcard\n\
                BEGIN:VCARD\nFN:Half";
    let (book, report) = read(text.as_bytes());
    assert_eq!(
        (report.entries, report.skipped, report.without_number),
        (3, 3, 1)
    );
    let told: Vec<_> = report
        .examples
        .iter()
        .map(|s| (s.line, s.why.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (5, "the card has no end"),
            (13, "none of its numbers can be read"),
            (25, "the card has no end")
        ]
    );
    assert_eq!(
        report.to_string(),
        "3 people with 3 numbers, 1 without a number, 3 left out (line 5: the card has no end)"
    );
    for (text, name) in [
        ("+79062195041", "First"),
        ("+79062195043", "Third"),
        ("+79062195044", "Last"),
    ] {
        assert_eq!(only(&book, text).name, name);
    }
    assert_eq!(book.find(&number("+79062195042")), Match::Nobody);
}

#[test]
fn examples_of_broken_cards_are_few_however_many_there_are() {
    let (_, report) = read("BEGIN:VCARD\nFN:Torn\n".repeat(5000).as_bytes());
    assert_eq!((report.skipped, report.examples.len()), (5000, 20));
}

#[test]
fn hostile_fields_are_plain_short_text() {
    let person = card(&format!(
        "FN:<img src=x onerror=alert(1)>\u{202e}\u{7}\nORG:{}\nURL:javascript:alert(1)\nNOTE:{}\nTEL:+79062195047",
        "Я".repeat(100_000),
        "n".repeat(100_000)
    ));
    assert_eq!(person.name, "<img src=x onerror=alert(1)>");
    assert_eq!(person.company.unwrap().chars().count(), 120);
    assert_eq!(person.note.unwrap().len(), 240);
    assert_eq!(person.url, None);
}
