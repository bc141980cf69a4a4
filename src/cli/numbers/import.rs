//! Reading a file of numbers, each with the line that it stands on, so that what is wrong can be found; and sending what is right.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::Failure;
use super::super::operate::AdminAt;
use crate::app::NewNumber;

/// Numbers sent in one request.
const CHUNK: usize = 1000;
const COLUMNS: [&str; 5] = ["number", "country", "price", "capability", "shared"];

/// What a line says, or what is wrong with it.
type Line = (usize, Result<NewNumber, String>);

pub async fn run(file: &Path, skip_bad: bool, admin: AdminAt) -> Result<(), Failure> {
    let refuse = |e: String| Failure::usage(format!("{}: {e}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| refuse(e.to_string()))?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = file.extension().is_some_and(|e| e == "json");
    let mut lines = if is_json {
        json_lines(text)
    } else {
        csv_lines(text)
    }
    .map_err(refuse)?;
    once_each(&mut lines);
    let (good, bad): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|(_, read)| read.is_ok());
    let wrong: Vec<String> = bad
        .iter()
        .filter_map(|(at, read)| Some(format!("line {at}: {}", read.as_ref().err()?)))
        .collect();
    if !wrong.is_empty() && !skip_bad {
        let advice = "nothing was imported: mend these lines, or import the others with --skip-bad";
        return Err(refuse(format!("{advice}\n{}", wrong.join("\n"))));
    }
    wrong
        .iter()
        .for_each(|line| eprintln!("{}: {line}", file.display()));
    let good: Vec<NewNumber> = good.into_iter().filter_map(|(_, read)| read.ok()).collect();
    let added = send(&good, admin).await?;
    let skipped = if wrong.is_empty() {
        String::new()
    } else {
        format!(", {} lines were wrong and left out", wrong.len())
    };
    println!(
        "{added} numbers added, {} were there already{skipped}",
        good.len() as u64 - added
    );
    Ok(())
}

async fn send(numbers: &[NewNumber], admin: AdminAt) -> Result<u64, Failure> {
    let gateway = admin.gateway()?;
    let (mut added, mut sent) = (0, 0);
    for chunk in numbers.chunks(CHUNK) {
        let reply = gateway.post("/admin/numbers", &json!(chunk)).await?.ok()?;
        added += reply["added"].as_u64().unwrap_or(0);
        sent += chunk.len();
        progress(sent, numbers.len());
    }
    Ok(added)
}

/// A bar, where somebody looks at it.
fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let filled = done * 40 / all.max(1);
        eprint!(
            "\r[{}{}] {done}/{all}{}",
            "#".repeat(filled),
            " ".repeat(40 - filled),
            if done == all { "\n" } else { "" }
        );
        // A bar that is not drawn is no reason to stop.
        let _ = std::io::stderr().flush();
    }
}

/// A number that stands in the file again is wrong there.
fn once_each(lines: &mut [Line]) {
    let mut first = HashMap::new();
    for (at, read) in lines {
        if let Ok(new) = read {
            let known = *first.entry(new.number.clone()).or_insert(*at);
            if known != *at {
                *read = Err(format!(
                    "the number stands on line {known} already: leave one of them out"
                ));
            }
        }
    }
}

fn checked(entry: Value) -> Result<NewNumber, String> {
    let new: NewNumber = serde_json::from_value(entry).map_err(|e| advised(&e))?;
    new.clone().check(false)?;
    Ok(new)
}

/// serde says what is wrong; this says what to do about it.
fn advised(error: &serde_json::Error) -> String {
    let error = error.to_string();
    let advice = if error.starts_with("missing field") {
        ": number and country are needed on each line"
    } else if error.starts_with("unknown field") || error.contains("not a phone number") {
        ""
    } else {
        ": number, country and price are texts, capability is \"Sms\", \"Voice\" or \"SmsAndVoice\", shared is true or false"
    };
    format!("{error}{advice}")
}

/// Fields by the names of the first line. A field may stand in quotes; none of ours holds a comma.
fn csv_lines(text: &str) -> Result<Vec<Line>, String> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty());
    let fields = |line: &str| -> Vec<String> { line.split(',').map(unquoted).collect() };
    let (_, header) = lines.next().ok_or("the file is empty")?;
    let names = fields(header);
    let unknown = names.iter().find(|name| !COLUMNS.contains(&name.as_str()));
    if unknown.is_some()
        || !["number", "country"]
            .iter()
            .all(|name| names.iter().any(|n| n == name))
    {
        return Err(
            "the first line names the columns: number,country,price,capability,shared; the last three may be left out"
                .into(),
        );
    }
    let read = |line: &str| {
        let fields = fields(line);
        if fields.len() > names.len() {
            return Err(format!(
                "{} fields, and {} columns: take commas out of the fields",
                fields.len(),
                names.len()
            ));
        }
        let pairs = names.iter().cloned().zip(fields);
        let filled = pairs.filter(|(_, field)| !field.is_empty());
        checked(
            filled
                .map(|(name, field)| {
                    let value = match (name.as_str(), field.as_str()) {
                        ("shared", "true") => json!(true),
                        ("shared", "false") => json!(false),
                        _ => json!(field),
                    };
                    (name, value)
                })
                .collect::<Map<_, _>>()
                .into(),
        )
    };
    Ok(lines.map(|(at, line)| (at, read(line))).collect())
}

fn unquoted(field: &str) -> String {
    let field = field.trim();
    let inner = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(field).trim().to_owned()
}

/// A list of objects; each stands on the line on which it begins.
fn json_lines(text: &str) -> Result<Vec<Line>, String> {
    let entries: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|e| format!("{e}: the file is a JSON list of objects"))?;
    let (mut line, mut seen) = (1, 0);
    let read = entries.into_iter().map(|entry| {
        // An entry is a part of the text, so its address tells where it stands.
        let begins = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[seen..begins].bytes().filter(|byte| *byte == b'\n').count();
        seen = begins;
        let value: Result<Value, _> = serde_json::from_str(entry.get());
        (line, value.map_err(|e| e.to_string()).and_then(checked))
    });
    Ok(read.collect())
}
