//! Commands for accounts, through the admin listener of a running gateway: make, list, show, disable, enable, delete.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;
use super::table::table;
use crate::core::id::AccountId;

#[derive(Subcommand)]
pub enum Accounts {
    /// List them: id, state, keys, open rentals, subscriptions, name.
    Ls {
        /// The gateway's answer as it is.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Make one.
    Create {
        /// 1 to 64 of A-Z a-z 0-9 _ -
        id: String,
        /// Your own words for it.
        #[arg(long, default_value = "")]
        name: String,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Change its name or its limits.
    Set(Box<Set>),
    /// Show one.
    Show(One),
    /// Refuse its keys from now on, and hold what is to be sent to it; its rentals run on to their end.
    Disable(One),
    /// Let its keys in again; what was held goes out.
    Enable(One),
    /// Delete one that has no rental any more, with its keys and subscriptions.
    Rm(One),
}

#[derive(Args)]
pub struct Set {
    /// The account.
    id: String,
    /// Your own words for it.
    #[arg(long)]
    name: Option<String>,
    /// Requests in a minute: a number, 0 for no limit, or "default" for the configuration's; so below.
    #[arg(long, value_parser = limit, value_name = "N")]
    requests_per_minute_max: Option<Value>,
    /// Rentals at once.
    #[arg(long, value_parser = limit, value_name = "N")]
    rentals_max: Option<Value>,
    /// Held polls and streams at once; 0 is none.
    #[arg(long, value_parser = limit, value_name = "N")]
    waiters_max: Option<Value>,
    /// Webhook subscriptions; 0 is none.
    #[arg(long, value_parser = limit, value_name = "N")]
    subscriptions_max: Option<Value>,
    #[command(flatten)]
    admin: AdminAt,
}

/// A limit as the gateway takes it.
fn limit(text: &str) -> Result<Value, String> {
    match text {
        "default" => Ok(Value::Null),
        _ => text
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| "write a whole number or \"default\"".to_owned()),
    }
}

impl Set {
    async fn send(self) -> Result<(), Failure> {
        let id = AccountId::parse(&self.id).map_err(Failure::usage)?;
        let limits = [
            ("requestsPerMinuteMax", self.requests_per_minute_max),
            ("rentalsMax", self.rentals_max),
            ("waitersMax", self.waiters_max),
            ("subscriptionsMax", self.subscriptions_max),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(name, limit)| Some((name.to_owned(), limit?)));
        let mut wish = json!({ "limits": limits.collect::<serde_json::Map<_, _>>() });
        if let Some(name) = self.name {
            wish["name"] = json!(name);
        }
        let path = format!("/admin/accounts/{}", id.as_str());
        println!("{}", self.admin.gateway()?.patch(&path, &wish).await?.ok()?);
        Ok(())
    }
}

#[derive(Args)]
pub struct One {
    /// The account.
    id: String,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(command: Accounts) -> Result<(), Failure> {
    match command {
        Accounts::Ls { json, admin } => {
            let answer = admin.gateway()?.get("/admin/accounts").await?.ok()?;
            print(&answer, json);
            Ok(())
        }
        Accounts::Create { id, name, admin } => {
            let wish = json!({ "id": id, "name": name });
            let made = admin.gateway()?.post("/admin/accounts", &wish).await?.ok()?;
            println!("{made}");
            Ok(())
        }
        Accounts::Set(set) => set.send().await,
        Accounts::Show(one) => one.send(Method::GET, "").await,
        Accounts::Disable(one) => one.send(Method::POST, "/disable").await,
        Accounts::Enable(one) => one.send(Method::POST, "/enable").await,
        Accounts::Rm(one) => one.send(Method::DELETE, "").await,
    }
}

impl One {
    async fn send(self, method: Method, what: &str) -> Result<(), Failure> {
        let id = AccountId::parse(&self.id).map_err(Failure::usage)?;
        let path = format!("/admin/accounts/{}{what}", id.as_str());
        let is_deletion = method == Method::DELETE;
        let gateway = self.admin.gateway()?;
        let answer = gateway
            .send(method, &path, Vec::new(), bytes::Bytes::new())
            .await?
            .ok()?;
        if is_deletion {
            println!("{} is deleted", id.as_str());
        } else {
            println!("{answer}");
        }
        Ok(())
    }
}

fn print(answer: &Value, json: bool) {
    if json {
        println!("{answer}");
        return;
    }
    let columns = ["id", "state", "keys", "rentals", "subscriptions", "name"];
    match answer["accounts"].as_array() {
        Some(accounts) if !accounts.is_empty() => print!("{}", table(&columns, accounts)),
        _ => println!("there is no account yet: ringback accounts create NAME"),
    }
}
