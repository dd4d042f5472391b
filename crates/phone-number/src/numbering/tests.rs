//! The numbering plans, read country by country, against the whole world loaded at once.

use super::*;
use rlibphonenumber::PHONE_NUMBER_UTIL;

/// Every example number of every country, as written at home, abroad and with the country's own
/// international prefix: packed plans and shortcuts must find what Google's parser finds with the
/// whole world loaded.
#[test]
fn lazy_plans_and_shortcuts_agree_with_the_whole_world() {
    let mut compared = 0;
    for plan in WORLD
        .iter()
        .filter(|plan| plan.region != rlibphonenumber::Region::World)
    {
        let country: Region = plan.region.to_string().parse().unwrap();
        for number in example_numbers(country) {
            for text in spellings(&number, country) {
                for home in [country, Region::RU, Region::IT] {
                    let digits: String = text
                        .chars()
                        .filter(|c| c.is_ascii_digit() || *c == '+')
                        .collect();
                    assert_eq!(
                        find(&digits, home, ""),
                        reference(&digits, home),
                        "{digits} in {home}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 30_000, "{compared}");
}

fn example_numbers(country: Region) -> Vec<PhoneNumber> {
    let types = PHONE_NUMBER_UTIL
        .get_supported_types_for_region(country.id())
        .unwrap_or_default();
    let mut numbers: Vec<PhoneNumber> = types
        .into_iter()
        .filter_map(|kind| {
            let id = country.id();
            PHONE_NUMBER_UTIL
                .get_example_number_for_type_and_region(id, kind)
                .ok()
        })
        .collect();
    numbers.extend(PHONE_NUMBER_UTIL.get_invalid_example_number(country.id()));
    // Beside the examples, their neighbours: most of these belong to no plan.
    let neighbours: Vec<_> = numbers
        .iter()
        .flat_map(|number| {
            [1, 10_000_019, 777].map(|step| PhoneNumber {
                national_number: number.national_number.wrapping_add(step),
                ..number.clone()
            })
        })
        .collect();
    numbers.extend(neighbours);
    numbers
}

fn spellings(number: &PhoneNumber, country: Region) -> Vec<String> {
    let e164 = e164(number);
    let prefix = international_prefix(country);
    let (code, national_number) = (number.country_code, number.national_number);
    let national: String = national(&e164)
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let trunk = national
        .strip_suffix(&national_number.to_string())
        .unwrap_or("")
        .to_owned();
    vec![
        format!("{prefix}{}", &e164[1..]),
        e164[1..].to_owned(),
        national_number.to_string(),
        // Both prefixes at once, and numbers that only look as if they had one.
        format!("+{code}{national}"),
        format!("{trunk}{code}{national_number}"),
        format!("{trunk}{}", national_number / 10),
        format!("+{code}{trunk}{}", national_number / 10),
        format!("{code}{}", national_number / 100),
        format!("{prefix}{}", national_number / 1000),
        national,
        e164,
    ]
}

fn reference(digits: &str, country: Region) -> Option<Found> {
    if digits.len() < 3 {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(digits, Some(country.id())).ok()?;
    let valid = PHONE_NUMBER_UTIL.is_valid_number(&number);
    let own_code = PHONE_NUMBER_UTIL.get_country_code_for_region(country.id());
    let explicit = digits.starts_with('+') || own_code != Some(number.country_code);
    let possible = explicit && PHONE_NUMBER_UTIL.is_possible_number(&number);
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    (valid || possible).then_some(Found { e164, valid })
}

#[test]
fn prefixes_of_countries_are_known() {
    for (country, code, prefix) in [
        (Region::RU, 7, "810"),
        (Region::US, 1, "011"),
        (Region::IT, 39, "00"),
    ] {
        assert_eq!(calling_code(country), Some(code));
        assert_eq!(international_prefix(country), prefix);
    }
    assert_eq!(code_of("390212345"), Some(39));
    assert_eq!(code_of("210"), None);
}
