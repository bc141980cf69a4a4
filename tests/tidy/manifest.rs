//! Every dependency is used: each crate that `Cargo.toml` asks for is named somewhere in the code that may use it.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::source::Source;
use super::tokens;

/// Crates that no code names, and why they are there nevertheless.
const NAMED_NOWHERE: &[(&str, &str)] = &[];

/// Packages whose library has another name.
const LIBRARY_NAMES: &[(&str, &str)] = &[("md-5", "md5"), ("rustls-webpki", "webpki")];

/// What is wrong, one line per dependency that nobody names.
pub fn check(manifest: &str, sources: &[Source]) -> Vec<String> {
    let manifest: Table = manifest.parse().expect("cargo has read this file before us");
    let product = named(sources, |path| path.starts_with("src/"));
    let everywhere = named(sources, |path| !path.starts_with("fuzz/"));
    let build = named(sources, |path| path == "build.rs");
    let mut wrong = Vec::new();
    for (section, table) in dependency_tables(&manifest) {
        let users = match section {
            "dev-dependencies" => &everywhere,
            "build-dependencies" => &build,
            _ => &product,
        };
        let unused = |name: &&String| !users.contains(&library(name)) && !is_excused(name);
        wrong.extend(
            table
                .keys()
                .filter(unused)
                .map(|name| format!("Cargo.toml: {name} in [{section}] is named nowhere: drop it")),
        );
    }
    wrong
}

/// The word by which code names a package.
fn library(package: &str) -> String {
    let other = LIBRARY_NAMES.iter().find(|(name, _)| *name == package);
    other.map_or_else(|| package.replace('-', "_"), |(_, library)| (*library).to_owned())
}

fn is_excused(package: &str) -> bool {
    NAMED_NOWHERE.iter().any(|(name, _)| *name == package)
}

/// The dependency tables, also those for one platform.
fn dependency_tables(manifest: &Table) -> Vec<(&'static str, &Table)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let tables = platforms
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table)
        .chain([manifest]);
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables
        .flat_map(|table| sections.map(|name| table.get(name).and_then(Value::as_table).map(|t| (name, t))))
        .flatten()
        .collect()
}

/// Every word that begins a path or stands behind `use`, in the files that `may` accepts.
fn named(sources: &[Source], may: fn(&str) -> bool) -> BTreeSet<String> {
    let paths = sources
        .iter()
        .filter(|source| may(&source.path))
        .flat_map(|source| tokens::paths(&source.tokens));
    paths
        .filter(|path| path.imported || path.segments.len() > 1)
        .map(|mut path| path.segments.swap_remove(0))
        .collect()
}

#[test]
fn an_unused_dependency_is_seen() {
    let sources = [
        Source::new(
            "src/lib.rs",
            "use tokio::time; use hex; fn f() { md5::Md5::new(); let serde = 1; } // url::Url",
        ),
        Source::new(
            "tests/a.rs",
            "use proptest::prelude::*; fn f() { sha2::Sha256::new(); }",
        ),
    ];
    let used = "[dependencies]\ntokio = '1'\nhex = '1'\nmd-5 = '1'\n[dev-dependencies]\nproptest = '1'";
    assert_eq!(check(used, &sources), Vec::<String>::new());
    for unused in [
        "[dependencies]\nserde = '1'",
        "[dependencies]\nurl = '1'",
        "[dependencies]\nsha2 = '1'",
        "[dev-dependencies]\nrand = '1'",
        "[build-dependencies]\ntokio = '1'",
        "[target.'cfg(unix)'.dependencies]\nlibc = '1'",
    ] {
        assert_eq!(check(unused, &sources).len(), 1, "{unused}");
    }
}
