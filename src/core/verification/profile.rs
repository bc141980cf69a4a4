//! What an account wants of its codes: a profile has settings for each channel, a template is a text of the account's own. Which code
//! takes whose place, and what a day may cost, goes by profile.

use serde::{Deserialize, Serialize};

use super::autofill::Autofill;
use super::code::DIGITS_MAX;
use super::fallback::Step;
use crate::core::abuse::OfProfile;
use crate::core::abuse::spend::Caps;
use crate::core::id::{AccountId, ProfileId, SubscriptionId, TemplateId};
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;

/// Longest name, in characters.
pub const NAME_MAX: usize = 255;
/// Digits of a code unless the profile says.
pub const DIGITS_USUAL: u8 = 5;
/// How long a code holds unless the profile or the request says, and at most, in seconds.
pub const TIMEOUT_USUAL_S: u32 = 300;
pub const TIMEOUT_MAX_S: u32 = 3600;
/// Countries of one list.
pub const COUNTRIES_MAX: usize = 300;
/// Longest of a name that somebody else gave, in bytes.
pub const FOREIGN_BYTES_MAX: usize = 256;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub id: ProfileId,
    pub account: AccountId,
    pub settings: Settings,
    pub created_at: UnixMs,
    pub updated_at: UnixMs,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// What a profile's owner decides.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Settings {
    pub name: String,
    pub language: Option<String>,
    pub webhook_url: Option<String>,
    /// Asked where the other one does not take an event.
    pub webhook_failover_url: Option<String>,
    /// The most that its codes may cost in a day, where that is enforced.
    pub daily_spend_limit: Option<Price>,
    pub daily_spend_limit_enabled: bool,
    /// The same in an hour and in 30 days.
    pub hourly_spend_limit: Option<Price>,
    pub monthly_spend_limit: Option<Price>,
    /// `None`: as a channel is by default.
    pub sms: Option<ChannelSettings>,
    pub call: Option<ChannelSettings>,
    pub flashcall: Option<ChannelSettings>,
    pub whatsapp: Option<ChannelSettings>,
    /// How its codes go on where they do not arrive.
    pub fallback: Vec<Step>,
    /// Whether a refusal that would tell something of a number is not told; `None`: as the operator says.
    pub strict_privacy: Option<bool>,
}

/// How codes go out by one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelSettings {
    pub app_name: Option<String>,
    pub digits: u8,
    pub timeout_s: u32,
    pub template: Option<TemplateId>,
    /// Countries that get codes, within those that the operator allows; `None`: all of these.
    pub countries: Option<Vec<String>>,
    /// Whose phones fill the code in; for SMS.
    pub autofill: Autofill,
    /// What an account has elsewhere, kept and shown. Who a message is from is decided by its provider.
    pub elsewhere: Elsewhere,
}

/// Names of another's making, as contract 003 has them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Elsewhere {
    pub alpha_sender: Option<String>,
    pub sender_phone_number: Option<String>,
    pub template_id: Option<String>,
    pub waba_id: Option<String>,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            app_name: None,
            digits: DIGITS_USUAL,
            timeout_s: TIMEOUT_USUAL_S,
            template: None,
            countries: None,
            autofill: Autofill::default(),
            elsewhere: Elsewhere::default(),
        }
    }
}

impl ChannelSettings {
    /// Whether codes go to this country.
    pub fn allows(&self, country: &str) -> bool {
        self.countries.as_ref().is_none_or(|countries| {
            countries
                .iter()
                .any(|allowed| allowed == "*" || allowed == country)
        })
    }
}

