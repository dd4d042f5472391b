//! Numbers as people write them: separators, other digits, extensions, several in one field.

use crate::ParseNumberError;

/// What a text says, before any numbering plan is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// `+` at the start or not at all, then digits, `*` and `#`.
    pub(crate) digits: String,
    pub(crate) extension: Option<String>,
}

/// As many as may be dialled.
const MAX_DIGITS: usize = 32;
const MAX_EXTENSION: usize = 10;

/// Words before an extension, in lower case; a longer one stands before those it ends with.
const EXTENSION_WORDS: [&str; 16] = [
    "extension",
    "extn",
    ";ext",
    "ext",
    "добавочный",
    "доб",
    "внутренний",
    "внутр",
    "вн",
    "durchwahl",
    "dw",
    "anexo",
    "poste",
    "int",
    "x",
    // The Cyrillic letter that looks the same.
    "х",
];

/// Reads one number with its extension.
pub(crate) fn read(text: &str) -> Result<Written, ParseNumberError> {
    let (number, extension) = split_extension(text);
    Ok(Written {
        digits: diallable(number)?,
        extension,
    })
}

/// Keeps what can be dialled, drops what only separates, refuses the rest.
pub(crate) fn diallable(text: &str) -> Result<String, ParseNumberError> {
    let letters_are_digits = is_vanity(text);
    let mut digits = String::new();
    for c in text.chars() {
        let digit = diallable_char(c).or_else(|| keypad_digit(c).filter(|_| letters_are_digits));
        match digit {
            Some('+') if !digits.is_empty() => return Err(ParseNumberError::Character('+')),
            Some(digit) => digits.push(digit),
            None if is_separator(c) => {}
            None => return Err(ParseNumberError::Character(c)),
        }
    }
    match digits.trim_start_matches('+').len() {
        0 => Err(ParseNumberError::NoDigits),
        1..=MAX_DIGITS => Ok(digits),
        length => Err(ParseNumberError::TooLong { length }),
    }
}

/// Splits `+7 495 123-45-67 доб. 12` into the number and `12`.
fn split_extension(text: &str) -> (&str, Option<String>) {
    let text = text.trim().trim_end_matches([')', ']', ' ', '.']);
    let before = text.trim_end_matches(|c| ascii_digit(c).is_some());
    let extension: String = text[before.len()..]
        .chars()
        .filter_map(ascii_digit)
        .collect();
    if !(1..=MAX_EXTENSION).contains(&extension.len()) {
        return (text, None);
    }
    let head = before.trim_end_matches([' ', '\u{a0}', ':', '.', '=']);
    match strip_extension_mark(head) {
        Some(number) => (number, Some(extension)),
        None => (text, None),
    }
}

fn strip_extension_mark(head: &str) -> Option<&str> {
    if let Some(number) = head.strip_suffix('#') {
        // `#12` behind a whole number is an extension; in `*21#12` it is part of a feature code.
        let plain = digit_count(number) >= 5 && !number.contains(['*', '#']);
        return plain.then_some(number);
    }
    if head.ends_with(',') {
        // Commas are pauses before tones, as in the address books of mobile phones.
        let number = head.trim_end_matches([',', ' ']);
        return (digit_count(number) >= 3).then_some(number);
    }
    EXTENSION_WORDS.iter().find_map(|word| {
        let number = &head[..start_of_suffix(head, word)?];
        let whole_word = !number.ends_with(char::is_alphabetic);
        (whole_word && digit_count(number) > 0)
            .then(|| number.trim_end_matches([' ', '(', '[', ',', ';', '\u{a0}']))
    })
}

/// Where `word`, in lower case, starts at the end of `text`.
fn start_of_suffix(text: &str, word: &str) -> Option<usize> {
    let (start, _) = text.char_indices().rev().nth(word.chars().count() - 1)?;
    let same = text[start..]
        .chars()
        .flat_map(char::to_lowercase)
        .eq(word.chars());
    same.then_some(start)
}

fn digit_count(text: &str) -> usize {
    text.chars().filter(|c| ascii_digit(*c).is_some()).count()
}

