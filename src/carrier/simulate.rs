//! Builds correctly signed inbound requests, as the carrier would send them: for the simulator, the demo, tests and benchmarks.
//! Randomness and time are arguments; nothing here is on the path of a real request.

mod form;
mod json;

pub use json::aws_sns_confirmation;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Request, mac};
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
    /// Names in lower case; the content type first.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl SignedRequest {
    fn post(media_type: &str, url: &str, body: String, headers: &[(&str, String)]) -> Self {
        let content_type = [("content-type".to_owned(), media_type.to_owned())];
        let rest = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let headers = content_type.into_iter().chain(rest).collect();
        Self {
            method: "POST",
            url: url.to_owned(),
            headers,
            body: body.into_bytes(),
        }
    }
}

/// The carrier's side of the keys of one source. `Debug` hides them. There is none for `generic`, whose scheme is the operator's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum Signer {
    AndroidSmsGateway {
        signing_key: String,
    },
    AwsSns(SnsKey),
    Bandwidth {
        username: String,
        password: String,
    },
    Bird {
        secret: String,
    },
    Clicksend {
        path_token: String,
    },
    Httpsms {
        signing_key: String,
    },
    Infobip {
        username: String,
        password: String,
    },
    Jasmin {
        path_token: String,
    },
    Kannel {
        path_token: String,
    },
    Messagebird {
        signing_key: String,
    },
    MetaWhatsapp {
        app_secret: String,
        verify_token: String,
    },
    Plivo {
        auth_token: String,
    },
    Signalwire {
        account_sid: String,
        signing_key: String,
    },
    Sinch {
        secret: String,
    },
    StandardWebhooks {
        secret: String,
    },
    /// `seed` is the base64 of the private key's 32 bytes.
    Telnyx {
        seed: String,
    },
    /// `number` is the phone's own, which textbee does not send: only messages to it can be simulated.
    Textbee {
        secret: String,
        number: String,
    },
    Textverified {
        secret: String,
    },
    Twilio {
        account_sid: String,
        auth_token: String,
    },
    Vonage {
        api_key: String,
        signature_secret: String,
    },
}

/// What SNS holds; not made from dice, because an RSA key does not come of 64 bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnsKey {
    /// Base64 of an RSA key in PKCS #8.
    pub private_key: String,
    /// The certificate in PEM that `certificate_url` would lead to.
    pub certificate: String,
    pub certificate_url: String,
    pub topic_arn: String,
}

/// The fields that a source takes as they are; of every other it takes a list, `secret` under `secrets` and so on.
const SINGLE: [&str; 4] = ["account_sid", "api_key", "number", "username"];

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, <secret>)", self.carrier())
    }
}

impl Signer {
    /// Keys for `carrier` out of 64 random bytes. `None` for `aws_sns`, whose `SnsKey` has to be brought, for `generic` and for an unknown name.
    pub fn generate(carrier: &str, random: &[u8; 64]) -> Option<Self> {
        let secret = mac::hex(&random[..32]);
        let base64 = BASE64_STANDARD.encode(&random[..32]);
        let id = mac::hex(&random[32..48]);
        let number = "+12025550143".to_owned();
        Some(match carrier {
            "android_sms_gateway" => Self::AndroidSmsGateway { signing_key: secret },
            "bandwidth" => Self::Bandwidth {
                username: id,
                password: secret,
            },
            "bird" => Self::Bird {
                secret: format!("whsec_{base64}"),
            },
            "clicksend" => Self::Clicksend { path_token: secret },
            "httpsms" => Self::Httpsms { signing_key: secret },
            "infobip" => Self::Infobip {
                username: id,
                password: secret,
            },
            "jasmin" => Self::Jasmin { path_token: secret },
            "kannel" => Self::Kannel { path_token: secret },
            "messagebird" => Self::Messagebird { signing_key: secret },
            "meta_whatsapp" => Self::MetaWhatsapp {
                app_secret: secret,
                verify_token: id,
            },
            "plivo" => Self::Plivo { auth_token: secret },
            "signalwire" => Self::Signalwire {
                account_sid: id,
                signing_key: format!("PSK_{secret}"),
            },
            "sinch" => Self::Sinch { secret },
            "standard_webhooks" => Self::StandardWebhooks {
                secret: format!("whsec_{base64}"),
            },
            "telnyx" => Self::Telnyx { seed: base64 },
            "textbee" => Self::Textbee { secret, number },
            "textverified" => Self::Textverified { secret },
            "twilio" => Self::Twilio {
                account_sid: format!("AC{id}"),
                auth_token: secret,
            },
            "vonage" => Self::Vonage {
                api_key: id,
                signature_secret: secret,
            },
            _ => return None,
        })
    }

