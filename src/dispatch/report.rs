//! What a sender reports, put into core's words and into the words of the attempt log.

use super::sender::{Answer, Outcome as Sent};
use crate::core::delivery::Outcome;
use crate::core::time::UnixMs;

/// What of an answer or a failure is kept in the attempt log, in characters.
const DETAIL_CHARS_MAX: usize = 512;

/// An attempt's outcome as core judges it, what the log says of it, and its class for the metric.
pub fn reported(outcome: &Sent, now: UnixMs) -> (Outcome, String, String) {
    match outcome {
        Sent::Answered(answer) => {
            let retry_after_ms = answer
                .retry_after
                .map(|hint| hint.delay_s(now.secs()).saturating_mul(1000));
            let class = format!("{}xx", answer.status / 100);
            (
                Outcome::Answered {
                    status: answer.status,
                    retry_after_ms,
                },
                answered_detail(answer),
                class,
            )
        }
        Sent::Failed(failure) => {
            let class = failure.name().to_owned();
            (Outcome::Failed(class.clone()), failure.to_string(), class)
        }
    }
}

fn answered_detail(answer: &Answer) -> String {
    let detail = match &answer.location {
        Some(location) if (300..400).contains(&answer.status) => {
            format!("redirect refused: update the subscription's URL to {location}")
        }
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    detail.chars().take(DETAIL_CHARS_MAX).collect()
}
