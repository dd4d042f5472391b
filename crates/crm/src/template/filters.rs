//! What connector files may do with a value.

use super::{percent_encoded, shown};
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use md5::{Digest as _, Md5};
use minijinja::{Environment, Error, ErrorKind, Value, value::Object};
use ring::{digest, hmac};

/// All that there are: the engine's own ones that are of use, and ours.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "b64",
    "b64url",
    "batch",
    "bool",
    "capitalize",
    "date",
    "default",
    "dictsort",
    "digits",
    "e",
    "first",
    "first_word",
    "float",
    "hex",
    "hhmmss",
    "hmac_sha1",
    "hmac_sha256",
    "host",
    "int",
    "items",
    "join",
    "json",
    "last",
    "ldap",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "md5",
    "min",
    "mmss",
    "odata",
    "optional",
    "origin",
    "reject",
    "replace",
    "rest_words",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sha1",
    "sha256",
    "sort",
    "soql",
    "sosl",
    "split",
    "sum",
    "title",
    "trim",
    "truncate_to",
    "unique",
    "upper",
    "urlencode",
];

/// Left out of a JSON body.
#[derive(Debug)]
pub(super) struct Omitted;

impl Object for Omitted {
    fn is_true(self: &std::sync::Arc<Self>) -> bool {
        false
    }

    fn render(self: &std::sync::Arc<Self>, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

pub(super) fn add_to(engine: &mut Environment<'static>) {
    text_filter(engine, "b64", |text| base64(text.as_bytes()));
    text_filter(engine, "b64url", |text| base64_url(text.as_bytes()));
    text_filter(engine, "hex", |text| hex(text.as_bytes()));
    text_filter(engine, "md5", |text| hex(&Md5::digest(text.as_bytes())));
    text_filter(engine, "sha1", |text| {
        let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        hex(digest::digest(algorithm, text.as_bytes()).as_ref())
    });
    text_filter(engine, "sha256", |text| {
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    });
    text_filter(engine, "digits", |text| {
        text.chars().filter(char::is_ascii_digit).collect()
    });
    text_filter(engine, "first_word", |text| {
        text.split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    text_filter(engine, "rest_words", |text| {
        text.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    });
    text_filter(engine, "urlencode", percent_encoded);
    text_filter(engine, "e", escaped_markup);
    text_filter(engine, "soql", |text| {
        escaped(text, "\\'\"", |c, out| out.extend(['\\', c]))
    });
    text_filter(engine, "sosl", |text| {
        escaped(text, "?&|!{}[]()^~*:\\\"'+-", |c, out| {
            out.extend(['\\', c]);
        })
    });
    text_filter(engine, "odata", |text| text.replace('\'', "''"));
    text_filter(engine, "ldap", |text| {
        escaped(text, "\\*()\0", |c, out| {
            out.push_str(&format!("\\{:02x}", u32::from(c)));
        })
    });
    text_filter(engine, "mmss", |text| {
        let seconds = seconds(text);
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    });
    text_filter(engine, "hhmmss", |text| {
        let seconds = seconds(text);
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    });
    engine.add_filter("host", |value: &Value| {
        Value::from_safe_string(address_part(&shown(value), false))
    });
    engine.add_filter("origin", |value: &Value| {
        Value::from_safe_string(address_part(&shown(value), true))
    });
    engine.add_filter("int", |value: &Value| int(value));
    engine.add_filter("float", |value: &Value| float(value));
    engine.add_filter("json", |value: &Value| {
        serde_json::to_string(&super::to_json(value)).unwrap_or_default()
    });
    engine.add_filter("optional", |value: &Value| match shown(value).is_empty() {
        true => Value::from_object(Omitted),
        false => value.clone(),
    });
    engine.add_filter("default", |value: &Value, other: Value| {
        match shown(value).is_empty() {
            true => other,
            false => value.clone(),
        }
    });
    engine.add_filter("truncate_to", |value: &Value, length: usize| {
        shown(value).chars().take(length).collect::<String>()
    });
    engine.add_filter(
        "hmac_sha256",
        |value: &Value, key: &Value, how: Option<String>| {
            signed(hmac::HMAC_SHA256, value, key, how.as_deref())
        },
    );
    engine.add_filter(
        "hmac_sha1",
        |value: &Value, key: &Value, how: Option<String>| {
            signed(
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                value,
                key,
                how.as_deref(),
            )
        },
    );
    engine.add_filter(
        "date",
        |value: &Value, format: Option<String>, zone: Option<String>| {
            date(value, format.as_deref(), zone.as_deref())
        },
    );
    engine.add_global("null", Value::from(()));
}

fn text_filter(engine: &mut Environment<'static>, name: &'static str, filter: fn(&str) -> String) {
    engine.add_filter(name, move |value: &Value| filter(&shown(value)));
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    encoded64(
        bytes,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        true,
    )
}

/// For addresses, without `=` at its end (RFC 4648, 5).
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    encoded64(
        bytes,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        false,
    )
}

fn encoded64(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= chunk.len() {
                let index = group >> (18 - 6 * place) & 63;
                text.push(char::from(alphabet[index as usize]));
            } else if padded {
                text.push('=');
            }
        }
    }
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str, special: &str, write: fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match special.contains(c) {
            true => write(c, &mut out),
            false => out.push(c),
        }
    }
    out
}