fn diallable_char(c: char) -> Option<char> {
    match c {
        '+' | '＋' => Some('+'),
        '*' | '＊' => Some('*'),
        '#' | '＃' => Some('#'),
        _ => ascii_digit(c),
    }
}

/// The decimal digits of the scripts that phones and address books really hold.
fn ascii_digit(c: char) -> Option<char> {
    const ZEROS: [char; 7] = ['0', '０', '٠', '۰', '०', '০', '๐'];
    let value = ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        (value < 10).then_some(value)
    })?;
    char::from_digit(value, 10)
}

/// `1-800-FLOWERS`: ten digits or more, at least three of them letters at the end.
fn is_vanity(text: &str) -> bool {
    let Some(first_letter) = text.find(|c: char| c.is_ascii_alphabetic()) else {
        return false;
    };
    let (number, word) = text.split_at(first_letter);
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    digit_count(number) >= 3 && letters >= 3 && digit_count(text) + letters >= 10
}

/// The digit under which a phone's keypad has a letter (ITU-T E.161).
fn keypad_digit(c: char) -> Option<char> {
    Some(match c.to_ascii_uppercase() {
        'A'..='C' => '2',
        'D'..='F' => '3',
        'G'..='I' => '4',
        'J'..='L' => '5',
        'M'..='O' => '6',
        'P'..='S' => '7',
        'T'..='V' => '8',
        'W'..='Z' => '9',
        _ => return None,
    })
}

/// Spaces, dashes, brackets and the marks that programs hide between digits (direction marks come
/// with every number copied from an iPhone).
fn is_separator(c: char) -> bool {
    matches!(c,
        ' ' | '\t' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '·' | '\''
        | '\u{a0}' | '\u{ad}' | '\u{feff}'
        | '\u{2000}'..='\u{2015}' | '\u{2019}' | '\u{202a}'..='\u{202f}' | '\u{2053}'
        | '\u{205f}'..='\u{2069}' | '\u{2212}' | '\u{3000}'
        | '（' | '）' | '－' | '．' | '／' | '～')
}

/// The numbers of a field that holds several: `+7 495 1234567 доб. 12; 8 906 2195047`.
///
/// Each is given as it was written; a label before it (`mob.:`) is left out.
#[must_use]
pub fn numbers_in(text: &str) -> Vec<&str> {
    let mut numbers = Vec::new();
    for line in text.split(['\n', '\r', '|']) {
        for part in split_at_semicolons(line) {
            split_at_weak_marks(part, &mut numbers);
        }
    }
    numbers
}

/// A semicolon always separates, except where it belongs to `;ext=12`.
fn split_at_semicolons(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let belongs = |at: &usize| {
            let behind = text[at + 1..].trim_start();
            !behind
                .get(..3)
                .is_some_and(|word| word.eq_ignore_ascii_case("ext"))
        };
        match text.match_indices(';').map(|(at, _)| at).find(belongs) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// Marks that separate only between two whole numbers: a German area code stands before a slash,
/// an extension behind a comma.
const WEAK_MARKS: [&str; 7] = [",", "/", " или ", " и ", " or ", " and ", "\t"];
const WHOLE_NUMBER: usize = 5;

fn split_at_weak_marks<'a>(part: &'a str, numbers: &mut Vec<&'a str>) {
    for mark in WEAK_MARKS {
        for (at, _) in part.match_indices(mark) {
            let (left, right) = (&part[..at], &part[at + mark.len()..]);
            if digit_count(left) >= WHOLE_NUMBER && digit_count(right) >= WHOLE_NUMBER {
                split_at_weak_marks(left, numbers);
                return split_at_weak_marks(right, numbers);
            }
        }
    }
    let number = without_label(part.trim());
    if digit_count(number) > 0 {
        numbers.push(number);
    }
}

