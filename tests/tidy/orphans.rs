//! No dead files: every file under `src` is declared as a module by its parent, or the compiler never sees it.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::source::{self, Source};
use super::tokens;

/// What is wrong, one line per file that no parent declares.
pub fn check(sources: &[Source]) -> Vec<String> {
    let declared: BTreeSet<String> = sources
        .iter()
        .filter(|source| source::is_product(&source.path))
        .flat_map(declarations)
        .collect();
    let is_root = |path: &str| matches!(path, "src/lib.rs" | "src/main.rs") || path.starts_with("src/bin/");
    let is_orphan = |source: &&Source| {
        source::is_product(&source.path)
            && !is_root(&source.path)
            && !declared.contains(&source.module().join("/"))
    };
    sources
        .iter()
        .filter(is_orphan)
        .map(|source| format!("{}: no file declares it with mod", source.path))
        .collect()
}

/// The modules that a file declares, as paths below the crate's root.
fn declarations(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let prefix: Vec<String> = source.module().iter().map(ToString::to_string).collect();
    collect(&source.tokens, &prefix, &mut found);
    found
}

fn collect(tokens: &TokenStream, prefix: &[String], found: &mut Vec<String>) {
    let trees = tokens::trees(tokens);
    for at in 0..trees.len() {
        let (true, Some(TokenTree::Ident(name))) = (tokens::is_ident(&trees, at, "mod"), trees.get(at + 1))
        else {
            continue;
        };
        let path = [prefix, &[name.to_string()]].concat();
        match trees.get(at + 2) {
            Some(TokenTree::Group(body)) => collect(&body.stream(), &path, found),
            _ => found.push(path.join("/")),
        }
    }
}

#[test]
fn an_orphan_is_seen() {
    let tree = |files: &[(&str, &str)]| {
        files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect::<Vec<_>>()
    };
    let whole = tree(&[
        ("src/lib.rs", "pub mod core; mod store { pub mod keys; }"),
        ("src/core/mod.rs", "mod otp; #[cfg(test)] mod tests;"),
        ("src/core/otp.rs", "mod label;"),
        ("src/core/otp/label.rs", ""),
        ("src/core/tests.rs", ""),
        ("src/store/keys.rs", ""),
        ("src/main.rs", ""),
        ("tests/flow.rs", ""),
    ]);
    assert_eq!(check(&whole), Vec::<String>::new());
    let broken = tree(&[
        ("src/lib.rs", "pub mod core; // mod old;"),
        ("src/core.rs", ""),
        ("src/old.rs", ""),
        ("src/core/old.rs", ""),
    ]);
    assert_eq!(check(&broken).len(), 2);
}
