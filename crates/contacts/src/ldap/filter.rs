//! Questions as LDAP filters (RFC 4515): what is asked for is text in them and nothing else.

use super::LdapConfig;
use crate::clean;
use ldap3::ldap_escape;
use phone_number::PhoneNumber;

/// So many last digits are the same however a number is written, with country, area or neither.
const TELLING: usize = 7;
/// Fewer are looked for as they are: with anything between them they would be found in every number.
const FEWEST_SPREAD: usize = 5;
/// What a person types in a moment.
const MOST_WORDS: usize = 6;

/// Everybody who may have this number. More are found than have it: equality is for [`crate::likeness`].
pub(super) fn by_number(config: &LdapConfig, number: &PhoneNumber) -> String {
    let digits = telling_digits(number);
    let is_plain = digits.len() >= FEWEST_SPREAD && digits.bytes().all(|b| b.is_ascii_digit());
    let matches = if is_plain {
        any_of(&config.attributes.numbers, &[spread(&digits)])
    } else {
        let text = ldap_escape(&digits);
        any_of(
            &config.attributes.numbers,
            &[text.to_string(), format!("tel:{text}")],
        )
    };
    among_people(config, &matches)
}

/// Everybody whose name, company or address has every word, or whose number has these digits; `None` where the text says
/// nothing.
pub(super) fn by_text(config: &LdapConfig, text: &str) -> Option<String> {
    let text = clean::line(text, clean::MAX_NAME);
    if text.chars().count() < 2 {
        return None;
    }
    let names = config.attributes.names();
    let words = text.split_whitespace().take(MOST_WORDS);
    let every: String = words
        .map(|word| any_of(&names, &[format!("*{}*", ldap_escape(word))]))
        .collect();
    let mut matches = format!("(&{every})");
    if let Some(digits) = digits_of(config, &text) {
        let number = any_of(&config.attributes.numbers, &[spread(&digits)]);
        matches = format!("(|{matches}{number})");
    }
    Some(among_people(config, &matches))
}

/// The entry that the directory calls so: by its key as text or as bytes, or by its name (DN).
pub(super) fn by_key(config: &LdapConfig, key: &str) -> String {
    let text = ldap_escape(key).into_owned();
    if key.contains('=') {
        // The first is OpenLDAP's, the second Active Directory's.
        let names = ["entryDN", "distinguishedName"].map(str::to_owned);
        return among_people(config, &any_of(&names, &[text]));
    }
    let is_bytes = key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes = key
        .as_bytes()
        .chunks(2)
        .map(|two| String::from_utf8_lossy(two));
    let bytes: String = bytes.map(|two| format!("\\{two}")).collect();
    let mut values = vec![text];
    values.extend(is_bytes.then_some(bytes));
    among_people(config, &any_of(&config.attributes.key, &values))
}

/// Filters are often written without the outer brackets.
pub(super) fn bracketed(filter: &str) -> String {
    let filter = filter.trim();
    match filter.starts_with('(') {
        true => filter.to_owned(),
        false => format!("({filter})"),
    }
}

impl super::LdapAttributes {
    /// What a person is looked for by.
    fn names(&self) -> Vec<String> {
        let all = [&self.name, &self.company, &self.mail];
        all.into_iter().flatten().cloned().collect()
    }
}

fn among_people(config: &LdapConfig, matches: &str) -> String {
    format!("(&{}{matches})", bracketed(&config.filter))
}

/// The digits that every spelling ends with; all that there are of a short number.
fn telling_digits(number: &PhoneNumber) -> String {
    let Some(e164) = number.e164() else {
        return number.digits().to_owned();
    };
    // What both ways of writing end with is the number without its country and without what is dialled before it.
    let national = number.national();
    let national = national.chars().rev().filter(char::is_ascii_digit);
    let common = national.zip(e164.chars().rev()).take(TELLING);
    let common: Vec<char> = common
        .take_while(|(one, other)| one == other)
        .map(|(digit, _)| digit)
        .collect();
    common.into_iter().rev().collect()
}

