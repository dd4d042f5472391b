//! Numbers and links as people and pages write them: reading never fails badly, what may be dialled is digits, and what is
//! shown reads as the same number.

use phone_number::{CallLink, DialPlan, Dialable, PhoneNumber, Region, numbers_in};

use crate::bytes::Bytes;

/// Two bytes of options, then the text.
pub fn phone_number(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let country = bytes.choose(&[Region::RU, Region::GB, Region::US, Region::IT]);
    let options = bytes.byte();
    let text = String::from_utf8_lossy(bytes.take_all());
    must_read_alike(&text, country);
    must_dial_digits_only(&text, country, options);
    if let Ok(dial) = Dialable::new(text.as_ref()) {
        assert!(may_be_dialled(dial.as_str()), "{dial:?}");
        assert_eq!(dial.as_str(), text);
    }
    for found in numbers_in(&text) {
        assert!(text.contains(found));
    }
}

fn must_read_alike(text: &str, country: Region) {
    let Ok(number) = PhoneNumber::parse(text, country) else {
        return;
    };
    assert_eq!(
        number,
        PhoneNumber::parse(text, country).unwrap_or_else(|why| panic!("{why}"))
    );
    assert!(number.is_same(&number));
    let Some(e164) = number.e164() else {
        return;
    };
    let digits = e164
        .strip_prefix('+')
        .unwrap_or_else(|| panic!("{e164} is not international"));
    // E.164 says 15; Google's plans know longer ones in Germany.
    assert!(!digits.is_empty() && digits.len() <= 3 + 17, "{e164}");
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{e164}");
    // Only of numbers in a plan does the library know how they are written.
    if !number.is_valid() {
        return;
    }
    for shown in [e164.to_owned(), number.international()] {
        let again = PhoneNumber::parse(&shown, country)
            .unwrap_or_else(|why| panic!("{text:?} is shown as {shown:?}: {why}"));
        assert_eq!(again.e164(), Some(e164), "{text:?} is shown as {shown:?}");
        assert_eq!(again.key(), number.key(), "{text:?} is shown as {shown:?}");
    }
}

fn must_dial_digits_only(text: &str, country: Region, options: u8) {
    let mut plan = DialPlan::new(country);
    if options & 1 != 0 {
        plan.outside_prefix = "9".into();
    }
    if options & 2 != 0 {
        plan.area_code = "495".into();
    }
    for target in [
        text.to_owned(),
        format!("tel:{text}"),
        format!("sip:{text}@pbx"),
    ] {
        let Ok(resolution) = plan.resolve(target.as_str()) else {
            continue;
        };
        assert!(
            may_be_dialled(resolution.dial.as_str()),
            "{target:?}: {resolution:?}"
        );
        if let Some(tones) = &resolution.extension_to_send {
            assert!(
                !tones
                    .as_str()
                    .contains(|c: char| !(c.is_ascii_alphanumeric() || "*#,wW".contains(c)))
            );
        }
    }
    if let Ok(link) = CallLink::parse(text) {
        assert!(CallLink::looks_like(text), "{text:?}");
        let _ = (link.digits(), link.extension(), link.host());
    }
}

/// `^\+?[0-9*#]{1,32}$`
fn may_be_dialled(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=32).contains(&digits.len())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'))
}
