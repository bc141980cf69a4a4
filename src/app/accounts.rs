//! The configuration's accounts, and what every account may use.

use super::BuildError;
use crate::clock::Clock;
use crate::config::Config;
use crate::core::account::{Account, Limits, NAME_BYTES_MAX, is_name};
use crate::core::id::AccountId;

/// What an account may use that has no limits of its own.
pub fn limits(config: &Config) -> Limits {
    let accounts = &config.accounts;
    Limits {
        requests_per_minute_max: Some(accounts.requests_per_minute_max),
        rentals_max: Some(accounts.rentals_max),
        waiters_max: Some(accounts.waiters_max),
        subscriptions_max: u32::try_from(config.outbound.subscriptions_max).ok(),
    }
}

/// The accounts that are there from the start.
pub fn built(config: &Config) -> Result<Vec<Account>, BuildError> {
    let built = config.account.iter().map(|account| {
        let refuse = |error: String| BuildError::Config(format!("account {:?}: {error}", account.id));
        let id = AccountId::parse(&account.id).map_err(|e| refuse(e.to_string()))?;
        if !is_name(&account.name) {
            return Err(refuse(format!(
                "`name` is one line of at most {NAME_BYTES_MAX} bytes"
            )));
        }
        Ok(Account {
            name: account.name.clone(),
            limits: Limits {
                requests_per_minute_max: account.requests_per_minute_max,
                rentals_max: account.rentals_max,
                waiters_max: account.waiters_max,
                subscriptions_max: account.subscriptions_max,
            },
            ..Account::new(id, Clock::System.now())
        })
    });
    built.collect()
}
