//! Texts packed: Cyrillic takes a byte a letter, as ASCII does; whatever else occurs makes a text UTF-8.

/// Before a text in UTF-8. No text starts so by itself: control characters are cleaned away.
const WIDE: u8 = 1;
const LETTERS: u32 = 0x400;
/// Bytes from here on stand for what follows [`LETTERS`].
const FIRST_LETTER: u8 = 0x80;
/// Bytes from here on stand for [`OTHERS`].
const FIRST_OTHER: u8 = 0xe0;
/// What else is common in texts that are written in Cyrillic.
const OTHERS: [char; 14] = [
    '«', '»', '—', '–', '…', '№', '“', '”', '„', '’', '€', '₽', 'Ґ', 'ґ',
];

pub(super) fn pack_into(packed: &mut Vec<u8>, text: &str) {
    let start = packed.len();
    for c in text.chars() {
        match narrow(c) {
            Some(byte) => packed.push(byte),
            None => {
                packed.truncate(start);
                packed.push(WIDE);
                packed.extend_from_slice(text.as_bytes());
                return;
            }
        }
    }
}

/// Appends the text to `text`.
pub(super) fn unpack_into(text: &mut String, packed: &[u8]) {
    match packed {
        // It was a str when it was packed.
        [WIDE, wide @ ..] => text.push_str(std::str::from_utf8(wide).unwrap_or_default()),
        narrow => {
            text.reserve(narrow.len() * 2);
            text.extend(narrow.iter().map(|byte| widened(*byte)));
        }
    }
}

fn narrow(c: char) -> Option<u8> {
    if c.is_ascii() {
        return (c != char::from(WIDE)).then_some(c as u8);
    }
    if let Some(letter) = u32::from(c).checked_sub(LETTERS)
        && letter < u32::from(FIRST_OTHER - FIRST_LETTER)
    {
        return Some(FIRST_LETTER + letter as u8);
    }
    let at = OTHERS.iter().position(|other| *other == c)?;
    Some(FIRST_OTHER + at as u8)
}

fn widened(byte: u8) -> char {
    if byte < FIRST_LETTER {
        return char::from(byte);
    }
    match byte.checked_sub(FIRST_OTHER) {
        None => char::from_u32(LETTERS + u32::from(byte - FIRST_LETTER)).unwrap_or(' '),
        Some(at) => OTHERS.get(usize::from(at)).copied().unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut packed = Vec::new();
        pack_into(&mut packed, text);
        packed
    }

    fn unpacked(packed: &[u8]) -> String {
        let mut text = String::new();
        unpack_into(&mut text, packed);
        text
    }

    #[test]
    fn a_letter_of_a_russian_text_takes_a_byte() {
        let text = "ООО «Ёлка» — №1, Ґанок\nпримечание…";
        assert_eq!(packed(text).len(), text.chars().count());
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in ".*", russian in "[А-яЁё «»№a-z]*") {
            prop_assert_eq!(unpacked(&packed(&text)), text);
            prop_assert_eq!(unpacked(&packed(&russian)), russian);
        }
    }
}
