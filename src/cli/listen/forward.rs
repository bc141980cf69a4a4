//! One event posted to a program on this machine as dispatch would post it: signed anew, redirects not followed, 30 seconds at most.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use url::Url;

use super::Heard;
use crate::app::{Call, Client, Outcome, Sender, Target, check_url};
use crate::cli::{Failure, call};
use crate::core::signature::{self, SigningKey};
use crate::core::time::UnixMs;

/// Time for the target to answer, from the look-up of its name to the last byte.
const TIMEOUT_MS: u64 = 30_000;
/// Bytes of the target's answer that are read; only its status counts.
const REPLY_BYTES_MAX: usize = 16 << 10;

/// Where events go.
pub struct Forward {
    url: String,
    client: Client,
    target: Target,
    keys: [SigningKey; 1],
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What came of one event.
pub struct Forwarded {
    /// The status, or a word for why there is none.
    pub result: Result<u16, &'static str>,
    /// What to do about it, where it was not taken.
    pub advice: Option<String>,
    pub duration_ms: u32,
}

impl Forwarded {
    pub fn is_taken(&self) -> bool {
        self.result.is_ok_and(|status| (200..300).contains(&status))
    }
}

impl Forward {
    pub fn new(to: &str, secret: &str, headers: &[String]) -> Result<Self, Failure> {
        let url = whole(to);
        let refuse = |e: String| Failure::usage(format!("--forward-to {to}: {e}"));
        let parsed = Url::parse(&url).map_err(|e| refuse(e.to_string()))?;
        let (client, policy) = call::client(&parsed, REPLY_BYTES_MAX)?;
        Ok(Self {
            target: check_url(&url, &policy).map_err(|e| refuse(e.to_string()))?,
            url,
            client,
            keys: [secret.parse().map_err(Failure::usage)?],
            headers: headers.iter().map(|line| field(line)).collect::<Result<_, _>>()?,
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn send(&self, event: &Heard, now: UnixMs) -> Forwarded {
        let body = event.payload.get().as_bytes();
        let timestamp_s = i64::try_from(now.secs()).unwrap_or(i64::MAX);
        let signature = signature::sign(&self.keys, &event.id, timestamp_s, body);
        let text = |value: String| HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                header::USER_AGENT,
                HeaderValue::from_static(concat!("ringback/", env!("CARGO_PKG_VERSION"))),
            ),
            (HeaderName::from_static("webhook-id"), text(event.id.clone())),
            (
                HeaderName::from_static("webhook-timestamp"),
                text(timestamp_s.to_string()),
            ),
            (HeaderName::from_static("webhook-signature"), text(signature)),
        ];
        headers.extend(self.headers.iter().cloned());
        let call = Call {
            method: Method::POST,
            target: self.target.clone(),
            headers,
            body: Bytes::copy_from_slice(body),
            timeout_ms: TIMEOUT_MS,
        };
        let attempted = self.client.send(call).await;
        let (result, advice) = match attempted.outcome {
            Outcome::Answered(answer) => {
                let moved = answer.location.filter(|_| (300..400).contains(&answer.status));
                (
                    Ok(answer.status),
                    moved.map(|to| format!("redirects are not followed: forward to {to}")),
                )
            }
            Outcome::Failed(failure) => (Err(failure.name()), Some(failure.to_string())),
        };
        Forwarded {
            result,
            advice,
            duration_ms: attempted.timing.total_us / 1000,
        }
    }
}

/// `:3000/hook` and `localhost:3000/hook` are what people type.
fn whole(to: &str) -> String {
    match to {
        _ if to.contains("://") => to.to_owned(),
        _ if to.starts_with(':') => format!("http://localhost{to}"),
        _ => format!("http://{to}"),
    }
}

/// `Name: value`; not what the signature or the framing stands in.
fn field(line: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let refuse = || Failure::usage("--headers: write \"Name: value\"");
    let (name, value) = line.split_once(':').ok_or_else(refuse)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| refuse())?;
    let reserved = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "content-type",
        "user-agent",
    ];
    if name.as_str().starts_with("webhook-") || reserved.contains(&name.as_str()) {
        return Err(Failure::usage(format!(
            "--headers: {name} is set by listen itself"
        )));
    }
    Ok((name, HeaderValue::try_from(value.trim()).map_err(|_| refuse())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_a_url() {
        assert_eq!(whole(":3000/hook"), "http://localhost:3000/hook");
        assert_eq!(whole("localhost:3000"), "http://localhost:3000");
        assert_eq!(whole("https://a.example/x"), "https://a.example/x");
    }

    #[test]
    fn headers_are_read_and_ours_are_kept() {
        let (name, value) = field("X-Trace: a:b").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-trace", "a:b"));
        for bad in ["", "x", "webhook-id: 1", "Host: a", "x y: z", "x: \u{1}"] {
            assert!(field(bad).is_err(), "{bad}");
        }
    }
}
