//! Reads the settings of a source: unknown keys and wrong shapes are refused with what would be right; values never show in an error.

use serde::de::DeserializeOwned;

use super::NAMES;
use super::check::Window;
use super::keys::Rotation;

/// The settings that are lists of keys, path tokens apart. A source has one of them; `standard_webhooks` may have two.
pub const KEY_LISTS: &[&str] = &[
    "app_secrets",
    "application_secrets",
    "auth_tokens",
    "passwords",
    "public_keys",
    "secrets",
    "shared_keys",
    "signature_secrets",
    "signing_keys",
];

/// What is wrong with the settings of a source. The caller names the source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("unknown carrier {0:?}: write one of {known}", known = NAMES.join(", "))]
    UnknownCarrier(String),
    /// Serde's word: an unknown, missing or doubled key, or a value of the wrong shape.
    #[error("{0}")]
    Shape(String),
    #[error("`{key}` is wrong: write {expected}")]
    Value {
        key: &'static str,
        expected: &'static str,
    },
    #[error("`{key}` takes one key, or two while rotating")]
    KeyCount { key: &'static str },
}

/// Reads a dialect's `Settings`.
pub fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, SettingsError> {
    T::deserialize(toml::Value::Table(table))
        .map_err(|error| SettingsError::Shape(without_value(error.message())))
}

/// Serde quotes the offending value in `invalid type: string "..", expected ..`, and here it may be a secret.
fn without_value(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((start, expected)) if start.starts_with("invalid") => {
            format!("a value has the wrong shape, expected {expected}")
        }
        _ if message.starts_with("invalid") => "a value has the wrong shape".to_owned(),
        _ => message.trim_end().to_owned(),
    }
}

/// One or two keys, each read by `parse`.
pub fn rotation<K>(
    key: &'static str,
    texts: &[String],
    expected: &'static str,
    parse: impl Fn(&str) -> Option<K>,
) -> Result<Rotation<K>, SettingsError> {
    let keys = texts.iter().map(|text| parse(text)).collect::<Option<Vec<K>>>();
    Rotation::new(keys.ok_or(SettingsError::Value { key, expected })?).ok_or(SettingsError::KeyCount { key })
}

/// `text`, unless it is empty.
pub fn filled(key: &'static str, text: String) -> Result<String, SettingsError> {
    if text.is_empty() {
        Err(SettingsError::Value {
            key,
            expected: "a text that is not empty",
        })
    } else {
        Ok(text)
    }
}

/// The `window_s` of a source, 300 if it is absent.
pub fn window(seconds: Option<u64>) -> Result<Window, SettingsError> {
    Window::new(seconds.unwrap_or(Window::DEFAULT_S)).ok_or(SettingsError::Value {
        key: "window_s",
        expected: "1 to 900 seconds",
    })
}
