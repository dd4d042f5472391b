//! Whether two numbers are the same one.

use phone_number::PhoneNumber;

/// How two numbers compare, however each was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    Different,
    /// The same line where one of them does not tell the extension, or the same but for the country, which one of them
    /// does not tell.
    Likely,
    Same,
}

/// Compares normalised numbers; a number that contains the other is a different one.
#[must_use]
pub fn likeness(one: &PhoneNumber, other: &PhoneNumber) -> Likeness {
    if one.is_same(other) {
        return Likeness::Same;
    }
    let both_tell = one.extension().is_some() && other.extension().is_some();
    if one.normal_form() == other.normal_form() {
        return if both_tell {
            Likeness::Different
        } else {
            Likeness::Likely
        };
    }
    let one_without_country = one.e164().is_none() || other.e164().is_none();
    let is_national = one.national_key().is_some() && one.national_key() == other.national_key();
    if one_without_country && is_national && !both_tell {
        Likeness::Likely
    } else {
        Likeness::Different
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::{DialPlan, Region};

    fn compared(one: &str, other: &str) -> Likeness {
        let plan = DialPlan::new(Region::RU);
        likeness(&plan.number(one).unwrap(), &plan.number(other).unwrap())
    }

    #[test]
    fn spellings_of_one_number_are_the_same() {
        for text in ["+79062195047", "8 906 219-50-47", "(906) 219-50-47"] {
            assert_eq!(compared(text, "+7 906 2195047"), Likeness::Same, "{text}");
        }
    }

    #[test]
    fn a_part_of_a_number_is_another_number() {
        assert_eq!(compared("2195047", "+79062195047"), Likeness::Different);
        assert_eq!(
            compared("+790621950471", "+79062195047"),
            Likeness::Different
        );
    }

    #[test]
    fn one_extension_less_is_likely_and_another_is_another_person() {
        let line = "+7 495 123-00-00";
        assert_eq!(compared(line, "+7 495 123-00-00 ext. 12"), Likeness::Likely);
        let (one, other) = ("+74951230000 ext. 12", "+74951230000 ext. 13");
        assert_eq!(compared(one, other), Likeness::Different);
    }
}
