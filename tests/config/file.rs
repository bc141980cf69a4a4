//! `config.toml` itself: it is the built-in configuration, and every key in it has its sentence and its range.

use std::collections::BTreeSet;

use ringback::config::{BUILT_IN, Layers, RANGES, load, resolved};
use ringback::core::retry::STANDARD_WEBHOOKS_S;
use ringback::dispatch::guard::PORTS_DEFAULT;
use ringback::http::limits::Limits;
use toml::Table;

/// A key with the comment that stands above it.
struct Key {
    name: String,
    comment: Vec<String>,
}

/// The keys of a configuration file in their order, as `section.key`; of several tables of one name only the first is read.
/// A comment counts for the keys below it that begin with the same word, and above a table in a list for all of its keys.
fn keys(text: &str) -> Vec<Key> {
    let (mut found, mut section, mut comment) = (Vec::<Key>::new(), String::new(), Vec::<String>::new());
    let mut word = None::<String>;
    for line in text.lines() {
        if line.starts_with('#') {
            if word.take().is_some() {
                comment.clear();
            }
            comment.push(line.trim_start_matches(['#', ' ']).to_owned());
        } else if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            word = line.starts_with("[[").then(String::new);
        } else if let Some((key, _)) = line.split_once(" = ") {
            let first = key.split('_').next().unwrap_or_default();
            if word
                .as_ref()
                .is_some_and(|word| !word.is_empty() && word != first)
            {
                comment.clear();
            }
            word = word.filter(String::is_empty).or_else(|| Some(first.to_owned()));
            let name = format!("{section}.{key}");
            if !found.iter().any(|known| known.name == name) {
                found.push(Key {
                    name,
                    comment: comment.clone(),
                });
            }
        }
    }
    found
}

/// What is wrong with the sentences and ranges of a configuration file.
fn wrong(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for Key { name, comment } in keys(text) {
        let last = comment.last().cloned().unwrap_or_default();
        if !last.ends_with('.') && !last.ends_with('}') {
            wrong.push(format!("{name}: no sentence above it"));
        }
        if let Some((_, min, max)) = RANGES.iter().find(|(key, _, _)| *key == name)
            && !last.ends_with(&format!(" {min} to {max}."))
        {
            wrong.push(format!(
                "{name}: the comment does not end with \"{min} to {max}.\""
            ));
        }
    }
    wrong
}

/// The whole numbers of a configuration, as `section.key`.
fn whole_numbers(table: &Table) -> BTreeSet<String> {
    let sections = table
        .iter()
        .filter_map(|(section, value)| Some((section, value.as_table()?)));
    let numbers = sections.flat_map(|(section, keys)| {
        let whole = keys.iter().filter(|(_, value)| value.is_integer());
        whole.map(move |(key, _)| format!("{section}.{key}"))
    });
    numbers.collect()
}

#[test]
fn the_file_in_the_root_is_the_built_in_configuration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml");
    assert_eq!(std::fs::read_to_string(path).unwrap(), BUILT_IN);
    let alone = resolved(Layers::default()).unwrap();
    assert_eq!(alone, BUILT_IN.parse::<Table>().unwrap());
    let as_file = Layers {
        file: Some(path.into()),
        ..Layers::default()
    };
    assert_eq!(
        resolved(as_file).unwrap(),
        alone,
        "given as a file it changes nothing"
    );
    load(Layers::default()).unwrap();
}

#[test]
fn the_defaults_are_those_that_the_code_states() {
    let config = load(Layers::default()).unwrap();
    let limits = Limits::standard();
    let server = &config.server;
    assert_eq!(
        (server.header_read_ms, server.idle_ms, server.linger_ms),
        (limits.header_read_ms, limits.idle_ms, limits.linger_ms)
    );
    assert_eq!(
        (server.headers_max, server.head_bytes_max, server.url_bytes_max),
        (limits.headers_max, limits.head_bytes_max, limits.url_bytes_max)
    );
    assert_eq!(
        (server.connections_max, server.connections_per_ip_max),
        (limits.connections_max, limits.connections_per_ip_max)
    );
    assert_eq!(
        (server.body_bytes_max, server.body_read_ms),
        (limits.body.bytes_max, limits.body.read_ms)
    );
    assert_eq!(
        (server.h2_streams_max, server.drain_ms),
        (limits.h2_streams_max, limits.drain_ms)
    );
    let schedule: Vec<u64> = config.outbound.retry["schedule_s"].clone().try_into().unwrap();
    assert_eq!(schedule, STANDARD_WEBHOOKS_S);
    assert_eq!(config.outbound.ports, PORTS_DEFAULT);
    assert_eq!(
        (config.poll.default_s, config.poll.max_s),
        (15, 60),
        "contract 000 waits 15 s"
    );
}

#[test]
fn every_whole_number_has_its_range_and_every_range_its_key() {
    let numbers = whole_numbers(&BUILT_IN.parse().unwrap());
    let ranges: BTreeSet<String> = RANGES.iter().map(|(key, _, _)| (*key).to_owned()).collect();
    assert_eq!(numbers, ranges);
    assert_eq!(ranges.len(), RANGES.len(), "each key once");
    assert!(RANGES.iter().all(|(_, min, max)| min < max));
}

#[test]
fn every_key_has_its_sentence_and_the_range_that_is_checked() {
    assert!(keys(BUILT_IN).len() > RANGES.len());
    assert_eq!(wrong(BUILT_IN), Vec::<String>::new());
}

#[test]
fn a_missing_sentence_and_a_wrong_range_are_seen() {
    let planted = BUILT_IN.replace(
        "a longer wish is cut to it. 1 to 60.",
        "a longer wish is cut to it. 1 to 61.",
    );
    assert_eq!(
        wrong(&planted),
        ["poll.max_s: the comment does not end with \"1 to 60.\""]
    );
    let planted = BUILT_IN.replace("# JSON lines instead of text.\n", "");
    assert_eq!(
        wrong(&planted),
        ["log.json: no sentence above it"],
        "another key's does not count"
    );
    let planted = BUILT_IN.replace("# Plain http targets are allowed.", "# Plain http targets");
    assert_eq!(wrong(&planted), ["outbound.allow_http: no sentence above it"]);
}
