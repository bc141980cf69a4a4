//! `ringback audit`: the log of codes that were sent and checked, checked line by line and written out.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;

use super::Failure;
use super::call::Gateway;
use super::operate::AdminAt;
use crate::core::audit::{Check, Head};

/// Lines that are asked for at a time.
const PAGE: usize = 1000;

#[derive(Subcommand)]
pub enum Audit {
    /// Check that no line was changed, taken out, put in or cut off; exit code 1 if one was.
    Verify {
        /// A file that `export` wrote, instead of the running gateway's log; where its end was cut off cannot be seen then.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Write all lines, oldest first, one JSON object each.
    Export {
        #[command(flatten)]
        admin: AdminAt,
    },
}

pub async fn run(audit: Audit) -> Result<(), Failure> {
    match audit {
        Audit::Export { admin } => {
            each_line(&admin.gateway()?, |line| {
                println!("{line}");
                Ok(())
            })
            .await?;
            Ok(())
        }
        Audit::Verify { file: Some(file), .. } => {
            let unreadable = |e: std::io::Error| Failure::usage(format!("{}: {e}", file.display()));
            let lines = BufReader::new(std::fs::File::open(&file).map_err(unreadable)?).lines();
            let mut check = Check::default();
            for line in lines {
                check.line(&line.map_err(unreadable)?).map_err(Failure::failed)?;
            }
            told(&check, None)
        }
        Audit::Verify { file: None, admin } => {
            let mut check = Check::default();
            let head = each_line(&admin.gateway()?, |line| {
                check.line(line).map_err(Failure::failed)
            })
            .await?;
            told(&check, head)
        }
    }
}

fn told(check: &Check, head: Option<Head>) -> Result<(), Failure> {
    let lines = check.end(head).map_err(Failure::failed)?;
    println!("{lines} lines, and each holds the one before it");
    Ok(())
}

/// Reads the whole log, page by page; where its chain ends, as the store knows.
async fn each_line(
    gateway: &Gateway,
    mut act: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Option<Head>, Failure> {
    let mut after = 0;
    loop {
        let path = format!("/admin/audit?after={after}&limit={PAGE}");
        let page = gateway.get(&path).await?.ok()?;
        let lines = page["lines"].as_array().map_or(&[][..], Vec::as_slice);
        for line in lines.iter().filter_map(Value::as_str) {
            act(line)?;
        }
        if lines.len() < PAGE {
            let hash = page["hash"].as_str().unwrap_or_default();
            return Ok(Head::parse(page["count"].as_u64().unwrap_or_default(), hash));
        }
        after = page["next"].as_u64().unwrap_or(u64::MAX);
    }
}
