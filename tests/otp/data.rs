//! The data: for how many languages it speaks, that it names no message, and that what the docs show of it is right.

use std::collections::BTreeSet;

use ringback::core::otp::{check_language_file, check_rule_file};
use toml::{Table, Value};

use crate::{rows, wording};

/// Of each language: code words, what is told to do with a code, compounds that are none, words of hotlines, amounts and orders,
/// and what is said of old codes and used ones.
const LISTS: [&str; 9] = [
    "strong", "weak", "verb", "not", "call", "money", "label", "old", "dead",
];

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The tables of this name in all files of the data.
fn tables(name: &str) -> Vec<Table> {
    let folder = format!("{}/src/core/otp/data", env!("CARGO_MANIFEST_DIR"));
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let file: Table = text.parse().unwrap();
        let found = file.get(name).and_then(Value::as_array).into_iter().flatten();
        tables.extend(found.map(|table| table.as_table().unwrap().clone()));
    }
    tables
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn many_languages_have_every_list() {
    let whole: BTreeSet<String> = tables("language")
        .iter()
        .filter(|language| LISTS.iter().all(|list| !texts(language, list).is_empty()))
        .map(|language| language["id"].as_str().unwrap().to_owned())
        .filter(|id| !id.ends_with("-Latn"))
        .collect();
    println!("{} languages have all lists", whole.len());
    assert!(whole.len() >= 90, "{}: {whole:?}", whole.len());
}

/// A word that is half a message would name that message, and so would a rule whose example it is.
#[test]
fn no_entry_and_no_rule_names_a_development_row() {
    let rows: Vec<String> = rows("dev.jsonl")
        .iter()
        .map(|row| row.text.to_lowercase())
        .collect();
    for language in tables("language") {
        for entry in LISTS.iter().flat_map(|list| texts(&language, list)) {
            let entry = entry.trim_matches('*').to_lowercase();
            let chars = entry.chars().count();
            let names =
                |row: &&String| chars >= 12 && row.chars().count() <= 2 * chars && row.contains(&entry);
            assert_eq!(rows.iter().find(names), None, "{entry}");
        }
    }
    for rule in tables("rule") {
        let example = wording(&rule["example"].as_str().unwrap().to_lowercase());
        assert!(rows.iter().all(|row| wording(row) != example), "{}", rule["name"]);
    }
}

/// Whoever copies a sample of docs/otp.md has a file that holds.
#[test]
fn the_samples_of_the_docs_hold() {
    let docs = file("docs/otp.md");
    let samples: Vec<&str> = docs
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [language, rule] = samples[..] else {
        panic!("{} samples", samples.len())
    };
    assert!(language.starts_with("[[language]]") && rule.starts_with("[[rule]]"));
    let wrong: Vec<String> = check_language_file("language", language)
        .iter()
        .chain(&check_rule_file("rule", rule))
        .map(ToString::to_string)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
