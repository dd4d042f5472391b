//! Emergency numbers by country.

use crate::Region;

/// True for a number that must go out as it is, whatever the plan says.
pub(crate) fn is_emergency(digits: &str, country: Region) -> bool {
    let _ = country;
    matches!(digits, "112" | "911" | "999")
}
