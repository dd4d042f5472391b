//! What holds for any text at all.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phone_number::{CallLink, DialPlan, NumberKey, PhoneNumber, Region, SendAs, numbers_in};
use proptest::prelude::*;

fn plans() -> impl Strategy<Value = DialPlan> {
    let countries = prop::sample::select(vec!["RU", "US", "IT", "GB", "BR", "AU"]);
    let forms = prop::sample::select(vec![
        SendAs::E164,
        SendAs::E164Digits,
        SendAs::National,
        SendAs::AsDialled,
    ]);
    (countries, forms, "[0-9]{0,2}", "[0-9]{0,4}").prop_map(|(country, send_as, outside, area)| {
        DialPlan {
            send_as,
            outside_prefix: outside,
            area_code: area,
            ..DialPlan::new(country.parse().unwrap())
        }
    })
}

/// Texts near to numbers and links: random text alone would hardly ever get past the first check.
fn near_numbers() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "tel:",
        "callto:",
        "sip:",
        "+",
        "7",
        "906",
        "219",
        "-",
        "(",
        ")",
        " ",
        ";ext=",
        "12",
        "*",
        "#",
        "&",
        "@",
        "/",
        ",",
        "%26",
        "%0d%0a",
        "%",
        ";phone-context=",
        "доб.",
        "x",
        "９",
        "PJSIP/itsp/1900",
        "ctx",
        "/n",
        "\r\n",
        "?call",
        "\u{202e}",
        "или",
        ";",
        ".",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat()),
        "[0-9+*#]{0,40}",
    ]
}

fn is_dialable(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=32).contains(&digits.len())
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'*' || b == b'#')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_but_dialable_text_ever_leaves(text in near_numbers(), plan in plans()) {
        if let Ok(resolution) = plan.resolve(text.as_str()) {
            prop_assert!(is_dialable(resolution.dial.as_str()), "{:?}", resolution.dial);
            if let Some(tones) = &resolution.extension_to_send {
                prop_assert!(is_dialable(tones.as_str()), "{tones:?}");
            }
            if resolution.dial.as_str().contains(['*', '#']) {
                prop_assert!(resolution.question.is_some(), "{}", resolution.dial);
            }
            prop_assert_eq!(
                resolution.steps.last().map(|step| step.result.clone()),
                Some(resolution.extension_to_send.map_or(
                    resolution.dial.to_string(), |tones| tones.to_string())));
        }
    }

    #[test]
    fn garbage_never_panics(text in near_numbers()) {
        let _ = CallLink::parse(&text);
        let _ = PhoneNumber::parse(&text, Region::RU).map(|n| (n.national(), n.to_string(), n.key()));
        let _ = phone_number::masked(&text);
        for number in numbers_in(&text) {
            prop_assert!(text.contains(number));
        }
    }

    #[test]
    fn a_number_reads_back_from_every_form_it_is_written_in(
        national in prop::sample::select(vec![9_062_195_047u64, 4_951_234_567, 8_005_553_535]),
        step in 0u64..1000,
        extension in prop::option::of("[0-9]{1,6}"),
    ) {
        let text = match &extension {
            Some(extension) => format!("+7{} доб. {extension}", national + step),
            None => format!("+7{}", national + step),
        };
        let number = PhoneNumber::parse(&text, Region::RU).unwrap();
        let ext = extension.as_ref().map(|e| format!(" ext. {e}")).unwrap_or_default();
        for written in [number.to_string(), format!("{}{ext}", number.national())] {
            let again = PhoneNumber::parse(&written, Region::RU).unwrap();
            prop_assert!(again.is_same(&number), "{written}");
            prop_assert_eq!(again.key(), number.key());
        }
        let link = format!("tel:{}{}", number.e164().unwrap(),
            extension.map(|e| format!(";ext={e}")).unwrap_or_default());
        let link = CallLink::parse(&link).unwrap();
        prop_assert_eq!(Some(link.digits()), number.e164());
        prop_assert_eq!(link.extension(), number.extension());
    }

    #[test]
    fn equal_keys_mean_equal_numbers(a in "[+]?[0-9]{1,15}", b in "[+]?[0-9]{1,15}") {
        let read = |text: &str| PhoneNumber::parse(text, Region::US).unwrap();
        let (a, b) = (read(&a), read(&b));
        let same: bool = a.normal_form() == b.normal_form();
        let key: fn(&PhoneNumber) -> NumberKey = PhoneNumber::key;
        prop_assert_eq!(same, key(&a) == key(&b));
    }
}

#[test]
fn numbers_stay_out_of_debug_output() {
    let number = PhoneNumber::parse("+79062195047", Region::RU).unwrap();
    assert_eq!(format!("{number:?}"), "PhoneNumber(+7…47)");
    assert_eq!(phone_number::masked("89062195047"), "8…47");
    assert_eq!(phone_number::masked("101"), "101");
}

#[test]
fn both_forms_are_as_people_write_them() {
    let number = PhoneNumber::parse("89062195047 доб 12", Region::RU).unwrap();
    assert_eq!(number.to_string(), "+7 906 219-50-47 ext. 12");
    assert_eq!(number.national(), "8 (906) 219-50-47");
    assert_eq!(number.raw(), "89062195047 доб 12");
    let italian = PhoneNumber::parse("+39 (02) 1234 567", Region::RU).unwrap();
    assert_eq!(italian.e164(), Some("+39021234567"));
    assert_eq!(italian.international(), "+39 02 123 4567");
    let internal = PhoneNumber::parse("101", Region::RU).unwrap();
    assert_eq!(
        (internal.e164(), internal.to_string()),
        (None, "101".to_owned())
    );
}
