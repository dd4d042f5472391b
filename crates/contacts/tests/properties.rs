//! What holds for any bytes at all.

use contacts::{Book, Match};
use phone_number::{DialPlan, Region};
use proptest::prelude::*;
use std::path::Path;

fn near_books() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"BEGIN:VCARD\r\n"[..],
        b"END:VCARD\n",
        b"FN:",
        b"N:a;b;c",
        b"TEL;TYPE=CELL:",
        b"TEL;VALUE=uri:tel:",
        b"+79062195047",
        b"101",
        b";ext=12",
        b"\r\n",
        b"\n ",
        b",",
        b";",
        b"\"",
        b"name,phone\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc8\xe2",
        b";ENCODING=QUOTED-PRINTABLE:=D0=9",
        b";CHARSET=WINDOWS-1251",
        b"\0",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn garbage_never_panics_and_everybody_in_the_book_is_found(
        bytes in near_books(),
        name in prop::sample::select(vec!["b.vcf", "b.csv", "b"]),
    ) {
        let plan = DialPlan::new(Region::RU);
        if let Ok((book, report)) = Book::parse(&bytes, Path::new(name), &plan) {
            prop_assert_eq!(book.len(), report.entries);
            for person in book.search("a", 5) {
                prop_assert!(!person.name.is_empty());
                prop_assert!(!person.name.contains(char::is_control));
                for number in &person.numbers {
                    prop_assert!(book.find(number) != Match::Nobody);
                }
            }
        }
    }
}
