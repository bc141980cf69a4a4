//! Which room may name which: the table of ARCHITECTURE.md, held. Unit tests may name anything, they do not ship.

use super::rule::{Rule, Violation};
use super::source::{self, Source};
use super::tokens::{self, Path};

/// A room and the rooms it may name; all but core may name telemetry and config, and each may name itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("config", &[]),
    ("telemetry", &["core"]),
    ("clock", &["core"]),
    ("carrier", &["core"]),
    ("store", &["core", "clock"]),
    ("supplier", &["core"]),
    ("gateway", &["core", "clock", "carrier", "supplier", "store"]),
    ("dispatch", &["core", "clock", "store"]),
    ("http", &["core", "clock", "gateway", "carrier", "store"]),
    (
        "app",
        &[
            "core", "clock", "carrier", "supplier", "store", "gateway", "dispatch", "http",
        ],
    ),
    ("cli", &["app", "clock", "core", "carrier"]),
    ("main", &["app", "cli", "core", "carrier"]),
];

/// Rooms that everybody but core and config may name.
const SHARED: &[&str] = &["telemetry", "config"];

/// Where a room may name only some items of another: http maps errors and speaks a carrier's answer, it does not use the store.
const ONLY: &[(&str, &str, &[&str])] = &[
    ("http", "store", &["Error"]),
    (
        "http",
        "carrier",
        &["Error", "Reject", "Answer", "Request", "simulate"],
    ),
];

/// Where a room may not name some items of another: the trait is for everybody, the engines are for app.
const NEVER: &[(&str, &str, &[&str])] = &[
    ("gateway", "store", &["sled", "postgres", "keys"]),
    ("dispatch", "store", &["sled", "postgres", "keys"]),
];

/// File, room, why. A new line here is a debt: say who pays it back.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

pub const EDGES: Rule = Rule {
    name: "rooms",
    concerns: |path| source::is_product(path) && path != "src/lib.rs",
    check,
    planted: &[
        ("src/core/retry.rs", "use crate::clock::Clock;"),
        ("src/core/retry.rs", "use crate::config::Config;"),
        ("src/core/otp/mod.rs", "use super::super::store::Store;"),
        (
            "src/core/otp/label.rs",
            "fn f() { super::super::super::gateway::go(); }",
        ),
        ("src/clock.rs", "fn f() -> crate::store::Error { loop {} }"),
        (
            "src/carrier/telnyx.rs",
            "use crate::{core::time, gateway::ingest};",
        ),
        ("src/gateway/ingest.rs", "use crate::dispatch::Bell;"),
        ("src/gateway/ingest.rs", "use crate::store::sled::Sled;"),
        (
            "src/gateway/ingest.rs",
            "fn f() { tracing::info!(\"{}\", crate::http::PORT); }",
        ),
        ("src/gateway/mod.rs", "mod inner { use super::super::app; }"),
        ("src/dispatch/mod.rs", "use crate::gateway;"),
        ("src/dispatch/sender.rs", "use crate::store::{Error, keys::Tag};"),
        ("src/http/poll.rs", "use crate::store::Store;"),
        ("src/http/inbound.rs", "use crate::carrier::telnyx;"),
        ("src/config.rs", "use crate::core::retry::Policy;"),
        ("src/cli/serve.rs", "use crate::gateway::Gateway;"),
        ("src/main.rs", "use ringback::store::Store;"),
        ("src/gateway/mod.rs", "use crate::*;"),
        ("src/newroom/mod.rs", "//! A room without a row in the table."),
        ("src/gateway/mod.rs", "use crate::newroom::Thing;"),
    ],
    clean: &[
        (
            "src/core/retry.rs",
            "use crate::core::time::UnixMs; use super::limit; use core::fmt; use std::time::Duration;",
        ),
        (
            "src/core/retry.rs",
            "// see crate::store\nconst WORDS: &str = \"crate::store\";",
        ),
        (
            "src/core/retry.rs",
            "#[cfg(test)] mod tests { use crate::store::Store; }",
        ),
        (
            "src/gateway/ingest.rs",
            "use crate::{carrier, clock::Clock, core::{event, ingest}, store::{self, Store}, config::Limits};",
        ),
        (
            "src/gateway/ingest.rs",
            "use super::waiters; mod inner { use super::super::poll; }",
        ),
        (
            "src/http/problem.rs",
            "use crate::store; fn f(e: store::Error, r: crate::carrier::Reject) {}",
        ),
        (
            "src/http/contract/partner.rs",
            "use crate::{gateway::Gateway, store::Error as StoreError};",
        ),
        (
            "src/app.rs",
            "use crate::{dispatch, gateway, http, store::sled::Sled};",
        ),
        (
            "src/main.rs",
            "use ringback::{app, cli, config::Config}; use std::process::ExitCode;",
        ),
        (
            "src/store/sled/mod.rs",
            "pub(crate) mod tree; pub(in crate::store) struct S;",
        ),
    ],
};

fn check(source: &Source) -> Vec<Violation> {
    let module = source.module();
    let room = module.first().copied().unwrap_or("main");
    if !MAY_NAME.iter().any(|(name, _)| *name == room) {
        return vec![source.violation(
            0,
            format!("{room} has no row in MAY_NAME: say which rooms it may name"),
        )];
    }
    let judge =
        |path: &Path| judge(room, &rooted(&module, path)?).map(|what| source.violation(path.line, what));
    let excepted = |v: &Violation| {
        EXCEPTIONS
            .iter()
            .any(|(path, other, _)| *path == v.path && v.what.contains(other))
    };
    tokens::paths(&source.shipped)
        .iter()
        .filter_map(judge)
        .filter(|v| !excepted(v))
        .collect()
}

/// The path from the crate's root; `None` for paths that do not begin with `crate`, `ringback` or enough `super`.
fn rooted(module: &[&str], path: &Path) -> Option<Vec<String>> {
    let ups = path
        .segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    match path.segments.first()?.as_str() {
        "crate" | "ringback" => Some(path.segments[1..].to_vec()),
        "super" if ups >= module.len() + path.depth => Some(path.segments[ups..].to_vec()),
        _ => None,
    }
}

/// What is wrong when `room` names this path from the root.
fn judge(room: &str, path: &[String]) -> Option<String> {
    let other = path.first()?.as_str();
    let item = path.get(1).map_or("self", String::as_str);
    if other == room || other == "self" {
        return None;
    }
    if other == "*" {
        return Some("a glob of the crate's root hides which rooms are named".into());
    }
    let (_, may) = MAY_NAME.iter().find(|(name, _)| *name == room)?;
    let shared = SHARED.contains(&other) && !matches!(room, "core" | "config");
    if !MAY_NAME.iter().any(|(name, _)| *name == other) {
        return Some(format!(
            "{other} is no room: give it a row in MAY_NAME, or put it into a room"
        ));
    }
    if !may.contains(&other) && !shared {
        return Some(format!(
            "{room} may not name {other}: move the code, or pass a value in"
        ));
    }
    let for_pair = |(from, to, _): &&(&str, &str, &[&str])| *from == room && *to == other;
    if ONLY
        .iter()
        .find(for_pair)
        .is_some_and(|(_, _, only)| item != "self" && !only.contains(&item))
    {
        return Some(format!(
            "{room} may name only the errors and answers of {other}, not {item}"
        ));
    }
    let denied = NEVER
        .iter()
        .find(for_pair)
        .is_some_and(|(_, _, never)| never.contains(&item));
    denied.then(|| format!("{room} may name the trait of {other}, not {item}"))
}
