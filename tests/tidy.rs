//! The house rules as tests: which room may name which, purity, sizes, names, text; each rule is shown to fail on a planted violation.
//!
//! A rule is a function from one source to what is wrong in it (`tidy::rule::Rule`), so that it can be tried on any text. The rules read
//! tokens, not lines: a word in a comment or a string is not code. Nothing here formats or lints what rustfmt and clippy already do.

mod tidy {
    pub mod keys;
    pub mod leftovers;
    pub mod manifest;
    pub mod names;
    pub mod orphans;
    pub mod owners;
    pub mod panics;
    pub mod purity;
    pub mod repository;
    pub mod rooms;
    pub mod rule;
    pub mod size;
    pub mod source;
    pub mod text;
    pub mod tokens;
}

use tidy::rule::Rule;
use tidy::{
    keys, leftovers, manifest, names, orphans, owners, panics, purity, repository, rooms, size, text,
};

/// Every rule that looks at one file at a time.
const RULES: &[&Rule] = &[
    &rooms::EDGES,
    &purity::CORE,
    &owners::OWNERS,
    &size::FILES,
    &size::FUNCTIONS,
    &panics::UNWRAP,
    &panics::EXPECT,
    &panics::ALLOW,
    &leftovers::LEFTOVERS,
    &names::NAMES,
    &keys::TAGS,
    &text::FIRST_SENTENCE,
    &text::WHITE_SPACE,
    &text::MACHINE_PATHS,
];

#[test]
fn every_rule_holds() {
    let sources = repository::sources();
    assert!(
        !sources.is_empty(),
        "the repository has no files: is the working directory right?"
    );
    let mut wrong = Vec::new();
    for rule in RULES {
        for source in sources.iter().filter(|source| (rule.concerns)(&source.path)) {
            wrong.extend(
                (rule.check)(source)
                    .into_iter()
                    .map(|v| format!("{}: {v}", rule.name)),
            );
        }
    }
    assert!(
        wrong.is_empty(),
        "{} violations:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_can_fail() {
    for rule in RULES {
        assert!(!rule.planted.is_empty(), "{}: no planted violation", rule.name);
        for (path, text) in rule.planted {
            assert!((rule.concerns)(path), "{}: does not look at {path}", rule.name);
            assert!(
                !rule.on(path, text).is_empty(),
                "{}: did not see\n{text}",
                rule.name
            );
        }
        for (path, text) in rule.clean {
            assert!((rule.concerns)(path), "{}: does not look at {path}", rule.name);
            let found = rule.on(path, text);
            assert!(
                found.is_empty(),
                "{}: a false alarm, {}, in\n{text}",
                rule.name,
                found[0]
            );
        }
    }
}

#[test]
fn every_source_file_belongs_to_the_crate() {
    let wrong = orphans::check(&repository::sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_is_named() {
    let wrong = manifest::check(&repository::manifest(), &repository::sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_ratchet_is_looser_than_its_file() {
    let wrong = size::stale(&repository::sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