fn escaped_markup(text: &str) -> String {
    escaped(text, "&<>\"'", |c, out| match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        other => out.push_str(&format!("&#{};", u32::from(other))),
    })
}

fn seconds(text: &str) -> u64 {
    text.parse::<f64>()
        .map_or(0, |seconds| seconds.max(0.0) as u64)
}

/// Host and port, with the scheme before them if `whole`.
fn address_part(address: &str, whole: bool) -> String {
    let Ok(url) = reqwest::Url::parse(address) else {
        return String::new();
    };
    let Some(host) = url.host_str() else {
        return String::new();
    };
    let port = url.port().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    match whole {
        true => format!("{}://{host}{port}", url.scheme()),
        false => format!("{host}{port}"),
    }
}

fn int(value: &Value) -> Value {
    if value.is_integer() {
        return value.clone();
    }
    let text = shown(value);
    let number = text.trim().parse::<i64>().ok();
    let number = number.or_else(|| {
        let number: f64 = text.trim().parse().ok()?;
        (number.is_finite() && number.abs() < 9e15).then_some(number as i64)
    });
    number.map_or(Value::from(()), Value::from)
}

fn float(value: &Value) -> Value {
    let number: Option<f64> = shown(value).trim().parse().ok();
    let number = number.filter(|number| number.is_finite());
    number.map_or(Value::from(()), Value::from)
}

fn signed(
    algorithm: hmac::Algorithm,
    value: &Value,
    key: &Value,
    how: Option<&str>,
) -> Result<String, Error> {
    let key = hmac::Key::new(algorithm, shown(key).as_bytes());
    let tag = hmac::sign(&key, shown(value).as_bytes());
    match how {
        None | Some("hex") => Ok(hex(tag.as_ref())),
        Some("b64") => Ok(base64(tag.as_ref())),
        Some(_) => Err(Error::new(
            ErrorKind::InvalidOperation,
            "a signature is written as hex or b64",
        )),
    }
}

/// Empty for what is no time.
fn date(value: &Value, format: Option<&str>, zone: Option<&str>) -> Result<String, Error> {
    let Some(at) = instant(&shown(value)) else {
        return Ok(String::new());
    };
    let zone = match zone {
        None | Some("") => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, "there is no such time zone"))?,
    };
    let format = format.unwrap_or("%Y-%m-%dT%H:%M:%SZ");
    strtime::format(format, &at.to_zoned(zone))
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the date cannot be written so"))
}

/// Unix seconds, milliseconds, or a date with time and zone; one without a zone is in UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        // Later than the year 5000 in seconds is milliseconds.
        let millis = if number.abs() >= 1e11 {
            number
        } else {
            number * 1000.0
        };
        return Timestamp::from_millisecond(millis as i64).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = strtime::parse("%Y-%m-%dT%H:%M:%S%z", text) {
        return at.to_timestamp().ok();
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    local
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}
