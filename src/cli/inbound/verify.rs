//! `ringback inbound verify`: why is my webhook refused? One captured request, or a list of them, judged offline.
//! Exit code of one request: 0 accepted, 1 refused. Of a list, which is a test run: 0 if every verdict is the expected one.

use std::io::Read;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use toml::Table;

use super::super::Failure;
use super::super::serve::ConfigFile;
use crate::app;
use crate::carrier::Carrier;
use crate::carrier::captured::{Captured, Judged, Verdict};
use crate::clock::Clock;
use crate::config::{self, Layers};
use crate::core::time::UnixMs;

/// The name of the source that `--carrier` makes.
const BY_FLAGS: &str = "by-flags";

#[derive(Args)]
pub struct Arguments {
    /// The request as JSON: method, url, headers, body or body_base64, key, now; or a list of such. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    request: String,
    /// Judge it as this source of the configuration would, at the URL that the configuration says.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    /// Judge it as a source of this carrier would, with the keys of --key.
    #[arg(long, conflicts_with = "source")]
    carrier: Option<String>,
    /// A setting of that source as in config.toml, a list item by item: auth_tokens=file:/run/secrets/twilio, account_sid=AC0..
    #[arg(long, value_name = "NAME=VALUE", requires = "carrier")]
    key: Vec<String>,
    /// The time to judge at, instead of the file's `now` or, where it has none, this moment.
    #[arg(long, value_name = "UNIX")]
    at: Option<u64>,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let document = read(&arguments.request)?;
    let wrong =
        |at: usize, error: String| Failure::usage(format!("{}: request {at}: {error}", arguments.request));
    let by_flags = chosen(&arguments)?;
    let judge = |(at, value): (usize, &Value)| {
        let captured = Captured::deserialize(value).map_err(|e| wrong(at + 1, e.to_string()))?;
        let of_file = match by_flags {
            Some(_) => None,
            None => captured.source().map_err(|e| wrong(at + 1, e.to_string()))?,
        };
        let (carrier, url) = match (&by_flags, &of_file) {
            (Some(chosen), _) => (&chosen.carrier, chosen.url(&captured.url)),
            (None, Some(carrier)) => (carrier, captured.url.clone()),
            (None, None) => {
                let error = "say whose request it is: --source NAME, --carrier C --key K=V, or `carrier` and `key` in the file";
                return Err(wrong(at + 1, error.to_owned()));
            }
        };
        let now = arguments.at.map(UnixMs::from_secs).or(captured.now);
        let judged = captured.judge(carrier, &url, now.unwrap_or_else(|| Clock::System.now()));
        Ok((captured.expect, judged))
    };
    if let Value::Array(list) = &document {
        let judged = list
            .iter()
            .enumerate()
            .map(judge)
            .collect::<Result<Vec<_>, _>>()?;
        return report(&judged);
    }
    let (_, judged) = judge((0, &document))?;
    println!("{}", line(&judged)?);
    match judged.verdict {
        Verdict::Accept => Ok(()),
        Verdict::Reject => Err(Failure::failed("the request is refused")),
    }
}

/// A JSON list, one verdict a line.
fn report(judged: &[(Option<Verdict>, Judged)]) -> Result<(), Failure> {
    let lines = judged.iter().map(|(_, judged)| line(judged));
    println!("[\n{}\n]", lines.collect::<Result<Vec<_>, _>>()?.join(",\n"));
    let other = |(expected, judged): &&(Option<Verdict>, Judged)| {
        judged.verdict != expected.unwrap_or(Verdict::Accept)
    };
    let names: Vec<&str> = judged
        .iter()
        .filter(other)
        .map(|(_, judged)| judged.name.as_deref().unwrap_or("a request without a name"))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} of {} verdicts are not the expected ones: {}",
        names.len(),
        judged.len(),
        names.join(", ")
    )))
}

fn line(judged: &Judged) -> Result<String, Failure> {
    serde_json::to_string(judged).map_err(Failure::failed)
}

fn read(file: &str) -> Result<Value, Failure> {
    let refuse = |error: String| Failure::usage(format!("{file}: {error}"));
    let text = if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    serde_json::from_str(&text.map_err(|e| refuse(e.to_string()))?).map_err(|e| refuse(e.to_string()))
}

/// The source that the flags name.
struct Chosen {
    carrier: Carrier,
    /// The source's name and its `public_url`; without them a request's own URL counts.
    at: Option<(String, String)>,
}

impl Chosen {
    /// The URL as the gateway rebuilds it from what was called: its own, then a path token, then the query.
    fn url(&self, called: &str) -> String {
        let Some((name, public_url)) = &self.at else {
            return called.to_owned();
        };
        let (path, query) = match called.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (called, String::new()),
        };
        let behind = |start: &str| path.split_once(start).map(|(_, token)| token);
        let token = behind(&format!("{public_url}/")).or_else(|| behind(&format!("/inbound/{name}/")));
        let token = token.map(|token| format!("/{token}")).unwrap_or_default();
        format!(
            "{}{token}{query}",
            if token.is_empty() {
                public_url
            } else {
                public_url.trim_end_matches('/')
            }
        )
    }
}

fn chosen(arguments: &Arguments) -> Result<Option<Chosen>, Failure> {
    let mut layers = Layers::of_process(arguments.config.config.clone());
    let name = match (&arguments.source, &arguments.carrier) {
        (Some(name), _) => name.clone(),
        (None, Some(carrier)) => {
            let source = settings(carrier, &arguments.key)?;
            layers.flags.insert("source".to_owned(), vec![source].into());
            BY_FLAGS.to_owned()
        }
        (None, None) => return Ok(None),
    };
    let config = config::load(layers).map_err(Failure::usage)?;
    let mut sources = app::sources(&config, &config.server.listen).map_err(Failure::usage)?;
    let known = || {
        config
            .source
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let source = sources.remove(&name).ok_or_else(|| {
        Failure::new(
            3,
            format!("no [[source]] is named {name}; there are: {}", known()),
        )
    })?;
    Ok(Some(Chosen {
        carrier: source.carrier,
        at: arguments.source.is_some().then_some((name, source.public_url)),
    }))
}

/// `--key NAME=VALUE` as the table of a source. A name in the plural takes a list, to which each further `--key` of that name adds;
/// what begins as a value of TOML is one.
fn settings(carrier: &str, keys: &[String]) -> Result<toml::Value, Failure> {
    let mut table = Table::from_iter([
        ("name".to_owned(), BY_FLAGS.into()),
        ("carrier".to_owned(), carrier.into()),
    ]);
    for key in keys {
        let (name, text) = key
            .split_once('=')
            .ok_or_else(|| Failure::usage("--key is NAME=VALUE"))?;
        let number = name.ends_with("_s");
        let value = if number || text.starts_with(['[', '{', '"']) {
            let parsed: Result<Table, _> = format!("value = {text}").parse();
            let value = parsed.ok().and_then(|mut table| table.remove("value"));
            value.ok_or_else(|| Failure::usage(format!("--key {name}: the value is none of TOML")))?
        } else if name.ends_with('s') {
            toml::Value::Array(vec![text.into()])
        } else {
            text.into()
        };
        match (table.get_mut(name), value) {
            (Some(toml::Value::Array(list)), toml::Value::Array(more)) => list.extend(more),
            (_, value) => drop(table.insert(name.to_owned(), value)),
        }
    }
    Ok(table.into())
}
