//! Text of unknown age: UTF-8, UTF-16 by its mark, else one of two single-byte charsets.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};
use std::borrow::Cow;

/// The bytes without a byte order mark; UTF-16 is turned into UTF-8.
pub(crate) fn without_mark(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => utf16(UTF_16LE, rest),
        [0xfe, 0xff, rest @ ..] => utf16(UTF_16BE, rest),
        _ => Cow::Borrowed(bytes),
    }
}

fn utf16(encoding: &'static Encoding, bytes: &[u8]) -> Cow<'static, [u8]> {
    let (text, _malformed) = encoding.decode_without_bom_handling(bytes);
    Cow::Owned(text.into_owned().into_bytes())
}

/// How bytes that are not UTF-8 are meant, judged from the whole file.
#[derive(Clone, Copy)]
pub(crate) struct Fallback(&'static Encoding);

impl Fallback {
    /// Russian words are runs of high bytes; in western text these stand alone among ASCII.
    pub(crate) fn guess(bytes: &[u8]) -> Self {
        const ENOUGH: usize = 1_000_000;
        let sample = &bytes[..bytes.len().min(ENOUGH)];
        let high = sample.iter().filter(|b| **b >= 0xc0).count();
        let in_runs = sample
            .windows(2)
            .filter(|pair| pair.iter().all(|b| *b >= 0xc0))
            .count();
        Self(if in_runs * 2 > high {
            WINDOWS_1251
        } else {
            WINDOWS_1252
        })
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.0.decode_without_bom_handling(bytes).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let bytes = without_mark(bytes);
        Fallback::guess(&bytes).decode(&bytes).into_owned()
    }

    #[test]
    fn text_of_every_age_is_read() {
        assert_eq!(read("\u{feff}Ада".as_bytes()), "Ада");
        assert_eq!(read(b"\xff\xfe\x10\x04a\0"), "Аa");
        assert_eq!(read(b"\xfe\xff\x04\x10\0a"), "Аa");
        assert_eq!(
            read(&WINDOWS_1251.encode("Иванов Иван;8 906").0),
            "Иванов Иван;8 906"
        );
        assert_eq!(
            read(&WINDOWS_1252.encode("Müller, Zoë; Señor").0),
            "Müller, Zoë; Señor"
        );
    }
}
