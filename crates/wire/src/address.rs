//! Where a server is, and the link that connects a desktop to it. Both come from pages, mails and QR codes, so they
//! are parsed once, here, and everything that is not plainly a host is refused.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The scheme of links to a desktop.
const SCHEME: &str = "sidetone";
/// Longest name of a host (RFC 1035).
const LONGEST_HOST: usize = 253;
const LONGEST_CODE: usize = 128;

/// `https://host[:port]`, or `http://` where plain text is allowed. Has no user, no path and no query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    is_plain: bool,
    /// Lower case; an IPv6 address without its brackets.
    host: String,
    port: Option<u16>,
}

/// To whom `http://` may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// This machine itself.
    Loopback,
    /// Anybody: a person has allowed it, and token and numbers can be read on the way.
    Anywhere,
}

/// Why a text is no address of a server; each reads as a sentence without its dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address of the server is missing")]
    Empty,
    #[error("the server's address must look like https://pbx.example.com")]
    NotAnAddress,
    #[error("the server's address may not hold a user, a path or a question mark")]
    MoreThanHost,
    #[error(
        "plain http:// can be read by others and is taken for this computer only: use https://"
    )]
    PlainNotAllowed,
}

impl ServerAddress {
    /// Reads an address as a person types it; without a scheme it is `https://`. A `/` at the end is left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, plain: Plain) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (is_plain, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (true, rest),
            Some(_) => return Err(AddressError::NotAnAddress),
        };
        let address = Self::of_authority(rest.strip_suffix('/').unwrap_or(rest), is_plain)?;
        match plain {
            Plain::Loopback if is_plain && !address.is_loopback() => {
                Err(AddressError::PlainNotAllowed)
            }
            Plain::Loopback | Plain::Anywhere => Ok(address),
        }
    }

    /// `host[:port]` or `[IPv6][:port]` and nothing else.
    fn of_authority(text: &str, is_plain: bool) -> Result<Self, AddressError> {
        if text.contains(['@', '/', '?', '#', '\\', '%']) {
            return Err(AddressError::MoreThanHost);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(AddressError::NotAnAddress)?;
                host.parse::<Ipv6Addr>()
                    .map_err(|_| AddressError::NotAnAddress)?;
                (host, port_after(rest)?)
            }
            None => {
                let host = text.split(':').next().unwrap_or_default();
                if !is_host(host) {
                    return Err(AddressError::NotAnAddress);
                }
                (host, port_after(&text[host.len()..])?)
            }
        };
        Ok(Self {
            is_plain,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// Nothing is encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// A name or an address; IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_plain { 80 } else { 443 })
    }

    /// `pbx.example` or `pbx.example:8443`: how people and the header `Host` name it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// The machine itself by its name or number; other names may lead here as well.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_v4 = |host: &str| {
            host.parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
        };
        let is_v6 = |host: &str| {
            host.parse::<Ipv6Addr>()
                .is_ok_and(|address| address.is_loopback())
        };
        self.host == "localhost" || is_v4(&self.host) || is_v6(&self.host)
    }
}

/// A host name of ASCII letters, digits, `-`, `_` and dots, or an IPv4 address. Names in other scripts come as `xn--`,
/// so that no letter can look like another.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= LONGEST_HOST
        && host.split('.').all(is_label)
        // 2130706433, 0177.1 and the like are 127.0.0.1 to some and names to others.
        && (!is_number(last) || host.parse::<Ipv4Addr>().is_ok())
}

fn port_after(rest: &str) -> Result<Option<u16>, AddressError> {
    let Some(digits) = rest.strip_prefix(':') else {
        return match rest {
            "" => Ok(None),
            _ => Err(AddressError::NotAnAddress),
        };
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(port) if is_number && port > 0 => Ok(Some(port)),
        Ok(_) | Err(_) => Err(AddressError::NotAnAddress),
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_plain { "http" } else { "https" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// A one-time code that connects one desktop, told once. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolCode(String);

impl EnrolCode {
    /// For the request that hands it in.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnrolCode {
    type Err = EnrolError;

    /// Letters, digits, `-` and `_`, 4 to 128 of them.
    fn from_str(text: &str) -> Result<Self, EnrolError> {
        let text = text.trim();
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (4..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(is_code) {
            return Ok(Self(text.to_owned()));
        }
        Err(EnrolError::NotACode)
    }
}

impl fmt::Debug for EnrolCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolCode(…)")
    }
}

/// `sidetone://enrol/<host[:port]>/<code>`: opens the desktop and enrols it, after a question. `?http` at the end is
/// taken for this machine only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolLink {
    pub server: ServerAddress,
    pub code: EnrolCode,
}

/// Why a text is no link or code for enrolment; each reads as a sentence without its dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    #[error(
        "this is not a link that connects a desktop: it looks like sidetone://enrol/pbx.example.com/code"
    )]
    NotALink,
    #[error("this is not an enrolment code: it has letters, digits, - and _ only")]
    NotACode,
    #[error("{0}")]
    Address(#[from] AddressError),
}

