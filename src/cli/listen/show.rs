//! What `listen` prints: lines for people, or one JSON object each for programs. Troubles with the gateway go to standard error.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::forward::Forwarded;
use super::{Format, Heard};
use crate::cli::Failure;
use crate::clock::Clock;
use crate::core::cursor::{Cursor, Start};
use crate::core::time::UnixMs;

/// A lag is told to people from here on.
const LAG_TOLD_MS: u64 = 2000;

pub struct Show {
    format: Format,
    events: usize,
    taken: usize,
    failed: usize,
}

/// What of a payload is shown.
#[derive(Deserialize)]
struct Type {
    #[serde(rename = "type")]
    name: String,
}

impl Show {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            events: 0,
            taken: 0,
            failed: 0,
        }
    }

    pub fn failed(&self) -> usize {
        self.failed
    }

    pub fn ready(&self, secret: &str, cursor: &str, to: Option<&str>) {
        match self.format {
            Format::Text => println!("Ready! Your webhook signing secret is {secret} (^C to quit)"),
            Format::Json => println!(
                "{}",
                json!({ "kind": "ready", "secret": secret, "after": cursor, "forward_to": to })
            ),
        }
    }

    pub fn event(&mut self, event: &Heard, now: UnixMs) {
        self.events += 1;
        let payload = event.payload.get();
        let kind = serde_json::from_str::<Type>(payload).map_or_else(|_| "?".to_owned(), |found| found.name);
        let lag_ms = written_at(&event.cursor).map_or(0, |at| now.since(at));
        match self.format {
            Format::Text if lag_ms >= LAG_TOLD_MS => {
                println!(
                    "{now}  --> {kind} [{}]  {} behind",
                    event.id,
                    told(Duration::from_millis(lag_ms))
                );
            }
            Format::Text => println!("{now}  --> {kind} [{}]", event.id),
            Format::Json => {
                let payload: Value = serde_json::from_str(payload).unwrap_or(Value::Null);
                println!(
                    "{}",
                    json!({ "kind": "event", "id": event.id, "type": kind, "cursor": event.cursor, "lag_ms": lag_ms, "payload": payload })
                );
            }
        }
    }

    pub fn forwarded(&mut self, id: &str, url: &str, done: &Forwarded) {
        if done.is_taken() {
            self.taken += 1;
        } else {
            self.failed += 1;
        }
        match self.format {
            Format::Text => {
                let result = done
                    .result
                    .map_or_else(str::to_owned, |status| status.to_string());
                let advice = done
                    .advice
                    .as_ref()
                    .map_or_else(String::new, |advice| format!(": {advice}"));
                let now = Clock::System.now();
                println!(
                    "{now}  <-- [{result}] POST {url} [{id}] {} ms{advice}",
                    done.duration_ms
                );
            }
            Format::Json => println!(
                "{}",
                json!({ "kind": "forwarded", "id": id, "url": url, "status": done.result.ok(), "failure": done.result.err(), "advice": done.advice, "duration_ms": done.duration_ms })
            ),
        }
    }

    pub fn lost(&self, failure: &Failure, cursor: &str) {
        match self.format {
            Format::Text => eprintln!(
                "The gateway is lost: {failure}. Trying again; nothing is missed, the place is kept ({cursor})."
            ),
            Format::Json => println!(
                "{}",
                json!({ "kind": "lost", "reason": failure.to_string(), "cursor": cursor })
            ),
        }
    }

    pub fn back(&self, gone: Duration, waiting: usize) {
        match self.format {
            Format::Text => eprintln!(
                "The gateway is back after {}; {waiting} events were waiting.",
                told(gone)
            ),
            Format::Json => {
                println!(
                    "{}",
                    json!({ "kind": "back", "gone_ms": u64::try_from(gone.as_millis()).unwrap_or(u64::MAX), "waiting": waiting })
                );
            }
        }
    }

    pub fn summary(&self, cursor: &str) {
        let Self {
            events,
            taken,
            failed,
            ..
        } = self;
        match self.format {
            Format::Text => eprintln!(
                "{events} events heard, {taken} taken by the target, {failed} not. Go on with --after {cursor}"
            ),
            Format::Json => println!(
                "{}",
                json!({ "kind": "end", "events": events, "taken": taken, "failed": failed, "cursor": cursor })
            ),
        }
    }
}

/// When the gateway wrote the event of this cursor.
fn written_at(cursor: &str) -> Option<UnixMs> {
    match cursor.parse() {
        Ok(Start::After(Cursor { seq, .. })) => Some(seq.written_at()),
        _ => None,
    }
}

/// A time as people say it.
fn told(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        s @ 1..=119 => format!("{s} s"),
        s @ 120..=7199 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}
