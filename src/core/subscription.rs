//! A customer's webhook target: which events it wants, how it is signed and how it fares; who may be called is `dispatch::guard`'s matter.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AccountId, SubscriptionId};
use super::time::UnixMs;

/// How many patterns a subscription may list.
pub const PATTERNS_MAX: usize = 32;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub account: AccountId,
    /// At most 2,048 bytes; checked when it was made.
    pub url: String,
    pub events: Vec<Pattern>,
    /// `whsec_…` or `whsk_…`, newest first; every delivery is signed with all of them.
    pub signing_keys: Vec<String>,
    pub created_at: UnixMs,
    pub health: Health,
}

/// How the latest attempts went; changes in the same commit as the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    pub failing_since: Option<UnixMs>,
    pub failures: u32,
    /// The subscriber answered 410 and hears nothing more; what it is owed stays.
    pub disabled_at: Option<UnixMs>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    pub fn wants(&self, kind: &str) -> bool {
        self.events.iter().any(|pattern| pattern.matches(kind))
    }

    pub fn is_active(&self) -> bool {
        self.health.disabled_at.is_none()
    }
}

/// `*`, `verification.*` or an exact event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event pattern is *, a type such as verification.code_received, or a group such as verification.*"
)]
pub struct PatternError;

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let segment = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let body = text.strip_suffix(".*").unwrap_or(text);
        if text.len() <= 128 && (text == "*" || body.split('.').all(segment)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PatternError)
        }
    }

    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(group) => kind.starts_with(group),
            None => kind == self.0,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_segments() {
        let group = Pattern::parse("verification.*").unwrap();
        assert!(group.matches("verification.created") && !group.matches("verifications.created"));
        assert!(!group.matches("verification"));
        assert!(Pattern::parse("*").unwrap().matches("anything.at_all"));
        assert!(!Pattern::parse("a.b").unwrap().matches("a.bc"));
    }

    #[test]
    fn other_patterns_are_refused() {
        for bad in ["", ".", "a.", ".*", "**", "a*", "a.*.b", "a b", "é"] {
            assert_eq!(Pattern::parse(bad), Err(PatternError), "{bad}");
        }
    }
}
