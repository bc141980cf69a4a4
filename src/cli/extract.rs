//! `ringback extract`: the extractor on a text, on standard input, or on JSON lines; `ringback otp check-rules`: its data checked.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::Failure;
use crate::core::otp::{Engine, Error, Filter, check_built_in, check_language_file, check_rule_file, render};

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
        serde_json::to_writer(&mut out, &found).map_err(|error| Failure::unwritten(error.into()))?;
        out.write_all(b"\n").map_err(Failure::unwritten)?;
    }
    out.flush().map_err(Failure::unwritten)
}

#[derive(Subcommand)]
pub enum Otp {
    /// Check the built-in data, or files of rules and languages; exit code 1 if anything is wrong.
    CheckRules {
        /// A file with [[rule]] or [[language]] tables; without one, what is compiled in.
        files: Vec<PathBuf>,
    },
}

pub fn otp(otp: Otp) -> Result<(), Failure> {
    let Otp::CheckRules { files } = otp;
    let errors = if files.is_empty() {
        check_built_in()
    } else {
        let each = files.iter().map(|file| check_file(file));
        each.collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect()
    };
    if errors.is_empty() {
        println!("ok");
        return Ok(());
    }
    let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Err(Failure::failed(list.join("\n")))
}

fn check_file(file: &Path) -> Result<Vec<Error>, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
    let has_rules = text.lines().any(|line| line.trim_start().starts_with("[[rule]]"));
    let check = if has_rules {
        check_rule_file
    } else {
        check_language_file
    };
    Ok(check(&name, &text))
}
