//! Accounts: what is known of a tenant besides what it owns, and what an operator may do with one.

use serde::{Deserialize, Serialize};

use super::id::AccountId;
use super::time::UnixMs;

/// Longest name of an account or a key, in bytes.
pub const NAME_BYTES_MAX: usize = 100;

/// A tenant as its operator knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// The operator's words.
    pub name: String,
    pub created_at: UnixMs,
    pub state: State,
    pub limits: Limits,
    pub version: u32,
}

/// What an account may use, where it differs from the others. 0 is no limit, but for waiters and subscriptions, which are none then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    pub requests_per_minute_max: Option<u32>,
    /// Rentals at once.
    pub rentals_max: Option<u32>,
    /// Held polls and streams at once.
    pub waiters_max: Option<u32>,
    pub subscriptions_max: Option<u32>,
}

impl Limits {
    /// These, and where they say nothing, those.
    pub fn over(self, below: Self) -> Self {
        Self {
            requests_per_minute_max: self.requests_per_minute_max.or(below.requests_per_minute_max),
            rentals_max: self.rentals_max.or(below.rentals_max),
            waiters_max: self.waiters_max.or(below.waiters_max),
            subscriptions_max: self.subscriptions_max.or(below.subscriptions_max),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Active,
    /// Its keys are refused and nothing is sent to it; its rentals run on to their end.
    Disabled {
        at: UnixMs,
    },
    /// Its keys and subscriptions are gone. Its id is not given to anyone else before what it owned is gone from the logs.
    Deleted {
        at: UnixMs,
    },
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled { .. } => "disabled",
            Self::Deleted { .. } => "deleted",
        }
    }
}

impl Account {
    pub fn new(id: AccountId, created_at: UnixMs) -> Self {
        Self {
            id,
            name: String::new(),
            created_at,
            state: State::Active,
            limits: Limits::default(),
            version: 0,
        }
    }

    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    pub fn is_deleted(&self) -> bool {
        matches!(self.state, State::Deleted { .. })
    }

    /// The account in another state, one version on. A deleted one stays so, and what is so already keeps its time.
    pub fn with_state(&self, state: State) -> Option<Self> {
        let is_change = !self.is_deleted() && state.as_str() != self.state.as_str();
        is_change.then(|| Self {
            state,
            version: self.version + 1,
            ..self.clone()
        })
    }
}

/// Whether a name is one that can be shown in a list.
pub fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_entered_once_and_a_deleted_account_stays_so() {
        let account = Account::new(AccountId::parse("acme").unwrap(), UnixMs(1));
        assert_eq!(account.with_state(State::Active), None);
        let disabled = account.with_state(State::Disabled { at: UnixMs(2) }).unwrap();
        assert_eq!((disabled.is_active(), disabled.version), (false, 1));
        assert_eq!(disabled.with_state(State::Disabled { at: UnixMs(3) }), None);
        let deleted = disabled.with_state(State::Deleted { at: UnixMs(4) }).unwrap();
        assert!(deleted.is_deleted() && deleted.with_state(State::Active).is_none());
    }

    #[test]
    fn a_name_is_short_and_of_one_line() {
        assert!(is_name("") && is_name("Acme GmbH, Zürich"));
        assert!(!is_name("two\nlines") && !is_name(&"x".repeat(101)));
    }
}
