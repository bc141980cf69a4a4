//! Accuracy on labelled messages, by language and kind, and whether confidence means what it says.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Row, extract, rows, wording};

/// Right and all rows.
#[derive(Clone, Copy, Default)]
struct Count {
    right: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    fn share(self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }
}

fn is_right(row: &Row) -> bool {
    let got = extract(&row.text);
    got.code == row.expect && got.link == row.link
}

/// Counts by what a row says of itself.
type Table = BTreeMap<String, Count>;

/// Counts the rows of some files and prints the two figures of each language and kind; `show` prints what is wrong too.
fn measure(title: &str, files: &[String], show: bool) -> Count {
    let mut total = Count::default();
    let (mut languages, mut kinds) = (Table::new(), Table::new());
    for name in files {
        let mut count = Count::default();
        for row in rows(name) {
            let right = is_right(&row);
            count.add(right);
            languages.entry(row.lang.clone()).or_default().add(right);
            kinds.entry(row.kind.clone()).or_default().add(right);
            if !right && show {
                let got = extract(&row.text).code;
                println!(
                    "{}/{} {:?}: got {got:?}, want {:?}",
                    row.kind, row.lang, row.text, row.expect
                );
            }
        }
        println!(
            "{name}: {} of {} right, {:.2} %",
            count.right,
            count.all,
            100.0 * count.share()
        );
        total.right += count.right;
        total.all += count.all;
    }
    println!(
        "{title}: {} of {} right, {:.2} %",
        total.right,
        total.all,
        100.0 * total.share()
    );
    for (what, table) in [("language", languages), ("kind", kinds)] {
        for (name, count) in table {
            println!("  {what} {name}: {} of {}", count.right, count.all);
        }
    }
    total
}

/// The files of a folder whose names end so.
fn files(folder: &str, end: &str) -> Vec<String> {
    let path = format!("{}/fixtures/otp/{folder}", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(path).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(end))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.sort();
    files
}

/// Rows that may be read but were not written while tuning: the other two thirds of what is held.
fn readable() -> Vec<String> {
    [
        files("independent", "_tuning.jsonl"),
        vec!["corpus.jsonl".to_owned()],
    ]
    .concat()
}

/// Rows of the folder `tuning` are tuned on as a whole: their authors had not seen the engine, or mended it afterwards.
fn tuning() -> Vec<String> {
    [readable(), files("tuning", ".jsonl")].concat()
}

fn blind() -> Vec<String> {
    [
        files("independent", "_blind.jsonl"),
        vec!["held.jsonl".to_owned()],
    ]
    .concat()
}

fn all(names: &[String]) -> Vec<Row> {
    names.iter().flat_map(|name| rows(name)).collect()
}

#[test]
fn development_rows() {
    let count = measure("development", &["dev.jsonl".to_owned()], true);
    assert_eq!(count.all, 400);
    assert!(count.share() >= 0.995, "{} of {}", count.right, count.all);
}

#[test]
fn tuning_rows() {
    let count = measure("tuning", &tuning(), true);
    assert!(count.share() >= 0.99, "{} of {}", count.right, count.all);
}

/// The part of the rows that nobody looks at while tuning: it is counted, never shown.
#[test]
fn blind_rows() {
    let count = measure("blind", &blind(), false);
    assert!(count.share() >= 0.99, "{} of {}", count.right, count.all);
}

#[test]
fn independent_blind_rows() {
    let count = measure(
        "independent and blind",
        &files("independent", "_blind.jsonl"),
        false,
    );
    assert!(count.share() >= 0.989, "{} of {}", count.right, count.all);
}

/// Of the rows not written while tuning a third is blind, and they are broad: many messages, languages, kinds, and many without
/// a code. So are those of them that independent authors wrote.
#[test]
fn a_third_of_a_broad_corpus_is_blind() {
    let independent = [
        files("independent", "_blind.jsonl"),
        files("independent", "_tuning.jsonl"),
    ];
    for [blind, readable] in [[blind(), readable()], independent] {
        let held = all(&blind).len();
        let every = all(&[blind, readable].concat());
        let languages: BTreeSet<&str> = every.iter().map(|row| row.lang.as_str()).collect();
        let kinds: BTreeSet<&str> = every.iter().map(|row| row.kind.as_str()).collect();
        let is_negative = |row: &&Row| row.expect.is_none() && row.link.is_none();
        let negatives = every.iter().filter(is_negative).count();
        println!(
            "{held} of {} rows blind, {} languages, {} kinds, {negatives} negatives",
            every.len(),
            languages.len(),
            kinds.len()
        );
        assert!(every.len() >= 1_500 && languages.len() >= 45 && kinds.len() >= 30);
        assert!(negatives * 100 >= every.len() * 35);
        assert!((28..=40).contains(&(held * 100 / every.len())));
    }
}

