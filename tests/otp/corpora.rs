//! Accuracy on labelled messages, by language and kind, and whether confidence means what it says.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Row, extract, rows};

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

/// The files of one side: the wordings' and those of each round of independent authors.
fn side(wordings: &str, round_end: &str) -> Vec<String> {
    let folder = format!("{}/fixtures/otp/independent", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(round_end))
        .map(|name| format!("independent/{name}"))
        .collect();
    files.sort();
    files.push(wordings.to_owned());
    files
}

/// Rows of the folder `tuning` are tuned on as a whole: their authors had not seen the engine, or mended it afterwards.
fn tuning() -> Vec<String> {
    let mut files = side("corpus.jsonl", "_tuning.jsonl");
    let whole = [
        "asia_africa",
        "europe",
        "more_1",
        "more_2",
        "challenge_1",
        "challenge_2",
        "challenge_3",
        "challenge_4",
        "challenge_5",
        "senders_1",
        "senders_2",
        "senders_3",
        "senders_4",
        "senders_5",
    ];
    files.extend(whole.map(|name| format!("tuning/{name}.jsonl")));
    files
}

fn blind() -> Vec<String> {
    side("held.jsonl", "_blind.jsonl")
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

/// What independent authors wrote is a corpus by itself: broad, a third of it blind, and that third read right.
#[test]
fn independent_rows() {
    let independent = |files: Vec<String>| -> Vec<String> {
        files
            .into_iter()
            .filter(|name| name.starts_with("independent/"))
            .collect()
    };
    let count = measure("independent and blind", &independent(blind()), false);
    assert!(count.share() >= 0.989, "{} of {}", count.right, count.all);
    let every: Vec<Row> = independent(blind())
        .iter()
        .chain(&independent(tuning()))
        .flat_map(|name| rows(name))
        .collect();
    let languages: BTreeSet<&str> = every.iter().map(|row| row.lang.as_str()).collect();
    let kinds: BTreeSet<&str> = every.iter().map(|row| row.kind.as_str()).collect();
    let negatives = every
        .iter()
        .filter(|row| row.expect.is_none() && row.link.is_none())
        .count();
    println!(
        "{} rows, {} languages, {} kinds, {negatives} negatives",
        every.len(),
        languages.len(),
        kinds.len()
    );
    assert!(languages.len() >= 45 && kinds.len() >= 30);
    assert!(negatives * 100 >= every.len() * 35);
    assert!((28..=40).contains(&(count.all * 100 / every.len())));
}

/// No text may be in a tuning file and in a blind one.
#[test]
fn blind_rows_are_in_no_other_file() {
    let known: BTreeSet<String> = tuning()
        .iter()
        .flat_map(|name| rows(name))
        .map(|row| row.text)
        .collect();
    let leaked = blind()
        .iter()
        .flat_map(|name| rows(name))
        .filter(|row| known.contains(&row.text))
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

#[test]
fn high_confidence_is_right() {
    let mut sure = Count::default();
    for row in blind().iter().flat_map(|name| rows(name)) {
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
    for row in rows("corpus.jsonl") {
        let got = extract(&row.text);
        let (Some(raw), Some(span)) = (got.raw, got.span) else {
            continue;
        };
        assert_eq!(row.text.get(span[0]..span[1]), Some(raw.as_str()));
    }
}
