//! What every dialect asks of a request before it trusts it: single headers, plain timestamps, a narrow time window; the clock is an argument.

use super::{Reject, Request};
use crate::core::time::UnixMs;

impl<'a> Request<'a> {
    /// The header's text, or `missing` if it is absent, empty, not visible ASCII or there twice (a proxy in front might have
    /// read the other one).
    pub(super) fn header(&self, name: &str, missing: Reject) -> Result<&'a str, Reject> {
        self.header_opt(name).ok_or(missing)
    }

    pub(super) fn header_opt(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        let text = values.next()?.to_str().ok()?;
        (values.next().is_none() && !text.is_empty()).then_some(text)
    }

    /// The media type in lower case, without its parameters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header_opt("content-type").unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    pub(super) fn is_form(&self) -> bool {
        self.media_type() == "application/x-www-form-urlencoded"
    }

    /// From the first `/` after the host to the query, still encoded.
    pub(super) fn path(&self) -> &'a str {
        let tail = self.url.split_once("://").map_or(self.url, |(_, tail)| tail);
        let path = tail.find('/').map_or("", |at| &tail[at..]);
        path.split(['?', '#']).next().unwrap_or_default()
    }

    /// What stands after the first `?`, still encoded.
    pub(super) fn query(&self) -> Option<&'a str> {
        self.url.split_once('?').map(|(_, query)| query)
    }
}

/// Unix seconds as ASCII digits and nothing else: no sign, no space, no fraction.
pub fn timestamp(text: &str) -> Result<UnixMs, Reject> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reject::MalformedTimestamp);
    }
    text.parse()
        .map(UnixMs::from_secs)
        .map_err(|_| Reject::MalformedTimestamp)
}

/// How far, in seconds, a signed time may lie from ours, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    seconds: u64,
}

impl Window {
    /// Five minutes: the value that the carriers' own libraries use.
    pub const DEFAULT_S: u64 = 300;
    pub const MAX_S: u64 = 900;

    /// `None` outside 1 to 900 seconds.
    pub fn new(seconds: u64) -> Option<Self> {
        (1..=Self::MAX_S).contains(&seconds).then_some(Self { seconds })
    }

    /// Compares whole seconds, because that is what carriers sign.
    pub fn check(self, signed: UnixMs, now: UnixMs) -> Result<(), Reject> {
        if now.secs().abs_diff(signed.secs()) <= self.seconds {
            Ok(())
        } else {
            Err(Reject::StaleTimestamp)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_closed_on_both_sides() {
        let (window, now) = (Window::new(300).unwrap(), UnixMs(1_793_534_400_999));
        for (secs, fresh) in [
            (1_793_534_100, true),
            (1_793_534_099, false),
            (1_793_534_700, true),
            (1_793_534_701, false),
        ] {
            assert_eq!(
                window.check(UnixMs::from_secs(secs), now).is_ok(),
                fresh,
                "{secs}"
            );
        }
        assert_eq!((Window::new(0), Window::new(901)), (None, None));
    }

    #[test]
    fn a_timestamp_is_digits_only() {
        for text in ["", "+1", "-1", " 1", "1.5", "1e3", "١", "99999999999999999999"] {
            assert_eq!(timestamp(text), Err(Reject::MalformedTimestamp), "{text}");
        }
        assert_eq!(timestamp("1793534400"), Ok(UnixMs(1_793_534_400_000)));
    }

    #[test]
    fn a_header_given_twice_counts_as_absent() {
        let mut headers = http::HeaderMap::new();
        headers.append("x-one", "a".parse().unwrap());
        headers.append("x-two", "a".parse().unwrap());
        headers.append("x-two", "b".parse().unwrap());
        headers.append("x-empty", "".parse().unwrap());
        let request = Request {
            method: "POST",
            url: "https://gw.example.com/",
            headers: &headers,
            body: b"",
        };
        assert_eq!(request.header_opt("x-one"), Some("a"));
        assert_eq!(
            (request.header_opt("x-two"), request.header_opt("x-empty")),
            (None, None)
        );
    }
}
