//! What operators see: metric names with bounded labels, and the set-up of logs; never a code, a text, a secret, a full number or a URI.

mod histogram;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use tracing::Level;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use self::histogram::Histogram;
use crate::core::number::Unmatched;

/// Every counter there is: name and what it counts. Labels are names from the configuration or from enums, so they are bounded.
const COUNTERS: &[(&str, &str)] = &[
    (
        "ringback_inbound_accepted_total",
        "Inbound requests whose signature held, by source and the index of the key that matched.",
    ),
    (
        "ringback_inbound_fetches_total",
        "What carriers' requests made us fetch, by source, what it was, and what came of it.",
    ),
    (
        "ringback_inbound_rejected_total",
        "Inbound requests that were refused, by source and reason.",
    ),
    (
        "ringback_inbound_duplicates_total",
        "Messages that were there already, by source.",
    ),
    (
        "ringback_inbound_ignored_total",
        "Verified reports that are no message, by source.",
    ),
    (
        "ringback_inbound_log_total",
        "Judged requests, by whether the inbound log kept them.",
    ),
    (
        "ringback_messages_total",
        "Messages stored, by source and what they matched.",
    ),
    (
        "ringback_receipts_total",
        "Carriers' reports on messages that were sent, by source and whether they were news.",
    ),
    (
        "ringback_sent_total",
        "Messages given to a provider, by provider and what came of it.",
    ),
    (
        "ringback_unmatched_assigned_total",
        "Messages of nobody that were given to a rental, by source.",
    ),
    (
        "ringback_otp_extract_total",
        "Matched messages, by whether a code was found.",
    ),
    (
        "ringback_carrier_codes_total",
        "Codes that a carrier named, by how ours stands to it.",
    ),
    (
        "ringback_supplier_questions_total",
        "What suppliers were asked, by supplier, question and result.",
    ),
    (
        "ringback_supplier_rentals_total",
        "Rentals wanted of suppliers, by what became of them; lost: left to the supplier, the log says why.",
    ),
    (
        "ringback_delivery_attempts_total",
        "Webhook attempts, by class of outcome.",
    ),
    (
        "ringback_delivery_outcomes_total",
        "Recorded attempts, by how the delivery stands after them.",
    ),
    ("ringback_http_responses_total", "Answers, by status class."),
];

/// Every histogram there is.
const HISTOGRAMS: [(&str, &str); 2] = [
    (
        "ringback_delivery_lag_seconds",
        "From when a delivery was due to the beginning of its attempt.",
    ),
    (
        "ringback_delivery_end_to_end_seconds",
        "From an event to its delivery, retries and holding included; without those that were asked for again.",
    ),
];

/// A value of the moment. Its labels come from no customer's text and are few.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    pub name: &'static str,
    pub labels: String,
    pub value: f64,
}

impl Gauge {
    pub fn new(name: &'static str, value: f64) -> Self {
        Self {
            name,
            labels: String::new(),
            value,
        }
    }
}

/// The process's counters.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: Mutex<BTreeMap<(&'static str, String), u64>>,
    histograms: Mutex<[Histogram; HISTOGRAMS.len()]>,
}

impl Metrics {
    fn add(&self, name: &'static str, labels: String) {
        debug_assert!(
            COUNTERS.iter().any(|(known, _)| *known == name),
            "a metric has a line in COUNTERS"
        );
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry((name, labels)).or_default() += 1;
    }

    pub fn rejected(&self, source: &str, reason: &str) {
        self.add(
            "ringback_inbound_rejected_total",
            format!("source=\"{source}\",reason=\"{reason}\""),
        );
    }

    /// `key` counts from 0: once the first of two is not seen any more, it can go.
    pub fn accepted(&self, source: &str, key: usize) {
        self.add(
            "ringback_inbound_accepted_total",
            format!("source=\"{source}\",key=\"{key}\""),
        );
    }

    pub fn fetched(&self, source: &str, what: &'static str, ok: bool) {
        let result = if ok { "ok" } else { "failed" };
        self.add(
            "ringback_inbound_fetches_total",
            format!("source=\"{source}\",what=\"{what}\",result=\"{result}\""),
        );
    }

    pub fn duplicate(&self, source: &str) {
        self.add(
            "ringback_inbound_duplicates_total",
            format!("source=\"{source}\""),
        );
    }

    pub fn receipt(&self, source: &str, is_news: bool) {
        let result = if is_news { "news" } else { "known" };
        self.add(
            "ringback_receipts_total",
            format!("source=\"{source}\",result=\"{result}\""),
        );
    }

    /// `outcome` is `accepted`, `unknown` or the class of a refusal.
    pub fn sent(&self, provider: &str, outcome: &str) {
        self.add(
            "ringback_sent_total",
            format!("provider=\"{provider}\",outcome=\"{outcome}\""),
        );
    }

    pub fn assigned(&self, source: &str) {
        self.add(
            "ringback_unmatched_assigned_total",
            format!("source=\"{source}\""),
        );
    }

    /// `result` is `same`, `different`, `theirs` or `neither`.
    pub fn compared(&self, result: &str) {
        self.add("ringback_carrier_codes_total", format!("result=\"{result}\""));
    }

