//! `ringback sign` and `ringback verify-signature`: Standard Webhooks on files or standard input, without a gateway and without a network.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::clock::Clock;
use crate::config;
use crate::core::id::EventId;
use crate::core::signature::{self, Received, SigningKey, VerifyingKey};

/// Bytes of a body that are read.
const BODY_BYTES_MAX: u64 = 64 << 20;

#[derive(Args)]
pub struct Sign {
    /// A whsec_ or whsk_ key, or env:NAME or file:PATH to read it from; several sign one after another, as while a key is rotated.
    #[arg(long = "secret", value_name = "KEY", required = true)]
    secrets: Vec<String>,
    /// The webhook's id; a new one by default.
    #[arg(long)]
    id: Option<String>,
    /// The time of the attempt in unix seconds; now by default.
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<i64>,
    /// The body; standard input where absent or -.
    body: Option<PathBuf>,
}

#[derive(Args)]
pub struct Verify {
    /// A whsec_ or whpk_ key, or env:NAME or file:PATH to read it from; any of several may match.
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// A file with the received header lines; only the three of Standard Webhooks are looked at.
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// The header webhook-id.
    #[arg(long)]
    id: Option<String>,
    /// The header webhook-timestamp.
    #[arg(long)]
    timestamp: Option<String>,
    /// The header webhook-signature.
    #[arg(long)]
    signature: Option<String>,
    /// Judge the timestamp as of this time in unix seconds; now by default.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    /// The raw body, byte for byte as it was received; standard input where absent or -.
    body: Option<PathBuf>,
}

fn now_s() -> i64 {
    i64::try_from(Clock::System.now().secs()).unwrap_or(i64::MAX)
}

/// Prints the three header lines.
pub fn sign(arguments: Sign) -> Result<(), Failure> {
    let keys = keys::<SigningKey>(&arguments.secrets)?;
    let id = arguments
        .id
        .unwrap_or_else(|| EventId(Clock::System.random()).to_string());
    if id.is_empty() || id.contains('.') || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::usage(
            "--id is visible ASCII without a dot: the dot parts the signed text",
        ));
    }
    let timestamp_s = arguments.timestamp.unwrap_or_else(now_s);
    if timestamp_s < 0 {
        return Err(Failure::usage("--timestamp is a time after 1970"));
    }
    let body = body(arguments.body.as_deref())?;
    println!("webhook-id: {id}");
    println!("webhook-timestamp: {timestamp_s}");
    println!(
        "webhook-signature: {}",
        signature::sign(&keys, &id, timestamp_s, &body)
    );
    Ok(())
}

/// Prints `ok`, or fails with the reason and exit code 5.
pub fn verify(arguments: Verify) -> Result<(), Failure> {
    let keys = keys::<VerifyingKey>(&arguments.keys)?;
    let head = match &arguments.headers {
        Some(path) => std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?,
        None => String::new(),
    };
    let field =
        |given: Option<String>, name: &str| given.or_else(|| field_of(&head, name)).unwrap_or_default();
    let id = field(arguments.id, "webhook-id");
    let timestamp = field(arguments.timestamp, "webhook-timestamp");
    let signature = field(arguments.signature, "webhook-signature");
    let body = body(arguments.body.as_deref())?;
    let received = Received {
        id: &id,
        timestamp: &timestamp,
        signature: &signature,
        body: &body,
    };
    let judged = signature::verify(&keys, &received, arguments.at.unwrap_or_else(now_s));
    judged.map_err(|error| Failure::new(5, format!("not believed: {error}")))?;
    println!("ok: {id} is signed by this key, and its body is untouched");
    Ok(())
}

fn keys<K: std::str::FromStr<Err = signature::Error>>(texts: &[String]) -> Result<Vec<K>, Failure> {
    let read = |text: &String| {
        config::secret(text)
            .map_err(Failure::usage)?
            .trim()
            .parse()
            .map_err(Failure::usage)
    };
    texts.iter().map(read).collect()
}

/// The value of a header line; its name in any case, as HTTP/1 has it.
fn field_of(head: &str, name: &str) -> Option<String> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim().to_owned())
}

fn body(path: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (read, path) = match path.filter(|path| *path != Path::new("-")) {
        Some(path) => (
            std::fs::File::open(path).and_then(|file| file.take(BODY_BYTES_MAX).read_to_end(&mut bytes)),
            path,
        ),
        None => (
            std::io::stdin().take(BODY_BYTES_MAX).read_to_end(&mut bytes),
            Path::new("standard input"),
        ),
    };
    read.map_err(|e| unreadable(path, &e))?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}
