//! Measures the extraction on the labelled messages and writes the figures and plots of docs/otp.md. Run by hand:
//! `cargo run --release --example otp_report`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::fs;

use ringback::core::otp::{Engine, Filter};

const FILES: [&str; 3] = ["dev.jsonl", "corpus.jsonl", "held.jsonl"];
const INK: &str = "#24292f";
const PAPER: &str = "#ffffff";
const BAR: &str = "#2f7d5b";
const GRID: &str = "#d0d7de";

/// What came of one labelled message.
struct Outcome {
    lang: String,
    kind: String,
    right: bool,
    /// Confidence of the code given, if one was.
    confidence: Option<f32>,
}

/// Right and all.
type Counts = BTreeMap<String, (usize, usize)>;

fn outcomes(name: &str) -> Result<Vec<Outcome>, Box<dyn Error>> {
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
        let right =
            got.code.as_deref() == row["expect"].as_str() && got.link.as_deref() == row["link"].as_str();
        let confidence = got.code.is_some().then_some(got.confidence);
        outcomes.push(Outcome {
            lang: word("lang"),
            kind: word("kind"),
            right,
            confidence,
        });
    }
    Ok(outcomes)
}

fn count(outcomes: &[Outcome], key: fn(&Outcome) -> &str) -> Counts {
    let mut counts = Counts::new();
    for outcome in outcomes {
        let entry = counts.entry(key(outcome).to_owned()).or_default();
        entry.0 += usize::from(outcome.right);
        entry.1 += 1;
    }
    counts
}

fn table(title: &str, counts: &Counts) {
    println!("\n| {title} | right | of | % |\n|---|---|---|---|");
    for (name, (right, all)) in counts {
        println!(
            "| {name} | {right} | {all} | {:.1} |",
            100.0 * *right as f64 / *all as f64
        );
    }
}

/// Opens a drawing with a title, a source line and room for the plot.
fn canvas(width: usize, height: usize, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\" \
         fill=\"{INK}\" role=\"img\" aria-label=\"{title}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n"
    )
}

/// One bar per language, in three columns.
fn accuracy_plot(counts: &Counts) -> Result<String, std::fmt::Error> {
    let rows = counts.len().div_ceil(3);
    let mut svg = canvas(
        900,
        70 + rows * 18,
        "Right answers by language (labelled messages of all three files)",
    );
    for (at, (lang, (right, all))) in counts.iter().enumerate() {
        let share = *right as f64 / *all as f64;
        let (x, y) = (16 + at / rows * 295, 46 + at % rows * 18);
        let middle = y + 11;
        writeln!(svg, "<text x=\"{x}\" y=\"{middle}\">{lang}</text>")?;
        writeln!(
            svg,
            "<rect x=\"{}\" y=\"{y}\" width=\"150\" height=\"13\" fill=\"{GRID}\"/>",
            x + 58
        )?;
        let width = 150.0 * share;
        writeln!(
            svg,
            "<rect x=\"{}\" y=\"{y}\" width=\"{width:.1}\" height=\"13\" fill=\"{BAR}\"/>",
            x + 58
        )?;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\">{:.1} % of {all}</text>",
            x + 214,
            100.0 * share
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Share of right answers by confidence, against the diagonal of a perfect forecast.
fn calibration_plot(outcomes: &[Outcome]) -> Result<String, std::fmt::Error> {
    let mut bins = [(0_usize, 0_usize, 0.0_f64); 10];
    for outcome in outcomes {
        let Some(confidence) = outcome.confidence else {
            continue;
        };
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        *bin = (
            bin.0 + usize::from(outcome.right),
            bin.1 + 1,
            bin.2 + f64::from(confidence),
        );
    }
    let mut svg = canvas(520, 500, "Confidence and share of right answers (held messages)");
    let (x, y) = (
        |share: f64| 60.0 + 420.0 * share,
        |share: f64| 450.0 - 400.0 * share,
    );
    for tick in 0..=10 {
        let share = f64::from(tick) / 10.0;
        let (at_x, at_y) = (x(share), y(share));
        writeln!(
            svg,
            "<path d=\"M{at_x:.0} 50V450M60 {at_y:.0}H480\" stroke=\"{GRID}\" fill=\"none\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{at_x:.0}\" y=\"466\" text-anchor=\"middle\">{share:.1}</text>"
        )?;
        writeln!(
            svg,
            "<text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{share:.1}</text>",
            at_y + 4.0
        )?;
    }
    writeln!(
        svg,
        "<path d=\"M60 450L480 50\" stroke=\"{INK}\" stroke-dasharray=\"4 4\" fill=\"none\"/>"
    )?;
    writeln!(
        svg,
        "<text x=\"270\" y=\"488\" text-anchor=\"middle\">mean confidence of the answers in a tenth</text>"
    )?;
    for (right, all, sum) in bins.into_iter().filter(|bin| bin.1 > 0) {
        let (at_x, at_y) = (x(sum / all as f64), y(right as f64 / all as f64));
        writeln!(
            svg,
            "<circle cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"5\" fill=\"{BAR}\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{right}/{all}</text>",
            at_x - 8.0,
            at_y + 14.0
        )?;
        println!("confidence {:.3}: {right} of {all} right", sum / all as f64);
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut every = Vec::new();
    for name in FILES {
        let outcomes = outcomes(name)?;
        let right = outcomes.iter().filter(|outcome| outcome.right).count();
        println!(
            "{name}: {right} of {} right, {:.2} %",
            outcomes.len(),
            100.0 * right as f64 / outcomes.len() as f64
        );
        if name == "held.jsonl" {
            fs::write("docs/otp-calibration.svg", calibration_plot(&outcomes)?)?;
        }
        every.extend(outcomes);
    }
    let languages = count(&every, |outcome| &outcome.lang);
    fs::write("docs/otp-accuracy.svg", accuracy_plot(&languages)?)?;
    table("language", &languages);
    table("kind", &count(&every, |outcome| &outcome.kind));
    Ok(())
}
