//! What it costs to judge one request of each dialect and scheme, from the carriers' vectors: no socket, no store, one thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::measure::{Spread, percentile_ms, rounded};
use super::report::{Report, line};
use crate::carrier::captured::{Captured, Verdict};
use crate::carrier::{Carrier, Request};
use crate::cli::Failure;
use crate::clock;
use crate::core::time::UnixMs;

#[derive(Args)]
pub struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Rounds that are counted; figures are their medians, with the extremes.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of each dialect in one round.
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// The folder with `<carrier>/vectors.json`.
    #[arg(long, value_name = "DIR", default_value = "fixtures/carrier")]
    vectors: PathBuf,
}

const NOTES: &str = "Microseconds of one thread for one request, by dialect and scheme: verify is the signature and the time window over the raw \
bytes, read the parsing after it. Every accepted vector of the scheme in turn; rounds alternate over the schemes, after one that is not counted. \
The clock's own reading, about 0.03, is in each figure.";

#[derive(Serialize)]
struct Line {
    carrier: String,
    scheme: String,
    vectors: usize,
    body_bytes: usize,
    verify_p50_us: Spread,
    verify_p99_us: Spread,
    read_p50_us: Spread,
}

/// A vector that is accepted, with the source that it is for.
struct Accepted {
    carrier: Carrier,
    captured: Captured,
    now: UnixMs,
}

impl Accepted {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.captured.method,
            url: &self.captured.url,
            headers: &self.captured.headers,
            body: &self.captured.body,
        }
    }
}

type Schemes = BTreeMap<(String, String), Vec<Accepted>>;

pub fn run(arguments: &Arguments) -> Result<Report, Failure> {
    let schemes = load(&arguments.vectors)?;
    let mut rounds: Vec<[Vec<f64>; 3]> = schemes.iter().map(|_| Default::default()).collect();
    for round in 0..=arguments.rounds {
        for (figures, vectors) in rounds.iter_mut().zip(schemes.values()) {
            let measured = measure(vectors, arguments.requests)?;
            for (figure, measured) in figures.iter_mut().zip(measured) {
                // The first one warms up.
                figure.extend((round > 0).then_some(measured));
            }
        }
    }
    let lines: Vec<Line> = schemes
        .iter()
        .zip(&rounds)
        .map(|(((carrier, scheme), vectors), [p50, p99, read])| Line {
            carrier: carrier.clone(),
            scheme: scheme.clone(),
            vectors: vectors.len(),
            body_bytes: vectors.iter().map(|v| v.captured.body.len()).sum::<usize>() / vectors.len(),
            verify_p50_us: Spread::of(p50),
            verify_p99_us: Spread::of(p99),
            read_p50_us: Spread::of(read),
        })
        .collect();
    let slowest = lines
        .iter()
        .max_by(|a, b| a.verify_p50_us.median.total_cmp(&b.verify_p50_us.median));
    let headline = slowest.map(|slowest| {
        json!({ "benchmark": "verify", "schemes": lines.len(), "slowest": slowest.scheme,
            "slowest_verify_p50_us": slowest.verify_p50_us.median })
    });
    Ok(Report {
        notes: NOTES,
        headline: headline.as_ref().map(line).unwrap_or_default(),
        lines: lines.iter().map(line).collect::<Vec<Map<String, Value>>>(),
    })
}

/// The accepted vectors of every file, by carrier and scheme.
fn load(folder: &Path) -> Result<Schemes, Failure> {
    let refuse = |path: &Path, error: String| Failure::usage(format!("{}: {error}", path.display()));
    let entries = std::fs::read_dir(folder).map_err(|e| {
        refuse(
            folder,
            format!("{e}; --vectors names the folder fixtures/carrier of the repository"),
        )
    })?;
    let mut schemes = Schemes::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path().join("vectors.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let list: Vec<Value> = serde_json::from_str(&text).map_err(|e| refuse(&path, e.to_string()))?;
        for value in &list {
            let captured = Captured::deserialize(value).map_err(|e| refuse(&path, e.to_string()))?;
            let (Some(Verdict::Accept), Some(now)) = (captured.expect, captured.now) else {
                continue;
            };
            let carrier = captured.source().map_err(|e| refuse(&path, e.to_string()))?;
            let Some(carrier) = carrier else { continue };
            let mut scheme = captured.scheme.clone().unwrap_or_default();
            // The methods of this one differ in their hash.
            if let Some(method) = captured.key.get("method").and_then(Value::as_str) {
                scheme = format!("{scheme} {method}");
            }
            let key = (carrier.name().to_owned(), scheme);
            schemes.entry(key).or_default().push(Accepted {
                carrier,
                captured,
                now,
            });
        }
    }
    Ok(schemes)
}

/// One round: the median and the 99th percentile of verifying, the median of reading, in microseconds.
fn measure(vectors: &[Accepted], requests: usize) -> Result<[f64; 3], Failure> {
    let mut verified = Vec::with_capacity(requests);
    let mut read = Vec::with_capacity(requests);
    for vector in vectors.iter().cycle().take(requests) {
        let request = vector.request();
        let start = clock::monotonic();
        let verdict = vector.carrier.verify(&request, vector.now);
        let between = clock::monotonic();
        let contents = std::hint::black_box(vector.carrier.read(&request));
        read.push(clock::monotonic().duration_since(between));
        verified.push(between.duration_since(start));
        verdict.map_err(|reject| {
            let name = vector.captured.name.as_deref().unwrap_or_default();
            Failure::failed(format!("{} {name}: refused as {reject}", vector.carrier.name()))
        })?;
        drop(contents);
    }
    let us = |times: &mut Vec<Duration>, percent| rounded(percentile_ms(times, percent) * 1000.0);
    Ok([us(&mut verified, 50), us(&mut verified, 99), us(&mut read, 50)])
}
