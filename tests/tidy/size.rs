//! Files, functions and argument lists that can be read in one sitting, with a visible list of those that are not there yet.

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 60;
const ARGUMENTS_MAX: usize = 5;

/// Files that may be longer, and how long. The number only falls; a line goes when its file is short enough.
const FILE_RATCHET: &[(&str, usize)] = &[];

/// Functions that may be longer: file, name, lines. The number only falls.
const FUNCTION_RATCHET: &[(&str, &str, usize)] = &[];

pub const FILES: Rule = Rule {
    name: "file size",
    concerns: source::is_rust,
    check: file,
    planted: &[("src/core/long.rs", LONG)],
    clean: &[("src/core/short.rs", "//! Short.\n\nfn f() {}\n")],
};

pub const FUNCTIONS: Rule = Rule {
    name: "function size",
    concerns: source::is_rust,
    check: function,
    planted: &[
        ("src/core/long.rs", LONG_FUNCTION),
        ("tests/flow.rs", LONG_FUNCTION),
        (
            "src/core/wide.rs",
            "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}",
        ),
        (
            "src/core/wide.rs",
            "impl S { fn f(&mut self, a: u8, b: u8, c: u8, d: u8, e: u8, f: Vec<(u8, u8)>) {} }",
        ),
    ],
    clean: &[
        (
            "src/core/wide.rs",
            "impl S { fn f(&self, a: u8, b: HashMap<u8, u8>, c: (u8, u8), d: u8, e: [u8; 2],) {} }",
        ),
        (
            "src/core/wide.rs",
            "fn f<F: Fn(u8, u8) -> Vec<u8>, A, B>(f: F, a: impl Fn(u8) -> u8, c: A, d: B) -> u8 where F: Send { 0 }",
        ),
        (
            "src/core/wide.rs",
            "trait T { fn f(a: u8, b: u8, c: u8, d: u8, e: u8); } type F = fn(u8, u8, u8, u8, u8, u8);",
        ),
        (
            "src/core/wide.rs",
            "fn f(&'a mut self, a: u8, b: u8, c: u8, d: u8, e: u8) {} fn g(self: &mut Self, a: u8, b: u8, c: u8, d: u8, e: u8) {}",
        ),
    ],
};

fn file(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().count();
    let allowed = FILE_RATCHET
        .iter()
        .find(|(path, _)| *path == source.path)
        .map_or(FILE_LINES_MAX, |(_, lines)| *lines);
    let what = format!("{lines} lines, {allowed} at most: split it by what a reader looks for");
    if lines > allowed {
        vec![source.violation(0, what)]
    } else {
        Vec::new()
    }
}

fn function(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for function in tokens::functions(&source.tokens) {
        let allowed = FUNCTION_RATCHET
            .iter()
            .find(|(path, name, _)| *path == source.path && *name == function.name)
            .map_or(FUNCTION_LINES_MAX, |(_, _, lines)| *lines);
        if function.lines > allowed {
            let what = format!(
                "{} has {} lines, {allowed} at most: name its steps",
                function.name, function.lines
            );
            found.push(source.violation(function.line, what));
        }
        if function.arguments > ARGUMENTS_MAX {
            let what = format!(
                "{} has {} arguments, {ARGUMENTS_MAX} at most: what belongs together is a struct",
                function.name, function.arguments
            );
            found.push(source.violation(function.line, what));
        }
    }
    found
}

/// Lines of the ratchet lists that allow more than their file or function needs.
pub fn stale(sources: &[Source]) -> Vec<String> {
    stale_in(sources, FILE_RATCHET, FUNCTION_RATCHET)
}

fn stale_in(sources: &[Source], files: &[(&str, usize)], functions: &[(&str, &str, usize)]) -> Vec<String> {
    let source = |path: &str| sources.iter().find(|source| source.path == path);
    let file_lines = |path: &str| source(path).map_or(0, |source| source.text.lines().count());
    let function_lines = |path: &str, name: &str| {
        let all = source(path)
            .map(|source| tokens::functions(&source.tokens))
            .unwrap_or_default();
        all.iter()
            .filter(|function| function.name == name)
            .map(|function| function.lines)
            .max()
            .unwrap_or(0)
    };
    let loose_file =
        |(path, allowed): &&(&str, usize)| file_lines(path) < *allowed || *allowed <= FILE_LINES_MAX;
    let loose_function = |(path, name, allowed): &&(&str, &str, usize)| {
        function_lines(path, name) < *allowed || *allowed <= FUNCTION_LINES_MAX
    };
    let files = files
        .iter()
        .filter(loose_file)
        .map(|(path, _)| format!("{path}: lower or drop its line in FILE_RATCHET"));
    let functions = functions.iter().filter(loose_function);
    files
        .chain(functions.map(|(path, name, _)| format!("{path}: lower or drop {name} in FUNCTION_RATCHET")))
        .collect()
}

#[test]
fn a_loose_ratchet_is_seen() {
    let sources = [
        Source::new("src/a.rs", LONG),
        Source::new("src/b.rs", LONG_FUNCTION),
    ];
    assert!(stale_in(&sources, &[("src/a.rs", 401)], &[("src/b.rs", "f", 61)]).is_empty());
    assert_eq!(stale_in(&sources, &[("src/a.rs", 402)], &[]).len(), 1);
    assert_eq!(stale_in(&sources, &[("src/gone.rs", 500)], &[]).len(), 1);
    assert_eq!(stale_in(&sources, &[], &[("src/b.rs", "f", 62)]).len(), 1);
}

/// 401 empty lines.
const LONG: &str = ascii(&[b'\n'; 401]);

/// A function of 61 lines.
const LONG_FUNCTION: &str = ascii(&long_function());

const fn long_function() -> [u8; 69] {
    let head = b"fn f() {";
    let mut text = [b'\n'; 69];
    let mut at = 0;
    while at < head.len() {
        text[at] = head[at];
        at += 1;
    }
    text[68] = b'}';
    text
}

const fn ascii(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("only ASCII is written above"),
    }
}
