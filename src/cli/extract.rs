//! `ringback extract`: the extractor on a text, on standard input, or on JSON lines.

use std::io::{BufRead, IsTerminal, Read, Write};

use clap::Args;
use serde::Deserialize;

use super::Failure;
use crate::core::otp::{Engine, Filter, render};

#[derive(Args)]
pub struct Arguments {
    /// The message; without it, standard input is read.
    text: Option<String>,
    /// Read lines of {"text":…} and write one result a line, in their order.
    #[arg(long, conflicts_with = "text")]
    jsonl: bool,
    /// Show the message with what was found and what was passed over, in colour on a terminal.
    #[arg(long, conflicts_with = "jsonl")]
    explain: bool,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.jsonl {
        return lines();
    }
    let text = match &arguments.text {
        Some(text) => text.clone(),
        None => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(Failure::failed)?;
            text
        }
    };
    let found = Engine::built_in().extract(&text, &Filter::default());
    if arguments.explain {
        let shown = render(&text, &found);
        print!(
            "{}",
            if std::io::stdout().is_terminal() {
                shown
            } else {
                without_colour(&shown)
            }
        );
    } else {
        println!(
            "{}",
            serde_json::to_string_pretty(&found).map_err(Failure::failed)?
        );
    }
    Ok(())
}

/// The text without its colour sequences (ESC to `m`), for a file or a pipe.
fn without_colour(shown: &str) -> String {
    let mut parts = shown.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

fn lines() -> Result<(), Failure> {
    let engine = Engine::built_in();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (at, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(Failure::failed)?;
        let line: Line =
            serde_json::from_str(&line).map_err(|e| Failure::usage(format!("line {}: {e}", at + 1)))?;
        let found = engine.extract(&line.text, &Filter::default());
        serde_json::to_writer(&mut out, &found).map_err(Failure::failed)?;
        out.write_all(b"\n").map_err(Failure::failed)?;
    }
    out.flush().map_err(Failure::failed)
}
