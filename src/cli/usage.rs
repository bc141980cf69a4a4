//! What accounts used, for a billing system: CloudEvents from the admin listener of a running gateway, page by page.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;

use super::Failure;
use super::call::Gateway;
use super::listen::CursorFile;
use super::operate::AdminAt;
use super::when::when;
use crate::core::id::AccountId;
use crate::core::time::UnixMs;

#[derive(Subcommand)]
pub enum Usage {
    /// Write one event for each completed verification to the standard output.
    Export(Box<Export>),
}

#[derive(Args)]
pub struct Export {
    /// From when on: a time like 2026-11-01T00:00:00Z, or how long ago, like 24h; 30 days ago where absent.
    #[arg(long, value_parser = when)]
    since: Option<UnixMs>,
    /// Before when; to the end where absent.
    #[arg(long, value_parser = when)]
    until: Option<UnixMs>,
    /// Of this account alone.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// One event on each line, or a list of all of them.
    #[arg(long, value_enum, default_value = "cloudevents")]
    format: Format,
    /// Goes on where the last export with this file ended, and notes there where this one ends; `--since` counts the first time.
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminAt,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Cloudevents,
    CloudeventsBatch,
}

pub async fn run(command: Usage) -> Result<(), Failure> {
    match command {
        Usage::Export(export) => export.run().await,
    }
}

impl Export {
    async fn run(self) -> Result<(), Failure> {
        let cursor = CursorFile::new(self.cursor_file.clone());
        let begun = cursor.read()?;
        let query = self.query()?;
        let mut path = match begun {
            Some(cursor) => format!("/admin/usage/export?{}&cursor={cursor}", query.1),
            None => format!("/admin/usage/export?{}&{}", query.1, query.0),
        };
        let is_list = matches!(self.format, Format::CloudeventsBatch);
        let (gateway, mut out) = (self.admin.gateway()?, std::io::stdout());
        let mut written = 0;
        if is_list {
            write(&mut out, b"[")?;
        }
        loop {
            let page = page(&gateway, &path).await?;
            for line in page.events.lines() {
                let before: &[u8] = if is_list && written > 0 { b",\n" } else { b"" };
                let after: &[u8] = if is_list { b"" } else { b"\n" };
                write(&mut out, &[before, line.as_bytes(), after].concat())?;
                written += 1;
            }
            if !page.more {
                write(&mut out, if is_list { b"]\n" } else { b"" })?;
                out.flush().map_err(Failure::unwritten)?;
                // Only now: what was not written out is exported again.
                return cursor.write(&page.next);
            }
            path = format!("/admin/usage/export?{}&cursor={}", query.1, page.next);
        }
    }

    /// The time, and what stays for every page.
    fn query(&self) -> Result<(String, String), Failure> {
        let account = self.account.as_deref().map(AccountId::parse).transpose();
        let account = account.map_err(Failure::usage)?;
        let times = [("since", self.since), ("until", self.until)];
        let times = times
            .into_iter()
            .filter_map(|(name, at)| Some(format!("{name}={}", at?)));
        let times: Vec<String> = times.collect();
        let account = account.map_or_else(String::new, |account| format!("&account={}", account.as_str()));
        Ok((times.join("&"), format!("limit=1000{account}")))
    }
}

struct Page {
    events: String,
    next: String,
    more: bool,
}

async fn page(gateway: &Gateway, path: &str) -> Result<Page, Failure> {
    let reply = gateway
        .send(Method::GET, path, Vec::new(), bytes::Bytes::new())
        .await?;
    let events = String::from_utf8_lossy(&reply.bytes).into_owned();
    let field = |name: &str| {
        let found = reply
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let (next, more) = (field("ringback-next-cursor"), field("ringback-more"));
    reply.ok()?;
    let missing = || Failure::failed("the gateway did not say where to read on; are both of one version?");
    Ok(Page {
        events,
        next: next.ok_or_else(missing)?,
        more: more.as_deref() == Some("true"),
    })
}

fn write(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    out.write_all(bytes).map_err(Failure::unwritten)
}