/// What docs/otp.md says of each language and kind is of these messages: so many blind ones and so many others.
#[test]
fn the_tables_of_the_docs_are_of_these_rows() {
    let path = format!("{}/docs/otp.md", env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(path).unwrap();
    let shown: BTreeSet<[String; 3]> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 7 && cells[0] != "language" && cells[0] != "kind")
        .map(|cells| [cells[0], cells[2], cells[5]].map(str::to_owned))
        .collect();
    let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let sides = [blind(), [tuning(), vec!["dev.jsonl".to_owned()]].concat()];
    for (side, files) in sides.iter().enumerate() {
        for row in all(files) {
            for name in [row.lang, row.kind] {
                counts.entry(name).or_default()[side] += 1;
            }
        }
    }
    let cell = |count: usize| {
        if count == 0 {
            String::new()
        } else {
            count.to_string()
        }
    };
    let held: BTreeSet<[String; 3]> = counts
        .into_iter()
        .map(|(name, [blind, other])| [name, cell(blind), cell(other)])
        .collect();
    let missing: Vec<_> = held.symmetric_difference(&shown).collect();
    assert!(missing.is_empty(), "run the example otp_report: {missing:?}");
}

/// No message may be among those that may be read and among the blind ones, with whatever digits.
#[test]
fn blind_rows_are_in_no_other_file() {
    let readable = [
        tuning(),
        vec!["dev.jsonl".to_owned(), "negatives.jsonl".to_owned()],
    ]
    .concat();
    let known: BTreeSet<String> = all(&readable).iter().map(|row| wording(&row.text)).collect();
    let leaked = all(&blind())
        .iter()
        .filter(|row| known.contains(&wording(&row.text)))
        .count();
    assert_eq!(leaked, 0);
}

#[test]
fn ordinary_messages_hold_no_code() {
    let rows = rows("negatives.jsonl");
    assert!(rows.len() >= 3_000);
    let mut wrong = 0;
    for row in &rows {
        let got = extract(&row.text);
        if got.code.is_some() {
            println!("{} {:?}: {:?}", row.lang, row.text, got.code);
            wrong += 1;
        }
    }
    assert!(
        wrong * 1_000 <= rows.len(),
        "{wrong} false codes in {}",
        rows.len()
    );
}

/// Twenty languages at least have ordinary messages of each of these kinds, and eight templates.
#[test]
fn ordinary_messages_are_of_every_kind_in_many_languages() {
    const KINDS: [&str; 8] = [
        "bank",
        "delivery",
        "chat",
        "marketing",
        "appointment",
        "balance",
        "parcel",
        "coupon",
    ];
    let rows = rows("negatives.jsonl");
    for kind in KINDS {
        let languages: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.kind == kind)
            .map(|row| row.lang.as_str())
            .collect();
        assert!(languages.len() >= 20, "{kind}: {languages:?}");
    }
    let path = format!("{}/fixtures/otp/negatives.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let templates = text
        .split("== ")
        .skip(1)
        .map(|language| language.lines().count() - 1);
    assert!(templates.filter(|templates| *templates >= 8).count() >= 20);
}

#[test]
fn high_confidence_is_right() {
    let mut sure = Count::default();
    for row in all(&blind()) {
        let got = extract(&row.text);
        if got.code.is_some() && got.confidence >= 0.9 {
            sure.add(got.code == row.expect);
        }
    }
    println!("confidence >= 0.9: {} of {} right", sure.right, sure.all);
    assert!(
        sure.all >= 100 && sure.share() >= 0.99,
        "{} of {}",
        sure.right,
        sure.all
    );
}

#[test]
fn spans_point_at_the_code() {
    for row in all(&tuning()) {
        let got = extract(&row.text);
        let (Some(raw), Some(span)) = (got.raw, got.span) else {
            continue;
        };
        assert_eq!(row.text.get(span[0]..span[1]), Some(raw.as_str()));
    }
}
