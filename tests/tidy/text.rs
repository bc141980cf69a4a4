//! What every text file keeps to: a first sentence in Rust files, no stray white space, no path of somebody's machine.

use super::rule::{Rule, Violation};
use super::source::{self, Source};

pub const FIRST_SENTENCE: Rule = Rule {
    name: "first sentence",
    concerns: source::is_rust,
    check: first_sentence,
    planted: &[
        ("src/core/otp.rs", "use std::fmt;\n"),
        ("src/core/otp.rs", ""),
        ("src/core/otp.rs", "// A comment is not documentation.\n"),
        ("src/core/otp.rs", "//! OTP.\n"),
        (
            "src/core/otp.rs",
            "//! Finds the code in a text\n\nuse std::fmt;\n",
        ),
        ("tests/flow.rs", "\n//! One flow over real sockets.\n"),
    ],
    clean: &[
        ("src/core/otp.rs", "//! Finds the code in a text.\n"),
        (
            "src/core/otp.rs",
            "//! Finds the code in a text, in every language\n//! that the corpus has.\n//!\n//! | a | b |\n",
        ),
        ("src/lib.rs", "//! The rooms in reading order:\n//!\n//! - core\n"),
    ],
};

pub const WHITE_SPACE: Rule = Rule {
    name: "white space",
    concerns: is_ours,
    check: white_space,
    planted: &[
        ("src/a.rs", "//! A. \n"),
        ("README.md", "Two spaces at the end  \n"),
        ("config.toml", "\tport = 1\t\n"),
        ("config.toml", "port = 1\r\n"),
        ("config.toml", "port = 1"),
        ("config.toml", "port = 1\n\n"),
    ],
    clean: &[("README.md", "A line.\n\nAnother.\n"), ("docs/empty.md", "")],
};

pub const MACHINE_PATHS: Rule = Rule {
    name: "machine paths",
    concerns: |_| true,
    check: machine_paths,
    planted: &[
        ("README.md", concat!("see /", "home/me/ringback")),
        ("deploy/run.sh", concat!("cd /", "root/ringback")),
        ("src/a.rs", concat!("const F: &str = \"/", "work/main/f\";")),
        ("docs/a.md", concat!("(/", "Users/me/x)")),
        ("fixtures/a.json", concat!("{\"file\":\"/", "home/me/x\"}")),
    ],
    clean: &[
        (
            "README.md",
            "https://example.com/home/page and docs/work/plan and ./root/x",
        ),
        (
            "deploy/ringback.service",
            "WorkingDirectory=/var/lib/ringback\nProtectHome=true\n",
        ),
    ],
};

/// Folders that belong to people, on the systems people use.
const HOMES: &[&str] = &[
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "work/"),
    concat!("/", "Users/"),
];

/// Fixtures keep the bytes that were on the wire; property tests write their own files.
fn is_ours(path: &str) -> bool {
    let generated = path.ends_with(".lock") || path.contains("proptest-regressions") || path == "LICENSE";
    !path.starts_with("fixtures/")
        && !path.starts_with("fuzz/corpus/")
        && !path.ends_with(".svg")
        && !generated
}

fn first_sentence(source: &Source) -> Vec<Violation> {
    let lines = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim);
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let text = paragraph.join(" ");
    let ends = text.ends_with(['.', ':', '?', '!']) || text.contains(". ");
    if ends && text.split_whitespace().count() > 2 {
        return Vec::new();
    }
    vec![source.violation(
        1,
        "open with one //! sentence: what the file is for, and what is absent",
    )]
}

fn white_space(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in source.text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            found.push(source.violation(number + 1, "white space at the end of the line"));
        }
    }
    if !source.text.is_empty() && (!source.text.ends_with('\n') || source.text.ends_with("\n\n")) {
        found.push(source.violation(0, "end the file with exactly one line break"));
    }
    found
}

fn machine_paths(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for home in HOMES {
            let begins =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/}*)".contains(c));
            if line.match_indices(home).any(|(at, _)| begins(at)) {
                found.push(source.violation(
                    number + 1,
                    format!("{home} is a folder of one machine: use a relative path"),
                ));
            }
        }
    }
    found
}
