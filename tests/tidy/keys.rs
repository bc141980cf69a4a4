//! Numbers on the disk are given once: two tags of `store/keys.rs` with one number would mix two kinds of rows.

use proc_macro2::TokenTree;

use super::rule::{Rule, Violation};
use super::source::Source;
use super::tokens;

pub const TAGS: Rule = Rule {
    name: "disk numbers",
    concerns: |path| path == "src/store/keys.rs",
    check,
    planted: &[
        (
            "src/store/keys.rs",
            "pub const MESSAGE: u8 = 1;\npub const EVENT: u8 = 1;",
        ),
        (
            "src/store/keys.rs",
            "mod tag { pub const MESSAGE: u8 = 0x10; } const EVENT: u8 = 16;",
        ),
        (
            "src/store/keys.rs",
            "const MESSAGE: u8 = b'm'; const EVENT: u8 = b'm';",
        ),
        (
            "src/store/keys.rs",
            "const MESSAGE: u8 = 109; const EVENT: u8 = b'm';",
        ),
    ],
    clean: &[
        (
            "src/store/keys.rs",
            "const MESSAGE: u8 = 1; const EVENT: u8 = 2; const ID_BYTES: usize = 1;",
        ),
        (
            "src/store/keys.rs",
            "const MESSAGE: u8 = b'm'; const EVENT: u8 = b'e'; // was 'm'",
        ),
        (
            "src/store/keys.rs",
            "const MESSAGE: u8 = 1; const RECORD_VERSION: u8 = 1;",
        ),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen: Vec<(u8, String)> = Vec::new();
    tokens::each_level(&source.shipped, &mut |trees| {
        for window in trees.windows(6) {
            let Some((name, number)) = tag(window) else {
                continue;
            };
            if let Some((_, other)) = seen.iter().find(|(taken, _)| *taken == number) {
                let what = format!("{name} has the number {number} of {other}: take one that was never used");
                found.push(source.violation(window[0].span().start().line, what));
            }
            seen.push((number, name));
        }
    });
    found
}

/// Reads `const NAME: u8 = N`; a version is not a tag.
fn tag(window: &[TokenTree]) -> Option<(String, u8)> {
    let [_, TokenTree::Ident(name), _, _, _, TokenTree::Literal(literal)] = window else {
        return None;
    };
    let is_tag = tokens::is_ident(window, 0, "const")
        && tokens::is_ident(window, 3, "u8")
        && !name.to_string().ends_with("VERSION");
    Some((name.to_string(), number(&literal.to_string())?)).filter(|_| is_tag)
}

fn number(literal: &str) -> Option<u8> {
    if let Some(letter) = literal
        .strip_prefix("b'")
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return letter.bytes().next().filter(|_| letter.len() == 1);
    }
    let plain = literal.trim_end_matches("u8").replace('_', "");
    match plain.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => plain.parse().ok(),
    }
}
