//! Numbers as they are searched: digits alone, every tail of them, and the spellings of one number.

/// What a tail is found by at least; extensions have two digits here and there.
const SHORTEST: usize = 2;
/// Longer than any number; a hostile caller's name of digits must not fill the disk.
const LONGEST: usize = 24;

/// The digits of a number, the last ones if there are too many; `None` if there are none.
pub(crate) fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let start = digits.len().saturating_sub(LONGEST);
    (!digits.is_empty()).then(|| digits[start..].to_owned())
}

/// Every tail of the digits: any part of the number is the beginning of one.
pub(crate) fn tails(digits: &str) -> impl Iterator<Item = &str> {
    let last = digits.len().saturating_sub(SHORTEST);
    (0..=last).map(|start| &digits[start..])
}

/// The digits for which to look when somebody typed this: "8 (495)", "0049…" and "+7 495" name what is kept without
/// its trunk prefix or with its country. Empty when no digit was typed.
pub(crate) fn wanted(text: &str) -> Vec<String> {
    let Some(digits) = digits(text) else {
        return Vec::new();
    };
    let mut wanted = vec![digits.clone()];
    let is_spelled = text.contains(['(', ')', ' ', '-']) || digits.len() > 5;
    let is_international = text.trim_start().starts_with('+');
    if is_spelled && !is_international {
        // The national trunk prefix, or the international one.
        let rest = match digits.strip_prefix("00") {
            Some(rest) => Some(rest),
            None => digits.strip_prefix(['0', '8']),
        };
        wanted.extend(rest.filter(|rest| rest.len() >= 3).map(str::to_owned));
    }
    // A whole number, kept with another prefix than it was typed.
    if (11..=12).contains(&digits.len()) {
        wanted.push(digits[digits.len() - 10..].to_owned());
    }
    wanted.dedup();
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tail_is_kept() {
        assert_eq!(tails("1234").collect::<Vec<_>>(), ["1234", "234", "34"]);
        assert_eq!(tails("1").collect::<Vec<_>>(), ["1"]);
    }

    #[test]
    fn a_number_is_found_in_other_spellings() {
        let finds = |kept: &str, typed: &str| {
            let kept = digits(kept).unwrap();
            let wanted = wanted(typed);
            tails(&kept).any(|tail| wanted.iter().any(|part| tail.starts_with(part)))
        };
        for typed in [
            "+7 495 123",
            "8 (495) 123-45-67",
            "84951234567",
            "495",
            "45-67",
            "4567",
            "8 (495)",
            "007495123",
        ] {
            assert!(finds("+74951234567", typed), "{typed}");
        }
        assert!(finds("84951234567", "+7 495 123-45-67"));
        assert!(finds("+4930123456", "030 123456"));
        assert!(!finds("+74951234567", "496"));
        assert!(!finds("800", "8100"));
    }

    #[test]
    fn no_digits_are_no_number() {
        assert_eq!(digits("anonymous"), None);
        assert!(wanted("Петров").is_empty());
    }
}
