//! `ringback verify preview` and `texts`: what codes say, how many SMS that is, and what it costs, before any is sent.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::Failure;
use crate::cli::call::GatewayAt;
use crate::cli::table::table;
use crate::core::segments;
use crate::core::sending::Channel;
use crate::core::verification::autofill::Autofill;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::Words;
use crate::core::verification::text;

/// What codes say, where it is not said by a profile.
#[derive(Args)]
pub struct Wording {
    /// Digits of the code.
    #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u8).range(4..=10))]
    code_length: u8,
    /// A text instead of the language's own, with {{code}} in it.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[arg(long, value_name = "NAME")]
    app_name: Option<String>,
    /// The Android app whose SMS Retriever reads it.
    #[arg(long, value_name = "HASH")]
    app_hash: Option<String>,
    /// The site that the code is for.
    #[arg(long, value_name = "HOST")]
    web_domain: Option<String>,
}

#[derive(Args)]
pub struct Preview {
    /// A number such as +12025550143.
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// sms, voice or whatsapp.
    #[arg(long, default_value = "sms")]
    channel: String,
    /// The language, such as en or pt-BR.
    #[arg(long, value_name = "TAG", default_value = "en")]
    locale: String,
    /// As this profile of contract 003 says, instead of the settings here.
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// In the words of this template of contract 003.
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    #[command(flatten)]
    wording: Wording,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: GatewayAt,
}

#[derive(Args)]
pub struct Texts {
    #[command(flatten)]
    wording: Wording,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Asks a gateway, which sends nothing.
pub async fn preview(wish: Preview) -> Result<(), Failure> {
    let wording = wish.wording;
    let mut body = Map::new();
    for (name, value) in [
        ("to", Some(json!(wish.to))),
        ("channel", Some(json!(wish.channel))),
        ("locale", Some(json!(wish.locale))),
        ("code_length", Some(json!(wording.code_length))),
        ("custom_message", wording.text.map(Value::from)),
        ("app_name", wording.app_name.map(Value::from)),
        ("app_hash", wording.app_hash.map(Value::from)),
        ("web_domain", wording.web_domain.map(Value::from)),
        ("verify_profile_id", wish.profile.map(Value::from)),
        ("template_id", wish.template.map(Value::from)),
    ] {
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
    let gateway = wish.at.gateway()?;
    let answer = gateway
        .post("/api/verify/preview", &Value::Object(body))
        .await?
        .ok()?;
    if wish.json {
        println!("{answer}");
        return Ok(());
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    println!("{}\n", text(&answer["text"]));
    for (label, name) in [
        ("encoding", "encoding"),
        ("units", "units"),
        ("sms", "segments"),
        ("caps", "reckoned"),
    ] {
        if !answer[name].is_null() {
            println!("  {label:<9} {}", text(&answer[name]));
        }
    }
    let warnings = answer["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    for warning in warnings {
        println!("  {:<9} {}", "warning", text(warning));
    }
    let providers = answer["providers"].as_array().map_or(&[][..], Vec::as_slice);
    println!();
    print!("{}", table(&["provider", "cost"], providers));
    Ok(())
}

/// Every language's own text, offline.
pub fn texts(wish: &Texts) -> Result<(), Failure> {
    let zeros = Code::drawn(wish.wording.code_length, || 0);
    let row = |language: &str| {
        let words = Words {
            language: language.to_owned(),
            text: wish.wording.text.clone(),
            app_name: wish.wording.app_name.clone(),
            autofill: Autofill {
                app_hash: wish.wording.app_hash.clone(),
                web_domain: wish.wording.web_domain.clone(),
            },
        };
        let text = words.told(Channel::Sms, &zeros, TTL_MS);
        let encoded = segments::encode(&text);
        json!({ "language": language, "encoding": encoded.encoding.as_str(), "units": encoded.units, "sms": encoded.segments(),
            "text": text.replace('\n', " / ") })
    };
    let rows: Vec<Value> = text::languages().map(row).collect();
    if wish.json {
        println!("{}", json!({ "texts": rows }));
    } else {
        print!(
            "{}",
            table(&["language", "encoding", "units", "sms", "text"], &rows)
        );
    }
    Ok(())
}

/// What `{{minutes}}` of a text shows here: as by default.
const TTL_MS: u64 = 600_000;