impl EnrolLink {
    /// True for text that starts like a link to a desktop, whether or not it is a good one.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        text.trim()
            .split_once(':')
            .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
    }

    /// Reads a link as a browser or a QR code hands it over.
    ///
    /// # Errors
    /// It is anything else than exactly such a link.
    pub fn parse(text: &str) -> Result<Self, EnrolError> {
        let text = text.trim_matches(' ');
        let (scheme, rest) = text.split_once("://").ok_or(EnrolError::NotALink)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(EnrolError::NotALink);
        }
        let (rest, is_plain) = match rest.strip_suffix("?http") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let mut parts = rest.split('/');
        let (Some(verb), Some(host), Some(code), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(EnrolError::NotALink);
        };
        if !verb.eq_ignore_ascii_case("enrol") {
            return Err(EnrolError::NotALink);
        }
        let server = ServerAddress::of_authority(host, is_plain)?;
        if is_plain && !server.is_loopback() {
            return Err(AddressError::PlainNotAllowed.into());
        }
        let code = code.parse()?;
        Ok(Self { server, code })
    }
}

impl fmt::Display for EnrolLink {
    /// The whole link, its code too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.server.is_plain { "?http" } else { "" };
        let (authority, code) = (self.server.authority(), self.code.reveal());
        write!(f, "{SCHEME}://enrol/{authority}/{code}{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        for (text, address, port) in [
            ("https://pbx.example", "https://pbx.example", 443),
            ("HTTPS://PBX.example/", "https://pbx.example", 443),
            ("pbx.example:8443", "https://pbx.example:8443", 8443),
            ("  pbx  ", "https://pbx", 443),
            ("https://[::1]:8443", "https://[::1]:8443", 8443),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", 8080),
            ("http://localhost", "http://localhost", 80),
        ] {
            let parsed = ServerAddress::parse(text, Plain::Loopback).expect(text);
            assert_eq!(
                (parsed.to_string().as_str(), parsed.port()),
                (address, port)
            );
        }
    }

    #[test]
    fn whatever_is_more_than_a_host_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://pbx.example",
            "https://pbx.example@evil.example",
            "https://pbx.example:443@evil.example",
            "https://pbx.example/path",
            "https://pbx.example//",
            "https://pbx.example?x",
            "https://pbx.example#x",
            "https://pbx.example\\evil",
            "https://pbx.example:0",
            "https://pbx.example:+443",
            "https://pbx.example:65536",
            "https://pbx.example:",
            "https://pbx .example",
            "https://pbx\u{0}.example",
            "https://pbх.example",
            "https://%70bx.example",
            "https://2130706433",
            "https://0x7f.1",
            "https://127.0.0.256",
            "https://..",
            "https://[::1",
            "https://[evil]:1",
            "::1",
        ] {
            assert!(
                ServerAddress::parse(text, Plain::Anywhere).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn plain_text_leads_to_this_machine_unless_it_was_allowed() {
        for text in [
            "http://pbx.example",
            "http://192.0.2.1",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            let plain = ServerAddress::parse(text, Plain::Loopback);
            assert_eq!(plain, Err(AddressError::PlainNotAllowed), "{text}");
            assert!(
                ServerAddress::parse(text, Plain::Anywhere).is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_link_names_a_server_and_a_code_and_reads_back() {
        for text in [
            "sidetone://enrol/pbx.example/7KQ2-MXNP",
            "sidetone://enrol/pbx.example:8443/abc_DEF",
            "sidetone://enrol/127.0.0.1:8080/abcd?http",
            "sidetone://enrol/[::1]:8080/abcd?http",
        ] {
            let link = EnrolLink::parse(text).expect(text);
            assert_eq!(link.to_string(), text);
            assert!(!format!("{link:?}").contains(link.code.reveal()));
        }
        let shouted = EnrolLink::parse("SIDETONE://ENROL/PBX.example/abcd").expect("a link");
        assert_eq!(shouted.server.to_string(), "https://pbx.example");
    }

    #[test]
    fn hostile_links_are_refused() {
        for text in [
            "sidetone:",
            "sidetone://enrol",
            "sidetone://enrol/pbx.example",
            "sidetone://enrol/pbx.example/",
            "sidetone://enrol/pbx.example/abcd/",
            "sidetone://enrol/pbx.example/abcd/more",
            "sidetone://enrol//abcd",
            "sidetone://enrol/../abcd",
            "sidetone://enrol/good.example@evil.example/abcd",
            "sidetone://user@enrol/pbx.example/abcd",
            "sidetone://enrol:1/pbx.example/abcd",
            "sidetone://evil/pbx.example/abcd",
            "sidetone://enrol/pbx.example:99999/abcd",
            "sidetone://enrol/pbx.example:80:80/abcd",
            "sidetone://enrol/pbx.example%2f@evil/abcd",
            "sidetone://enrol/pbx.example/ab\ncd",
            "sidetone://enrol/pbx.example/abcd?http",
            "sidetone://enrol/127.0.0.1/abcd?http&x",
            "sidetone://enrol/127.0.0.1/abcd?https",
            "sidetone://enrol/pbx.example/abcd#x",
            "sidetone://enrol/pbx.example/%61bcd",
            "sidetone:enrol/pbx.example/abcd",
            "tel://enrol/pbx.example/abcd",
            "\u{202e}sidetone://enrol/pbx.example/abcd",
        ] {
            assert!(EnrolLink::parse(text).is_err(), "{text}");
        }
        assert!(EnrolLink::parse(&format!("sidetone://enrol/pbx/{}", "a".repeat(129))).is_err());
    }
}
