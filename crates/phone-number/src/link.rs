//! Links that ask for a call: `tel:` (RFC 3966), `callto:`, `sip:` and `sips:` (RFC 3261).

use crate::{
    ParseNumberError,
    text::{self, Written},
};
use std::{fmt, str};

/// Longest link that is read, in bytes; real ones stay under 100.
const MAX_LINK: usize = 512;

/// A link that names something to dial. Nothing of it but digits, `*`, `#` and a leading `+` can
/// reach a dial string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLink {
    scheme: Scheme,
    raw: String,
    written: Written,
    context: Option<PhoneContext>,
    host: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Tel,
    Callto,
    Sip,
    Sips,
}

/// Where a local number of a `tel:` link is valid (RFC 3966, section 5.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneContext {
    /// Leading digits that make it global, `+` and digits.
    Global(String),
    /// Whoever owns this domain; the number is dialled as it stands.
    Domain(String),
}

/// Why a link cannot be dialled; each reads as a sentence for the person who clicked it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("the link is longer than {MAX_LINK} bytes")]
    TooLong,
    #[error("the link holds a control character")]
    ControlCharacter,
    #[error("the link holds bytes that are not text")]
    NotText,
    #[error("only tel:, callto:, sip: and sips: links can be called")]
    UnknownScheme,
    #[error("the link holds no phone number")]
    NoNumber,
    #[error("the link names “{0}”, which is not a phone number")]
    NotANumber(String),
    #[error(
        "the link says that its number is valid in “{0}”, which is neither a number nor a domain"
    )]
    BadContext(String),
    #[error("the link cannot be called: {0}")]
    BadNumber(#[source] ParseNumberError),
}

impl CallLink {
    /// Reads a link as a browser hands it over. Unknown parameters (`;isub=`, `;cic=` and so on)
    /// are left out, and so is a query (`?call`).
    pub fn parse(link: &str) -> Result<Self, LinkError> {
        if link.len() > MAX_LINK {
            return Err(LinkError::TooLong);
        }
        if link.contains(is_control) {
            return Err(LinkError::ControlCharacter);
        }
        let link = link.trim_matches(' ');
        let (scheme, rest) = Scheme::split(link).ok_or(LinkError::UnknownScheme)?;
        let rest = rest.split_once('?').map_or(rest, |(before, _query)| before);
        let rest = match rest.strip_prefix("//") {
            Some(authority) => authority.trim_end_matches('/'),
            None => rest,
        };
        let (user, host) = match scheme {
            Scheme::Tel => (rest, None),
            Scheme::Callto | Scheme::Sip | Scheme::Sips => split_host(rest),
        };
        let mut parts = user.split(';');
        let number = decoded(parts.next().unwrap_or_default())?;
        let parameters = Parameters::parse(parts)?;
        let mut written = read_number(&number)?;
        if let Some(extension) = parameters.extension {
            written.extension = Some(extension);
        }
        if let Some(PhoneContext::Global(prefix)) = &parameters.context
            && written.digits.bytes().all(|b| b.is_ascii_digit())
        {
            written.digits.insert_str(0, prefix);
        }
        let raw = link.to_owned();
        Ok(Self {
            scheme,
            raw,
            written,
            context: parameters.context,
            host,
        })
    }

    /// True for text that starts like a link, whether or not it is a good one.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        Scheme::split(text.trim()).is_some()
    }

    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The link as it came.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The host of a `sip:` link, for display only: calls always go through the own PBX.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    #[must_use]
    pub fn context(&self) -> Option<&PhoneContext> {
        self.context.as_ref()
    }

    /// `+`, digits, `*` and `#`, before any dial plan.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.written.digits
    }

    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.written.extension.as_deref()
    }

    pub(crate) fn written(&self) -> &Written {
        &self.written
    }
}

/// The parameters of a `tel:` link that matter; the first of each name counts.
#[derive(Default)]
struct Parameters {
    extension: Option<String>,
    context: Option<PhoneContext>,
}

impl Parameters {
    fn parse<'a>(parts: impl Iterator<Item = &'a str>) -> Result<Self, LinkError> {
        let mut parameters = Self::default();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = decoded(value)?;
            if name.eq_ignore_ascii_case("ext") && parameters.extension.is_none() {
                parameters.extension = Some(extension(&value)?);
            }
            if name.eq_ignore_ascii_case("phone-context") && parameters.context.is_none() {
                parameters.context = Some(PhoneContext::parse(&value)?);
            }
        }
        Ok(parameters)
    }
}