/// Leaves out a word before the number, but only one that ends like a label: `тел.: `, `Mob: `.
fn without_label(part: &str) -> &str {
    let Some(start) = part.find(|c| diallable_char(c).is_some() || c == '(') else {
        return part;
    };
    let label = part[..start].trim_end();
    let is_label = label
        .chars()
        .all(|c| c.is_alphabetic() || " .:-".contains(c));
    if is_label && (part[..start].ends_with(' ') || label.ends_with([':', '.'])) {
        &part[start..]
    } else {
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (String, Option<String>) {
        let written = read(text).unwrap();
        (written.digits, written.extension)
    }

    #[test]
    fn every_spelling_gives_its_digits_and_extension() {
        for (text, digits, extension) in [
            ("+39 (02) 1234 567", "+39021234567", None),
            ("8 (906) 219-50-47", "89062195047", None),
            ("+7 495 123-45-67 доб. 12", "+74951234567", Some("12")),
            ("+7 495 123-45-67 (доб. 12)", "+74951234567", Some("12")),
            (
                "+7 495 123-45-67, добавочный 12",
                "+74951234567",
                Some("12"),
            ),
            ("+7 495 123-45-67 ДОБ12", "+74951234567", Some("12")),
            ("+7 495 123-45-67 вн.12", "+74951234567", Some("12")),
            ("+1 202 555 0173 ext. 12", "+12025550173", Some("12")),
            ("+1 202 555 0173 Extension: 12", "+12025550173", Some("12")),
            ("+12025550173;ext=12", "+12025550173", Some("12")),
            ("+1 202 555 0173 x12", "+12025550173", Some("12")),
            ("+1 202 555 0173 х12", "+12025550173", Some("12")),
            ("+1 202 555 0173 #12", "+12025550173", Some("12")),
            ("+12025550173,,12", "+12025550173", Some("12")),
            ("101 доб. 7", "101", Some("7")),
            ("*21#", "*21#", None),
            ("*21*123#", "*21*123#", None),
            ("*21#12", "*21#12", None),
            ("#31#12", "#31#12", None),
            ("＋７（９０６）２１９－５０－４７", "+79062195047", None),
            ("٠٩٠٦٢١٩٥", "09062195", None),
            ("\u{202a}+7 906 219-50-47\u{202c}", "+79062195047", None),
            (
                "+7\u{a0}906\u{2011}219\u{2013}50\u{2212}47",
                "+79062195047",
                None,
            ),
            ("1-800-FLOWERS", "18003569377", None),
            ("030/1234567", "0301234567", None),
        ] {
            assert_eq!(
                written(text),
                (digits.to_owned(), extension.map(str::to_owned)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_the_character_to_blame() {
        for (text, error) in [
            ("", ParseNumberError::NoDigits),
            (" () ", ParseNumberError::NoDigits),
            ("+", ParseNumberError::NoDigits),
            ("500&PJSIP/itsp/1900", ParseNumberError::Character('&')),
            ("500@ctx", ParseNumberError::Character('@')),
            ("500/n", ParseNumberError::Character('n')),
            ("500,options", ParseNumberError::Character(',')),
            (
                "500\r\nAction: Originate",
                ParseNumberError::Character('\r'),
            ),
            ("7+906", ParseNumberError::Character('+')),
            ("anna", ParseNumberError::Character('a')),
            ("100 anna", ParseNumberError::Character('a')),
            (&"7".repeat(33), ParseNumberError::TooLong { length: 33 }),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn several_numbers_in_a_field_are_taken_apart() {
        for (text, numbers) in [
            (
                "+7 495 1234567 доб. 12; 8 906 2195047",
                &["+7 495 1234567 доб. 12", "8 906 2195047"][..],
            ),
            (
                "8 906 2195047 или 8 495 1234567",
                &["8 906 2195047", "8 495 1234567"],
            ),
            (
                "8 906 2195047/8 495 1234567, 1234567",
                &["8 906 2195047", "8 495 1234567", "1234567"],
            ),
            (
                "8 906 2195047\n8 495 1234567",
                &["8 906 2195047", "8 495 1234567"],
            ),
            (
                "тел.: 8 906 2195047; mob: +7 495 1234567",
                &["8 906 2195047", "+7 495 1234567"],
            ),
            ("030/1234567", &["030/1234567"]),
            ("+74951234567;ext=12", &["+74951234567;ext=12"]),
            ("+7 495 1234567, доб. 12", &["+7 495 1234567, доб. 12"]),
            ("+74951234567,12", &["+74951234567,12"]),
            ("none", &[]),
            ("", &[]),
        ] {
            assert_eq!(numbers_in(text), numbers, "{text}");
        }
    }
}
