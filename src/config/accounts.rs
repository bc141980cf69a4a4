//! What accounts may have and use, and the accounts that are there from the start.

use serde::Deserialize;

use super::Error;

/// Numbers of an account that may be 0 to this.
const LIMIT_MAX: u32 = 1_000_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub keys_max: usize,
    pub requests_per_minute_max: u32,
    pub rentals_max: u32,
    pub waiters_max: u32,
    pub idempotency_h: u64,
}

/// An account that is made at the start where it is not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub id: String,
    #[serde(default)]
    pub name: String,
    pub requests_per_minute_max: Option<u32>,
    pub rentals_max: Option<u32>,
    pub waiters_max: Option<u32>,
    pub subscriptions_max: Option<u32>,
}

/// Checks what the types do not say.
pub fn check(accounts: &[Account]) -> Result<(), Error> {
    for (at, account) in accounts.iter().enumerate() {
        let refuse = |what: String| Err(Error::Value(format!("account {}: {what}", account.id)));
        if accounts[..at].iter().any(|other| other.id == account.id) {
            return refuse("is there twice".into());
        }
        let limits = [
            ("requests_per_minute_max", account.requests_per_minute_max),
            ("rentals_max", account.rentals_max),
            ("waiters_max", account.waiters_max),
            ("subscriptions_max", account.subscriptions_max),
        ];
        for (name, limit) in limits {
            if limit.is_some_and(|limit| limit > LIMIT_MAX) {
                return refuse(format!("`{name}` must be 0 to {LIMIT_MAX}"));
            }
        }
    }
    Ok(())
}
