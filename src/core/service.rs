//! What a number can be rented for: its name, price and lifetime, what a number must be able to do for it, and what its codes are like.

use serde::{Deserialize, Serialize};

use super::money::Price;
use super::otp::Filter;

/// What a number can be rented for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub description: String,
    pub capability: Capability,
    pub price: Price,
    pub lifetime_ms: u64,
    /// What its codes are like, and who sends them.
    pub filter: Filter,
}

/// What a number can receive, or a service sends. Written as contract 000 does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Capability {
    #[default]
    Sms,
    Voice,
    SmsAndVoice,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write \"Sms\", \"Voice\" or \"SmsAndVoice\"")]
pub struct NoCapability;

impl Capability {
    pub const ALL: [Self; 3] = [Self::Sms, Self::Voice, Self::SmsAndVoice];

    pub fn parse(text: &str) -> Result<Self, NoCapability> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == text)
            .ok_or(NoCapability)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "Sms",
            Self::Voice => "Voice",
            Self::SmsAndVoice => "SmsAndVoice",
        }
    }

    /// Whether a number that can do this will do for a service that wants `wanted`.
    pub fn covers(self, wanted: Self) -> bool {
        self == wanted || self == Self::SmsAndVoice
    }
}