    pub fn supplier_asked(&self, supplier: &str, question: &str, result: &str) {
        self.add(
            "ringback_supplier_questions_total",
            format!("supplier=\"{supplier}\",question=\"{question}\",result=\"{result}\""),
        );
    }

    /// `result` is `rented`, `refunded`, `returned`, `lost`, `failed` or the name of a refusal.
    pub fn supplied(&self, supplier: &str, result: &str) {
        self.add(
            "ringback_supplier_rentals_total",
            format!("supplier=\"{supplier}\",result=\"{result}\""),
        );
    }

    pub fn ignored(&self, source: &str) {
        self.add("ringback_inbound_ignored_total", format!("source=\"{source}\""));
    }

    /// `result` is `kept`, `failed`, `left_out_busy` or `left_out_refused`.
    pub fn logged(&self, result: &str) {
        self.add("ringback_inbound_log_total", format!("result=\"{result}\""));
    }

    pub fn message(&self, source: &str, unmatched: Option<Unmatched>, code_found: bool) {
        let result = unmatched.map_or("matched", Unmatched::as_str);
        self.add(
            "ringback_messages_total",
            format!("source=\"{source}\",result=\"{result}\""),
        );
        if unmatched.is_none() {
            let result = if code_found { "code" } else { "none" };
            self.add("ringback_otp_extract_total", format!("result=\"{result}\""));
        }
    }

    /// `class` is `2xx` to `5xx` or the name of a failure.
    pub fn attempt(&self, class: &str) {
        self.add("ringback_delivery_attempts_total", format!("class=\"{class}\""));
    }

    /// An attempt begins so long after it was due.
    pub fn lag(&self, lag_ms: u64) {
        self.histograms.lock().unwrap_or_else(PoisonError::into_inner)[0].add(lag_ms);
    }

    /// How a delivery stands after an attempt.
    pub fn outcome(&self, outcome: &str) {
        self.add(
            "ringback_delivery_outcomes_total",
            format!("outcome=\"{outcome}\""),
        );
    }

    /// An event was delivered so long after it happened.
    pub fn end_to_end(&self, time_ms: u64) {
        self.histograms.lock().unwrap_or_else(PoisonError::into_inner)[1].add(time_ms);
    }

    pub fn response(&self, status: u16) {
        self.add(
            "ringback_http_responses_total",
            format!("class=\"{}xx\"", status / 100),
        );
    }

    /// The counters and histograms, and these gauges, those of one name together, in the Prometheus text format.
    pub fn render(&self, gauges: &[Gauge]) -> String {
        let counters = self
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut text = String::new();
        for (name, help) in COUNTERS.iter().copied() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for ((_, labels), value) in counters.iter().filter(|((known, _), _)| *known == name) {
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
        let histograms = self
            .histograms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for ((name, help), histogram) in HISTOGRAMS.iter().zip(histograms) {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
            histogram.render(name, &mut text);
        }
        let mut last = "";
        for Gauge { name, labels, value } in gauges {
            if last != *name {
                let _ = writeln!(text, "# TYPE {name} gauge");
            }
            let _ = match labels.as_str() {
                "" => writeln!(text, "{name} {value}"),
                labels => writeln!(text, "{name}{{{labels}}} {value}"),
            };
            last = name;
        }
        text
    }

    /// One counter's sum over all its labels.
    pub fn total(&self, name: &str) -> u64 {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters
            .iter()
            .filter(|((known, _), _)| *known == name)
            .map(|(_, value)| value)
            .sum()
    }
}

/// Starts logging to standard error. `filter` is as of tracing-subscriber, for example `info,ringback=debug`.
pub fn start_logging(filter: &str, json: bool) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|e| format!("log.filter: {e}"))?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().boxed()
    } else {
        lines.with_target(false).boxed()
    };
    let log = tracing_subscriber::registry()
        .with(filter)
        .with(quiet())
        .with(lines);
    log.try_init().map_err(|e| e.to_string())
}

/// What no filter of the operator's lets through: all of rmcp below its errors, for it writes whole requests and results (so codes)
/// as `debug`, and as `warn` what it refuses. Events that are refused here are not even made.
pub fn quiet() -> FilterFn {
    filter_fn(|event| *event.level() == Level::ERROR || event.target().split("::").next() != Some("rmcp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_what_was_counted() {
        let metrics = Metrics::default();
        metrics.rejected("main", "bad_signature");
        metrics.rejected("main", "bad_signature");
        metrics.message("main", None, true);
        let text = metrics.render(&[Gauge::new("ringback_longpoll_waiting", 3.0)]);
        assert!(
            text.contains("ringback_inbound_rejected_total{source=\"main\",reason=\"bad_signature\"} 2\n"),
            "{text}"
        );
        assert!(text.contains("ringback_otp_extract_total{result=\"code\"} 1\n"));
        assert!(text.contains("# TYPE ringback_longpoll_waiting gauge\nringback_longpoll_waiting 3\n"));
        assert_eq!(metrics.total("ringback_inbound_rejected_total"), 2);
    }
}
