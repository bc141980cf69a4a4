//! What a key may do: the one list of scopes, and the sets of them that keys carry. Which route asks for which stands in the router.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a key may do. Numbers stand on the disk and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Services, and the account's rentals without what came for them.
    RentalsRead = 0,
    RentalsWrite = 1,
    /// Codes and texts.
    MessagesRead = 2,
    WebhooksRead = 3,
    WebhooksWrite = 4,
    /// The events feed, which tells codes too.
    EventsRead = 5,
    /// Test events.
    EventsWrite = 6,
    /// The four tools, and nothing else.
    Mcp = 7,
    /// Messages of nobody, with a key of the operator's account.
    UnmatchedRead = 8,
    UnmatchedWrite = 9,
    /// How codes stand that the account sent.
    VerifyRead = 10,
    /// Sending codes, and checking them.
    VerifyWrite = 11,
    /// What the account used.
    UsageRead = 12,
    /// Sending texts of the account's own.
    MessagesWrite = 13,
}

impl Scope {
    pub const ALL: [Self; 14] = [
        Self::RentalsRead,
        Self::RentalsWrite,
        Self::MessagesRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::EventsRead,
        Self::EventsWrite,
        Self::Mcp,
        Self::UnmatchedRead,
        Self::UnmatchedWrite,
        Self::VerifyRead,
        Self::VerifyWrite,
        Self::UsageRead,
        Self::MessagesWrite,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RentalsRead => "rentals:read",
            Self::RentalsWrite => "rentals:write",
            Self::MessagesRead => "messages:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::Mcp => "mcp",
            Self::UnmatchedRead => "unmatched:read",
            Self::UnmatchedWrite => "unmatched:write",
            Self::VerifyRead => "verify:read",
            Self::VerifyWrite => "verify:write",
            Self::UsageRead => "usage:read",
            Self::MessagesWrite => "messages:write",
        }
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of {}", names())]
pub struct Unknown;

impl FromStr for Scope {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or(Unknown)
    }
}

/// What one key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(u64);

impl Scopes {
    /// All there are and will be: what a key may that was made without a list.
    pub const ALL: Self = Self(u64::MAX);

    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    pub fn allow(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// In the order of the list; `None` where there is no limit.
    pub fn list(self) -> Option<Vec<Scope>> {
        let allowed = Scope::ALL.into_iter().filter(|scope| self.allow(*scope));
        (self != Self::ALL).then(|| allowed.collect())
    }
}

fn names() -> String {
    Scope::ALL.map(Scope::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_scope_has_a_name_and_a_bit_of_its_own() {
        let bits = Scope::ALL.iter().fold(0, |bits, scope| bits | scope.bit());
        assert_eq!(bits.count_ones() as usize, Scope::ALL.len());
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!(
            "admin"
                .parse::<Scope>()
                .unwrap_err()
                .to_string()
                .contains("rentals:read, rentals:write")
        );
    }

    proptest! {
        #[test]
        fn a_set_allows_what_it_was_made_of_and_nothing_else(chosen in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len())) {
            let scopes = Scopes::of(chosen.clone());
            for scope in Scope::ALL {
                prop_assert_eq!(scopes.allow(scope), chosen.contains(&scope));
                prop_assert!(Scopes::ALL.allow(scope));
            }
            prop_assert_eq!(scopes.list(), Some(chosen));
            prop_assert_eq!(Scopes::ALL.list(), None);
        }
    }
}
