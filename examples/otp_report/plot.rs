//! The two plots of docs/otp.md as SVG text: accuracy by language, and confidence against the share of right answers.

use std::fmt::{Error, Write};

use crate::{Count, Outcome, Table};

const INK: &str = "#24292f";
const FAINT: &str = "#6e7781";
const PAPER: &str = "#ffffff";
const GRID: &str = "#d8dee4";
const RIGHT: &str = "#2f7d5b";
const WRONG: &str = "#cf5c36";
const COLUMNS: usize = 3;

/// Opens a drawing with a title and a line below it.
fn canvas(width: usize, height: usize, title: &str, line: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" \
         font-size=\"11\" fill=\"{INK}\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n\
         <text x=\"20\" y=\"30\" font-size=\"16\" font-weight=\"bold\">{title}</text>\n\
         <text x=\"20\" y=\"49\" fill=\"{FAINT}\">{line}</text>\n"
    )
}

/// One bar per language for its blind messages, with what is wrong of them, and the counts of both sides in words.
pub fn accuracy(table: &Table) -> Result<String, Error> {
    let rows = table.len().div_ceil(COLUMNS);
    let line = "Bar: messages never read while the engine was tuned; right are green, wrong are orange. Grey: messages it was tuned on.";
    let mut svg = canvas(1040, 92 + rows * 17, "Right answers by language", line);
    for column in 0..COLUMNS {
        let x = 20 + column * 340;
        for (at, head) in [(52, "blind"), (196, "blind"), (262, "tuning")] {
            let label = if at == 52 { "0 to 100 %" } else { head };
            writeln!(
                svg,
                "<text x=\"{}\" y=\"70\" fill=\"{FAINT}\" font-size=\"10\">{label}</text>",
                x + at
            )?;
        }
    }
    for (at, (lang, [blind, tuning])) in table.iter().enumerate() {
        let (x, y) = (20 + at / rows * 340, 77 + at % rows * 17);
        let middle = y + 10;
        writeln!(svg, "<text x=\"{x}\" y=\"{middle}\">{lang}</text>")?;
        bar(&mut svg, (x + 52, y), blind)?;
        let counts = |count: &Count| match count.all {
            0 => String::new(),
            _ => format!("{} / {}", count.right, count.all),
        };
        let colour = if blind.right < blind.all { WRONG } else { INK };
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" fill=\"{colour}\">{}</text>",
            x + 196,
            counts(blind)
        )?;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" fill=\"{FAINT}\">{}</text>",
            x + 262,
            counts(tuning)
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn bar(svg: &mut String, (x, y): (usize, usize), count: &Count) -> Result<(), Error> {
    const WIDTH: f64 = 136.0;
    if count.all == 0 {
        return writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"12\" fill=\"none\" stroke=\"{GRID}\"/>"
        );
    }
    let right = WIDTH * count.right as f64 / count.all as f64;
    writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{right:.1}\" height=\"12\" fill=\"{RIGHT}\"/>"
    )?;
    let rest = WIDTH - right;
    if rest > 0.0 {
        let start = x as f64 + right;
        writeln!(
            svg,
            "<rect x=\"{start:.1}\" y=\"{y}\" width=\"{rest:.1}\" height=\"12\" fill=\"{WRONG}\"/>"
        )?;
    }
    Ok(())
}

/// Where a share from one half to one lies in the calibration plot.
fn place(confidence: f64, share: f64) -> (f64, f64) {
    (80.0 + 1_000.0 * (confidence - 0.5), 480.0 - 800.0 * (share - 0.5))
}

/// Share of right codes by confidence, against the diagonal of a perfect forecast; the larger the dot, the more codes.
pub fn calibration(outcomes: &[Outcome]) -> Result<String, Error> {
    let mut bins = [(Count::default(), 0.0_f64); 20];
    for (confidence, right) in outcomes
        .iter()
        .filter(|row| row.blind)
        .filter_map(|row| row.given)
    {
        let bin = &mut bins[((confidence * 20.0) as usize).min(19)];
        bin.0.add(right);
        bin.1 += f64::from(confidence);
    }
    let line =
        "Codes given for blind messages. Above the dashed line: right more often than the confidence says.";
    let mut svg = canvas(620, 540, "Confidence and share of right codes", line);
    axes(&mut svg)?;
    for (count, sum) in bins.into_iter().filter(|bin| bin.0.all > 0) {
        let (x, y) = place(sum / count.all as f64, count.percent() / 100.0);
        let radius = (4.0 + (count.all as f64).sqrt() / 4.0).min(12.0);
        let below = y + radius + 13.0;
        writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{RIGHT}\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{} / {}</text>",
            count.right, count.all
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Grid, numbers and the diagonal from one half to one.
fn axes(svg: &mut String) -> Result<(), Error> {
    for percent in (50..=100).step_by(10) {
        let share = f64::from(percent) / 100.0;
        let (x, y) = place(share, share);
        writeln!(
            svg,
            "<path d=\"M{x:.0} 80V480M80 {y:.0}H580\" stroke=\"{GRID}\" fill=\"none\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"497\" text-anchor=\"middle\">{share:.1}</text>"
        )?;
        writeln!(
            svg,
            "<text x=\"72\" y=\"{:.0}\" text-anchor=\"end\">{percent} %</text>",
            y + 4.0
        )?;
    }
    writeln!(
        svg,
        "<path d=\"M80 480L580 80\" stroke=\"{FAINT}\" stroke-dasharray=\"4 4\" fill=\"none\"/>"
    )?;
    writeln!(
        svg,
        "<text x=\"330\" y=\"524\" text-anchor=\"middle\" fill=\"{FAINT}\">mean confidence of the codes; right share upwards</text>"
    )
}
