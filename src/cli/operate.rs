//! Commands for the operator of a running gateway, through its admin listener: how it is reached, and numbers.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Gateway;
use super::serve::ConfigFile;
use crate::config::{self, Layers};

/// Numbers sent in one request.
const CHUNK: usize = 1000;

#[derive(Subcommand)]
pub enum Numbers {
    /// Add the numbers of a CSV file (header: number,country,price) or a JSON file (a list of such objects).
    Import {
        file: PathBuf,
        #[command(flatten)]
        admin: AdminAt,
    },
}

/// Where the running gateway's admin listener is.
#[derive(Args)]
pub struct AdminAt {
    #[command(flatten)]
    config: ConfigFile,
    /// The admin listener, instead of `admin.listen`.
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// The data folder that holds admin.token, instead of `store.folder`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl AdminAt {
    /// The configuration file that was named.
    pub fn file(&self) -> Option<PathBuf> {
        self.config.config.clone()
    }

    pub fn gateway(self) -> Result<Gateway, Failure> {
        let config = config::load(Layers::of_process(self.config.config)).map_err(Failure::usage)?;
        let url = self
            .admin_url
            .unwrap_or_else(|| format!("http://{}", config.admin.listen));
        let folder = self.data.unwrap_or(config.store.folder);
        let path = folder.join("admin.token");
        let token = std::fs::read_to_string(&path).map_err(|e| {
            Failure::unavailable(format!(
                "{}: {e}. Is the gateway running, and is this its data folder?",
                path.display()
            ))
        })?;
        Gateway::new(&url, token.trim())
    }
}

pub async fn numbers(numbers: Numbers) -> Result<(), Failure> {
    let Numbers::Import { file, admin } = numbers;
    let list = read(&file)?;
    let gateway = admin.gateway()?;
    let mut added = 0;
    for (at, chunk) in list.chunks(CHUNK).enumerate() {
        let reply = gateway.post("/admin/numbers", &json!(chunk)).await?.ok()?;
        added += reply["added"].as_u64().unwrap_or(0);
        progress((at * CHUNK + chunk.len()).min(list.len()), list.len());
    }
    println!(
        "{added} numbers added, {} were there already",
        list.len() as u64 - added
    );
    Ok(())
}

fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let filled = done * 40 / all.max(1);
        eprint!(
            "\r[{}{}] {done}/{all}{}",
            "#".repeat(filled),
            " ".repeat(40 - filled),
            if done == all { "\n" } else { "" }
        );
        // A bar that is not drawn is no reason to stop.
        let _ = std::io::stderr().flush();
    }
}

/// The file's numbers; every wrong line is told before any is sent.
fn read(file: &Path) -> Result<Vec<Value>, Failure> {
    let refuse = |e: String| Failure::usage(format!("{}: {e}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| refuse(e.to_string()))?;
    let rows = if file.extension().is_some_and(|e| e == "json") {
        serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?
    } else {
        csv(&text).map_err(refuse)?
    };
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| check(row).err().map(|e| format!("entry {}: {e}", at + 1)))
        .collect();
    if wrong.is_empty() {
        Ok(rows)
    } else {
        Err(refuse(format!("nothing was imported\n{}", wrong.join("\n"))))
    }
}

fn check(row: &Value) -> Result<(), String> {
    let new: crate::app::NewNumber = serde_json::from_value(row.clone()).map_err(|e| e.to_string())?;
    new.check().map(drop)
}

/// Plain CSV: no quotes are needed for numbers, countries and prices, so none are read.
fn csv(text: &str) -> Result<Vec<Value>, String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let names: Vec<&str> = lines
        .next()
        .ok_or("the file is empty")?
        .split(',')
        .map(str::trim)
        .collect();
    if !names.contains(&"number") || !names.contains(&"country") {
        return Err("the first line names the columns: number,country,price".into());
    }
    let row = |line: &str| {
        let fields = names
            .iter()
            .zip(line.split(',').map(str::trim))
            .filter(|(_, field)| !field.is_empty());
        Value::Object(
            fields
                .map(|(name, field)| ((*name).to_owned(), json!(field)))
                .collect(),
        )
    };
    Ok(lines.map(row).collect())
}
