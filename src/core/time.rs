//! Points in time as whole milliseconds since 1970 and their RFC 3339 form; there is no clock here, time is always an argument.

use std::fmt;

use serde::{Deserialize, Serialize};

pub const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z, never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub u64);

impl UnixMs {
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` until this point, 0 if it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 with any offset (`Z`, `+00:00`, `+0000`); `None` for anything else or a time before 1970.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = (text.get(..10)?, text.get(11..)?);
        if !matches!(text.as_bytes().get(10)?, b'T' | b't' | b' ') {
            return None;
        }
        let (year, month, day) = (
            number(date.get(..4)?)?,
            number(date.get(5..7)?)?,
            number(date.get(8..)?)?,
        );
        if date.as_bytes()[4] != b'-' || date.as_bytes()[7] != b'-' || !valid_day(year, month, day) {
            return None;
        }
        let (clock_ms, zone) = parse_clock(rest)?;
        let offset_ms = parse_zone(zone)?;
        let total_ms = days_from_civil(year, month, day) * 86_400_000 + clock_ms - offset_ms;
        u64::try_from(total_ms).ok().map(Self)
    }
}

/// One moment on both clocks. They agree when a process begins; then the wall's may be set by anybody, and the steady one goes on
/// evenly. What is written down, signed and shown has wall time; what is waited for is counted by the steady clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    pub wall: UnixMs,
    pub steady: UnixMs,
}

impl Moment {
    /// By the clock that is behind: a time that no step makes later than it is.
    pub fn earlier(self) -> UnixMs {
        self.wall.min(self.steady)
    }
}

/// On clocks that agree.
impl From<UnixMs> for Moment {
    fn from(now: UnixMs) -> Self {
        Self {
            wall: now,
            steady: now,
        }
    }
}

impl fmt::Debug for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-21T19:00:00.000Z`.
impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil_from_days(i64::try_from(days).unwrap_or(i64::MAX / 2));
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            ms % 1000
        )
    }
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn valid_day(year: i64, month: i64, day: i64) -> bool {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// `HH:MM:SS[.fraction]` into milliseconds, and what follows it. A leap second counts as the second before.
fn parse_clock(text: &str) -> Option<(i64, &str)> {
    let bytes = text.as_bytes();
    let (hour, minute, second) = (
        number(text.get(..2)?)?,
        number(text.get(3..5)?)?,
        number(text.get(6..8)?)?,
    );
    if bytes[2] != b':' || bytes[5] != b':' || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(8..)?;
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let end = fraction
            .bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(fraction.len());
        let digits = fraction.get(..end).filter(|d| !d.is_empty())?;
        ms = format!("{digits:0<3}").get(..3)?.parse().ok()?;
        rest = &fraction[end..];
    }
    Some((((hour * 60 + minute) * 60 + second.min(59)) * 1000 + ms, rest))
}

fn parse_zone(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, minute) = match zone.len() {
        6 if zone.as_bytes()[3] == b':' => (zone.get(1..3)?, zone.get(4..6)?),
        5 => (zone.get(1..3)?, zone.get(3..5)?),
        _ => return None,
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute) * 60_000)
}

/// Days from 1970-01-01 of a date in the proleptic Gregorian calendar, counted in 400-year eras that begin on 1 March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_index + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_carriers_write() {
        for (text, ms) in [
            ("2026-11-01T11:59:58.574+00:00", 1_793_534_398_574),
            ("2026-11-01T11:59:58.000+0000", 1_793_534_398_000),
            ("2026-11-01T12:59:58+01:00", 1_793_534_398_000),
            ("2026-11-01T11:59:58.5Z", 1_793_534_398_500),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("1970-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(UnixMs::parse_rfc3339(text), Some(UnixMs(ms)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2026-11-01",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-11-01T25:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-01T00:00:00",
            "2026-11-01T00:00:00.Z",
            "é026-11-01T00:00:00Z",
        ] {
            assert_eq!(UnixMs::parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_agree(ms in 0u64..=253_402_300_799_999) {
            prop_assert_eq!(UnixMs::parse_rfc3339(&UnixMs(ms).to_string()), Some(UnixMs(ms)));
        }

        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = UnixMs::parse_rfc3339(&text);
        }
    }
}