/// The digits of something that may be part of a number.
fn digits_of(config: &LdapConfig, text: &str) -> Option<String> {
    let may_be = text
        .chars()
        .all(|c| c.is_ascii_digit() || " +()-./".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !may_be || digits.len() < 3 {
        return None;
    }
    match config.plan.number(text) {
        Ok(number) if number.e164().is_some() => Some(telling_digits(&number)),
        Ok(_) | Err(_) => Some(digits),
    }
}

/// `*2*1*9*`: these digits, with whatever people write between and around them.
fn spread(digits: &str) -> String {
    let mut spread = String::from("*");
    for digit in digits.chars() {
        spread.push(digit);
        spread.push('*');
    }
    spread
}

fn any_of(attributes: &[String], values: &[String]) -> String {
    let mut any = String::from("(|");
    for attribute in attributes {
        for value in values {
            any += &format!("({attribute}={value})");
        }
    }
    any.push(')');
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::{DialPlan, Region};
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_number_is_asked_for_alike() {
        let config = config(Region::RU);
        for spelling in [
            "+79062195047",
            "89062195047",
            "(906) 219-50-47",
            "8 906 219 50 47",
            "+7 906 219-50-47 ext. 12",
        ] {
            let number = config.plan.number(spelling).unwrap();
            assert_eq!(
                by_number(&config, &number),
                "(&(objectClass=person)(|(mobile=*2*1*9*5*0*4*7*)))",
                "{spelling}"
            );
        }
    }

    #[test]
    fn short_numbers_are_asked_for_as_they_are() {
        let config = config(Region::RU);
        let asked = |text: &str| by_number(&config, &config.plan.number(text).unwrap());
        assert_eq!(
            asked("101"),
            "(&(objectClass=person)(|(mobile=101)(mobile=tel:101)))"
        );
        assert_eq!(
            asked("*97"),
            r"(&(objectClass=person)(|(mobile=\2a97)(mobile=tel:\2a97)))"
        );
    }

    #[test]
    fn a_country_with_short_numbers_is_not_asked_for_its_own_digits() {
        let config = config("FO".parse().unwrap());
        let number = config.plan.number("+298 311234").unwrap();
        assert!(
            by_number(&config, &number).contains("=*3*1*1*2*3*4*)"),
            "{}",
            by_number(&config, &number)
        );
    }

    #[test]
    fn a_record_is_asked_for_by_its_key_in_either_form_or_by_its_name() {
        let mut config = config(Region::RU);
        config.attributes.key = vec!["objectGUID".into()];
        let asked = by_key(&config, "00112233445566778899aabbccddeeff");
        assert!(
            asked.contains(r"(objectGUID=\00\11\22\33\44\55\66\77\88\99\aa\bb\cc\dd\ee\ff)"),
            "{asked}"
        );
        assert!(ldap3::parse_filter(&asked).is_ok());
        let asked = by_key(&config, "cn=K (A),dc=firm");
        assert!(asked.contains(r"(entryDN=cn=K \28A\29,dc=firm)"), "{asked}");
    }

    #[test]
    fn a_name_is_asked_for_by_every_word_and_a_number_by_its_digits() {
        let config = config(Region::RU);
        assert_eq!(
            by_text(&config, " anna  (K*) ").unwrap(),
            r"(&(objectClass=person)(&(|(cn=*anna*)(o=*anna*)(mail=*anna*))(|(cn=*\28K\2a\29*)(o=*\28K\2a\29*)(mail=*\28K\2a\29*))))"
        );
        let number = by_text(&config, "8 (906) 219-50-47").unwrap();
        assert!(
            number.ends_with("(|(mobile=*2*1*9*5*0*4*7*))))"),
            "{number}"
        );
        let part = by_text(&config, "219-50").unwrap();
        assert!(part.ends_with("(|(mobile=*2*1*9*5*0*))))"), "{part}");
        assert_eq!(by_text(&config, " a "), None);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_no_part_of_the_filter(text in any::<String>()) {
            let config = config(Region::RU);
            if let Some(filter) = by_text(&config, &text) {
                prop_assert!(ldap3::parse_filter(&filter).is_ok(), "{}", filter);
                let words = clean::line(&text, clean::MAX_NAME).split_whitespace().count().min(MOST_WORDS);
                let number = if filter.contains("(mobile=") { 3 } else { 0 };
                for bracket in ['(', ')'] {
                    prop_assert_eq!(filter.matches(bracket).count(), 3 + words * 4 + number, "{}", filter);
                }
            }
        }
    }

    fn config(country: Region) -> LdapConfig {
        let plan = DialPlan::new(country);
        let mut config = LdapConfig::new("ad", "AD", "ldaps://localhost", "dc=firm", plan);
        config.filter = "objectClass=person".into();
        config.attributes.numbers = vec!["mobile".into()];
        config.attributes.name = vec!["cn".into()];
        config.attributes.company = vec!["o".into()];
        config
    }
}
