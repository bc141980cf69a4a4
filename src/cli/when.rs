//! Times as people type them: a point in time, or how long ago.

use crate::clock::Clock;
use crate::core::time::UnixMs;

/// Reads a time like 2026-11-21T19:00:00Z, or how long ago: 90s, 30m, 2h, 3d.
pub fn when(text: &str) -> Result<UnixMs, String> {
    if let Some(at) = UnixMs::parse_rfc3339(text) {
        return Ok(at);
    }
    let unit_ms = |unit: char| match unit {
        's' => Some(1000),
        'm' => Some(60_000),
        'h' => Some(3_600_000),
        'd' => Some(86_400_000u64),
        _ => None,
    };
    let ago_ms = text
        .chars()
        .next_back()
        .and_then(unit_ms)
        .and_then(|ms| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(ms));
    let ago_ms =
        ago_ms.ok_or("write a time like 2026-11-21T19:00:00Z, or how long ago, like 90s, 30m, 2h or 3d")?;
    Ok(Clock::System.now().minus_ms(ago_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_typed() {
        assert_eq!(when("1970-01-01T00:00:01Z"), Ok(UnixMs(1000)));
        let ago = Clock::System.now().since(when("2h").unwrap());
        assert!((7_200_000..7_260_000).contains(&ago), "{ago}");
        for bad in ["", "h", "2", "2w", "-1h", "é", "18446744073709551615d"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }
}
