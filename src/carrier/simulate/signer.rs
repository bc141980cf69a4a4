//! The carrier's side of the keys of one source: made from dice, or read from the source's own settings.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::super::{NAMES, mac};
use super::sign;

/// `Debug` hides the keys. There is none for `generic`, whose scheme is the operator's own. `scheme` is that of the settings.
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
    },
    MetaWhatsapp {
        app_secret: String,
        verify_token: String,
    },
    Plivo {
        auth_token: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
    },
    Signalwire {
        account_sid: String,
        signing_key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
    },
    Sinch {
        secret: String,
    },
    /// `application_secret` is base64.
    SinchApplication {
        application_key: String,
        application_secret: String,
    },
    StandardWebhooks {
        secret: String,
    },
    /// `seed` is the base64 of the private key's 32 bytes.
    StandardWebhooksV1a {
        seed: String,
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
    TwilioShared {
        account_sid: String,
        shared_key: String,
    },
    Vonage {
        api_key: String,
        signature_secret: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
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
const SINGLE: [&str; 7] = [
    "account_sid",
    "api_key",
    "application_key",
    "issuer",
    "number",
    "scheme",
    "username",
];

/// A name in the settings that tells a signer of its own under one carrier.
const KINDS: [(&str, &str, &str); 3] = [
    ("sinch", "application_secrets", "sinch_application"),
    ("standard_webhooks", "public_keys", "standard_webhooks_v1a"),
    ("twilio", "shared_keys", "twilio_shared"),
];

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
        let (username, password) = (id.clone(), secret.clone());
        let (scheme, issuer) = (None, None);
        Some(match carrier {
            "android_sms_gateway" => Self::AndroidSmsGateway { signing_key: secret },
            "bandwidth" => Self::Bandwidth { username, password },
            "bird" => Self::Bird {
                secret: format!("whsec_{base64}"),
            },
            "clicksend" => Self::Clicksend { path_token: secret },
            "httpsms" => Self::Httpsms {
                signing_key: secret,
                issuer,
            },
            "infobip" => Self::Infobip { username, password },
            "jasmin" => Self::Jasmin { path_token: secret },
            "kannel" => Self::Kannel { path_token: secret },
            "messagebird" => Self::Messagebird {
                signing_key: secret,
                scheme,
            },
            "meta_whatsapp" => Self::MetaWhatsapp {
                app_secret: secret,
                verify_token: id,
            },
            "plivo" => Self::Plivo {
                auth_token: secret,
                scheme,
            },
            "signalwire" => Self::Signalwire {
                account_sid: id,
                signing_key: format!("PSK_{secret}"),
                scheme,
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
                scheme,
            },
            _ => return None,
        })
    }

    /// The signer that a source of these settings trusts, by the key of this index. `private_key` is asked for where the settings hold
    /// only the public half: the base64 of an ed25519 seed, or of an RSA key in PKCS #8.
    pub fn from_settings(
        carrier: &str,
        settings: &toml::Table,
        key: usize,
        private_key: Option<&str>,
    ) -> Result<Self, String> {
        let kind = KINDS
            .iter()
            .find(|(of, name, _)| *of == carrier && settings.contains_key(*name));
        let kind = kind.map_or(carrier, |(_, _, kind)| *kind);
        let mut fields = toml::Table::from_iter([("carrier".to_owned(), kind.into())]);
        for (name, value) in settings {
            let single = value.as_array().zip(name.strip_suffix('s'));
            match single.and_then(|(list, single)| Some((list.get(key).or(list.last())?, single))) {
                Some((value, single)) => drop(fields.insert(single.to_owned(), value.clone())),
                None => drop(fields.insert(name.clone(), value.clone())),
            }
        }
        if let Some(private) = private_key {
            fields.insert("seed".to_owned(), private.into());
            fields.insert("private_key".to_owned(), private.into());
        }
        let pinned = settings.get("certificates").and_then(toml::Value::as_table);
        if let Some((url, pem)) = pinned.and_then(|pinned| pinned.iter().next()) {
            fields.insert("certificate_url".to_owned(), url.as_str().into());
            fields.insert("certificate".to_owned(), pem.clone());
        }
        let signer = fields.try_into().ok().filter(sign::can_sign);
        signer.ok_or_else(|| match carrier {
            "generic" => {
                "a generic source's scheme is its operator's own, so nobody else can sign for it".to_owned()
            }
            "telnyx" | "standard_webhooks" => {
                "its source holds the public key alone: bring the private one".to_owned()
            }
            "aws_sns" => {
                "bring the private key of a certificate that is pinned under `certificates`".to_owned()
            }
            _ => format!("the settings hold no key to sign with as {carrier}"),
        })
    }

    /// The value of `carrier = ".."` of the source that trusts this signer.
    pub fn carrier(&self) -> &'static str {
        match self {
            Self::SinchApplication { .. } => "sinch",
            Self::StandardWebhooksV1a { .. } => "standard_webhooks",
            Self::TwilioShared { .. } => "twilio",
            _ => {
                let own = toml::Table::try_from(self).expect("a signer is a table of texts");
                let named = |name: &&&str| own["carrier"].as_str() == Some(**name);
                NAMES
                    .iter()
                    .find(named)
                    .expect("every other signer is named as its carrier")
            }
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
                toml::Table::from_iter([("public_keys".to_owned(), list(sign::public_key(seed).into()))])
            }
            Self::StandardWebhooksV1a { seed } => {
                let public = format!("whpk_{}", sign::public_key(seed));
                toml::Table::from_iter([("public_keys".to_owned(), list(public.into()))])
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