/// An extension is sent as tones: digits only, however they are separated.
fn extension(value: &str) -> Result<String, LinkError> {
    let digits = text::diallable(value).map_err(LinkError::BadNumber)?;
    match digits.chars().find(|c| !c.is_ascii_digit()) {
        Some(other) => Err(LinkError::BadNumber(ParseNumberError::Character(other))),
        None => Ok(digits),
    }
}

impl PhoneContext {
    fn parse(value: &str) -> Result<Self, LinkError> {
        let bad = || LinkError::BadContext(value.to_owned());
        if value.starts_with('+') {
            let digits = text::diallable(value).map_err(|_| bad())?;
            let plain = digits[1..].bytes().all(|b| b.is_ascii_digit());
            return if plain {
                Ok(Self::Global(digits))
            } else {
                Err(bad())
            };
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        if value.is_empty() || !value.bytes().all(allowed) {
            return Err(bad());
        }
        Ok(Self::Domain(value.to_owned()))
    }
}

/// Splits `user:password@host:port;parameters` into the user with its parameters and the host.
fn split_host(rest: &str) -> (&str, Option<String>) {
    let Some((user, host)) = rest.rsplit_once('@') else {
        return (rest, None);
    };
    let user = match (user.find(':'), user.find(';')) {
        (Some(password), None) => &user[..password],
        (Some(password), Some(parameters)) if password < parameters => &user[..password],
        (Some(_) | None, _) => user,
    };
    let host = host.split(';').next().unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let is_host = !host.is_empty() && host.bytes().all(allowed);
    (user, is_host.then(|| host.to_owned()))
}

fn read_number(number: &str) -> Result<Written, LinkError> {
    text::read(number).map_err(|error| match error {
        ParseNumberError::NoDigits => LinkError::NoNumber,
        ParseNumberError::Character(c) if c.is_alphabetic() && !number.contains(is_special) => {
            LinkError::NotANumber(number.chars().take(64).collect())
        }
        ParseNumberError::Character(_) | ParseNumberError::TooLong { .. } => {
            LinkError::BadNumber(error)
        }
    })
}

/// What has a meaning in Asterisk's channel names and dial options.
fn is_special(c: char) -> bool {
    matches!(c, '&' | '@' | '/' | ',')
}

/// Undoes percent-encoding. A `%` without two hex digits stays and is refused as a character.
fn decoded(part: &str) -> Result<String, LinkError> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &behind[2..];
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| LinkError::NotText)?;
    if text.contains(is_control) {
        return Err(LinkError::ControlCharacter);
    }
    Ok(text)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

