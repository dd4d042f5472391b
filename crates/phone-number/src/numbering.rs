//! The world's numbering plans, as Google's library knows them.

use crate::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

/// A number of some country's plan.
pub(crate) struct Found {
    pub(crate) e164: String,
    pub(crate) valid: bool,
}

pub(crate) fn calling_code(region: Region) -> u16 {
    PHONE_NUMBER_UTIL
        .get_country_code_for_region(region.id())
        .and_then(|code| code.try_into().ok())
        .unwrap_or(0)
}

/// `digits` is `+` (optional) and digits.
pub(crate) fn find(digits: &str, country: Region, area_code: &str) -> Option<Found> {
    let explicit = digits.starts_with('+');
    if digits.contains(['*', '#']) || digits.len() < 3 {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(digits, Some(country.id())).ok()?;
    let valid = PHONE_NUMBER_UTIL.is_valid_number(&number);
    if !valid && !area_code.is_empty() && !explicit && !digits.starts_with(area_code) {
        let completed = format!("{area_code}{digits}");
        if let Some(found) = find(&completed, country, "").filter(|found| found.valid) {
            return Some(found);
        }
    }
    if !valid && !(explicit && PHONE_NUMBER_UTIL.is_possible_number(&number)) {
        return None;
    }
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    Some(Found { e164, valid })
}

pub(crate) fn international(e164: &str) -> String {
    format(e164, PhoneNumberFormat::International)
}

pub(crate) fn national(e164: &str) -> String {
    format(e164, PhoneNumberFormat::National)
}

fn format(e164: &str, format: PhoneNumberFormat) -> String {
    match PHONE_NUMBER_UTIL.parse(e164, None) {
        Ok(number) => number.format_as(format).into_owned(),
        Err(_) => e164.to_owned(),
    }
}
