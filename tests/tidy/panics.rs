//! What ships does not panic by habit: no `unwrap`, every `expect` says why it cannot fail, every lint exception says why it is needed.

use proc_macro2::{Delimiter, Group, TokenTree};

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

pub const UNWRAP: Rule = Rule {
    name: "unwrap",
    concerns: source::is_product,
    check: unwrap,
    planted: &[
        ("src/gateway/a.rs", "fn f() { x.unwrap(); }"),
        ("src/gateway/a.rs", "fn f() { x.unwrap_err(); }"),
        ("src/gateway/a.rs", "fn f() { x.map(Option::unwrap); }"),
        ("src/gateway/a.rs", "fn f() { debug_assert!(x.unwrap() > 0); }"),
        (
            "src/gateway/a.rs",
            "#[cfg(test)] mod tests {} fn f() { x.unwrap(); }",
        ),
        (
            "src/gateway/a.rs",
            "#[cfg(feature = \"test\")] fn f() { x.unwrap(); }",
        ),
    ],
    clean: &[
        (
            "src/gateway/a.rs",
            "fn f() { x.unwrap_or(0); y.unwrap_or_default(); } // never unwrap()",
        ),
        (
            "src/gateway/a.rs",
            "#[cfg(test)] mod tests { #[test] fn f() { x.unwrap(); } }",
        ),
        ("src/gateway/tests.rs", "fn f() { x.unwrap(); }"),
    ],
};

pub const EXPECT: Rule = Rule {
    name: "expect",
    concerns: source::is_product,
    check: expect,
    planted: &[
        ("src/gateway/a.rs", "fn f() { x.expect(\"\"); }"),
        ("src/gateway/a.rs", "fn f() { x.expect(\"failed\"); }"),
        ("src/gateway/a.rs", "fn f() { x.expect_err(\" \"); }"),
        ("src/gateway/a.rs", "fn f() { unreachable!(); }"),
        ("src/gateway/a.rs", "fn f() { panic!(); }"),
    ],
    clean: &[
        (
            "src/gateway/a.rs",
            "fn f() { x.expect(\"the pattern is a constant\"); }",
        ),
        (
            "src/gateway/a.rs",
            "fn f() { x.expect(REASON); parser.expect(b'{'); }",
        ),
        (
            "src/gateway/a.rs",
            "fn f() { unreachable!(\"the state was matched above\"); }",
        ),
    ],
};

pub const ALLOW: Rule = Rule {
    name: "lint exceptions",
    concerns: source::is_rust,
    check: allow,
    planted: &[
        ("src/gateway/a.rs", "#[allow(dead_code)] fn f() {}"),
        ("src/lib.rs", "#![allow(clippy::all)]"),
        ("tests/flow.rs", "#![allow(unused)]"),
        (
            "src/gateway/a.rs",
            "mod m { #[cfg_attr(test, allow(dead_code))] fn f() {} }",
        ),
        ("src/gateway/a.rs", "#[expect(dead_code)] fn f() {}"),
        (
            "src/gateway/a.rs",
            "#[expect(dead_code, reason = \"\")] fn f() {}",
        ),
    ],
    clean: &[
        (
            "src/gateway/a.rs",
            "#[expect(dead_code, reason = \"read by the dashboard's script\")] fn f() {}",
        ),
        (
            "src/gateway/a.rs",
            "fn f() { allow(x); let s = \"#[allow(dead_code)]\"; }",
        ),
        ("src/gateway/a.rs", "#[derive(Debug)] #[serde(default)] struct S;"),
    ],
};

fn unwrap(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    tokens::each_level(&source.shipped, &mut |trees| {
        for (at, tree) in trees.iter().enumerate().skip(1) {
            let called = tokens::is_punct(trees, at - 1, '.') || tokens::is_punct(trees, at - 1, ':');
            let named = ["unwrap", "unwrap_err", "unwrap_unchecked"]
                .iter()
                .any(|word| tokens::is_ident(trees, at, word));
            if called && named {
                let line = tree.span().start().line;
                found.push(source.violation(
                    line,
                    "unwrap: return the error, or expect(\"why it cannot fail\")",
                ));
            }
        }
    });
    found
}

fn expect(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    tokens::each_level(&source.shipped, &mut |trees| {
        for at in 1..trees.len() {
            let TokenTree::Group(arguments) = &trees[at] else {
                continue;
            };
            let before = |word| tokens::is_ident(trees, at - 1, word);
            let method =
                (before("expect") || before("expect_err")) && at > 1 && tokens::is_punct(trees, at - 2, '.');
            let silent = match () {
                () if method => message(arguments).is_some_and(|text| !is_reason(&text)),
                () => is_panic(trees, at) && arguments.stream().is_empty(),
            };
            if silent {
                let line = trees[at - 1].span().start().line;
                found.push(source.violation(line, "say in a few words why this cannot happen"));
            }
        }
    });
    found
}

fn is_panic(trees: &[TokenTree], at: usize) -> bool {
    let words = ["panic", "unreachable"];
    at > 1
        && tokens::is_punct(trees, at - 1, '!')
        && words.iter().any(|word| tokens::is_ident(trees, at - 2, word))
}

/// The text of an argument list that is one string literal.
fn message(arguments: &Group) -> Option<String> {
    match tokens::inside(arguments).as_slice() {
        [TokenTree::Literal(literal)] => Some(literal.to_string()).filter(|text| text.ends_with('"')),
        _ => None,
    }
}

fn is_reason(literal: &str) -> bool {
    literal.trim_matches('"').split_whitespace().count() >= 2
}

fn allow(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    tokens::each_level(&source.tokens, &mut |trees| {
        for at in 0..trees.len() {
            let Some(attribute) = tokens::is_punct(trees, at, '#')
                .then(|| tokens::attribute(trees, at))
                .flatten()
            else {
                continue;
            };
            let words = tokens::inside(&attribute);
            let line = trees[at].span().start().line;
            let conditional = tokens::is_ident(&words, 0, "cfg_attr");
            if has_call(&words, "allow", conditional).is_some() {
                found.push(source.violation(
                    line,
                    "allow hides for ever: mend it, or #[expect(.., reason = \"..\")]",
                ));
            }
            if has_call(&words, "expect", conditional).is_some_and(|list| !has_reason(&list)) {
                found.push(source.violation(line, "expect without a reason"));
            }
        }
    });
    found
}

/// The list of `name(..)` at the beginning of an attribute, or anywhere in a conditional one.
fn has_call(words: &[TokenTree], name: &str, anywhere: bool) -> Option<Group> {
    if let (true, Some(TokenTree::Group(list))) = (tokens::is_ident(words, 0, name), words.get(1)) {
        return Some(list.clone());
    }
    let TokenTree::Group(list) = words.get(1).filter(|_| anywhere)? else {
        return None;
    };
    let inner = tokens::inside(list);
    (0..inner.len()).find_map(|at| has_call(&inner[at..], name, false))
}

fn has_reason(list: &Group) -> bool {
    let trees = tokens::inside(list);
    list.delimiter() == Delimiter::Parenthesis
        && (0..trees.len()).any(|at| {
            tokens::is_ident(&trees, at, "reason")
                && trees.get(at + 2).is_some_and(|text| is_reason(&text.to_string()))
        })
}