impl Scheme {
    fn split(link: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = link.split_once(':')?;
        let known = [Self::Tel, Self::Callto, Self::Sip, Self::Sips];
        let scheme = known
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(scheme))?;
        Some((scheme, rest))
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tel => "tel",
            Self::Callto => "callto",
            Self::Sip => "sip",
            Self::Sips => "sips",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_link_gives_its_number() {
        for (link, digits, extension, host) in [
            ("tel:+79062195047", "+79062195047", None, None),
            ("TEL:+7-906-219-50-47", "+79062195047", None, None),
            ("tel://+79062195047", "+79062195047", None, None),
            ("tel://+79062195047/", "+79062195047", None, None),
            ("tel:%2B7%20(906)%20219-50-47", "+79062195047", None, None),
            ("tel:8(906)219.50.47", "89062195047", None, None),
            ("tel:+７９０６２１９５０４７", "+79062195047", None, None),
            ("tel:%EF%BC%8B%EF%BC%97906", "+7906", None, None),
            ("tel:+74951234567;ext=12", "+74951234567", Some("12"), None),
            (
                "tel:+74951234567;EXT=1-2;isub=99",
                "+74951234567",
                Some("12"),
                None,
            ),
            (
                "tel:+74951234567;isub=12%2034;ext=12",
                "+74951234567",
                Some("12"),
                None,
            ),
            (
                "tel:+74951234567%20доб.%2012",
                "+74951234567",
                Some("12"),
                None,
            ),
            ("tel:+74951234567,,12", "+74951234567", Some("12"), None),
            (
                "tel:123-45-67;phone-context=+7495",
                "+74951234567",
                None,
                None,
            ),
            ("tel:101;phone-context=example.com", "101", None, None),
            ("tel:*21;phone-context=+7495", "*21", None, None),
            ("tel:*21#", "*21#", None, None),
            ("tel:*21%23", "*21#", None, None),
            ("callto:+79062195047", "+79062195047", None, None),
            ("callto://+79062195047?call", "+79062195047", None, None),
            (
                "callto:101@pbx.example.com",
                "101",
                None,
                Some("pbx.example.com"),
            ),
            (
                "sip:101@pbx.example.com",
                "101",
                None,
                Some("pbx.example.com"),
            ),
            (
                "SIPS:101:secret@pbx.example.com:5061;transport=tls?subject=x",
                "101",
                None,
                Some("pbx.example.com:5061"),
            ),
            (
                "sip:+74951234567;ext=12@pbx.example.com;user=phone",
                "+74951234567",
                Some("12"),
                Some("pbx.example.com"),
            ),
            (
                "sip:%2B79062195047@[2001:db8::1]:5060",
                "+79062195047",
                None,
                Some("[2001:db8::1]:5060"),
            ),
            ("sip:101", "101", None, None),
            (" tel:101 ", "101", None, None),
        ] {
            let parsed = CallLink::parse(link).unwrap_or_else(|e| panic!("{link}: {e}"));
            assert_eq!(parsed.digits(), digits, "{link}");
            assert_eq!(parsed.extension(), extension, "{link}");
            assert_eq!(parsed.host(), host, "{link}");
        }
    }

    #[test]
    fn hostile_and_empty_links_are_refused_with_a_sentence() {
        let bad = |c| LinkError::BadNumber(ParseNumberError::Character(c));
        for (link, error) in [
            ("tel:500&PJSIP/itsp/1900", bad('&')),
            ("tel:500%26PJSIP/itsp/1900", bad('&')),
            ("tel:500@ctx", bad('@')),
            ("tel:500%40ctx", bad('@')),
            ("tel:500/n", bad('n')),
            ("tel:500,Set(x=1)", bad(',')),
            ("tel:500%2Cn", bad(',')),
            ("tel:500%", bad('%')),
            ("tel:500%2", bad('%')),
            ("tel:500%zz", bad('%')),
            ("tel:5+00", bad('+')),
            ("tel:+74951234567;ext=*9", bad('*')),
            ("tel:+74951234567;ext=12@ctx", bad('@')),
            (
                "tel:500%0d%0aAction:%20Originate",
                LinkError::ControlCharacter,
            ),
            ("tel:500;ext=1%0A2", LinkError::ControlCharacter),
            ("tel:500\r\nAction: Originate", LinkError::ControlCharacter),
            ("tel:500\r\n", LinkError::ControlCharacter),
            ("tel:5%0000", LinkError::ControlCharacter),
            ("tel:%FF%FE", LinkError::NotText),
            ("tel:", LinkError::NoNumber),
            ("tel:()", LinkError::NoNumber),
            ("tel:;ext=12", LinkError::NoNumber),
            ("sip:", LinkError::NoNumber),
            ("sip:@example.com", LinkError::NoNumber),
            ("sip:anna@example.com", LinkError::NotANumber("anna".into())),
            (
                "sip:pbx.example.com",
                LinkError::NotANumber("pbx.example.com".into()),
            ),
            (
                "callto:anna.smith",
                LinkError::NotANumber("anna.smith".into()),
            ),
            (
                "tel:1;phone-context=+7<b>",
                LinkError::BadContext("+7<b>".into()),
            ),
            ("tel:1;phone-context=", LinkError::BadContext(String::new())),
            ("http://example.com", LinkError::UnknownScheme),
            ("+79062195047", LinkError::UnknownScheme),
            (&format!("tel:{}", "0".repeat(600)), LinkError::TooLong),
            (
                &format!("tel:{}", "0".repeat(40)),
                LinkError::BadNumber(ParseNumberError::TooLong { length: 40 }),
            ),
        ] {
            let refused = CallLink::parse(link).unwrap_err();
            assert_eq!(refused, error, "{link}");
            assert!(refused.to_string().contains(' '), "{link} needs a sentence");
        }
    }
}
