//! Numbers as people write them: separators, other digits, extensions, several in one field.

use crate::ParseNumberError;

/// What a text says, before any numbering plan is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// `+` at the start or not at all, then digits, `*` and `#`.
    pub(crate) digits: String,
    pub(crate) extension: Option<String>,
}

/// A field longer than this is prose, not a number.
const MAX_DIGITS: usize = 32;
const MAX_EXTENSION: usize = 10;

/// Words before an extension, in lower case. A longer one stands before those it ends with.
const EXTENSION_WORDS: [&str; 16] = [
    "extension",
    "extn",
    ";ext",
    "ext",
    "доб",
    "добавочный",
    "внутренний",
    "внутр",
    "вн",
    "durchwahl",
    "anexo",
    "poste",
    "int",
    "x",
    "х",
    "dw",
];

pub(crate) fn read(text: &str) -> Result<Written, ParseNumberError> {
    let (number, extension) = split_extension(text);
    Ok(Written {
        digits: diallable(number)?,
        extension,
    })
}

/// Keeps what can be dialled, drops what only separates, refuses the rest.
pub(crate) fn diallable(text: &str) -> Result<String, ParseNumberError> {
    let mut digits = String::new();
    for c in text.trim().chars() {
        match diallable_char(c) {
            Some('+') if !digits.is_empty() => return Err(ParseNumberError::Character('+')),
            Some(d) => digits.push(d),
            None if is_separator(c) => {}
            None => return Err(ParseNumberError::Character(c)),
        }
    }
    let length = digits.trim_start_matches('+').len();
    match length {
        0 => Err(ParseNumberError::NoDigits),
        1..=MAX_DIGITS => Ok(digits),
        _ => Err(ParseNumberError::TooLong { length }),
    }
}

/// Splits `+7 495 123-45-67 доб. 12` into the number and `12`.
pub(crate) fn split_extension(text: &str) -> (&str, Option<String>) {
    let text = text.trim().trim_end_matches([')', ']', ' ', '.']);
    let none = (text, None);
    let before = text.trim_end_matches(|c| ascii_digit(c).is_some());
    let tail = &text[before.len()..];
    let count = tail.chars().count();
    if count == 0 || count > MAX_EXTENSION {
        return none;
    }
    let head = before.trim_end_matches([' ', '\u{a0}', ':', '.', '=']);
    let Some(number) = strip_extension_mark(head) else {
        return none;
    };
    (number, Some(tail.chars().filter_map(ascii_digit).collect()))
}

fn strip_extension_mark(head: &str) -> Option<&str> {
    if let Some(number) = head.strip_suffix('#') {
        // `#12` behind a whole number is an extension; in `*21#12` it is part of a feature code.
        let plain = digit_count(number) >= 5 && !number.contains(['*', '#']);
        return plain.then_some(number);
    }
    if head.ends_with(',') {
        let number = head.trim_end_matches([',', ' ']);
        return (digit_count(number) >= 3).then_some(number);
    }
    for word in EXTENSION_WORDS {
        let Some(start) = ends_with_ignoring_case(head, word) else {
            continue;
        };
        let number = &head[..start];
        if number.ends_with(char::is_alphabetic) || digit_count(number) == 0 {
            continue;
        }
        return Some(number.trim_end_matches([' ', '(', '[', ',', ';', '\u{a0}']));
    }
    None
}

/// Where `word` (lower case) starts at the end of `text`.
fn ends_with_ignoring_case(text: &str, word: &str) -> Option<usize> {
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
    const ZEROS: [char; 8] = ['0', '０', '٠', '۰', '०', '০', '๐', '𝟎'];
    let value = ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        (value < 10).then_some(value)
    })?;
    char::from_digit(value, 10)
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '·' | '\''
            | '\u{a0}' | '\u{ad}' | '\u{feff}' | '\u{2000}'..='\u{2015}' | '\u{2018}' | '\u{2019}'
            | '\u{202a}'..='\u{202f}' | '\u{2053}' | '\u{205f}'..='\u{2069}' | '\u{2212}'
            | '\u{3000}' | '（' | '）' | '－' | '．' | '／' | '～'
    )
}

/// The numbers of a field that holds several: `+7 495 1234567 доб. 12; 8 906 2195047`.
///
/// Every part is a number as written; a label before it (`mob.:`) is left out.
pub fn numbers_in(text: &str) -> Vec<&str> {
    split_many(text)
        .into_iter()
        .filter(|part| digit_count(part) > 0)
        .collect()
}

fn split_many(text: &str) -> Vec<&str> {
    text.split(['\n', '\r', ';', '|']).map(str::trim).collect()
}
