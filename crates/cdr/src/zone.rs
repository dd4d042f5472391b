//! What the PBX's clock says, in unix milliseconds.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time zone in which records are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(TimeZone);

/// There is no time zone of that name.
#[derive(Debug, thiserror::Error)]
#[error("{name} is no time zone; write it as in Europe/Berlin, or UTC")]
pub struct UnknownZone {
    name: String,
}

impl Zone {
    /// For `usegmtime=yes` in Asterisk's `cdr.conf`.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of this machine, right where Asterisk runs on it too.
    pub fn system() -> Self {
        Self(TimeZone::system())
    }

    /// As IANA names it, e.g. `Europe/Berlin`.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(name);
        zone.map(Self)
            .map_err(|_| UnknownZone { name: name.into() })
    }

    /// `2026-01-31 14:05:00`, with or without a fraction, in this zone or with a `Z` in UTC; or seconds
    /// since 1970. `None` for what is no time and for the zero that stands for "never".
    ///
    /// Of an hour that a clock shows twice in autumn the first is taken.
    pub(crate) fn ms(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        let ms = match text.strip_suffix('Z') {
            Some(utc) => in_zone(utc, &TimeZone::UTC)?,
            None => epoch(text).or_else(|| in_zone(text, &self.0))?,
        };
        (ms > 0).then_some(ms)
    }
}

fn in_zone(text: &str, zone: &TimeZone) -> Option<i64> {
    let civil: DateTime = text.parse().ok()?;
    let zoned = zone.to_ambiguous_zoned(civil).compatible().ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// As `${CDR(start,u)}` writes it.
fn epoch(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.len() < 9 || !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_the_pbx_counts_summer_and_winter() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        assert_eq!(berlin.ms("2026-01-31 13:00:00"), Some(1_769_860_800_000));
        assert_eq!(
            berlin.ms("2026-07-31 14:00:00.250"),
            Some(1_785_499_200_250)
        );
        assert_eq!(
            Zone::utc().ms("2026-01-31 12:00:00"),
            Some(1_769_860_800_000)
        );
        assert_eq!(berlin.ms("2026-01-31 12:00:00Z"), Some(1_769_860_800_000));
        assert_eq!(berlin.ms("1769860800.123456"), Some(1_769_860_800_123));
        assert_eq!(berlin.ms("1769860800"), Some(1_769_860_800_000));
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_first_and_one_that_never_was_is_a_time_too() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        let before = berlin.ms("2026-10-25 01:59:59").expect("a time");
        assert_eq!(berlin.ms("2026-10-25 02:00:00"), Some(before + 1000));
        assert!(berlin.ms("2026-03-29 02:30:00").is_some());
    }

    #[test]
    fn never_is_no_time() {
        for text in [
            "",
            "0000-00-00 00:00:00",
            "1970-01-01 00:00:00",
            "soon",
            "12",
        ] {
            assert_eq!(Zone::utc().ms(text), None, "{text}");
        }
        assert!(Zone::named("Europe/Nowhere").is_err());
    }
}
