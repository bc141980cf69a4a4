//! A place in an account's events as its client holds it: opaque text, checked when it comes back. Signing it is absent: it opens nothing,
//! for an account reads only its own events whatever the cursor says.

use std::fmt;
use std::str::FromStr;

use super::id::Seq;
use super::time::{DAY_MS, UnixMs};

/// A commit may have been handed in a little before it was written, on the day before.
const MARGIN_MS: u64 = 3_600_000;
const PREFIX: &str = "evc_";

/// What was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The account's last event that was looked at.
    pub seq: Seq,
    /// The first day, counted from 1970-01-01, that may hold events which were not looked at.
    pub day: u32,
}

/// Where a reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event that is kept.
    Oldest,
    /// With what comes after now.
    Latest,
    After(Cursor),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cursor is the \"nextCursor\" of an answer or the id of a streamed event; or write oldest or latest"
)]
pub struct Error;

impl Cursor {
    /// For a reader who has seen all there is.
    pub fn at_end(seq: Seq, now: UnixMs) -> Self {
        Self {
            seq,
            day: day(UnixMs(now.0.saturating_sub(MARGIN_MS))),
        }
    }

    /// For a reader who has more to read.
    pub fn inside(seq: Seq) -> Self {
        Self {
            seq,
            day: day(seq.written_at()),
        }
    }

    /// Whether events that were not looked at may have been dropped already, `log_days` after their day.
    pub fn is_gone(self, now: UnixMs, log_days: u32) -> bool {
        self.day < day(now).saturating_sub(log_days)
    }
}

fn day(time: UnixMs) -> u32 {
    u32::try_from(time.0 / DAY_MS).unwrap_or(u32::MAX)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:016x}{:08x}", self.seq.0, self.day)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Lower-case hexadecimal of the full length only: a cursor has one spelling.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix(PREFIX).ok_or(Error)?;
        let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != 24 || !digits.bytes().all(legal) {
            return Err(Error);
        }
        let (seq, day) = digits.split_at(16);
        Ok(Self {
            seq: Seq(u64::from_str_radix(seq, 16).map_err(|_| Error)?),
            day: u32::from_str_radix(day, 16).map_err(|_| Error)?,
        })
    }
}

impl FromStr for Start {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "oldest" => Ok(Self::Oldest),
            "latest" => Ok(Self::Latest),
            cursor => cursor.parse().map(Self::After),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-01, noon.
    const NOON: UnixMs = UnixMs(1_793_534_400_000);

    #[test]
    fn a_cursor_is_gone_when_its_unread_day_may_be() {
        let then = Seq::next(Seq(0), NOON);
        let after = |days: u64| NOON.plus_ms(days * DAY_MS);
        assert!(!Cursor::inside(then).is_gone(after(4), 4));
        assert!(Cursor::inside(then).is_gone(after(5), 4));
        let caught_up = Cursor::at_end(then, after(5));
        assert!(
            !caught_up.is_gone(after(9), 4),
            "an old event, but nothing after it was missed"
        );
        assert!(caught_up.is_gone(after(10), 4));
        assert!(
            !Cursor::at_end(Seq(0), NOON).is_gone(NOON, 4),
            "nor is a log gone in which nothing is yet"
        );
    }

    #[test]
    fn the_day_before_counts_just_after_midnight() {
        let midnight = UnixMs(NOON.0 / DAY_MS * DAY_MS);
        assert_eq!(
            Cursor::at_end(Seq(1), midnight).day + 1,
            Cursor::at_end(Seq(1), NOON).day
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let good = Cursor::inside(Seq::next(Seq(0), NOON)).to_string();
        assert!(good.parse::<Start>().is_ok());
        for bad in [
            "",
            "now",
            "evc_",
            &good[1..],
            &good[..27],
            &good.to_uppercase(),
            &good.replace("evc_", "evc_+"),
        ] {
            assert_eq!(bad.parse::<Start>(), Err(Error), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn cursors_round_trip(seq: u64, day: u32) {
            let cursor = Cursor { seq: Seq(seq), day };
            prop_assert_eq!(cursor.to_string().parse::<Start>(), Ok(Start::After(cursor)));
        }

        #[test]
        fn parsing_never_panics(text in "(evc_)?.{0,30}") {
            let _ = text.parse::<Start>();
        }
    }
}
