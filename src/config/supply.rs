//! `[[supplier]]`: who sells numbers that we have not, and on which terms. What the kinds need is checked by `supplier`.

use std::fmt;

use serde::Deserialize;

use super::Error;

const MARKUP_PERCENT_MAX: u32 = 1_000;
const POLL_MS: (u64, u64) = (200, 600_000);
const TIMEOUT_MS: (u64, u64) = (100, 60_000);

/// Who sells numbers. `Debug` hides its credentials.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    pub name: String,
    pub kind: String,
    pub url: String,
    #[serde(default)]
    pub user: String,
    pub key: String,
    /// In USD.
    pub price_max: String,
    #[serde(default)]
    pub markup_percent: u32,
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
}

fn poll_ms() -> u64 {
    2_000
}

fn timeout_ms() -> u64 {
    10_000
}

impl fmt::Debug for Supplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplier")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Checks what the types do not say.
pub fn check(suppliers: &[Supplier]) -> Result<(), Error> {
    for (at, supplier) in suppliers.iter().enumerate() {
        let refuse = |what: String| Err(Error::Value(format!("supplier {:?}: {what}", supplier.name)));
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if supplier.name.is_empty() || supplier.name.len() > 64 || !supplier.name.bytes().all(legal) {
            return refuse("a name is 1 to 64 of a-z 0-9 - _".into());
        }
        if suppliers[..at].iter().any(|other| other.name == supplier.name) {
            return refuse("is there twice".into());
        }
        if supplier.markup_percent > MARKUP_PERCENT_MAX {
            return refuse(format!("`markup_percent` must be 0 to {MARKUP_PERCENT_MAX}"));
        }
        for (name, value, (min, max)) in [
            ("poll_ms", supplier.poll_ms, POLL_MS),
            ("timeout_ms", supplier.timeout_ms, TIMEOUT_MS),
        ] {
            if !(min..=max).contains(&value) {
                return refuse(format!("`{name}` must be {min} to {max}"));
            }
        }
    }
    Ok(())
}
