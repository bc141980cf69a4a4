//! Measures the extraction on the labelled messages and writes the figures and plots of docs/otp.md. Run by hand:
//! `cargo run --release --example otp_report`. Of blind messages nothing but counts leaves it.

#[path = "otp_report/plot.rs"]
mod plot;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use ringback::core::otp::{Engine, Filter};

/// The files of labelled messages, and whether they are blind: never read while the engine is tuned.
fn files() -> Result<Vec<(String, bool)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for name in ["dev.jsonl", "corpus.jsonl", "held.jsonl"] {
        files.push(name.to_owned());
    }
    for folder in ["independent", "tuning"] {
        for entry in fs::read_dir(format!("fixtures/otp/{folder}"))? {
            let name = entry?.file_name();
            files.push(format!("{folder}/{}", name.to_string_lossy()));
        }
    }
    let is_blind = |name: &str| name == "held.jsonl" || name.ends_with("_blind.jsonl");
    let mut files: Vec<(String, bool)> = files
        .into_iter()
        .map(|name| (name.clone(), is_blind(&name)))
        .collect();
    files.sort_by_key(|(name, blind)| (*blind, name.clone()));
    Ok(files)
}

/// What came of one labelled message.
pub struct Outcome {
    lang: String,
    kind: String,
    blind: bool,
    right: bool,
    /// Confidence of the code given, if one was, and whether the code is right.
    given: Option<(f32, bool)>,
}

/// Right and all.
#[derive(Clone, Copy, Default)]
pub struct Count {
    right: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.all.max(1) as f64
    }
}

/// Blind and tuning messages of a language or kind.
pub type Table = BTreeMap<String, [Count; 2]>;

fn outcomes(name: &str, blind: bool) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let filter = Filter {
        min_confidence: Some(0.5),
        ..Filter::default()
    };
    let text = fs::read_to_string(format!("fixtures/otp/{name}"))?;
    let mut outcomes = Vec::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let word = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        let got = Engine::built_in().extract(&word("text"), &filter);
        let code = got.code.as_deref() == row["expect"].as_str();
        outcomes.push(Outcome {
            lang: word("lang"),
            kind: word("kind"),
            blind,
            right: code && got.link.as_deref() == row["link"].as_str(),
            given: got.code.is_some().then_some((got.confidence, code)),
        });
    }
    Ok(outcomes)
}

fn count(outcomes: &[Outcome], key: fn(&Outcome) -> &str) -> Table {
    let mut table = Table::new();
    for outcome in outcomes {
        let counts = table.entry(key(outcome).to_owned()).or_default();
        counts[usize::from(!outcome.blind)].add(outcome.right);
    }
    table
}

fn print(title: &str, table: &Table) {
    println!("\n| {title} | blind: right | of | % | tuning: right | of | % |\n|---|---|---|---|---|---|---|");
    let cells = |count: &Count| match count.all {
        0 => " | | ".to_owned(),
        _ => format!("{} | {} | {:.1}", count.right, count.all, count.percent()),
    };
    for (name, [blind, tuning]) in table {
        println!("| {name} | {} | {} |", cells(blind), cells(tuning));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut every = Vec::new();
    let mut sides = [Count::default(); 2];
    println!("| messages | right | of | % |\n|---|---|---|---|");
    for (name, blind) in files()? {
        let outcomes = outcomes(&name, blind)?;
        let mut count = Count::default();
        for outcome in &outcomes {
            count.add(outcome.right);
            sides[usize::from(!blind)].add(outcome.right);
        }
        println!(
            "| {name} | {} | {} | {:.2} |",
            count.right,
            count.all,
            count.percent()
        );
        every.extend(outcomes);
    }
    for (name, side) in ["blind", "tuning"].iter().zip(sides) {
        println!(
            "| {name}, together | {} | {} | {:.2} |",
            side.right,
            side.all,
            side.percent()
        );
    }
    let mut sure = Count::default();
    for (confidence, right) in every.iter().filter(|row| row.blind).filter_map(|row| row.given) {
        if confidence >= 0.9 {
            sure.add(right);
        }
    }
    println!(
        "\nblind, confidence of 0.9 or more: {} of {} right",
        sure.right, sure.all
    );
    let languages = count(&every, |outcome| &outcome.lang);
    print("language", &languages);
    print("kind", &count(&every, |outcome| &outcome.kind));
    fs::write("docs/otp-accuracy.svg", plot::accuracy(&languages)?)?;
    fs::write("docs/otp-calibration.svg", plot::calibration(&every)?)?;
    Ok(())
}
