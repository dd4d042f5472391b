//! Emergency numbers by country.
//!
//! Google's metadata of short numbers is not part of the library in use, so this is a table of the
//! countries where such systems stand. A number that is missing here is still dialled as written;
//! what it loses is the freedom from rules.

use crate::Region;

/// Emergency numbers of a country.
struct Numbers {
    /// These come before the site's own extensions.
    first: &'static [&'static str],
    /// These too, unless the site's extensions look the same: a Russian office with the extensions
    /// 101 to 104 is the rule, not the exception. Either way they are dialled as written.
    unless_internal: &'static [&'static str],
}

/// True for a number that must go out as it is, whatever the plan says.
pub(crate) fn is_emergency(digits: &str, country: Region, is_internal: bool) -> bool {
    let numbers = numbers_of(country);
    numbers.first.contains(&digits) || !is_internal && numbers.unless_internal.contains(&digits)
}

fn numbers_of(country: Region) -> Numbers {
    let (first, unless_internal): (&[_], &[_]) = match country.to_string().as_str() {
        "GB" | "IE" => (&["112", "999"], &[]),
        "DE" => (&["110", "112"], &[]),
        "FR" => (
            &["112", "15", "17", "18", "114"],
            &["115", "119", "191", "196"],
        ),
        "IT" => (&["112", "113", "115", "118"], &[]),
        "AT" => (&["112", "122", "133", "144"], &[]),
        "CH" | "LI" => (&["112", "117", "118", "144"], &[]),
        "ES" => (&["112"], &["061", "062", "080", "085", "091", "092"]),
        "BE" => (&["112"], &["100", "101"]),
        "PL" => (&["112", "997", "998", "999"], &[]),
        "CZ" | "SK" => (&["112", "150", "155", "158"], &["156", "159"]),
        "HU" => (&["112"], &["104", "105", "107"]),
        "BG" => (&["112"], &["150", "160", "166"]),
        "GR" => (&["112"], &["100", "166", "199"]),
        "NO" => (&["112", "110", "113"], &[]),
        "LV" => (&["112"], &["110", "113"]),
        "RU" | "UA" | "BY" | "KZ" | "KG" | "UZ" | "AM" | "MD" => {
            (&["112"], &["101", "102", "103", "104"])
        }
        "TR" => (&["112"], &["110", "155", "156"]),
        "IL" => (&["112"], &["100", "101", "102"]),
        "IN" => (&["112"], &["100", "101", "102", "108"]),
        "US" | "CA" | "PR" => (&["911"], &["112"]),
        "MX" => (&["911"], &["112"]),
        "BR" => (&["190", "192", "193"], &["112", "911"]),
        "AR" => (&["911"], &["100", "101", "107", "112"]),
        "CL" => (&["131", "132", "133"], &["112", "911"]),
        "AU" => (&["000", "112"], &["106"]),
        "NZ" => (&["111"], &["112", "911"]),
        "JP" => (&["110", "118", "119"], &["112", "911"]),
        "CN" => (&["110", "119", "120", "122"], &["112"]),
        "KR" => (&["112", "119"], &[]),
        "ZA" => (&["112", "10111", "10177"], &[]),
        "AE" | "SA" => (&["112", "997", "998", "999", "911"], &[]),
        _ => (&["112"], &["911", "999"]),
    };
    Numbers {
        first,
        unless_internal,
    }
}
