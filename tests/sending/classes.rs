//! Every kind of provider that is called over HTTP through a socket: each of its answers, and each way in which none comes.

use std::collections::BTreeSet;

use ringback::carrier::send::KINDS;
use ringback::core::sending::Sent;
use serde_json::Value;
use toml::Table;

use super::rig::{send_through, start};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider, nobody};

pub fn fixture(name: &str) -> String {
    let path = format!("{}/fixtures/send/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// This kind as a provider of its own name, at this URL.
pub fn table(kind: &str, url: &str) -> Table {
    let mut all: Table = toml::from_str(&fixture("settings.toml")).unwrap();
    let toml::Value::Table(mut table) = all.remove(kind).unwrap() else {
        panic!("{kind} is a table")
    };
    let place = match kind {
        "generic" | "generic_flashcall" | "android_sms_gateway" => "url",
        _ => "base_url",
    };
    for (key, value) in [("name", kind), ("kind", kind), (place, url)] {
        table.insert(key.into(), value.into());
    }
    table.insert("timeout_ms".into(), 400.into());
    table.insert("allow_http".into(), true.into());
    table
}

async fn house() -> (Gateway, Vec<(&'static str, Provider)>) {
    let (mut tables, mut providers) = (Vec::new(), Vec::new());
    for kind in KINDS {
        let provider = Provider::start([]).await;
        tables.push(table(kind, &provider.url));
        providers.push((*kind, provider));
    }
    (start(tables).await, providers)
}

/// What a row of the fixture says that its answer comes to, in the words of `word`.
fn expected(row: &Value) -> String {
    match (row["id"].as_str(), row["class"].as_str()) {
        (Some(id), _) => format!("accepted as {id}"),
        (None, Some(class)) => format!("{class}, again in {:?}", row["retry_after_s"].as_u64()),
        (None, None) => "unknown".to_owned(),
    }
}

fn word(sent: &Sent) -> String {
    match sent {
        Sent::Accepted(taken) => format!("accepted as {}", taken.carrier_message_id),
        Sent::Refused(refusal) => format!("{}, again in {:?}", refusal.class.as_str(), refusal.retry_after_s),
        Sent::Unknown(_) => "unknown".to_owned(),
    }
}

pub fn act(row: &Value) -> Act {
    let body = match &row["body"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let fields: &'static str = match row["retry_after_s"].as_u64() {
        Some(seconds) => format!("retry-after: {seconds}\r\n").leak(),
        None => "",
    };
    Act::Answer(row["status"].as_u64().unwrap().try_into().unwrap(), fields, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_every_kind_has_its_meaning_over_a_socket() {
    let (gateway, providers) = house().await;
    let answers: Value = serde_json::from_str(&fixture("answers.json")).unwrap();
    for (kind, provider) in &providers {
        let rows: Vec<&Value> = answers
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["kind"] == *kind)
            .collect();
        for (asked, row) in rows.iter().enumerate() {
            provider.then(act(row));
            let sent = send_through(&gateway, kind).await;
            assert_eq!(word(&sent), expected(row), "{kind}: {row}");
            assert_eq!(
                provider.got().len(),
                asked + 1,
                "{kind}: it is asked once, whatever it answers"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_every_kind_what_may_have_gone_out_is_unknown() {
    let (gateway, providers) = house().await;
    for act in [Act::Hang, Act::HangUp, Act::Half, Act::Noise] {
        let all = providers.iter().map(async |(kind, provider)| {
            let asked = provider.got().len();
            provider.then(act.clone());
            let sent = send_through(&gateway, kind).await;
            assert_eq!(word(&sent), "unknown", "{kind} {act:?}: {sent:?}");
            assert_eq!(
                provider.got().len(),
                asked + 1,
                "{kind} {act:?}: it is asked once"
            );
        });
        futures_util::future::join_all(all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_every_kind_what_never_left_is_a_refusal() {
    let mut tables = Vec::new();
    for kind in KINDS {
        tables.push(table(kind, &nobody().await));
    }
    let gateway = start(tables).await;
    for kind in KINDS {
        let sent = send_through(&gateway, kind).await;
        assert_eq!(word(&sent), "carrier_down, again in None", "{kind}: {sent:?}");
    }
}

/// The fixture leaves none of these out for any kind.
#[test]
fn every_kind_has_an_answer_of_every_class() {
    let answers: Value = serde_json::from_str(&fixture("answers.json")).unwrap();
    for kind in KINDS {
        let mut seen = BTreeSet::new();
        for row in answers
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["kind"] == *kind)
        {
            let (status, class) = (row["status"].as_u64().unwrap(), row["class"].as_str());
            let is_success = (200..300).contains(&status);
            seen.extend(row["id"].as_str().map(|_| "accepted"));
            seen.extend(class.filter(|class| ["invalid_recipient", "unauthorized"].contains(class)));
            seen.extend(
                (class == Some("rate_limited") && row["retry_after_s"].is_u64())
                    .then_some("rate limited until"),
            );
            seen.extend((status >= 500).then_some("server error"));
            seen.extend(
                (is_success && row["body"].is_object() && row["id"].is_null())
                    .then_some("an error in a success"),
            );
            seen.extend(
                (is_success && row["body"].is_string() && row["unknown"] == true).then_some("nonsense"),
            );
        }
        let seen: Vec<&str> = seen.into_iter().collect();
        let all = [
            "accepted",
            "an error in a success",
            "invalid_recipient",
            "nonsense",
            "rate limited until",
            "server error",
            "unauthorized",
        ];
        assert_eq!(seen, all, "{kind}");
    }
}
