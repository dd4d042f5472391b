//! What stands after a header's colon: bytes in an unknown charset, sometimes C-escaped.

use std::{borrow::Cow, fmt};

use encoding_rs::Encoding;

/// The single-byte charset in which a value is read when it is not UTF-8.
///
/// Asterisk up to 18 passes names on as they came from the SIP side, so cp1251 or latin1 bytes occur.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Charset(u8);

/// All that encoding_rs knows and that maps every byte by itself.
static SINGLE_BYTE: [&Encoding; 26] = [
    encoding_rs::WINDOWS_1252,
    encoding_rs::WINDOWS_1250,
    encoding_rs::WINDOWS_1251,
    encoding_rs::WINDOWS_1253,
    encoding_rs::WINDOWS_1254,
    encoding_rs::WINDOWS_1255,
    encoding_rs::WINDOWS_1256,
    encoding_rs::WINDOWS_1257,
    encoding_rs::WINDOWS_1258,
    encoding_rs::WINDOWS_874,
    encoding_rs::IBM866,
    encoding_rs::KOI8_R,
    encoding_rs::KOI8_U,
    encoding_rs::MACINTOSH,
    encoding_rs::X_MAC_CYRILLIC,
    encoding_rs::ISO_8859_2,
    encoding_rs::ISO_8859_3,
    encoding_rs::ISO_8859_4,
    encoding_rs::ISO_8859_5,
    encoding_rs::ISO_8859_6,
    encoding_rs::ISO_8859_7,
    encoding_rs::ISO_8859_8,
    encoding_rs::ISO_8859_10,
    encoding_rs::ISO_8859_13,
    encoding_rs::ISO_8859_14,
    encoding_rs::ISO_8859_15,
];

impl Charset {
    /// Western European, a superset of latin1.
    pub const WINDOWS_1252: Self = Self(0);
    /// Cyrillic as Windows writes it.
    pub const WINDOWS_1251: Self = Self(2);

    /// Finds a single-byte charset by one of its names ("cp1251", "latin1", "koi8-r"); `None` for any other.
    pub fn named(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        let at = SINGLE_BYTE.iter().position(|known| *known == encoding)?;
        u8::try_from(at).ok().map(Self)
    }

    /// The charset's usual name.
    pub fn name(self) -> &'static str {
        self.encoding().name()
    }

    fn encoding(self) -> &'static Encoding {
        SINGLE_BYTE[usize::from(self.0)]
    }
}

impl Default for Charset {
    fn default() -> Self {
        Self::WINDOWS_1252
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charset({})", self.name())
    }
}

/// One header's value, borrowed from the input.
///
/// [`text`](Self::text) allocates only for values that are escaped or not UTF-8.
#[derive(Clone, Copy, Default)]
pub struct Value<'a> {
    bytes: &'a [u8],
    charset: Charset,
    escaped: bool,
}

impl<'a> Value<'a> {
    pub(crate) fn plain(bytes: &'a [u8], charset: Charset) -> Self {
        Self {
            bytes,
            charset,
            escaped: false,
        }
    }

    /// The same bytes as one of the four fields that Asterisk writes C-escaped.
    pub(crate) fn into_escaped(self) -> Self {
        Self {
            escaped: true,
            ..self
        }
    }

