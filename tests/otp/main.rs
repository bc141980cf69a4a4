//! One-time-code extraction held to its corpora, its label policy, its bounds and its promises.

mod allocations;
mod bounds;
mod corpora;
mod data;
mod masks;
mod policy;
mod privacy;
mod rules;

use ringback::core::otp::{Engine, Extraction, Filter};
use serde::Deserialize;

/// A labelled message of a fixture file.
#[derive(Deserialize)]
struct Row {
    text: String,
    expect: Option<String>,
    #[serde(default)]
    link: Option<String>,
    lang: String,
    kind: String,
}

/// The rows of a fixture file, one JSON object a line.
fn rows(name: &str) -> Vec<Row> {
    let path = format!("{}/fixtures/otp/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text with all digits made equal, as `split.py` compares messages.
fn wording(text: &str) -> String {
    let equal = |c: char| if c.is_numeric() { '0' } else { c };
    text.chars().map(equal).collect()
}

/// What the product does: the built-in engine with the default threshold.
fn extract(text: &str) -> Extraction {
    Engine::built_in().extract(
        text,
        &Filter {
            min_confidence: Some(0.5),
            ..Filter::default()
        },
    )
}

fn code(text: &str) -> Option<String> {
    extract(text).code
}
