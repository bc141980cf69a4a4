//! `ringback extract`: the extractor on a text, on standard input, or on JSON lines; `ringback otp check-rules`: its data checked.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::Failure;
use super::serve::ConfigFile;
use crate::app;
use crate::config::{self, Layers};
use crate::core::otp::{
    Engine, Error, Extraction, Filter, check_built_in, check_language_file, check_rule_file, render,
};

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
    /// Its `otp.rules` and `otp.min_confidence` count, as for the gateway.
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// The extractor that a gateway of this configuration has.
struct Reader {
    engine: Arc<Engine>,
    filter: Filter,
}

impl Reader {
    fn new(file: &ConfigFile) -> Result<Self, Failure> {
        let config = config::load(Layers::of_process(file.config.clone())).map_err(Failure::usage)?;
        Ok(Self {
            engine: app::engine(&config).map_err(Failure::usage)?,
            filter: Filter {
                min_confidence: Some(config.otp.min_confidence),
                ..Filter::default()
            },
        })
    }

    fn read(&self, text: &str) -> Extraction {
        self.engine.extract(text, &self.filter)
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let reader = Reader::new(&arguments.config)?;
    if arguments.jsonl {
        return lines(&reader);
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
    let found = reader.read(&text);
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

fn lines(reader: &Reader) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (at, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(Failure::failed)?;
        let line: Line =
            serde_json::from_str(&line).map_err(|e| Failure::usage(format!("line {}: {e}", at + 1)))?;
        let found = reader.read(&line.text);
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
