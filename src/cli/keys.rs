//! Commands for API keys, through the admin listener of a running gateway: make, list, replace, revoke.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;
use super::table::table;

#[derive(Subcommand)]
pub enum Keys {
    /// Make a key and show it this once.
    Create(Create),
    /// List keys: id, account, state, when they end and were used last, name. No secrets: those are kept nowhere.
    Ls {
        /// Only those of this account.
        #[arg(long)]
        account: Option<String>,
        /// The gateway's answer as it is.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// End a key: the next request with it is refused, and polls and streams that it holds end.
    Revoke {
        /// The key's id, as `ls` shows it: its first letters.
        id: String,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Make a key in another's place and show it this once; the old one works on for the overlap.
    Rotate {
        /// The old key's id, as `ls` shows it.
        id: String,
        /// How long the old one works on: 30s, 15m, 12h, 7d; at most 31d.
        #[arg(long, value_parser = duration_s, default_value = "24h", value_name = "TIME")]
        overlap: u64,
        #[command(flatten)]
        admin: AdminAt,
    },
}

#[derive(Args)]
pub struct Create {
    /// The account that it belongs to.
    #[arg(long)]
    account: String,
    /// Your own words for it, such as who uses it where.
    #[arg(long, default_value = "")]
    name: String,
    /// What it may do, for example rentals:read,messages:read. By default everything.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Make a `rb_test_` key, for a sandbox (`ringback dev`) alone.
    #[arg(long)]
    test: bool,
    /// When it ends: 30s, 15m, 12h, 90d from now. By default never.
    #[arg(long, value_parser = duration_s, value_name = "TIME")]
    expires_in: Option<u64>,
    /// Let it stand in URLs too, as clients of contract 001 send it.
    #[arg(long)]
    allow_query_key: bool,
    #[command(flatten)]
    admin: AdminAt,
}

/// Seconds of a text such as `90d`.
fn duration_s(text: &str) -> Result<u64, String> {
    let wrong = || "write a whole number and s, m, h or d, for example 90d".to_owned();
    let unit_s = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(unit_s).ok_or_else(wrong)
}

pub async fn run(command: Keys) -> Result<(), Failure> {
    match command {
        Keys::Create(wish) => create(wish).await,
        Keys::Ls { account, json, admin } => list(account, json, admin).await,
        Keys::Revoke { id, admin } => {
            let path = format!("/admin/keys/{}", checked(&id)?);
            let gateway = admin.gateway()?;
            let sent = gateway.send(Method::DELETE, &path, Vec::new(), bytes::Bytes::new());
            sent.await?.ok()?;
            println!("{id} is revoked");
            Ok(())
        }
        Keys::Rotate { id, overlap, admin } => {
            let path = format!("/admin/keys/{}/rotate", checked(&id)?);
            let wish = json!({ "overlapS": overlap });
            let made = admin.gateway()?.post(&path, &wish).await?.ok()?;
            show(&made);
            eprintln!("{id} works on for {overlap} seconds.");
            Ok(())
        }
    }
}

/// An id goes into a path; a whole key is cut to its id, so that it is not sent.
fn checked(id: &str) -> Result<&str, Failure> {
    let id = match id.len() {
        60 if id.starts_with("rb_") && id.is_ascii() => &id[..20],
        _ => id,
    };
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(id)
    } else {
        Err(Failure::usage(
            "a key's id is letters, digits and _: `ringback keys ls` shows it",
        ))
    }
}

async fn create(wish: Create) -> Result<(), Failure> {
    let mut body = json!({
        "account": wish.account,
        "name": wish.name,
        "test": wish.test,
        "allowQueryKey": wish.allow_query_key,
    });
    if !wish.scopes.is_empty() {
        body["scopes"] = json!(wish.scopes);
    }
    if let Some(expires_in_s) = wish.expires_in {
        body["expiresInS"] = json!(expires_in_s);
    }
    let made = wish.admin.gateway()?.post("/admin/keys", &body).await?.ok()?;
    show(&made);
    Ok(())
}

fn show(made: &Value) {
    println!("{}", made["key"].as_str().unwrap_or_default());
    eprintln!("This key is not shown again; the gateway keeps only its hash.");
}

async fn list(account: Option<String>, json: bool, admin: AdminAt) -> Result<(), Failure> {
    let query = account.map(|account| {
        let mut query = form_urlencoded::Serializer::new(String::from("?"));
        query.append_pair("account", &account).finish()
    });
    let path = format!("/admin/keys{}", query.unwrap_or_default());
    let answer = admin.gateway()?.get(&path).await?.ok()?;
    if json {
        println!("{answer}");
        return Ok(());
    }
    let columns = [
        "id",
        "account",
        "state",
        "scopes",
        "expiresAt",
        "lastUsedAt",
        "name",
    ];
    match answer["keys"].as_array() {
        Some(keys) if !keys.is_empty() => print!("{}", table(&columns, keys)),
        _ => println!("there is no key: ringback keys create --account NAME"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration_s("90d"), Ok(7_776_000));
        assert_eq!((duration_s("15m"), duration_s("0s")), (Ok(900), Ok(0)));
        for wrong in ["", "d", "90", "1.5h", "-1d", "9é", "99999999999999999999d"] {
            assert!(duration_s(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_is_no_path_and_a_whole_key_is_cut() {
        let key = crate::core::key::Plain::generate(true, &[7; 44]);
        assert_eq!(checked(key.as_str()).unwrap(), &key.as_str()[..20]);
        assert!(checked("../accounts/acme").is_err() && checked("").is_err());
    }
}
