//! Who has a number, and who must not be shown for it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use contacts::{Book, LoadError, LoadReport, Match};
use phone_number::{DialPlan, PhoneNumber, Region};
use std::path::Path;

fn plan() -> DialPlan {
    DialPlan {
        area_code: "495".into(),
        ..DialPlan::new(Region::RU)
    }
}

fn csv(text: impl AsRef<[u8]>) -> (Book, LoadReport) {
    Book::parse(text.as_ref(), Path::new("book.csv"), &plan()).unwrap()
}

/// `Nobody`, `One Ada`, `Several Ada, Bob`.
fn who(book: &Book, text: &str) -> String {
    found(book, &plan().number(text).unwrap())
}

fn found(book: &Book, number: &PhoneNumber) -> String {
    match book.find(number) {
        Match::Nobody => "Nobody".into(),
        Match::One(person) => format!("One {}", person.name),
        Match::Several(people) => {
            let names: Vec<_> = people.into_iter().map(|person| person.name).collect();
            format!("Several {}", names.join(", "))
        }
    }
}

#[test]
fn every_spelling_of_a_number_finds_its_owner() {
    for written in [
        "+79062195047",
        "8 (906) 219-50-47",
        "906 219 50 47",
        "7-906-219-50-47",
        "tel:+7-906-219-50-47",
    ] {
        let (book, _) = csv(format!("name,phone\nAda,\"{written}\"\n"));
        for asked in [
            "+79062195047",
            "89062195047",
            "(906) 219-50-47",
            "79062195047",
        ] {
            assert_eq!(who(&book, asked), "One Ada", "{written} asked as {asked}");
        }
    }
    let (local, _) = csv("name,phone\nAda,123-45-67\n");
    assert_eq!(who(&local, "+74951234567"), "One Ada");
}

#[test]
fn a_number_inside_another_finds_nobody() {
    let (book, _) = csv("name,phone\nAda,+79062195047\nBob,1950\nEve,062195047\n");
    for asked in [
        "2195047",
        "+7906219504",
        "+790621950471",
        "195",
        "19504",
        "+1950",
    ] {
        assert_eq!(who(&book, asked), "Nobody", "{asked}");
    }
    assert_eq!(who(&book, "1950"), "One Bob");
}

#[test]
fn people_who_share_a_number_are_all_shown() {
    let (book, _) =
        csv("name,phone,phone 2\nAda,+79062195047,89062195047\nBob,8 906 219 50 47,\nEve,101,\n");
    assert_eq!(who(&book, "+79062195047"), "Several Ada, Bob");
    assert_eq!(who(&book, "101"), "One Eve");
}

#[test]
fn extensions_tell_people_on_one_line_apart() {
    let (book, _) = csv(
        "name,phone\nAda,+7 495 123-45-67 доб. 12\nBob,\"+7 495 123-45-67, доб. 13\"\nEngines Ltd,+7 495 765-43-21\n",
    );
    assert_eq!(who(&book, "+74951234567 ext. 12"), "One Ada");
    assert_eq!(who(&book, "+74951234567 ext. 14"), "Nobody");
    // A caller shows the firm's line only: anybody there may be calling.
    assert_eq!(who(&book, "+74951234567"), "Several Ada, Bob");
    assert_eq!(who(&book, "+74957654321 ext. 5"), "Several Engines Ltd");
    let (with_line, _) = csv("name,phone\nAda,+74951234567 x12\nEngines Ltd,+74951234567\n");
    assert_eq!(who(&with_line, "+74951234567"), "One Engines Ltd");
}

#[test]
fn a_number_without_a_country_is_a_likely_match_and_never_a_sure_one() {
    let (book, _) = csv("name,phone\nAda,0206123456\nBob,+79062195047\n");
    let asked = |text: &str, country: &str| {
        let country: Region = country.parse().unwrap();
        found(&book, &PhoneNumber::parse(text, country).unwrap())
    };
    // Milan's digits mean nothing in a Russian book, and Russian ones nothing to an Italian PBX.
    assert_eq!(asked("+390206123456", "IT"), "Several Ada");
    assert_eq!(asked("9062195047", "IT"), "Several Bob");
    assert_eq!(asked("+79062195047", "IT"), "One Bob");
    assert_eq!(asked("+449062195047", "GB"), "Nobody");
}

