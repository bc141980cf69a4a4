//! Which event types a subscription wants, as a glob: all, one, or one group.

use serde::{Deserialize, Serialize};

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