    /// The bytes as they came, escapes included.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The text that a person reads: unescaped, as UTF-8, else in the configured charset.
    pub fn text(self) -> Cow<'a, str> {
        if self.escaped && self.bytes.contains(&b'\\') {
            return Cow::Owned(decode(&unescape(self.bytes), self.charset).into_owned());
        }
        decode(self.bytes, self.charset)
    }

    /// Says that Asterisk knows no value: empty or `<unknown>`.
    pub fn is_unknown(self) -> bool {
        self.bytes.is_empty() || self.bytes == b"<unknown>"
    }

    /// The value, or `None` where Asterisk writes nothing or `<unknown>`.
    pub fn known(self) -> Option<Self> {
        (!self.is_unknown()).then_some(self)
    }

    /// Says whether nothing stands there.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The value as a decimal number; `None` for anything else.
    pub fn number<N: std::str::FromStr>(self) -> Option<N> {
        std::str::from_utf8(self.bytes).ok()?.trim().parse().ok()
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::plain(text.as_bytes(), Charset::default())
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.escaped == other.escaped && self.charset == other.charset {
            return self.bytes == other.bytes;
        }
        self.text() == other.text()
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.text() == other
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.text() == *other
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

/// Asterisk C-escapes the names of caller and connected line, and channel variables, whatever the prefix.
pub(crate) fn is_escaped(key: &str) -> bool {
    let ends = |suffix: &str| {
        key.len() >= suffix.len()
            && key.as_bytes()[key.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
    };
    ends("CallerIDName") || ends("ConnectedLineName") || ends("ChanVariable")
}

fn decode(bytes: &[u8], charset: Charset) -> Cow<'_, str> {
    let broken = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(broken) => broken,
    };
    if was_cut(bytes, broken) {
        return String::from_utf8_lossy(bytes);
    }
    charset.encoding().decode_without_bom_handling(bytes).0
}

/// Asterisk 13 and 16 cut a name at 79 bytes, in the middle of a character: then it is UTF-8 all the same, and so it
/// is when everything but the last character already needed more than one byte.
fn was_cut(bytes: &[u8], broken: std::str::Utf8Error) -> bool {
    broken.error_len().is_none() && !bytes[..broken.valid_up_to()].is_ascii()
}

/// Undoes `ast_escape_c`; an escape that it does not make stays as it is.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'a') => plain.push(0x07),
            Some(b'b') => plain.push(0x08),
            Some(b'f') => plain.push(0x0c),
            Some(b'n') => plain.push(b'\n'),
            Some(b'r') => plain.push(b'\r'),
            Some(b't') => plain.push(b'\t'),
            Some(b'v') => plain.push(0x0b),
            Some(same @ (b'\\' | b'\'' | b'"' | b'?')) => plain.push(same),
            Some(other) => plain.extend([b'\\', other]),
            None => plain.push(b'\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> String {
        let cyrillic = Charset::named("cp1251").unwrap();
        Value::plain(bytes, cyrillic)
            .into_escaped()
            .text()
            .into_owned()
    }

    #[test]
    fn name_is_utf8_else_the_configured_charset() {
        assert_eq!(name("Анна".as_bytes()), "Анна");
        assert_eq!(name(&[0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]), "Привет");
    }

    #[test]
    fn name_cut_inside_a_character_keeps_the_rest() {
        let cut = &"Жанна".as_bytes()[..9];
        assert_eq!(name(cut), "Жанн\u{fffd}");
        let cut = [b"ab", &"漢漢".as_bytes()[..5]].concat();
        assert_eq!(name(&cut), "ab漢\u{fffd}");
    }

    #[test]
    fn only_escaped_fields_are_unescaped() {
        assert_eq!(
            name(br#"A \\\"quoted\\\" \\\\ back"#),
            r#"A \"quoted\" \\ back"#
        );
        assert_eq!(name(br"O\'Brien\t\x\"), "O'Brien\t\\x\\");
        let raw = Value::plain(br"a\tb", Charset::default());
        assert_eq!(raw, r"a\tb");
    }

    #[test]
    fn unknown_is_no_value() {
        assert!(Value::from("<unknown>").is_unknown());
        assert!(Value::from("").known().is_none());
        assert!(Value::from("101").known().is_some());
    }

    #[test]
    fn only_single_byte_charsets_can_be_configured() {
        for label in ["latin1", "koi8-r", "IBM866", "windows-1252", "iso-8859-15"] {
            assert!(Charset::named(label).is_some(), "{label}");
        }
        for label in ["utf-8", "utf-16", "gbk", "shift_jis", "nonsense"] {
            assert!(Charset::named(label).is_none(), "{label}");
        }
    }
}
