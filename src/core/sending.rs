//! A message that shall go out through a provider, and what its provider said: taken, refused, or nobody knows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::phone::PhoneNumber;

/// By what a message reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Sms,
    Voice,
    /// A call that nobody picks up: the number that it is from tells the code.
    Flashcall,
    Whatsapp,
    Email,
}

impl Channel {
    pub const ALL: [Self; 5] = [
        Self::Sms,
        Self::Voice,
        Self::Flashcall,
        Self::Whatsapp,
        Self::Email,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Flashcall => "flashcall",
            Self::Whatsapp => "whatsapp",
            Self::Email => "email",
        }
    }
}

/// Who shall get it.
#[derive(Clone, PartialEq, Eq)]
pub enum Recipient {
    Phone(PhoneNumber),
    /// As the person wrote it; see [`Recipient::email`].
    Email(String),
}

/// Longest e-mail address (RFC 5321, 4.5.3.1.3, without the angle brackets), in bytes.
const EMAIL_BYTES_MAX: usize = 254;

impl Recipient {
    /// An e-mail address of the one plain form: something, one `@`, a host name with a dot. `None` for all that a mail server may read
    /// as more than one address, as a header, or as a command.
    pub fn email(text: &str) -> Option<Self> {
        let (local, host) = text.rsplit_once('@')?;
        let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
        let of_host = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
        let holds = text.len() <= EMAIL_BYTES_MAX
            && (1..=64).contains(&local.len())
            && local.chars().all(plain)
            && host.contains('.')
            && host.chars().all(of_host)
            && !host.starts_with('-')
            && dots(local)
            && dots(host);
        holds.then(|| Self::Email(text.to_owned()))
    }
}

/// Shows what a log may show.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => fmt::Debug::fmt(number, f),
            Self::Email(address) => write!(f, "***@{}", address.rsplit('@').next().unwrap_or_default()),
        }
    }
}

/// A message that shall go out, once. `Debug` hides what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// The same for every try of this one message: carriers that keep such keys take it once.
    pub key: String,
    pub to: Recipient,
    /// What the person reads. A voice provider reads it out, with the code digit by digit.
    pub text: String,
    /// The code that stands in the text; a template provider sends it alone.
    pub code: Option<String>,
    /// The text's language (BCP 47), such as `en` or `pt-BR`.
    pub language: String,
    /// The subject of an e-mail.
    pub subject: String,
    /// Keys that are pressed once a call is answered, before anything is said: 0-9, A-D, `*`, `#`, and `w` and `W` to wait 0.5 s and 1 s.
    pub extension: Option<String>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("to", &self.to)
            .field("text", &format_args!("<text {} B>", self.text.len()))
            .finish_non_exhaustive()
    }
}

/// What came of an order. There is no fourth: whoever does not know whether a message left says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The provider took it; its reports will name this id.
    Accepted(Taken),
    /// It did not go out, and will not.
    Refused(Refusal),
    /// The request left and no word came back that can be understood: the message may be on its way. Never sent again by itself, and
    /// never followed by another code; by the same one over another channel only after a time that was set for that.
    Unknown(String),
}

/// A provider's yes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    pub carrier_message_id: String,
    /// How many SMS it became, where the provider says.
    pub segments: Option<u32>,
    /// What it costs, in the provider's own words and money; they are figures for people, not for sums.
    pub price: Option<String>,
}

/// A provider's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub class: Class,
    /// The provider's own code.
    pub code: Option<String>,
    /// For the operator: what to do about it.
    pub reason: String,
    /// When the provider wants to be asked again.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    pub fn new(class: Class, reason: impl Into<String>) -> Self {
        Self {
            class,
            code: None,
            reason: reason.into(),
            retry_after_s: None,
        }
    }
}

/// Longest of a provider's own words that is kept, in bytes.
const QUOTE_BYTES_MAX: usize = 300;
/// More digits together may be a number or a code.
const DIGITS_SHOWN_MAX: usize = 3;

/// A provider's words without what may be the person's number or the code, and without what breaks a line.
pub fn quoted(text: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    let end_run = |run: &mut String, shown: &mut String| {
        match run.len() {
            ..=DIGITS_SHOWN_MAX => shown.push_str(run),
            _ => shown.push_str("***"),
        }
        run.clear();
    };
    for character in text.chars() {
        if shown.len() >= QUOTE_BYTES_MAX {
            break;
        }
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        end_run(&mut run, &mut shown);
        shown.push(if character.is_control() { ' ' } else { character });
    }
    end_run(&mut run, &mut shown);
    shown.truncate(shown.floor_char_boundary(QUOTE_BYTES_MAX));
    shown.trim().to_owned()
}

