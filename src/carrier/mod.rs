//! The carriers: one dialect per file, each verifying the raw bytes first and only then parsing them into `core::message`; no I/O in here.

pub mod android_sms_gateway;
#[cfg(test)]
mod arbitrary;
pub mod aws_sns;
pub mod bandwidth;
mod basic;
pub mod bird;
mod call;
pub mod captured;
mod check;
pub mod clicksend;
mod compat;
mod form;
pub mod generic;
pub mod httpsms;
pub mod infobip;
pub mod jasmin;
mod json;
mod jwt;
pub mod kannel;
mod keys;
mod mac;
pub mod messagebird;
pub mod meta_whatsapp;
mod path_token;
pub mod plivo;
mod report;
pub mod send;
mod settings;
pub mod signalwire;
pub mod simulate;
pub mod sinch;
pub mod standard_webhooks;
pub mod telnyx;
pub mod textbee;
pub mod textverified;
pub mod twilio;
pub mod vonage;

use std::fmt;

use serde::Serialize;

pub use self::settings::{KEY_LISTS, SettingsError, read as read_settings};
use crate::core::message::Report;
use crate::core::time::UnixMs;

/// The table of dialects: variant, file, and the value of `carrier = ".."`. A new dialect is one line here and one file.
macro_rules! dialects {
    ($($variant:ident $file:ident $name:literal,)*) => {
        /// A configured carrier: its dialect and its checked keys.
        #[derive(Debug)]
        pub enum Carrier {
            $($variant($file::Keys),)*
        }

        /// What may stand in `carrier = ".."`.
        pub const NAMES: &[&str] = &[$($name,)*];

        impl Carrier {
            /// `name` is the value of `carrier = ".."`, `settings` the rest of the `[[source]]` table (see `Settings` of the dialect).
            pub fn from_settings(name: &str, settings: toml::Table) -> Result<Self, SettingsError> {
                match name {
                    $($name => Ok(Self::$variant($file::Keys::new(settings::read(settings)?)?)),)*
                    _ => Err(SettingsError::UnknownCarrier(name.to_owned())),
                }
            }

            /// The value of `carrier = ".."`; also the label in logs and metrics.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// Verifies the raw bytes, then the time window; answers which key matched, counted from 0. Nothing is parsed that the
            /// verification does not need.
            pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
                match self {
                    $(Self::$variant(keys) => keys.verify(request, now),)*
                }
            }

            /// Reads a request that is believed already: it was verified, now or when it came. All or nothing: one bad item of a
            /// batch refuses the whole request, so that the carrier repeats it and nothing is lost in silence.
            pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
                match self {
                    $(Self::$variant(keys) => keys.read(request),)*
                }
            }

            /// Verifies, and only then reads.
            pub fn receive(&self, request: &Request<'_>, now: UnixMs) -> Result<Received, Reject> {
                let key_index = self.verify(request, now)?;
                let Contents { reports, answer } = self.read(request)?;
                Ok(Received { reports, answer, key_index })
            }
        }
    };
}

dialects! {
    AndroidSmsGateway android_sms_gateway "android_sms_gateway",
    AwsSns aws_sns "aws_sns",
    Bandwidth bandwidth "bandwidth",
    Bird bird "bird",
    Clicksend clicksend "clicksend",
    Generic generic "generic",
    Httpsms httpsms "httpsms",
    Infobip infobip "infobip",
    Jasmin jasmin "jasmin",
    Kannel kannel "kannel",
    Messagebird messagebird "messagebird",
    MetaWhatsapp meta_whatsapp "meta_whatsapp",
    Plivo plivo "plivo",
    Signalwire signalwire "signalwire",
    Sinch sinch "sinch",
    StandardWebhooks standard_webhooks "standard_webhooks",
    Telnyx telnyx "telnyx",
    Textbee textbee "textbee",
    Textverified textverified "textverified",
    Twilio twilio "twilio",
    Vonage vonage "vonage",
}

impl Carrier {
    /// What should be fetched before this request can be judged, where a dialect has such a thing: over https, without redirects,
    /// 64 KiB at most. What came of it goes to `take_certificate`.
    pub fn wants(&self, request: &Request<'_>, now: UnixMs) -> Option<String> {
        match self {
            Self::AwsSns(keys) => keys.wants(request, now),
            _ => None,
        }
    }

    /// Takes what came from a URL that it wanted, `None` if nothing did; whether that is of use.
    pub fn take_certificate(&self, url: &str, pem: Option<&[u8]>, now: UnixMs) -> bool {
        match self {
            Self::AwsSns(keys) => keys.take_certificate(url, pem, now),
            _ => false,
        }
    }

    /// Whether a refusal with 4xx is final to this carrier. Then it hears 503 instead: the key that does not match, or the clock that
    /// is off, may be ours, and the message comes again once that is mended.
    pub fn gives_up_on_4xx(&self) -> bool {
        matches!(self, Self::AwsSns(_) | Self::Sinch(_))
    }

