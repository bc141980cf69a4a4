//! The sending half of the carriers: an order becomes a request as a value, and the provider's reply becomes what came of it. No I/O.

mod android_sms_gateway;
mod generic;
mod meta_whatsapp;
mod parts;
mod plivo;
mod sinch;
mod spoken;
mod telnyx;
mod twilio;
mod vonage;

use std::fmt;

use http::{HeaderName, HeaderValue, Method};

use super::settings::{self, SettingsError};
use crate::core::sending::{Channel, Order, Refusal, Sent};

/// The table of providers that are called over HTTP: variant, type, the value of `kind = ".."`, and the channel.
macro_rules! providers {
    ($($variant:ident $module:ident::$account:ident $name:literal $channel:ident,)*) => {
        /// A configured provider: its kind and its checked settings.
        #[derive(Debug)]
        pub enum Provider {
            $($variant(Box<$module::$account>),)*
        }

        /// What may stand in `kind = ".."`.
        pub const KINDS: &[&str] = &[$($name,)*];

        impl Provider {
            /// `settings` is what of the `[[provider]]` table is the kind's own; `None` if there is no such kind.
            pub fn from_settings(kind: &str, settings: toml::Table) -> Option<Result<Self, SettingsError>> {
                Some(match kind {
                    $($name => settings::read(settings).and_then($module::$account::new).map(|account| Self::$variant(Box::new(account))),)*
                    _ => return None,
                })
            }

            pub fn channel(&self) -> Channel {
                match self {
                    $(Self::$variant(_) => Channel::$channel,)*
                }
            }

            /// The request that sends this. `callback` is where the provider shall report to. A refusal if it cannot be sent this way.
            pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
                match self {
                    $(Self::$variant(account) => account.request(order, callback),)*
                }
            }

            /// What a whole reply means.
            pub fn read(&self, reply: &Reply<'_>) -> Sent {
                match self {
                    $(Self::$variant(account) => account.read(reply),)*
                }
            }
        }
    };
}

providers! {
    AndroidSmsGateway android_sms_gateway::Account "android_sms_gateway" Sms,
    Generic generic::Account "generic" Sms,
    GenericFlashcall generic::Account "generic_flashcall" Flashcall,
    MetaWhatsapp meta_whatsapp::Account "meta_whatsapp" Whatsapp,
    Plivo plivo::Account "plivo" Sms,
    Sinch sinch::Account "sinch" Sms,
    Telnyx telnyx::Account "telnyx" Sms,
    TelnyxVoice telnyx::Voice "telnyx_voice" Voice,
    Twilio twilio::Account "twilio" Sms,
    TwilioVoice twilio::Voice "twilio_voice" Voice,
    Vonage vonage::Sms "vonage" Sms,
    VonageMessages vonage::Messages "vonage_messages" Sms,
}

/// A request to a provider; `Host` and `Content-Length` come with the sending.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

/// Shows the shape only: headers hold keys, URL and body codes and numbers.
impl fmt::Debug for Request {
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

/// A provider's reply, whole.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    pub status: u16,
    /// Its `Retry-After`, in seconds from now.
    pub retry_after_s: Option<u64>,
    pub body: &'a [u8],
    /// The key of the order that it answers.
    pub key: &'a str,
}
