//! One owner for each way into the world's state: only `clock.rs` reads a clock, only `config.rs` the environment, only `main.rs` exits.

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens;

/// End of a path, what to do instead, and who may: a file, or a folder with its slash.
const OWNED: &[(&[&str], &str, &[&str])] = &[
    (&["SystemTime", "now"], "take the time as an argument", CLOCKS),
    (&["Instant", "now"], "take the time as an argument", CLOCKS),
    (&["Utc", "now"], "take the time as an argument", CLOCKS),
    (&["Local", "now"], "take the time as an argument", CLOCKS),
    (
        &["OffsetDateTime", "now_utc"],
        "take the time as an argument",
        CLOCKS,
    ),
    (&["env", "var"], "take the value from config", ENVIRONMENT),
    (&["env", "vars"], "take the value from config", ENVIRONMENT),
    (&["env", "vars_os"], "take the value from config", ENVIRONMENT),
    (&["env", "var_os"], "take the value from config", ENVIRONMENT),
    (
        &["process", "exit"],
        "return an exit code to main",
        &["src/main.rs"],
    ),
    (&["process", "abort"], "return an error", &[]),
    (
        &["thread", "sleep"],
        "wait for what you need: tokio's timer, a channel, a condition variable",
        &[],
    ),
];

/// Who reads a clock: the clock; and the load generator, which measures what a stranger would with a watch of his own.
const CLOCKS: &[&str] = &["src/clock.rs", "src/cli/bench.rs", "src/cli/bench/"];

/// Who may also read the clock of tokio's timers: rooms that hold sockets need deadlines, and a test that pauses the runtime moves it.
const TIMERS: &[&str] = &["src/http/", "src/dispatch/"];

const ENVIRONMENT: &[&str] = &["src/config.rs", "src/config/"];

pub const OWNERS: Rule = Rule {
    name: "owners",
    concerns: source::is_product,
    check,
    planted: &[
        (
            "src/gateway/ingest.rs",
            "fn f() { let now = std::time::SystemTime::now(); }",
        ),
        (
            "src/dispatch/mod.rs",
            "use std::time::Instant; fn f() { let t = Instant::now(); }",
        ),
        (
            "src/gateway/poll.rs",
            "fn f() { let t = tokio::time::Instant::now(); }",
        ),
        (
            "src/gateway/poll.rs",
            "use tokio::time::Instant; fn f() { let t = Instant::now(); t.elapsed(); }",
        ),
        (
            "src/dispatch/mod.rs",
            "use std::time::{Duration, Instant}; fn f(t: Instant) { t.elapsed(); }",
        ),
        ("src/dispatch/mod.rs", "fn f() -> T { some(Instant::now) }"),
        ("src/gateway/poll.rs", "fn f() { UNIX_EPOCH.elapsed(); }"),
        (
            "src/http/server.rs",
            "fn f() { let p = std::env::var(\"PORT\"); }",
        ),
        ("src/cli/serve.rs", "fn f() { std::process::exit(1) }"),
        ("src/store/sled/writer.rs", "fn f() { std::thread::sleep(D) }"),
    ],
    clean: &[
        (
            "src/clock.rs",
            "fn f() { let now = std::time::SystemTime::now(); }",
        ),
        (
            "src/cli/bench.rs",
            "fn f() { let t = Instant::now(); t.elapsed(); }",
        ),
        (
            "src/gateway/ingest.rs",
            "fn f(clock: &Clock) { let now = clock.now(); } // not SystemTime::now()",
        ),
        (
            "src/gateway/ingest.rs",
            "#[cfg(test)] mod tests { fn f() { Instant::now(); } }",
        ),
        (
            "src/http/body.rs",
            "use tokio::time::{Instant, timeout_at}; fn f() { let t = Instant::now(); t.elapsed(); }",
        ),
        (
            "src/dispatch/pool.rs",
            "fn f() { let t = tokio::time::Instant::now(); }",
        ),
        ("src/config.rs", "fn f() { for (k, v) in std::env::vars() {} }"),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let paths = tokens::paths(&source.shipped);
    let timers = paths.iter().any(|path| is_timer(&path.segments)) && owns(TIMERS, &source.path);
    for path in &paths {
        let timer = timers
            && path.ends_with(&["Instant", "now"])
            && (path.segments.len() == 2 || is_timer(&path.segments));
        for (end, instead, owners) in OWNED {
            if path.ends_with(end) && !timer && !owns(owners, &source.path) {
                found.push(source.violation(path.line, format!("{}: {instead}", end.join("::"))));
            }
        }
    }
    if !timers && !owns(CLOCKS, &source.path) {
        elapsed(source, &mut found);
    }
    found
}

fn is_timer(segments: &[String]) -> bool {
    segments.len() > 2 && segments[..3] == ["tokio", "time", "Instant"]
}

fn elapsed(source: &Source, found: &mut Vec<Violation>) {
    tokens::each_level(&source.shipped, &mut |trees| {
        for at in 1..trees.len() {
            if tokens::is_punct(trees, at - 1, '.') && tokens::is_ident(trees, at, "elapsed") {
                let line = trees[at].span().start().line;
                found.push(
                    source.violation(line, ".elapsed() reads a clock: subtract two times from clock.rs"),
                );
            }
        }
    });
}

fn owns(owners: &[&str], path: &str) -> bool {
    owners
        .iter()
        .any(|owner| *owner == path || owner.ends_with('/') && path.starts_with(owner))
}