    /// Whether a request may come again, and be believed, after more than three days: this carrier repeats for longer (Meta 7 days,
    /// textbee 30), or signs no time, so that only the memory of the id stops a replay, or is not known here.
    pub fn repeats_late(&self) -> bool {
        match self {
            Self::Generic(_) | Self::MetaWhatsapp(_) | Self::Textbee(_) => true,
            Self::Plivo(_) | Self::Signalwire(_) | Self::Textverified(_) | Self::Twilio(_) => true,
            Self::AndroidSmsGateway(_) | Self::AwsSns(_) | Self::Bird(_) | Self::Messagebird(_) => false,
            Self::Sinch(_) | Self::StandardWebhooks(_) | Self::Telnyx(_) | Self::Vonage(_) => false,
            // Their bodies are not signed: who can replay one can as well make one with another id.
            Self::Bandwidth(_) | Self::Clicksend(_) | Self::Httpsms(_) | Self::Infobip(_) => false,
            Self::Jasmin(_) | Self::Kannel(_) => false,
        }
    }
}

/// A carrier's request as it came. `url` is the one configured at the carrier (rebuilt from configuration, never from `Host`).
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: &'a http::HeaderMap,
    pub body: &'a [u8],
}

/// What stands in a request that is believed.
#[derive(Debug)]
pub struct Contents {
    pub reports: Vec<Report>,
    pub answer: Answer,
}

/// What a request came to once its signature held.
#[derive(Debug)]
pub struct Received {
    /// Empty where the carrier told us something that we have no use for; it still gets its 2xx.
    pub reports: Vec<Report>,
    pub answer: Answer,
    /// Which of the configured keys matched, counted from 0: shows when an old key can go.
    pub key_index: usize,
}

/// How this carrier wants its 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 204 without a body.
    Empty,
    /// 200 `text/xml` with an empty `<Response></Response>`, or Twilio would answer the sender of the SMS.
    Twiml,
    /// 200 `text/plain` with exactly this text.
    Text(String),
}

impl Answer {
    /// Its status, the media type of its body where it has one, and the body.
    pub fn into_parts(self) -> (u16, Option<&'static str>, String) {
        match self {
            Self::Empty => (204, None, String::new()),
            Self::Twiml => (200, Some("text/xml"), "<Response></Response>".to_owned()),
            Self::Text(text) => (200, Some("text/plain; charset=utf-8"), text),
        }
    }

    /// 200 without a body, for carriers that state 200 and not 2xx.
    pub const OK: Self = Self::Text(String::new());
}

/// Why a request was refused; outside every reason looks the same, the name is for the log and the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[error("{}", self.as_str())]
pub enum Reject {
    MissingSignature,
    MissingTimestamp,
    MissingNonce,
    MissingId,
    MissingField,
    MalformedSignature,
    MalformedTimestamp,
    MalformedNonce,
    MalformedParameter,
    MalformedBody,
    BadSignature,
    BadCredentials,
    StaleTimestamp,
    BodyHashMismatch,
    BodyNotCovered,
    UrlHashMismatch,
    AccountMismatch,
    IssuerMismatch,
    AudienceMismatch,
    UnsupportedAlgorithm,
    UntrustedCertUrl,
    /// It could not be fetched: the fault may be ours.
    MissingCertificate,
    UntrustedSubscribeUrl,
    TopicNotAllowed,
    /// Judged before any dialect: the client is not in the source's `allow_ips`.
    AddressNotAllowed,
}

impl Reject {
    /// The stable name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingSignature => "missing_signature",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MissingNonce => "missing_nonce",
            Self::MissingId => "missing_id",
            Self::MissingField => "missing_field",
            Self::MalformedSignature => "malformed_signature",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::MalformedNonce => "malformed_nonce",
            Self::MalformedParameter => "malformed_parameter",
            Self::MalformedBody => "malformed_body",
            Self::BadSignature => "bad_signature",
            Self::BadCredentials => "bad_credentials",
            Self::StaleTimestamp => "stale_timestamp",
            Self::BodyHashMismatch => "body_hash_mismatch",
            Self::BodyNotCovered => "body_not_covered",
            Self::UrlHashMismatch => "url_hash_mismatch",
            Self::AccountMismatch => "account_mismatch",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::AudienceMismatch => "audience_mismatch",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UntrustedCertUrl => "untrusted_cert_url",
            Self::MissingCertificate => "missing_certificate",
            Self::UntrustedSubscribeUrl => "untrusted_subscribe_url",
            Self::TopicNotAllowed => "topic_not_allowed",
            Self::AddressNotAllowed => "address_not_allowed",
        }
    }
}

/// Shows the shape only: headers carry signatures, URLs may carry tokens and codes, bodies carry codes.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} <{} headers, {} B>",
            self.method,
            self.headers.len(),
            self.body.len()
        )
    }
}