/// Whose fault a refusal is, so that one rule fits all providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No such number or address, or none that this channel reaches.
    InvalidRecipient,
    /// There is such a number, and nothing gets to it now.
    Unreachable,
    /// The person does not want to hear from this sender, or is barred.
    OptedOut,
    /// The account may not send to that country or network.
    DestinationNotAllowed,
    RateLimited,
    NoCredit,
    /// The key is wrong, or may not do this.
    Unauthorized,
    /// The provider does not work, or was not reached: nothing of the request left.
    CarrierDown,
    ContentRefused,
    /// Something in the configuration, such as the sender's number; or a refusal that is not understood.
    Misconfigured,
}

impl Class {
    pub const ALL: [Self; 10] = [
        Self::InvalidRecipient,
        Self::Unreachable,
        Self::OptedOut,
        Self::DestinationNotAllowed,
        Self::RateLimited,
        Self::NoCredit,
        Self::Unauthorized,
        Self::CarrierDown,
        Self::ContentRefused,
        Self::Misconfigured,
    ];

    /// The stable word for metrics, logs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "invalid_recipient",
            Self::Unreachable => "unreachable",
            Self::OptedOut => "opted_out",
            Self::DestinationNotAllowed => "destination_not_allowed",
            Self::RateLimited => "rate_limited",
            Self::NoCredit => "no_credit",
            Self::Unauthorized => "unauthorized",
            Self::CarrierDown => "carrier_down",
            Self::ContentRefused => "content_refused",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Whether another provider may be asked to send the same message: not where the person is the reason, for whom it would be the
    /// same, or worse.
    pub fn another_may_try(self) -> bool {
        !matches!(self, Self::InvalidRecipient | Self::OptedOut)
    }

    /// Whether this is the word of a refusal that tells something of the person's number.
    pub fn is_word_of_person(word: &str) -> bool {
        let of_person = [
            Self::InvalidRecipient,
            Self::Unreachable,
            Self::OptedOut,
            Self::DestinationNotAllowed,
        ];
        of_person.into_iter().any(|class| class.as_str() == word)
    }

    /// Whether the next message to anybody would fare no better: what the health of a provider is counted by.
    pub fn is_the_providers(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::NoCredit | Self::Unauthorized | Self::CarrierDown | Self::Misconfigured
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_plain_form_of_an_address_is_taken() {
        for good in [
            "ann@example.com",
            "ann+codes@mail.example.com",
            "o'hara@example.ie",
            "a@b.c",
            "zoë@exämple.de",
        ] {
            assert_eq!(
                Recipient::email(good),
                Some(Recipient::Email(good.into())),
                "{good}"
            );
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@host",
            "ann@example..com",
            ".ann@example.com",
            "ann@example.com.",
            "a b@example.com",
            "a@b.com,c@d.com",
            "a@b.com\r\nRCPT TO:<c@d.com>",
            "\"a\"@example.com",
            "<a@example.com>",
            "a@[127.0.0.1]",
            "a@-example.com",
            "a@b@example.com",
            &long,
        ] {
            assert_eq!(Recipient::email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn nothing_of_an_order_shows() {
        let order = Order {
            key: "k".into(),
            to: Recipient::Phone(PhoneNumber::parse("+12025550143").unwrap()),
            text: "Your code is 123456".into(),
            code: Some("123456".into()),
            language: "en".into(),
            subject: "Code 123456".into(),
            extension: None,
        };
        let shown = format!("{order:?}");
        assert!(
            !shown.contains("123456") && !shown.contains("2025550143"),
            "{shown}"
        );
        let address = Recipient::email("ann@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "***@example.com");
    }

    #[test]
    fn a_person_who_does_not_want_it_is_not_asked_by_another_provider() {
        let elsewhere: Vec<&str> = Class::ALL
            .into_iter()
            .filter(|class| !class.another_may_try())
            .map(Class::as_str)
            .collect();
        assert_eq!(elsewhere, ["invalid_recipient", "opted_out"]);
        for class in Class::ALL {
            let shown = serde_json::to_value(class).unwrap();
            assert_eq!(shown, class.as_str());
            assert!(class.another_may_try() || !class.is_the_providers());
        }
    }

    proptest! {
        #[test]
        fn an_address_never_holds_what_ends_a_line_or_an_address(text in "\\PC{0,20}@\\PC{0,20}|.{0,40}") {
            if let Some(Recipient::Email(address)) = Recipient::email(&text) {
                prop_assert!(!address.chars().any(|c| c.is_control() || " ,;:<>\"()[]\\".contains(c)));
                prop_assert_eq!(address.matches('@').count(), 1);
            }
        }
    }
}
