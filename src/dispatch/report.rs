//! What a sender reports, put into core's words and into the words of the attempt log.

use super::sender::{Answer, Outcome as Sent};
use crate::core::attempt::{self, Response};
use crate::core::delivery::Outcome;
use crate::core::time::UnixMs;

/// Bytes of a reply that are kept, however many are read.
const BODY_BYTES_KEPT: usize = 16 * 1024;

/// An attempt's outcome as core judges it, and what the log says of it.
pub struct Reported {
    pub outcome: Outcome,
    /// For the log and the metric.
    pub class: String,
    pub advice: String,
    pub response: Option<Response>,
}

pub fn reported(outcome: Sent, now: UnixMs) -> Reported {
    match outcome {
        Sent::Answered(answer) => answered(answer, now),
        Sent::Failed(failure) => Reported {
            outcome: Outcome::Failed(failure.name().to_owned()),
            class: failure.name().to_owned(),
            advice: failure.to_string(),
            response: None,
        },
    }
}

fn answered(answer: Answer, now: UnixMs) -> Reported {
    let retry_after_ms = answer
        .retry_after
        .map(|hint| hint.delay_s(now.secs()).saturating_mul(1000));
    let (class, advice) = attempt::advice(answer.status, answer.location.as_deref());
    Reported {
        outcome: Outcome::Answered {
            status: answer.status,
            retry_after_ms,
            control: answer.control,
        },
        class,
        advice,
        response: Some(Response {
            headers: answer.headers,
            body: answer.body[..answer.body.len().min(BODY_BYTES_KEPT)].to_vec(),
            truncated: answer.truncated || answer.body.len() > BODY_BYTES_KEPT,
        }),
    }
}