    /// The value of `carrier = ".."` of the source that trusts this signer.
    pub fn carrier(&self) -> &'static str {
        match self {
            Self::AndroidSmsGateway { .. } => "android_sms_gateway",
            Self::AwsSns(_) => "aws_sns",
            Self::Bandwidth { .. } => "bandwidth",
            Self::Bird { .. } => "bird",
            Self::Clicksend { .. } => "clicksend",
            Self::Httpsms { .. } => "httpsms",
            Self::Infobip { .. } => "infobip",
            Self::Jasmin { .. } => "jasmin",
            Self::Kannel { .. } => "kannel",
            Self::Messagebird { .. } => "messagebird",
            Self::MetaWhatsapp { .. } => "meta_whatsapp",
            Self::Plivo { .. } => "plivo",
            Self::Signalwire { .. } => "signalwire",
            Self::Sinch { .. } => "sinch",
            Self::StandardWebhooks { .. } => "standard_webhooks",
            Self::Telnyx { .. } => "telnyx",
            Self::Textbee { .. } => "textbee",
            Self::Textverified { .. } => "textverified",
            Self::Twilio { .. } => "twilio",
            Self::Vonage { .. } => "vonage",
        }
    }

    /// The other settings of that source.
    pub fn settings(&self) -> toml::Table {
        let list = |value: toml::Value| toml::Value::Array(vec![value]);
        match self {
            Self::AwsSns(key) => {
                let pinned = [(key.certificate_url.clone(), key.certificate.as_str().into())];
                let certificates = ("certificates".to_owned(), toml::Table::from_iter(pinned).into());
                let topics = ("topic_arns".to_owned(), list(key.topic_arn.as_str().into()));
                toml::Table::from_iter([topics, certificates])
            }
            Self::Telnyx { seed } => {
                toml::Table::from_iter([("public_keys".to_owned(), list(json::public_key(seed).into()))])
            }
            _ => {
                let own = toml::Table::try_from(self).expect("a signer is a table of texts");
                let own = own.into_iter().filter(|(name, _)| name != "carrier");
                let setting = |(name, value): (String, toml::Value)| match SINGLE.contains(&name.as_str()) {
                    true => (name, value),
                    false => (format!("{name}s"), list(value)),
                };
                own.map(setting).collect()
            }
        }
    }
}

/// The request with which the carrier brings `draft` to `url`, signed at `now`. The dialects without a signature get their path token
/// as the last segment of the path.
///
/// # Panics
/// If a key in the signer is not what its field says, which `generate` never makes but a hand-written file may.
pub fn signed(signer: &Signer, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    match signer {
        Signer::AndroidSmsGateway { signing_key } => json::android_sms_gateway(signing_key, draft, url, now),
        Signer::AwsSns(key) => json::aws_sns(key, draft, url, now),
        Signer::Bandwidth { username, password } => json::bandwidth((username, password), draft, url),
        Signer::Bird { secret } => json::bird(secret, draft, url, now),
        Signer::Clicksend { path_token } => form::clicksend(path_token, draft, url),
        Signer::Httpsms { signing_key } => json::httpsms(signing_key, draft, url, now),
        Signer::Infobip { username, password } => json::infobip((username, password), draft, url),
        Signer::Jasmin { path_token } => form::jasmin(path_token, draft, url),
        Signer::Kannel { path_token } => form::kannel(path_token, draft, url),
        Signer::Messagebird { signing_key } => form::messagebird(signing_key, draft, url, now),
        Signer::MetaWhatsapp { app_secret, .. } => json::meta_whatsapp(app_secret, draft, url),
        Signer::Plivo { auth_token } => form::plivo(auth_token, draft, url),
        Signer::Signalwire {
            account_sid,
            signing_key,
        } => form::signalwire((account_sid, signing_key), draft, url),
        Signer::Sinch { secret } => json::sinch(secret, draft, url, now),
        Signer::StandardWebhooks { secret } => json::standard_webhooks(secret, draft, url, now),
        Signer::Telnyx { seed } => json::telnyx(seed, draft, url, now),
        Signer::Textbee { secret, .. } => json::textbee(secret, draft, url),
        Signer::Textverified { secret } => json::textverified(secret, draft, url),
        Signer::Twilio {
            account_sid,
            auth_token,
        } => form::twilio((account_sid, auth_token), draft, url),
        Signer::Vonage {
            api_key,
            signature_secret,
        } => json::vonage((api_key, signature_secret), draft, url, now),
    }
}
