//! What a site dials for what, told step by step.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phone_number::{
    Action, CallLink, DialPlan, InternalLength, Kind, Question, Refusal, Region, Resolution, Rule,
    SendAs,
};

fn moscow() -> DialPlan {
    DialPlan {
        area_code: "495".into(),
        outside_prefix: "9".into(),
        internal_length: InternalLength { min: 3, max: 4 },
        send_as: SendAs::National,
        ..DialPlan::new(Region::RU)
    }
}

fn why(outcome: Result<Resolution, Refusal>) -> String {
    let (steps, end) = match outcome {
        Ok(resolution) => {
            let question = resolution.question.as_ref().map(|q| format!("? {q}"));
            (resolution.why(), question)
        }
        Err(refusal) => (refusal.why(), Some(format!("! {refusal}"))),
    };
    steps.into_iter().chain(end).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_step_from_the_text_to_the_dial_string_is_told() {
    assert_eq!(
        why(moscow().resolve("8 (906) 219-50-47 доб. 12")),
        "read: 8 (906) 219-50-47 доб. 12\n\
         digits: 89062195047\n\
         number of RU: +79062195047\n\
         sent the national way: 89062195047\n\
         outside line “9”: 989062195047\n\
         dials: 989062195047\n\
         then sends as tones: 12"
    );
    assert_eq!(
        why(moscow().resolve("tel:+39-02-1234567")),
        "read the link: tel:+39-02-1234567\n\
         digits: +39021234567\n\
         number of another country: +39021234567\n\
         sent with the international prefix: 81039021234567\n\
         outside line “9”: 981039021234567\n\
         dials: 981039021234567"
    );
    assert_eq!(
        why(moscow().resolve("123-45-67")),
        "read: 123-45-67\n\
         digits: 1234567\n\
         number of RU: +74951234567\n\
         sent the national way: 84951234567\n\
         outside line “9”: 984951234567\n\
         dials: 984951234567"
    );
    assert_eq!(
        why(moscow().resolve("tel:500%26PJSIP/itsp/1900")),
        "read the link: tel:500%26PJSIP/itsp/1900\n\
         ! the link cannot be called: “&” cannot be part of a phone number"
    );
}

/// Country, outside line, form → text → dialled.
#[test]
fn every_spelling_dials_the_same_number() {
    let spellings = [
        "+7 906 219-50-47",
        "8 (906) 219-50-47",
        "89062195047",
        "9062195047",
        "79062195047",
        "8-906-219-50-47",
        "+7(906)2195047",
        "tel:+79062195047",
        "TEL:%2B7906%202195047",
        "callto://8(906)2195047",
        "sip:+79062195047@example.com",
        "tel:219-50-47;phone-context=+7906",
        "＋７９０６２１９５０４７",
    ];
    for (send_as, outside, dials) in [
        (SendAs::E164, "", "+79062195047"),
        (SendAs::E164, "9", "979062195047"),
        (SendAs::E164Digits, "", "79062195047"),
        (SendAs::National, "", "89062195047"),
        (SendAs::National, "9", "989062195047"),
    ] {
        let plan = DialPlan {
            send_as,
            outside_prefix: outside.into(),
            ..DialPlan::new(Region::RU)
        };
        for text in spellings {
            let resolution = plan.resolve(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(resolution.dial.as_str(), dials, "{text}");
            assert_eq!(resolution.number.e164(), Some("+79062195047"), "{text}");
            assert_eq!(resolution.kind, Kind::National, "{text}");
            assert_eq!(resolution.question, None, "{text}");
        }
    }
}

#[test]
fn forms_of_other_countries_are_right() {
    let plan = |country: &str, send_as| DialPlan {
        send_as,
        ..DialPlan::new(country.parse().unwrap())
    };
    for (country, text, national, kind) in [
        ("IT", "02 1234567", "021234567", Kind::National),
        (
            "IT",
            "+7 906 219-50-47",
            "0079062195047",
            Kind::International,
        ),
        ("GB", "+44 (0)20 7183 8750", "02071838750", Kind::National),
        (
            "GB",
            "00 39 02 1234567",
            "0039021234567",
            Kind::International,
        ),
        ("DE", "030/123456", "030123456", Kind::National),
        ("US", "(202) 555-0173", "2025550173", Kind::National),
        (
            "US",
            "011 44 20 7183 8750",
            "011442071838750",
            Kind::International,
        ),
        (
            "AU",
            "0011 44 20 7183 8750",
            "0011442071838750",
            Kind::International,
        ),
        (
            "RU",
            "810 44 20 7183 8750",
            "810442071838750",
            Kind::International,
        ),
        (
            "RU",
            "8~10 44 20 7183 8750",
            "810442071838750",
            Kind::International,
        ),
        // Kazakhstan shares +7 with Russia, Canada +1 with the United States.
        ("RU", "+7 701 123 45 67", "87011234567", Kind::International),
        ("US", "+1 416 234 5678", "14162345678", Kind::International),
    ] {
        let resolution = plan(country, SendAs::National).resolve(text).unwrap();
        assert_eq!(resolution.dial.as_str(), national, "{text} in {country}");
        assert_eq!(resolution.kind, kind, "{text} in {country}");
    }
    let own = DialPlan {
        international_prefix: "0".into(),
        national_prefix: "1".into(),
        ..plan("US", SendAs::National)
    };
    assert_eq!(
        own.resolve("202 555 0173").unwrap().dial.as_str(),
        "12025550173"
    );
    assert_eq!(
        own.resolve("+39 02 1234567").unwrap().dial.as_str(),
        "039021234567"
    );
    let as_dialled = plan("US", SendAs::AsDialled)
        .resolve("1 (202) 555-0173")
        .unwrap();
    assert_eq!(as_dialled.dial.as_str(), "12025550173");
}

#[test]
fn internal_numbers_get_no_outside_line() {
    for text in [
        "101",
        "sip:101@pbx.example.com",
        "tel:101",
        "tel:1-0-1",
        "1001",
    ] {
        let resolution = moscow().resolve(text).unwrap();
        assert_eq!(resolution.kind, Kind::Internal, "{text}");
        assert_eq!(resolution.question, None, "{text}");
        assert!(!resolution.dial.as_str().starts_with('9'), "{text}");
    }
}

#[test]
fn emergency_numbers_are_never_prefixed_asked_about_or_blocked() {
    let refuse_all = |country: &str| DialPlan {
        outside_prefix: "9".into(),
        rules: ["1", "9", "0", ""]
            .map(|prefix| Rule {
                prefix: prefix.into(),
                action: Action::Refuse {
                    reason: "no calls".into(),
                },
            })
            .into(),
        ..DialPlan::new(country.parse().unwrap())
    };
    for (country, text) in [
        ("RU", "112"),
        ("RU", "tel:112"),
        ("US", "911"),
        ("US", "tel:9-1-1"),
        ("US", "9911"),
        ("GB", "999"),
        ("AU", "000"),
        ("ZA", "10111"),
        ("VN", "112"),
    ] {
        let resolution = refuse_all(country).resolve(text).unwrap();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(resolution.dial.as_str(), digits, "{text} in {country}");
        assert_eq!(resolution.kind, Kind::Emergency, "{text} in {country}");
        assert_eq!(resolution.question, None, "{text} in {country}");
    }
}

#[test]
fn extensions_that_look_like_emergency_numbers_stay_extensions() {
    let two_digits = DialPlan {
        internal_length: InternalLength { min: 2, max: 2 },
        outside_prefix: "9".into(),
        ..DialPlan::new(Region::RU)
    };
    assert_eq!(moscow().resolve("101").unwrap().kind, Kind::Internal);
    let outside = two_digits.resolve("101").unwrap();
    assert_eq!(
        (outside.kind, outside.dial.as_str()),
        (Kind::Emergency, "101")
    );
}

#[test]
fn feature_codes_and_odd_numbers_never_leave_without_a_question() {
    for text in [
        "*21#",
        "tel:*21*123#",
        "tel:*21%23",
        "#31#89062195047",
        "**4",
        "*72",
        "500#",
    ] {
        let resolution = moscow().resolve(text).unwrap();
        assert_eq!(resolution.kind, Kind::FeatureCode, "{text}");
        let question = resolution.question.unwrap();
        assert!(
            matches!(question, Question::FeatureCode(_)),
            "{text}: {question}"
        );
    }
    for text in [
        "12",
        "12345",
        "+7 000 000 00 00",
        "123456789012345678",
        "0000000000",
    ] {
        let resolution = moscow().resolve(text).unwrap();
        let question = resolution
            .question
            .unwrap_or_else(|| panic!("{text} needs a question"));
        assert!(
            matches!(question, Question::NotInPlan { .. }),
            "{text}: {question}"
        );
    }
    let premium = moscow().resolve("8 809 505 1234").unwrap();
    assert!(
        matches!(premium.question, Some(Question::PremiumRate { .. })),
        "{premium:?}"
    );
}

#[test]
fn the_longest_rule_that_fits_decides() {
    let rule = |prefix: &str, action| Rule {
        prefix: prefix.into(),
        action,
    };
    let plan = DialPlan {
        rules: vec![
            rule(
                "+7809",
                Action::Refuse {
                    reason: "premium-rate numbers are blocked".into(),
                },
            ),
            rule(
                "+7495123",
                Action::Replace {
                    with: String::new(),
                },
            ),
            rule(
                "+7495",
                Action::Send {
                    send_as: SendAs::E164Digits,
                    outside_prefix: None,
                },
            ),
            rule(
                "+44",
                Action::Send {
                    send_as: SendAs::E164,
                    outside_prefix: Some(String::new()),
                },
            ),
            rule("55", Action::Replace { with: "1".into() }),
            rule(
                "*7",
                Action::Refuse {
                    reason: "forwarding is set in the app".into(),
                },
            ),
        ],
        ..moscow()
    };
    for (text, dials, kind) in [
        ("+7 495 123-45-67", "4567", Kind::Internal),
        ("+7 495 999-45-67", "974959994567", Kind::National),
        ("+44 20 7183 8750", "+442071838750", Kind::International),
        ("550", "10", Kind::Internal),
        ("8 906 219-50-47", "989062195047", Kind::National),
    ] {
        let resolution = plan.resolve(text).unwrap();
        assert_eq!(
            (resolution.dial.as_str(), resolution.kind),
            (dials, kind),
            "{text}"
        );
    }
    let refused = plan.resolve("8 809 505 1234").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the dial plan does not allow it: premium-rate numbers are blocked"
    );
    assert!(plan.resolve("*72").is_err());
}

#[test]
fn a_number_written_with_the_outside_line_gets_it_once() {
    let resolution = moscow().resolve("9 8 906 219-50-47").unwrap();
    assert_eq!(resolution.dial.as_str(), "989062195047");
    assert_eq!(resolution.number.e164(), Some("+79062195047"));
}

#[test]
fn a_link_resolves_as_its_text_does() {
    let link = CallLink::parse("tel:+74951234567;ext=12").unwrap();
    let of_link = moscow().resolve(&link).unwrap();
    let of_text = moscow().resolve("tel:+74951234567;ext=12").unwrap();
    assert_eq!(of_link, of_text);
    assert_eq!(of_link.extension_to_send.unwrap().as_str(), "12");
}

#[test]
fn a_plan_in_a_settings_file_needs_only_its_country() {
    let plan: DialPlan = serde_json::from_str(r#"{"country":"ru"}"#).unwrap();
    assert_eq!(plan, DialPlan::new(Region::RU));
    let text = serde_json::to_string(&moscow()).unwrap();
    assert_eq!(serde_json::from_str::<DialPlan>(&text).unwrap(), moscow());
    assert!(serde_json::from_str::<DialPlan>(r#"{"country":"XX"}"#).is_err());
}