impl Settings {
    /// How codes go out by this channel, where it is said.
    pub fn of(&self, channel: Channel) -> Option<&ChannelSettings> {
        match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Voice => self.call.as_ref(),
            Channel::Flashcall => self.flashcall.as_ref(),
            Channel::Whatsapp => self.whatsapp.as_ref(),
            Channel::Email => None,
        }
    }

    /// The most that its codes may cost; by the day where that is enforced.
    pub fn caps(&self) -> Caps {
        let day = self.daily_spend_limit.filter(|_| self.daily_spend_limit_enabled);
        Caps([self.hourly_spend_limit, day, self.monthly_spend_limit])
    }

    /// The templates that its channels name.
    pub fn templates(&self) -> impl Iterator<Item = TemplateId> {
        let channels = [&self.sms, &self.call, &self.flashcall, &self.whatsapp];
        channels
            .into_iter()
            .flatten()
            .filter_map(|channel| channel.template)
    }
}

impl Profile {
    /// Its own limits for codes by this channel.
    pub fn limits(&self, channel: Channel) -> OfProfile<'_> {
        OfProfile {
            id: self.id,
            channel: self.settings.of(channel),
            caps: self.settings.caps(),
        }
    }

    /// The subscription that is its webhook, where it has one.
    pub fn webhook(&self) -> SubscriptionId {
        Self::webhook_of(self.id)
    }

    pub fn webhook_of(id: ProfileId) -> SubscriptionId {
        SubscriptionId(id.0)
    }

    /// As it becomes by a change of its owner's.
    pub fn changed(&self, settings: Settings, now: UnixMs) -> Self {
        Self {
            settings,
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

/// A text of an account's own, with a place for the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    pub account: AccountId,
    pub text: String,
    pub version: u32,
}

/// As contract 003 lets an app be called.
pub fn is_app_name(text: &str) -> bool {
    is_of(text, 30, |c| c.is_ascii_alphanumeric() || c == ' ' || c == '-')
}

/// As contract 003 lets a sender be called.
pub fn is_alpha_sender(text: &str) -> bool {
    is_of(text, 11, |c| c.is_ascii_alphanumeric() || c == ' ')
}

/// One line of what can be read.
pub fn is_name(text: &str) -> bool {
    is_of(text, NAME_MAX, |c| !c.is_control())
}

/// A language tag, such as `en-US`.
pub fn is_language(text: &str) -> bool {
    text.len() >= 2 && is_of(text, 35, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn is_of(text: &str, chars_max: usize, is: impl Fn(char) -> bool) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && text.chars().all(is)
}

/// Whether a code may have so many digits.
pub fn is_digits(digits: u64) -> bool {
    (u64::from(super::code::DIGITS_MIN)..=u64::from(DIGITS_MAX)).contains(&digits)
}

/// Whether a code may hold for so long.
pub fn is_timeout(seconds: u64) -> bool {
    (1..=u64::from(TIMEOUT_MAX_S)).contains(&seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_published_patterns_say() {
        assert!(is_app_name("Example Secure App") && is_app_name("a-1"));
        assert!(
            !is_app_name("") && !is_app_name("a_b") && !is_app_name(&"x".repeat(31)) && !is_app_name("é")
        );
        assert!(is_alpha_sender("Telnyx") && !is_alpha_sender("a-b") && !is_alpha_sender("twelve chars"));
        assert!(is_name("Test Profile") && !is_name("two\nlines"));
        assert!(is_language("en-US") && !is_language("e") && !is_language("en us"));
        assert!(is_digits(4) && is_digits(10) && !is_digits(3) && !is_digits(11));
        assert!(is_timeout(1) && !is_timeout(0) && !is_timeout(3601));
    }

    #[test]
    fn a_list_of_countries_narrows_and_a_star_is_all() {
        let of = |countries: Option<&[&str]>| ChannelSettings {
            countries: countries.map(|list| list.iter().map(|country| (*country).to_owned()).collect()),
            ..ChannelSettings::default()
        };
        assert!(
            of(None).allows("US") && of(Some(&["*"])).allows("US") && of(Some(&["CA", "US"])).allows("US")
        );
        assert!(!of(Some(&["CA"])).allows("US") && !of(Some(&[])).allows("US"));
    }
}