#[test]
fn tables_of_outlook_google_excel_and_people_are_read() {
    for (text, name, company, spoken) in [
        (
            "\u{feff}\"First Name\",\"Middle Name\",\"Last Name\",\"Company\",\"Business Fax\",\"Business Phone\",\"Mobile Phone\",\"Notes\",\"Web Page\"\r\n\
             \"Ada\",\"King\",\"Lovelace\",\"Engines\",\"+74950000000\",\"+74951234567\",\"+79062195047\",\"a\nnote\",\"https://example.com\"\r\n",
            "Ada King Lovelace",
            Some("Engines"),
            2,
        ),
        (
            "First Name,Last Name,Organization Name,Notes,Phone 1 - Label,Phone 1 - Value\n\
             Ada,Lovelace,Engines,,Mobile,+7 906 219-50-47 ::: +7 495 123-45-67\n",
            "Ada Lovelace",
            Some("Engines"),
            2,
        ),
        (
            "ФИО;Компания;Телефон;Добавочный\nИванов Иван;Рога, копыта;8 (495) 123-45-67;12\nx;;89062195047;\n",
            "x",
            None,
            1,
        ),
        ("Name\tPhone\nAda\t89062195047\n", "Ada", None, 1),
        ("Ada;89062195047;Engines\n", "Ada", Some("Engines"), 1),
        ("89062195047\n", "+7 906 219-50-47", None, 1),
    ] {
        let (book, report) = csv(text);
        assert_eq!(report.skipped, 0, "{text}: {report}");
        let Match::One(person) = book.find(&plan().number("+79062195047").unwrap()) else {
            panic!("nobody in {text}");
        };
        assert_eq!(person.name, name);
        assert_eq!(person.company.as_deref(), company);
        assert_eq!(person.numbers.len(), spoken, "{text}");
    }
}

#[test]
fn old_charsets_are_understood() {
    // "Имя;Телефон" and "Анна;89062195047" in windows-1251.
    let russian = b"\xc8\xec\xff;\xd2\xe5\xeb\xe5\xf4\xee\xed\n\xc0\xed\xed\xe0;89062195047\n";
    assert_eq!(who(&csv(russian).0, "+79062195047"), "One Анна");
    let western = b"name;phone\nZo\xeb M\xfcller;89062195047\n";
    assert_eq!(who(&csv(western).0, "+79062195047"), "One Zoë Müller");
    let utf16: Vec<u8> = "\u{feff}name\tphone\nАнна\t89062195047\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(who(&csv(utf16).0, "+79062195047"), "One Анна");
}

#[test]
fn rows_that_cannot_be_read_are_left_out_with_their_line() {
    let (book, report) = csv("name,phone\nAda,+79062195047\nBob,n/a 5@6\n,\nEve,\n");
    assert_eq!(
        (book.len(), report.skipped, report.without_number),
        (1, 1, 1)
    );
    assert_eq!(report.examples[0].line, 3);
}

#[test]
fn a_file_that_is_no_book_gives_a_sentence() {
    let error = |bytes: &[u8], name: &str| {
        Book::parse(bytes, Path::new(name), &plan())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(b"name,mail\nAda,a@example.com\n", "book.csv"),
        "no column of the table holds phone numbers; its columns are name, mail"
    );
    let neither = "the file is neither a vCard book nor a table of contacts (CSV)";
    assert_eq!(error(b"\x7fELF\0\0\0,", "book.csv"), neither);
    assert_eq!(error(b"hello", "book"), neither);
    assert_eq!(error(b"", "book.csv"), neither);
    let missing = Book::load(Path::new("/nowhere/book.vcf"), &plan()).unwrap_err();
    assert!(matches!(missing, LoadError::Missing(_)));
    assert_eq!(missing.to_string(), "there is no file /nowhere/book.vcf");
}

#[test]
fn search_finds_names_and_companies_best_first() {
    let (book, _) = csv(
        "name,company,phone\nBen Adams,Zeta,101\nAda Lovelace,Engines,102\nNevada Jones,Ada & Co,103\nАлёна Ёлкина,Рога,104\nMirada,,105\n",
    );
    let names = |text: &str, limit| {
        let people = book.search(text, limit);
        people
            .into_iter()
            .map(|person| person.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("ada", 10),
        ["Ada Lovelace", "Ben Adams", "Nevada Jones", "Mirada"]
    );
    assert_eq!(names("ADA love", 10), ["Ada Lovelace"]);
    assert_eq!(names("ada", 2), ["Ada Lovelace", "Ben Adams"]);
    assert_eq!(names("елкина ален", 10), ["Алёна Ёлкина"]);
    assert_eq!(names("zzz", 10), [""; 0]);
    assert_eq!(names(" ", 10), [""; 0]);
    assert_eq!(names("ada", 0), [""; 0]);
}
