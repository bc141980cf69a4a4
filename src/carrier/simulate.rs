//! Builds correctly signed inbound requests, as the carrier would send them: for the simulator, the demo, tests and benchmarks.
//! Randomness and time are arguments; nothing here is on the path of a real request.

mod signed;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

pub use self::signed::signed;
use super::mac;
use crate::core::time::UnixMs;

/// The message that the request is to bring.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    pub id: String,
    pub from: String,
    pub to: String,
    pub text: String,
    pub sent_at: UnixMs,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({:?}, <sms {} B>)", self.id, self.text.len())
    }
}

/// A request ready to be sent to the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    pub method: &'static str,
    /// The given URL, with a query or a path token where the dialect needs one.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The carrier's side of the keys of one source. `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum Signer {
    StandardWebhooks {
        secret: String,
    },
    /// `seed` is the base64 of the private key's 32 bytes.
    Telnyx {
        seed: String,
    },
    Twilio {
        account_sid: String,
        auth_token: String,
    },
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, <secret>)", self.carrier())
    }
}

impl Signer {
    /// Keys for `carrier` out of 64 random bytes; `None` for an unknown name.
    pub fn generate(carrier: &str, random: &[u8; 64]) -> Option<Self> {
        let (first, second) = random.split_at(32);
        Some(match carrier {
            "standard_webhooks" => Self::StandardWebhooks {
                secret: format!("whsec_{}", BASE64_STANDARD.encode(first)),
            },
            "telnyx" => Self::Telnyx {
                seed: BASE64_STANDARD.encode(first),
            },
            "twilio" => Self::Twilio {
                account_sid: format!("AC{}", mac::hex(&second[..16])),
                auth_token: mac::hex(first),
            },
            _ => return None,
        })
    }

    /// The value of `carrier = ".."` of the source that trusts this signer.
    pub fn carrier(&self) -> &'static str {
        match self {
            Self::StandardWebhooks { .. } => "standard_webhooks",
            Self::Telnyx { .. } => "telnyx",
            Self::Twilio { .. } => "twilio",
        }
    }

    /// The other settings of that source.
    pub fn settings(&self) -> toml::Table {
        let list = |text: &str| toml::Value::Array(vec![text.into()]);
        let pairs: Vec<(&str, toml::Value)> = match self {
            Self::StandardWebhooks { secret } => vec![("secrets", list(secret))],
            Self::Telnyx { seed } => vec![("public_keys", list(&signed::public_key(seed)))],
            Self::Twilio {
                account_sid,
                auth_token,
            } => {
                vec![
                    ("account_sid", account_sid.as_str().into()),
                    ("auth_tokens", list(auth_token)),
                ]
            }
        };
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}
