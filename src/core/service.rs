//! What a number can be rented for: its name, price and lifetime, what a number must be able to do for it, and what its codes are like.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::appended;
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
    /// What its messages call it or their sender by. Records of before them end here.
    #[serde(deserialize_with = "appended::or_default")]
    pub brands: Vec<String>,
}

impl Service {
    /// Whether its messages can be told from those of others that have the same number.
    pub fn can_be_told(&self) -> bool {
        !self.brands.is_empty() || self.expects_sender()
    }

    /// A sender is expected that says something: a rule that everybody fits is none.
    fn expects_sender(&self) -> bool {
        let sender = self.filter.sender.as_deref();
        sender.is_some_and(|sender| sender.chars().any(char::is_alphanumeric))
    }

    fn is_sender(&self, from: &str) -> bool {
        if self.expects_sender() {
            return self.filter.accepts_sender(from);
        }
        let from = from.to_lowercase();
        self.brands.iter().any(|brand| brand.to_lowercase() == from)
    }

    /// Whether the text, in small letters, has one of its brands as a word of its own.
    fn is_named(&self, text: &str) -> bool {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        self.brands.iter().map(|brand| brand.to_lowercase()).any(|brand| {
            let mut found = text.match_indices(&brand);
            found.any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + brand.len()..]);
                let goes_on = is_part(before.chars().next_back()) && is_part(brand.chars().next())
                    || is_part(after.chars().next()) && is_part(brand.chars().next_back());
                !goes_on
            })
        })
    }
}

/// Which one of these a message from this sender is for, where that is beyond doubt: the only one whose sender it is, unless the text names
/// others alone; or, of a sender that is nobody's, the only one that the text names, unless it expects another sender. `None` stands for
/// a service that is not known any more.
pub fn addressee(services: &[Option<Arc<Service>>], from: &str, text: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let fit = |fits: &dyn Fn(&Service) -> bool| -> Vec<usize> {
        let known = |at: &usize| services[*at].as_ref().is_some_and(|service| fits(service));
        (0..services.len()).filter(known).collect()
    };
    let (senders, named) = (
        fit(&|service| service.is_sender(from)),
        fit(&|service| service.is_named(&text)),
    );
    let silent = fit(&|service| service.is_named(&text) && !service.expects_sender());
    match (senders.as_slice(), named.as_slice()) {
        ([], [_]) => only(silent),
        ([], _) => None,
        (_, []) => only(senders),
        _ => only(senders.into_iter().filter(|at| named.contains(at)).collect()),
    }
}

fn only(mut of: Vec<usize>) -> Option<usize> {
    of.pop().filter(|_| of.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, brands: &[&str], sender: Option<&str>) -> Option<Arc<Service>> {
        Some(Arc::new(Service {
            name: name.into(),
            description: name.into(),
            capability: Capability::Sms,
            price: Price(0),
            lifetime_ms: 1,
            filter: Filter {
                sender: sender.map(str::to_owned),
                ..Filter::default()
            },
            brands: brands.iter().map(|brand| (*brand).to_owned()).collect(),
        }))
    }

    fn all() -> Vec<Option<Arc<Service>>> {
        vec![
            service("google", &["Google", "G-"], None),
            service("telegram", &["Telegram"], None),
            service("bank", &["Bank of Oz"], Some("OZBANK*")),
            service("yandex", &["Яндекс"], None),
            None,
        ]
    }

    fn told(from: &str, text: &str) -> Option<String> {
        let all = all();
        let at = addressee(&all, from, text)?;
        all[at].as_ref().map(|service| service.name.clone())
    }

    #[test]
    fn a_message_is_for_the_one_service_whose_sender_or_name_it_has() {
        for (from, text, of) in [
            ("+15550001", "Your Google code is 482913", "google"),
            ("+15550001", "G-482913 is your verification code.", "google"),
            ("+15550001", "482913 您的Google验证码", "google"),
            ("TELEGRAM", "Code 48291", "telegram"),
            ("Telegram", "Code 48291. Get Telegram on Google Play", "telegram"),
            ("OzBank7", "Your code is 4829", "bank"),
            ("+15550001", "Код от Яндекса 4829", "yandex"),
        ] {
            assert_eq!(told(from, text).as_deref(), Some(of), "{from}: {text}");
        }
    }

    #[test]
    fn where_none_or_several_can_be_meant_it_is_for_nobody() {
        for (from, text) in [
            ("+15550001", "Your code is 482913"),
            ("+15550001", "Telegram code 48291. Get it on Google Play"),
            ("+15550001", "Googleplex code 4829"),
            ("Telegram", "Your Google code is 482913"),
            // Anybody can write its name: it has a sender.
            ("+15550001", "Bank of Oz code 4829"),
            ("+15550001", "Bank of Oz and Google code 4829"),
            ("OZBANK", "Your Google code is 482913"),
        ] {
            assert_eq!(told(from, text), None, "{from}: {text}");
        }
    }

    #[test]
    fn a_service_that_nothing_tells_is_none_that_shares() {
        let can = |brands: &[&str], sender| service("x", brands, sender).is_some_and(|s| s.can_be_told());
        assert!(can(&["X"], None) && can(&[], Some("X*")));
        assert!(!can(&[], None) && !can(&[], Some("*")) && !can(&[], Some("+*")));
    }
}
