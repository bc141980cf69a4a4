//! `ringback sources`: the ways in of a running gateway as its operator wants to see them, and whether a request gets through one.

use clap::{Args, Subcommand};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::call::{Gateway, Reply};
use super::operate::AdminAt;
use super::sim::carrier::{self, PrivateKey};
use super::{Failure, sim};
use crate::carrier::simulate::{Draft, signed};
use crate::clock::Clock;
use crate::config::{self, Config, Layers};

#[derive(Subcommand)]
pub enum Sources {
    /// List the sources: the URL to give to each carrier, their keys, what came last.
    Ls {
        /// Show the path tokens of carriers that sign nothing; they are read from the configuration given here.
        #[arg(long)]
        show: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Send a signed request to a source's own URL; the gateway verifies it and keeps nothing of it.
    Test(Test),
}

#[derive(Args)]
pub struct Test {
    /// The source.
    name: String,
    /// Where to send it, instead of the URL that the carrier was given: http://127.0.0.1:8080/inbound/NAME leaves proxies out.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Which of the source's keys signs, counted from 0.
    #[arg(long, default_value_t = 0)]
    key: usize,
    #[command(flatten)]
    private_key: PrivateKey,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(sources: Sources) -> Result<(), Failure> {
    match sources {
        Sources::Ls { show, json, admin } => ls(show, json, admin).await,
        Sources::Test(arguments) => test(arguments).await,
    }
}

async fn ls(show: bool, json: bool, admin: AdminAt) -> Result<(), Failure> {
    let config = config::load(Layers::of_process(admin.file())).map_err(Failure::usage)?;
    let mut answer = admin.gateway()?.get("/admin/sources").await?.ok()?;
    for source in answer["sources"].as_array_mut().into_iter().flatten() {
        if source["pathToken"] == true {
            let url = source["url"].as_str().unwrap_or_default().trim_end_matches('/');
            let tail = match show {
                true => token(&config, source["name"].as_str().unwrap_or_default())?,
                false => "<path token: --show>".to_owned(),
            };
            source["url"] = format!("{url}/{tail}").into();
        }
    }
    if json {
        println!("{answer}");
        return Ok(());
    }
    let sources = answer["sources"].as_array().map_or(&[][..], Vec::as_slice);
    if sources.is_empty() {
        println!("no [[source]] is configured, so no carrier can post here");
    }
    for source in sources {
        print!("{}", shown(source));
    }
    Ok(())
}

/// The first path token of a source.
fn token(config: &Config, name: &str) -> Result<String, Failure> {
    let source = config.source.iter().find(|source| source.name == name);
    let settings = source.map(|source| &source.settings);
    let tokens = settings.and_then(|own| {
        let of_scheme = || own.get("verify")?.get("path_tokens");
        own.get("path_tokens").or_else(of_scheme)
    });
    let token = tokens.and_then(|tokens| tokens.get(0)?.as_str());
    token.map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!(
            "source {name}: give the gateway's configuration with --config to see its path token"
        ))
    })
}

fn shown(source: &Value) -> String {
    let text = |name: &str| source[name].as_str().unwrap_or("never");
    let refused = match source["lastRefusedReason"].as_str() {
        Some(reason) => format!("{} ({reason})", text("lastRefusedAt")),
        None => "never".to_owned(),
    };
    let used = source["keysUsedAt"].as_array().map_or(&[][..], Vec::as_slice);
    let used: Vec<String> = used
        .iter()
        .enumerate()
        .map(|(key, at)| format!("{key}: {}", at.as_str().unwrap_or("not used yet")))
        .collect();
    let allowed: Vec<&str> = source["allowIps"]
        .as_array()
        .map_or_else(Vec::new, |all| all.iter().filter_map(Value::as_str).collect());
    format!(
        "{} ({})\n  url       {}\n  keys      {}{}{}\n  from      {}\n  accepted  {} since the start, last {}\n  refused   {} since the start, last {}\n",
        text("name"),
        text("carrier"),
        text("url"),
        source["keys"],
        if used.is_empty() { "" } else { "; last use of " },
        used.join(", "),
        if allowed.is_empty() {
            "everybody".to_owned()
        } else {
            allowed.join(", ")
        },
        source["accepted"],
        text("lastAcceptedAt"),
        source["refused"],
        refused,
    )
}

