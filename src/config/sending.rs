//! `[sending]` and `[[provider]]`: who carries messages out, and when one of them is left alone.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Table;

use super::Error;

/// How long one message may take at a provider, in milliseconds, where it says so itself.
const TIMEOUT_MS: (u64, u64) = (100, 60_000);
const PER_SECOND_MAX: (u32, u32) = (1, 10_000);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    pub timeout_ms: u64,
    pub faults_max: u32,
    pub rest_s: u64,
    pub rest_max_s: u64,
}

/// Somebody who carries messages out. The keys that are the kind's own are read by `carrier` or `dispatch`. `Debug` hides them.
#[derive(Clone, Deserialize)]
pub struct Provider {
    pub name: String,
    pub kind: String,
    pub source: Option<String>,
    pub timeout_ms: Option<u64>,
    pub per_second_max: Option<u32>,
    #[serde(default)]
    pub prices: BTreeMap<String, String>,
    #[serde(default)]
    pub bills: Bills,
    #[serde(default)]
    pub allow_http: bool,
    #[serde(default)]
    pub allow_cidrs: Vec<String>,
    #[serde(flatten)]
    pub settings: Table,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What a provider charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bills {
    /// All that it took.
    #[default]
    Sent,
    /// Not for what by its report did not arrive.
    Delivered,
}

/// Checks names and ranges.
pub fn check(providers: &[Provider]) -> Result<(), Error> {
    for (at, provider) in providers.iter().enumerate() {
        let name = &provider.name;
        let refuse = |what: String| Err(Error::Value(format!("provider {name:?}: {what}")));
        if !super::keys::is_name(name) {
            return refuse("a name is 1 to 64 of a-z 0-9 - _".into());
        }
        if providers[..at].iter().any(|other| other.name == *name) {
            return refuse("it is there twice".into());
        }
        let (min, max) = TIMEOUT_MS;
        if provider.timeout_ms.is_some_and(|ms| !(min..=max).contains(&ms)) {
            return refuse(format!("`timeout_ms` must be {min} to {max}"));
        }
        let (min, max) = PER_SECOND_MAX;
        if provider.per_second_max.is_some_and(|n| !(min..=max).contains(&n)) {
            return refuse(format!("`per_second_max` must be {min} to {max}"));
        }
    }
    Ok(())
}
