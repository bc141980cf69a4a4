//! Who sells us numbers rental by rental: one dialect per file, each building its requests and reading the answers as values; no I/O,
//! no clock and no retries in here.

mod partner;
mod question;
mod textverified;

use http::HeaderValue;

use crate::core::message::Message;
use crate::core::money::Price;
use crate::core::phone::PhoneNumber;
use crate::core::rental::Status;
use crate::core::service::Capability;
use crate::core::time::UnixMs;

pub use question::{Answer, Ask, Asking, Question, Refusal, Request, Token};
use question::{bearer, json_body, read_json, refused};

/// What may stand in `kind = ".."`.
pub const KINDS: [&str; 2] = ["textverified", "partner"];

/// Longest id of a supplier's that is believed, in bytes: it becomes part of URLs and rows.
const ID_BYTES_MAX: usize = 128;

/// How a supplier is spoken to, with what it needs for that. `Debug` shows no credential.
#[derive(Debug)]
pub enum Dialect {
    /// TextVerified's API v2: mobile numbers of the United States.
    TextVerified(textverified::Login),
    /// Contract 001, which Ringback itself offers.
    Partner(partner::Login),
}

/// What is wanted of a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub service: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Three digits, preferred.
    pub area_code: Option<String>,
    pub capability: Capability,
}

/// What was bought: its id there and, where the answer says so at once, the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    pub id: String,
    pub there: Option<There>,
}

/// A rental as it stands at the supplier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    pub number: PhoneNumber,
    pub status: Status,
    /// What it costs us; `None`: what was quoted.
    pub cost: Option<Price>,
    /// `None` where it does not say.
    pub ends_at: Option<UnixMs>,
    /// The supplier has paid it back.
    pub refunded: bool,
}

/// One of the rentals that a supplier lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub service: String,
    pub created_at: UnixMs,
    pub status: Status,
}

/// Some of a list, and where the rest begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// A service as a supplier names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub service: String,
    pub capability: Capability,
}

impl Dialect {
    /// `kind` is one of `KINDS`; `base` the URL without a path of the API; `user` where the kind needs one.
    pub fn new(kind: &str, base: &str, (user, key): (&str, &str)) -> Result<Self, String> {
        let base = base.trim_end_matches('/');
        if base.is_empty() {
            return Err("`url` is where its API is, without a path".into());
        }
        let header = |name: &str, value: &str| {
            let mut value = HeaderValue::try_from(value)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("`{name}` is a text that is not empty, without control characters"))?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        match kind {
            "textverified" => Ok(Self::TextVerified(textverified::Login {
                base: base.to_owned(),
                user: header("user", user)?,
                key: header("key", key)?,
            })),
            "partner" if !user.is_empty() => Err("`user` is not asked for by this kind: leave it out".into()),
            "partner" => {
                header("key", key)?;
                Ok(Self::Partner(partner::Login {
                    base: base.to_owned(),
                    key: key.to_owned(),
                }))
            }
            _ => Err(format!("`kind` is one of {}", KINDS.join(", "))),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::TextVerified(_) => KINDS[0],
            Self::Partner(_) => KINDS[1],
        }
    }

    /// Asks for a token, where the other questions need one.
    pub fn sign_in(&self) -> Option<Question<Token>> {
        match self {
            Self::TextVerified(login) => Some(login.sign_in()),
            Self::Partner(_) => None,
        }
    }

    /// Asks what one rental costs.
    pub fn price(&self, wanted: &Wanted) -> Question<Price> {
        match self {
            Self::TextVerified(login) => login.price(wanted),
            Self::Partner(login) => login.price(wanted),
        }
    }

    /// Buys a rental, for `price_max` at most where the supplier can be told so. Asked twice it buys twice.
    pub fn buy(&self, wanted: &Wanted, price_max: Price) -> Question<Bought> {
        match self {
            Self::TextVerified(login) => login.buy(wanted, price_max),
            Self::Partner(login) => login.buy(wanted),
        }
    }

