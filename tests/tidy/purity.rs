//! Core is pure: no clock, no dice, no I/O, nothing asynchronous; what it needs comes in as arguments.

use proc_macro2::{TokenStream, TokenTree};

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

/// Words that have no place in core, wherever they stand.
const WORDS: &[(&str, &str)] = &[
    ("async", "core does not wait: return a value that says what to do"),
    ("await", "core does not wait: return a value that says what to do"),
    ("tokio", "core does not wait: return a value that says what to do"),
    ("hyper", "core knows no transport"),
    ("sled", "core knows no store"),
    ("rand", "dice are an argument"),
    ("getrandom", "dice are an argument"),
    ("thread_rng", "dice are an argument"),
    ("OsRng", "dice are an argument"),
    ("SystemTime", "time is an argument"),
    ("Instant", "time is an argument"),
    ("println", "core writes nothing"),
    ("eprintln", "core writes nothing"),
    ("print", "core writes nothing"),
    ("eprint", "core writes nothing"),
];

/// Parts of std that touch the world.
const STD: &[&str] = &["fs", "env", "thread", "process", "os"];

/// What core may take from `std::net`: addresses are values.
const ADDRESSES: &[&str] = &[
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
    "SocketAddrV4",
    "SocketAddrV6",
    "AddrParseError",
];

pub const CORE: Rule = Rule {
    name: "core is pure",
    concerns: |path| source::is_product(path) && (path.starts_with("src/core/") || path == "src/core.rs"),
    check,
    planted: &[
        ("src/core/a.rs", "use tokio::sync::Notify;"),
        ("src/core/a.rs", "use hyper::StatusCode;"),
        ("src/core/a.rs", "type Tree = sled::Tree;"),
        ("src/core/a.rs", "pub async fn f() {}"),
        (
            "src/core/a.rs",
            "fn f() { let _ = std::time::SystemTime::now(); }",
        ),
        ("src/core/a.rs", "use std::time::{Duration, Instant};"),
        ("src/core/a.rs", "fn f() -> u8 { rand::random() }"),
        ("src/core/a.rs", "fn f(b: &mut [u8]) { getrandom::fill(b); }"),
        ("src/core/a.rs", "use std::{fmt, fs};"),
        ("src/core/a.rs", "use std::net::TcpStream;"),
        ("src/core/a.rs", "use std::net::{IpAddr, UdpSocket};"),
        ("src/core/a.rs", "use std::net;"),
        ("src/core/a.rs", "fn f() { ::std::env::var(\"HOME\"); }"),
        ("src/core/a.rs", "fn f() { std::thread::spawn(|| ()); }"),
        ("src/core/a.rs", "fn f() { println!(\"x\"); }"),
    ],
    clean: &[
        (
            "src/core/a.rs",
            "//! No tokio, no SystemTime.\nuse std::time::Duration; use std::net::{IpAddr, Ipv6Addr};",
        ),
        (
            "src/core/a.rs",
            "const V: &str = env!(\"CARGO_PKG_VERSION\"); fn f(operand: u8, brand: u8) {}",
        ),
        (
            "src/core/a.rs",
            "#[cfg(test)] mod tests { use std::fs; fn f() { fs::read(\"x\").unwrap(); } }",
        ),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    words(source, &source.shipped, &mut found);
    for path in tokens::paths(&source.shipped) {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["std", part, ..] if STD.contains(part) => {
                found.push(source.violation(
                    path.line,
                    format!("std::{part} touches the world: take a value instead"),
                ));
            }
            ["std", "net", item, ..] if ADDRESSES.contains(item) => {}
            ["std", "net", ..] => {
                found.push(source.violation(path.line, "of std::net core may name only addresses"));
            }
            _ => {}
        }
    }
    found
}

fn words(source: &Source, tokens: &TokenStream, found: &mut Vec<Violation>) {
    for tree in tokens.clone() {
        match tree {
            TokenTree::Ident(ident) => {
                let reason = WORDS.iter().find(|(word, _)| ident == word);
                found.extend(reason.map(|(word, why)| {
                    source.violation(ident.span().start().line, format!("{word}: {why}"))
                }));
            }
            TokenTree::Group(group) => words(source, &group.stream(), found),
            _ => {}
        }
    }
}