async fn test(arguments: Test) -> Result<(), Failure> {
    let Test {
        name,
        url,
        key,
        private_key,
        admin,
    } = arguments;
    let config = config::load(Layers::of_process(admin.file())).map_err(Failure::usage)?;
    let admin = admin.gateway()?;
    let before = running(&admin, &name).await?;
    let public_url = before["url"].as_str().unwrap_or_default().to_owned();
    let target = url.unwrap_or_else(|| public_url.clone());
    let caller = Gateway::new(&target, "none")?;
    let base = public_url.trim_end_matches(&format!("/inbound/{name}"));
    let (source, signed_url) = match carrier::source(&config, base, (&name, key), &private_key) {
        Ok(found) => found,
        Err(unsigned) => return reach(&admin, &caller, (&name, &target), &unsigned.message).await,
    };
    let tests = format!("/admin/sources/{name}/tests");
    let begun = admin.post(&tests, &json!({})).await?.ok()?;
    let id = begun["id"].as_str().unwrap_or_default();
    let request = signed(&source.signer, &draft(id), &signed_url, Clock::System.now());
    let added = sim::added(&source, &request).to_owned();
    let sent = sim::send(&caller, &added, request).await.and_then(Reply::ok);
    let seen = admin.get(&format!("{tests}/{id}")).await?.ok()?;
    if seen["passed"] == true {
        println!(
            "ok: {name} was reached at {target} and verified the request with key {}; nothing is kept of it",
            seen["key"]
        );
        return Ok(());
    }
    let after = running(&admin, &name).await?;
    let reason = match (after["refused"] != before["refused"], sent) {
        (true, _) => format!(
            "refused as {}",
            after["lastRefusedReason"].as_str().unwrap_or_default()
        ),
        (false, Ok(_)) => "something else answered there: is it this gateway's URL?".to_owned(),
        (false, Err(failure)) => failure.message,
    };
    Err(Failure::new(
        5,
        format!("{name} did not verify the request sent to {target}: {reason}"),
    ))
}

fn draft(id: &str) -> Draft {
    Draft {
        id: id.to_owned(),
        from: "+12025550187".into(),
        to: "+12025550143".into(),
        text: "A test by the operator.".into(),
        sent_at: Clock::System.now(),
    }
}

/// The source as the gateway sees it now.
async fn running(admin: &Gateway, name: &str) -> Result<Value, Failure> {
    let listed = admin.get("/admin/sources").await?.ok()?;
    let all = listed["sources"].as_array().map_or(&[][..], Vec::as_slice);
    let source = all.iter().find(|source| source["name"] == *name).cloned();
    source.ok_or_else(|| Failure::new(3, format!("the gateway has no source {name}")))
}

/// Where nobody here can sign: whether a request without a signature comes to this gateway, and is refused there.
async fn reach(
    admin: &Gateway,
    caller: &Gateway,
    (name, target): (&str, &str),
    unsigned: &str,
) -> Result<(), Failure> {
    let before = running(admin, name).await?;
    let json = HeaderValue::from_static("application/json");
    let sent = caller
        .send(Method::POST, "", vec![(CONTENT_TYPE, json)], "{}".into())
        .await;
    let after = running(admin, name).await?;
    if before["refused"] == after["refused"] {
        let reason = match sent {
            Ok(reply) => format!("something else answered {} there", reply.status),
            Err(failure) => failure.message,
        };
        return Err(Failure::new(
            5,
            format!("{name} was not reached at {target}: {reason}"),
        ));
    }
    println!("reached: an unsigned request to {target} came to {name} and was refused, as it must be");
    println!("its signature was not tried: {unsigned} (--private-key)");
    Ok(())
}
