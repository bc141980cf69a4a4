//! Nothing half done is committed: no `todo!`, no `dbg!`, no note to self, no attribute that lets a test pass by panicking anywhere.

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

const NOTES: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

pub const LEFTOVERS: Rule = Rule {
    name: "leftovers",
    concerns: source::is_rust,
    check,
    planted: &[
        ("src/http/mcp.rs", "fn f() { todo!() }"),
        ("src/http/mcp.rs", "fn f() { unimplemented!(\"later\") }"),
        ("tests/flow.rs", "fn f() { let x = dbg!(1); }"),
        ("src/http/mcp.rs", concat!("fn f() {} /", "/ TODO: the rest")),
        ("src/http/mcp.rs", concat!("/", "/ FIXME(me) the rest")),
        ("tests/flow.rs", "#[should_panic] #[test] fn f() {}"),
        ("tests/flow.rs", "#[ignore] #[test] fn f() {}"),
    ],
    clean: &[
        (
            "src/http/mcp.rs",
            "fn f() { todo(); } // the to-do list of an agent",
        ),
        ("src/http/mcp.rs", "const NOTE: &str = \"TODO\";"),
        (
            "tests/flow.rs",
            "#[should_panic(expected = \"sequence\")] #[test] fn f() {}",
        ),
        (
            "tests/flow.rs",
            "#[ignore = \"needs PostgreSQL: RINGBACK_TEST_POSTGRES\"] #[test] fn f() {}",
        ),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    tokens::each_level(&source.tokens, &mut |trees| {
        for at in 0..trees.len() {
            let line = trees[at].span().start().line;
            let name = MACROS
                .iter()
                .find(|name| tokens::is_ident(trees, at, name) && tokens::is_punct(trees, at + 1, '!'));
            found.extend(name.map(|name| source.violation(line, format!("{name}! is not for a commit"))));
            let attribute = tokens::is_punct(trees, at, '#')
                .then(|| tokens::attribute(trees, at))
                .flatten();
            let silent = match attribute.map(|group| group.stream().to_string()).as_deref() {
                Some("should_panic") => "say which panic: should_panic(expected = \"..\")",
                Some("ignore") => "say what the test waits for: ignore = \"..\"",
                _ => continue,
            };
            found.push(source.violation(line, silent));
        }
    });
    for (number, line) in source.text.lines().enumerate() {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment);
        let is_note = |word: &str| {
            comment
                .split(|c: char| !c.is_alphanumeric())
                .any(|piece| piece == word)
        };
        if let Some(note) = NOTES.iter().find(|note| is_note(note)) {
            found.push(source.violation(number + 1, format!("{note}: do it now or open an issue")));
        }
    }
    found
}
