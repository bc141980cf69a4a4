//! One meaning for each word: names that say nothing, or that mean something else here, do not name modules and types.

use proc_macro2::TokenTree;

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

/// The word and what to say instead.
const WORDS: &[(&str, &str)] = &[
    ("util", "what the code is about"),
    ("utils", "what the code is about"),
    ("helper", "what the code is about"),
    ("helpers", "what the code is about; for tests: support"),
    ("common", "what the code is about; for tests: support"),
    ("misc", "what the code is about"),
    ("manager", "what it does with what it holds"),
    ("endpoint", "route, or subscription"),
    ("notification", "event, delivery or doorbell"),
    ("job", "delivery, attempt or sweep"),
    ("domain", "account, or host"),
];

/// Keywords that give a name to a module or a type.
const NAMING: &[&str] = &["mod", "struct", "enum", "trait", "union", "type"];

pub const NAMES: Rule = Rule {
    name: "names",
    concerns: source::is_rust,
    check,
    planted: &[
        ("src/http/utils.rs", "//! Things."),
        ("src/http/json_helpers.rs", "//! Things."),
        ("tests/common/mod.rs", "//! Things."),
        ("src/http/mod.rs", "mod helpers;"),
        ("src/gateway/mod.rs", "pub struct WaiterManager;"),
        ("src/gateway/mod.rs", "trait RetryJob {}"),
        ("src/gateway/mod.rs", "enum EndpointState { On, Off }"),
    ],
    clean: &[
        (
            "src/gateway/rentals.rs",
            "mod commonwealth {} struct Jobless; fn domain(endpoint: u8) { let utils = endpoint; }",
        ),
        ("tests/support/mod.rs", "//! Starts a gateway on port 0."),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let path = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    for (word, instead) in path.split('/').flat_map(bad_words) {
        found.push(source.violation(0, format!("{word} in the path: say {instead}")));
    }
    tokens::each_level(&source.tokens, &mut |trees| {
        for pair in trees.windows(2) {
            let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair else {
                continue;
            };
            if !NAMING.iter().any(|naming| keyword == naming) {
                continue;
            }
            for (word, instead) in bad_words(&name.to_string()) {
                found.push(source.violation(
                    name.span().start().line,
                    format!("{word} in {name}: say {instead}"),
                ));
            }
        }
    });
    found
}

/// The unwanted words of a name in `snake_case`, `kebab-case` or `CamelCase`.
fn bad_words(name: &str) -> Vec<&'static (&'static str, &'static str)> {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    let pieces: Vec<&str> = spaced.split(|c: char| !c.is_alphanumeric()).collect();
    WORDS.iter().filter(|(word, _)| pieces.contains(word)).collect()
}