    /// Asks how a rental stands; `None` where the supplier cannot be asked that.
    pub fn look(&self, id: &str) -> Option<Question<There>> {
        match self {
            Self::TextVerified(login) => Some(login.look(id)),
            Self::Partner(_) => None,
        }
    }

    /// Asks for the rentals that there are, from `next` of a page before on; `None` where the supplier cannot be asked that.
    pub fn list(&self, next: Option<&str>) -> Option<Question<Page<Listed>>> {
        match self {
            Self::TextVerified(login) => Some(login.list(next)),
            Self::Partner(_) => None,
        }
    }

    /// Asks for what came to a rental, from `next` of a page before on.
    pub fn messages(&self, id: &str, number: &PhoneNumber, next: Option<&str>) -> Question<Page<Message>> {
        match self {
            Self::TextVerified(login) => login.messages(id, number, next),
            Self::Partner(login) => login.messages(id, number),
        }
    }

    /// Ends a rental; the answer is what is paid back, where it says so. Asked twice it is still ended once.
    pub fn cancel(&self, id: &str) -> Question<Option<Price>> {
        match self {
            Self::TextVerified(login) => login.cancel(id),
            Self::Partner(login) => login.cancel(id),
        }
    }

    /// Asks what can be rented for; `None` where the supplier does not say.
    pub fn services(&self) -> Option<Question<Vec<Offered>>> {
        match self {
            Self::TextVerified(login) => Some(login.services()),
            Self::Partner(_) => None,
        }
    }
}

/// An id that can stand in a URL and in a row.
fn id(text: &str) -> Result<String, Refusal> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if text.is_empty() || text.len() > ID_BYTES_MAX || !text.bytes().all(legal) {
        return Err(Refusal::Unsound("it has no id that can be used"));
    }
    Ok(text.to_owned())
}

/// A word as an error may repeat it.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    pub fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after_s: None,
            location: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    pub fn wanted() -> Wanted {
        Wanted {
            service: "google".into(),
            country: "US".into(),
            area_code: None,
            capability: Capability::Sms,
        }
    }

    #[test]
    fn what_is_wrong_with_the_settings_is_named() {
        let error = |kind, base, login| Dialect::new(kind, base, login).map(|d| d.kind()).unwrap_err();
        assert!(error("other", "https://x", ("", "k")).contains("textverified, partner"));
        assert!(error("textverified", "https://x", ("", "k")).contains("`user`"));
        assert!(error("textverified", "https://x", ("u", "k\n")).contains("`key`"));
        assert!(error("textverified", "", ("u", "k")).contains("`url`"));
        assert!(error("partner", "https://x", ("u", "k")).contains("`user`"));
        assert!(error("partner", "https://x", ("", "")).contains("`key`"));
    }

    #[test]
    fn nothing_that_is_debugged_shows_a_credential() {
        let textverified = Dialect::new("textverified", "https://x", ("me@x", "planted-key")).unwrap();
        let partner = Dialect::new("partner", "https://x", ("", "planted-key")).unwrap();
        let token = textverified.sign_in().unwrap();
        let told = token
            .read(&answer(
                200,
                r#"{"token":"planted-key","expiresIn":899.0,"expiresAt":"x"}"#,
            ))
            .unwrap();
        let asked = partner.buy(&wanted(), Price(1));
        let shown = format!(
            "{textverified:?} {partner:?} {told:?} {:?} {:?}",
            token.request, asked.request
        );
        assert!(
            !shown.contains("planted-key") && !shown.contains("me@x"),
            "{shown}"
        );
    }

    #[test]
    fn an_id_can_stand_in_a_url() {
        assert_eq!(id("lr_01-A"), Ok("lr_01-A".to_owned()));
        for bad in ["", "a/b", "a?b", "..", "a b", &"x".repeat(129)] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }
}
