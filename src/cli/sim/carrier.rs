//! `ringback sim carrier`: plays the carrier of a source of this configuration towards a running `serve`, with the source's own keys.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::post;
use crate::app::{self, DevSource};
use crate::carrier::Carrier as Dialect;
use crate::carrier::simulate::{Draft, ReceiptDraft, Signer, signed, signed_receipt};
use crate::cli::Failure;
use crate::cli::call::Gateway;
use crate::cli::serve::ConfigFile;
use crate::clock::{self, Clock};
use crate::config::{self, Config, Layers};
use crate::core::id::MessageId;

#[derive(Args)]
pub struct Carrier {
    /// The source, by its name; or by its carrier, where there is one of it.
    name: String,
    #[command(flatten)]
    config: ConfigFile,
    /// The gateway; by default where `server.listen` says.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The number it is sent to.
    #[arg(long, default_value = "+12025550143")]
    to: String,
    /// Who it is from: a number, a short code or a name.
    #[arg(long, default_value = "+12025550187")]
    from: String,
    #[arg(long, default_value = "Your code is 482913.")]
    text: String,
    /// The carrier's id of the message; the same id again is a repetition.
    #[arg(long)]
    id: Option<String>,
    /// Bring a receipt of the message with this id instead of a message.
    #[arg(long, value_name = "OUTCOME")]
    receipt: Option<Outcome>,
    /// Which of the source's keys signs, counted from 0.
    #[arg(long, default_value_t = 0)]
    key: usize,
    #[command(flatten)]
    private_key: PrivateKey,
}

#[derive(Args)]
pub struct PrivateKey {
    /// Where the source holds a public key alone: the base64 of an ed25519 seed, or for SNS an RSA key as PKCS #8 in PEM.
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
}

impl PrivateKey {
    fn read(&self) -> Result<Option<String>, Failure> {
        let Some(file) = &self.private_key else {
            return Ok(None);
        };
        let text =
            std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
        // Of a key in PEM only what stands between its two lines; a bare one is one line.
        let lines = text.lines().filter(|line| !line.starts_with('-'));
        Ok(Some(lines.map(str::trim).collect()))
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Outcome {
    Delivered,
    Failed,
}

pub async fn run(arguments: Carrier) -> Result<(), Failure> {
    let config = config::load(Layers::of_process(arguments.config.config.clone())).map_err(Failure::usage)?;
    let base = arguments
        .gateway
        .clone()
        .unwrap_or_else(|| format!("http://{}", config.server.listen));
    let (source, url) = source(
        &config,
        &base,
        (&arguments.name, arguments.key),
        &arguments.private_key,
    )?;
    let id = arguments
        .id
        .unwrap_or_else(|| MessageId(clock::random()).to_string());
    let now = Clock::System.now();
    let request = match arguments.receipt {
        None => {
            let draft = Draft {
                id: id.clone(),
                from: arguments.from,
                to: arguments.to,
                text: arguments.text,
                sent_at: now,
            };
            signed(&source.signer, &draft, &url, now)
        }
        Some(outcome) => {
            let draft = ReceiptDraft {
                id: id.clone(),
                from: arguments.from,
                to: arguments.to,
                delivered: matches!(outcome, Outcome::Delivered),
                at: now,
            };
            signed_receipt(&source.signer, &draft, &url, now)
                .ok_or_else(|| Failure::usage(format!("{} has no receipts", source.signer.carrier())))?
        }
    };
    post(&Gateway::new(&base, "none")?, &source, request).await?;
    let what = if arguments.receipt.is_some() {
        "receipt of"
    } else {
        "message"
    };
    println!("accepted: {what} {id} as {}", source.name);
    Ok(())
}

/// The source with the keys to sign as its carrier, and the URL that this carrier was given: with the path token that the source asks for
/// besides. Where the token is all there is, the signer has it.
pub fn source(
    config: &Config,
    base: &str,
    (name, key): (&str, usize),
    private_key: &PrivateKey,
) -> Result<(DevSource, String), Failure> {
    let named = config.source.iter().find(|source| source.name == name);
    let mut of_carrier = config.source.iter().filter(|source| source.carrier == name);
    let source = match (named, of_carrier.next(), of_carrier.next()) {
        (Some(source), ..) | (None, Some(source), None) => source,
        (None, Some(_), Some(_)) => {
            return Err(Failure::usage(format!(
                "{name} has several sources: name one of them"
            )));
        }
        (None, None, _) => {
            let names: Vec<&str> = config.source.iter().map(|source| source.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "no source {name} in this configuration; there are: {}",
                names.join(", ")
            )));
        }
    };
    // So that what is wrong with the settings is said as `check-config` says it.
    Dialect::from_settings(&source.carrier, source.settings.clone()).map_err(Failure::usage)?;
    let path_token = source
        .settings
        .get("path_tokens")
        .and_then(|tokens| tokens.get(0)?.as_str());
    let private_key = private_key.read()?;
    let signer = Signer::from_settings(&source.carrier, &source.settings, key, private_key.as_deref());
    let source = DevSource {
        name: source.name.clone(),
        public_url: app::public_url(config, source, base.trim_start_matches("http://")),
        signer: signer.map_err(Failure::usage)?,
    };
    let url = match path_token.filter(|_| !source.signer.settings().contains_key("path_tokens")) {
        Some(token) => format!("{}/{token}", source.public_url.trim_end_matches('/')),
        None => source.public_url.clone(),
    };
    Ok((source, url))
}
