//! Profiles and templates as their account makes, changes and lists them.

use std::sync::Arc;

use super::VerifyError;
use crate::core::id::{AccountId, ProfileId, TemplateId};
use crate::core::verification::profile::{Profile, Settings, Template};
use crate::gateway::making::Thing;
use crate::gateway::sending::Provider;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::{Commit, Committed, ProfileStep};

/// A page of an account's profiles, counted from 1.
#[derive(Debug, Clone)]
pub struct ProfilesWish {
    /// What stands in the name, in letters of either size.
    pub name: Option<String>,
    pub page: usize,
    pub size: usize,
}

/// Why a profile or a template is not there, or not as it is wished.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("there is no such profile")]
    NoProfile,
    #[error("there is no such template")]
    NoTemplate,
    /// Its name, and by what it should carry codes.
    #[error("no provider {0} carries codes by {1}")]
    NoProvider(String, &'static str),
    /// Which of the two, and why.
    #[error("{0}: {1}")]
    Webhook(&'static str, String),
}

impl From<Error> for ProfileError {
    fn from(error: Error) -> Self {
        Self::Verify(error.into())
    }
}

impl Gateway {
    /// Some of an account's profiles, oldest first, and how many there are of these.
    pub fn profiles(&self, account: &AccountId, wish: &ProfilesWish) -> (Vec<Arc<Profile>>, usize) {
        let mut all = self.parts.store.live().profiles(account);
        if let Some(name) = &wish.name {
            let name = name.to_lowercase();
            all.retain(|profile| profile.settings.name.to_lowercase().contains(&name));
        }
        let count = all.len();
        let first = wish.page.saturating_sub(1).saturating_mul(wish.size);
        (all.into_iter().skip(first).take(wish.size).collect(), count)
    }

    pub fn profile(&self, account: &AccountId, id: ProfileId) -> Result<Arc<Profile>, ProfileError> {
        let found = self.parts.store.live().profile(account, id);
        found.ok_or(ProfileError::NoProfile)
    }

    pub async fn create_profile(
        &self,
        account: &AccountId,
        settings: Settings,
    ) -> Result<Arc<Profile>, ProfileError> {
        let max = self.verify_rules()?.profiles_max;
        let (making, live) = (&self.making, self.parts.store.live());
        let there = || live.profiles(account).len();
        let _place = making.begin(account, Thing::Profile, max, there).await?;
        let now = self.now();
        let profile = Profile {
            id: ProfileId::new(now, self.parts.clock.random()),
            account: account.clone(),
            settings,
            created_at: now,
            updated_at: now,
            version: 0,
        };
        self.check_profile(&profile)?;
        let step = ProfileStep::Set(Box::new(profile.clone()), self.webhook(&profile)?);
        self.commit(Commit::Profile(step)).await?;
        self.warn_of_short_profile(&profile);
        Ok(Arc::new(profile))
    }

    /// Changes it, from what it is then.
    pub async fn change_profile(
        &self,
        account: &AccountId,
        id: ProfileId,
        change: impl Fn(&mut Settings) + Send,
    ) -> Result<Arc<Profile>, ProfileError> {
        for _ in 0..DECISIONS_MAX {
            let known = self.profile(account, id)?;
            let mut settings = known.settings.clone();
            change(&mut settings);
            let next = known.changed(settings, self.now());
            self.check_profile(&next)?;
            let step = ProfileStep::Set(Box::new(next.clone()), self.webhook(&next)?);
            if let Committed::New(_) = self.commit(Commit::Profile(step)).await? {
                self.warn_of_short_profile(&next);
                return Ok(Arc::new(next));
            }
        }
        Err(Error::Contended.into())
    }

    /// Deletes it; codes that were sent by it can be looked at and checked by their ids. The answer is what it was.
    pub async fn delete_profile(
        &self,
        account: &AccountId,
        id: ProfileId,
    ) -> Result<Arc<Profile>, ProfileError> {
        for _ in 0..DECISIONS_MAX {
            let known = self.profile(account, id)?;
            let step = ProfileStep::Remove(Box::new((*known).clone()));
            if let Committed::New(_) = self.commit(Commit::Profile(step)).await? {
                return Ok(known);
            }
        }
        Err(Error::Contended.into())
    }

    /// What its words do not say: its templates are the account's, and those who carry its codes are there.
    fn check_profile(&self, profile: &Profile) -> Result<(), ProfileError> {
        for step in &profile.settings.fallback {
            let Some(name) = &step.provider else {
                continue;
            };
            let carries = |known: &Provider| known.name == *name && known.channel == step.channel;
            if !self.providers.all.iter().any(carries) {
                return Err(ProfileError::NoProvider(name.clone(), step.channel.as_str()));
            }
        }
        let live = self.parts.store.live();
        let is_there = |id| live.template(&profile.account, id).is_some();
        if profile.settings.templates().all(is_there) {
            return Ok(());
        }
        Err(ProfileError::NoTemplate)
    }

    /// An account's templates, oldest first.
    pub fn templates(&self, account: &AccountId) -> Vec<Arc<Template>> {
        self.parts.store.live().templates(account)
    }

    pub fn template(&self, account: &AccountId, id: TemplateId) -> Result<Arc<Template>, ProfileError> {
        let found = self.parts.store.live().template(account, id);
        found.ok_or(ProfileError::NoTemplate)
    }

    pub async fn create_template(
        &self,
        account: &AccountId,
        text: String,
    ) -> Result<Arc<Template>, ProfileError> {
        let max = self.verify_rules()?.templates_max;
        let (making, live) = (&self.making, self.parts.store.live());
        let there = || live.templates(account).len();
        let _place = making.begin(account, Thing::Template, max, there).await?;
        let template = Template {
            id: TemplateId::new(self.now(), self.parts.clock.random()),
            account: account.clone(),
            text,
            version: 0,
        };
        let step = ProfileStep::SetTemplate(Box::new(template.clone()));
        self.commit(Commit::Profile(step)).await?;
        Ok(Arc::new(template))
    }

    pub async fn change_template(
        &self,
        account: &AccountId,
        id: TemplateId,
        text: String,
    ) -> Result<Arc<Template>, ProfileError> {
        for _ in 0..DECISIONS_MAX {
            let known = self.template(account, id)?;
            let next = Template {
                text: text.clone(),
                version: known.version + 1,
                ..(*known).clone()
            };
            let step = ProfileStep::SetTemplate(Box::new(next.clone()));
            if let Committed::New(_) = self.commit(Commit::Profile(step)).await? {
                return Ok(Arc::new(next));
            }
        }
        Err(Error::Contended.into())
    }
}
