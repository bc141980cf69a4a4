//! Texts that stand elsewhere (`env:`, `file:`, `cred:`) filled in, and everything secret taken out again for showing.

use toml::{Table, Value};

use super::Error;

/// What a redacted text is shown as.
const STARS: &str = "***";
/// The lists of tables that hold keys, with those of their keys that are not secret.
const OPEN_KEYS: [(&str, &[&str]); 3] = [
    (
        "source",
        &["name", "carrier", "public_url", "allow_ips", "body_bytes_max"],
    ),
    (
        "provider",
        &[
            "name",
            "kind",
            "source",
            "timeout_ms",
            "per_second_max",
            "prices",
            "bills",
            "allow_http",
            "allow_cidrs",
            "from",
        ],
    ),
    (
        "supplier",
        &[
            "name",
            "kind",
            "url",
            "price_max",
            "markup_percent",
            "poll_ms",
            "timeout_ms",
        ],
    ),
];

/// Replaces every `env:NAME`, `file:/path` and `cred:NAME`. One that cannot be read is an error, never left as it stands.
pub fn fill(table: &mut Table) -> Result<(), Error> {
    table
        .iter_mut()
        .try_for_each(|(key, value)| fill_value(key, value))
}

/// One text from where it says, or the text itself.
pub fn read(text: &str) -> Result<String, Error> {
    Ok(look_up("secret", text)?.unwrap_or_else(|| text.to_owned()))
}

fn fill_value(key: &str, value: &mut Value) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            if let Some(found) = look_up(key, text)? {
                *text = found;
            }
            Ok(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(|value| fill_value(key, value)),
        Value::Table(table) => fill(table),
        _ => Ok(()),
    }
}

fn look_up(key: &str, text: &str) -> Result<Option<String>, Error> {
    let refuse = |what: String| Error::Value(format!("`{key}` = {text:?}: {what}"));
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| refuse(format!("{} cannot be read: {e}", path.display())))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    };
    if let Some(name) = text.strip_prefix("env:") {
        let value =
            std::env::var(name).map_err(|_| refuse(format!("the environment has no variable {name}")))?;
        return Ok(Some(value));
    }
    if let Some(path) = text.strip_prefix("file:") {
        return read(path.into());
    }
    if let Some(name) = text.strip_prefix("cred:") {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
        let folder = folder.ok_or_else(|| refuse("systemd gave no credentials (LoadCredential=)".into()))?;
        return read(std::path::Path::new(&folder).join(name));
    }
    Ok(None)
}

/// The table with the master key and every carrier's, provider's and supplier's key starred out.
pub fn redact(mut table: Table) -> Table {
    for (section, key) in [
        ("store", "master_key"),
        ("verify", "pepper"),
        ("verify", "pepper_before"),
        ("verify", "callback_secret"),
    ] {
        if let Some(key) = table.get_mut(section).and_then(|section| section.get_mut(key)) {
            star(key);
        }
    }
    for (list, open) in OPEN_KEYS {
        let tables = table.get_mut(list).and_then(Value::as_array_mut);
        for table in tables.into_iter().flatten().filter_map(Value::as_table_mut) {
            table
                .iter_mut()
                .filter(|(key, _)| !open.contains(&key.as_str()))
                .for_each(|(_, value)| star(value));
        }
    }
    table
}

fn star(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(star),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| star(value)),
        Value::String(text) if text.is_empty() => {}
        _ => *value = Value::String(STARS.into()),
    }
}
