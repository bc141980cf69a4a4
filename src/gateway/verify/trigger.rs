//! A code that is sent as a profile says: contract 003's way to ask for one, and to look at those that were.

use std::sync::Arc;

use super::{ProfileError, VerifyError, VerifyWish};
use crate::core::abuse::Who;
use crate::core::id::{AccountId, ProfileId, VerificationId};
use crate::core::key::Key;
use crate::core::phone::PhoneNumber;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::fallback::Words;
use crate::core::verification::profile::Profile;
use crate::core::verification::{Own, Verification};
use crate::gateway::{Error, Gateway, Once};

/// The newest to one number that are listed.
const LISTED_MAX: usize = 250;

/// A wish for a code by a profile.
#[derive(Debug, Clone)]
pub struct TriggerWish {
    pub key: Arc<Key>,
    pub profile: ProfileId,
    pub to: PhoneNumber,
    pub channel: Channel,
    /// How long it holds, where not as the profile says.
    pub timeout_s: Option<u32>,
    pub own: Own,
    pub who: Who,
    /// For a request that may come again.
    pub once: Option<Arc<Once<Verification>>>,
}

impl Gateway {
    /// Has a code sent as its profile says; the answer is what came of it, taken by a provider or not.
    pub async fn trigger(self: &Arc<Self>, wish: TriggerWish) -> Result<Verification, ProfileError> {
        let wish = self.wished_by_profile(wish)?;
        Ok(self.begin_verification(wish).await?)
    }

    /// The wish for a code that a profile makes of this one.
    pub(super) fn wished_by_profile(&self, wish: TriggerWish) -> Result<VerifyWish, ProfileError> {
        let profile = self.profile(&wish.key.account, wish.profile)?;
        let settings = profile.settings.of(wish.channel).cloned().unwrap_or_default();
        let seconds = wish.timeout_s.unwrap_or(settings.timeout_s);
        let own_digits = wish.own.code.as_ref().map(|code| code.as_str().len());
        Ok(VerifyWish {
            key: wish.key,
            to: To::Number(wish.to),
            channel: wish.channel,
            digits: own_digits
                .and_then(|digits| digits.try_into().ok())
                .unwrap_or(settings.digits),
            words: self.words(&profile, wish.channel),
            who: wish.who,
            own: wish.own,
            ttl_ms: Some(u64::from(seconds) * 1000),
            profile: Some(profile),
            once: wish.once,
        })
    }

    /// In what words a profile's codes are told by this channel.
    pub(super) fn words(&self, profile: &Profile, channel: Channel) -> Words {
        let settings = profile.settings.of(channel).cloned().unwrap_or_default();
        let live = self.parts.store.live();
        let template = settings
            .template
            .and_then(|id| live.template(&profile.account, id));
        let language = profile.settings.language.clone();
        Words {
            language: language.unwrap_or_else(|| "en".to_owned()),
            text: template.map(|template| template.text.clone()),
            app_name: settings.app_name,
            autofill: settings.autofill,
        }
    }

    /// A code that was sent by a profile.
    pub async fn triggered(
        &self,
        account: &AccountId,
        id: VerificationId,
    ) -> Result<Verification, VerifyError> {
        let known = self.verification(account, id).await?;
        Some(known)
            .filter(|known| !known.profile.is_empty())
            .ok_or(VerifyError::NotFound)
    }

    /// The newest to this number that were sent by profiles, and how many there are.
    pub async fn triggered_to(
        &self,
        account: &AccountId,
        to: PhoneNumber,
    ) -> Result<(Vec<Verification>, usize), Error> {
        let (account, to) = (account.clone(), To::Number(to));
        self.read(move |store| store.verifications_to(&account, &to, LISTED_MAX))
            .await
    }
}
