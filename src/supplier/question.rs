//! A question to a supplier: the request, how its answer is read, and why there may be none.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;

use crate::core::rental::Status;

/// A request as the supplier shall see it. `Debug` hides URL, headers and body: keys stand in each of them.
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ***", self.method)
    }
}

/// What the supplier answered. `Debug` hides the body: tokens, numbers and texts stand in it.
pub struct Answer {
    pub status: u16,
    /// Seconds until it wants to be asked again.
    pub retry_after_s: Option<u64>,
    /// Where what was made is.
    pub location: Option<String>,
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{} B>", self.status, self.body.len())
    }
}

/// Performs a request within so many milliseconds. `app` gives it; nobody else knows a socket.
pub type Ask = Box<dyn Fn(Request, u64) -> Asking + Send + Sync>;
pub type Asking = Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send>>;

/// Why a supplier does not give what was asked for. No text of it names a credential, a number or what an SMS says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it has no number for this now")]
    NoNumbers,
    #[error("it does not sell this: {0}")]
    NotOffered(String),
    #[error("its price is above the limit")]
    TooDear,
    #[error("too many rentals there are not over; more are refused until some are")]
    TooManyOpen,
    #[error("the balance there is used up: pay in")]
    NoBalance,
    #[error("it does not accept the key: look at `key` and `user` of its [[supplier]]")]
    Unauthorized,
    #[error("it is asked too often; it names {after_s:?} seconds to wait")]
    TooMany { after_s: Option<u64> },
    #[error("it does not know this rental")]
    Unknown,
    #[error("the rental there is {} already", .0.as_str())]
    Over(Status),
    #[error("it refuses to cancel this rental now")]
    NotCancellable,
    /// It was not asked: whatever it was, it was not done.
    #[error("it was not reached: {0}")]
    Unreached(String),
    /// It may have done it all the same.
    #[error("its answer did not come: {0}")]
    Unanswered(String),
    #[error("it answered {0}")]
    Failed(u16),
    #[error("its answer cannot be read: {0}")]
    Unsound(&'static str),
}

impl Refusal {
    /// A stable word for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoNumbers => "no_numbers",
            Self::NotOffered(_) => "not_offered",
            Self::TooDear => "too_dear",
            Self::TooManyOpen => "too_many_open",
            Self::NoBalance => "no_balance",
            Self::Unauthorized => "unauthorized",
            Self::TooMany { .. } => "too_many_requests",
            Self::Unknown => "unknown_rental",
            Self::Over(_) => "over",
            Self::NotCancellable => "not_cancellable",
            Self::Unreached(_) => "unreached",
            Self::Unanswered(_) => "unanswered",
            Self::Failed(_) => "failed",
            Self::Unsound(_) => "unsound",
        }
    }

    /// Whether what was asked for may have been done although it was not confirmed.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::Failed(500..) | Self::Unsound(_))
    }
}

/// A request, and how its answer is read.
pub struct Question<T> {
    pub request: Request,
    read: Reader<T>,
}

/// Reads an answer.
type Reader<T> = Box<dyn Fn(&Answer) -> Result<T, Refusal> + Send + Sync>;

impl<T> Question<T> {
    pub(super) fn new(
        request: Request,
        read: impl Fn(&Answer) -> Result<T, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            request,
            read: Box::new(read),
        }
    }

    pub fn read(&self, answer: &Answer) -> Result<T, Refusal> {
        (self.read)(answer)
    }

    /// Has it asked, and reads the answer.
    pub async fn put(self, ask: &Ask, timeout_ms: u64) -> Result<T, Refusal> {
        let answer = ask(self.request, timeout_ms).await?;
        (self.read)(&answer)
    }

    /// The same question by the holder of this token.
    pub fn bearing(mut self, token: &Token) -> Self {
        self.request.headers.push(bearer(&token.text));
        self
    }
}

/// What lets us in for a while. `Debug` hides it.
#[derive(Clone)]
pub struct Token {
    pub(super) text: String,
    /// From its making on.
    pub lives_ms: u64,
}

impl Token {
    /// Whether they are the same; they are the supplier's, and no secret to it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token for {} ms", self.lives_ms)
    }
}

pub(super) fn bearer(text: &str) -> (HeaderName, HeaderValue) {
    // A text that is no header value lets nobody in, which the supplier then says.
    let value = HeaderValue::try_from(format!("Bearer {text}"));
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    value.set_sensitive(true);
    (AUTHORIZATION, value)
}

pub(super) fn json_body(value: &serde_json::Value) -> (Vec<(HeaderName, HeaderValue)>, Bytes) {
    let json = HeaderValue::from_static("application/json");
    (vec![(CONTENT_TYPE, json)], value.to_string().into())
}

pub(super) fn read_json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Refusal> {
    serde_json::from_slice(&answer.body).map_err(|_| Refusal::Unsound("it is not the JSON that was expected"))
}

/// What all suppliers mean by these statuses; `None` for a success.
pub(super) fn refused(answer: &Answer) -> Option<Refusal> {
    match answer.status {
        200..300 => None,
        401 | 403 => Some(Refusal::Unauthorized),
        404 => Some(Refusal::Unknown),
        429 => Some(Refusal::TooMany {
            after_s: answer.retry_after_s,
        }),
        status => Some(Refusal::Failed(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_reached_it_may_be_done() {
        assert!(Refusal::Unanswered("x".into()).may_be_done() && Refusal::Failed(502).may_be_done());
        assert!(Refusal::Unsound("x").may_be_done());
        assert!(!Refusal::Unreached("x".into()).may_be_done() && !Refusal::Failed(418).may_be_done());
        assert!(!Refusal::NoNumbers.may_be_done() && !Refusal::TooMany { after_s: None }.may_be_done());
    }
}
