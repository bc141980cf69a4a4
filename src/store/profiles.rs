//! Profiles and templates of codes in the store: their commits, what guards them, the tables of them in memory, and what was sent by them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Error;
use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::live::{Fact, Live};
use super::plan::Plan;
use super::query::Query;
use super::rows::{Row, Rows};
use super::vault::Vault;
use super::verify;
use crate::core::id::{AccountId, ProfileId, TemplateId};
use crate::core::subscription::Subscription;
use crate::core::verification::Verification;
use crate::core::verification::address::To;
use crate::core::verification::profile::{Profile, Template};

/// A commit about profiles. Guarded by the version of what it changes: one of 0 is new.
#[derive(Debug, Clone)]
pub enum ProfileStep {
    /// With the subscription that is its webhook; `None`: it has none.
    Set(Box<Profile>, Option<Box<Subscription>>),
    /// As it was.
    Remove(Box<Profile>),
    SetTemplate(Box<Template>),
}

/// What must be so, or the answer is `Conflict`; `None`: there must be none.
#[derive(Debug, Default)]
pub struct Guard {
    profile_was: Option<(ProfileId, Option<u32>)>,
    template_was: Option<(TemplateId, Option<u32>)>,
}

/// As the commits of a group left them; `None`: it is gone.
#[derive(Debug, Default)]
pub struct InGroup {
    profiles: HashMap<ProfileId, Option<u32>>,
    templates: HashMap<TemplateId, Option<u32>>,
}

/// The profiles and templates in memory, by their ids, which begin with their time.
#[derive(Debug, Default)]
pub struct Profiles {
    profiles: BTreeMap<ProfileId, Arc<Profile>>,
    templates: BTreeMap<TemplateId, Arc<Template>>,
}

/// What became of one of them.
#[derive(Debug, Clone)]
pub enum Profiled {
    Profile(Arc<Profile>),
    ProfileGone(ProfileId),
    Template(Arc<Template>),
    TemplateGone(TemplateId),
}

impl Profiles {
    pub fn apply(&mut self, fact: Profiled) {
        match fact {
            Profiled::Profile(profile) => drop(self.profiles.insert(profile.id, profile)),
            Profiled::ProfileGone(id) => drop(self.profiles.remove(&id)),
            Profiled::Template(template) => drop(self.templates.insert(template.id, template)),
            Profiled::TemplateGone(id) => drop(self.templates.remove(&id)),
        }
    }
}

impl InGroup {
    pub fn note(&mut self, fact: &Profiled) {
        match fact {
            Profiled::Profile(profile) => self.profiles.insert(profile.id, Some(profile.version)),
            Profiled::ProfileGone(id) => self.profiles.insert(*id, None),
            Profiled::Template(template) => self.templates.insert(template.id, Some(template.version)),
            Profiled::TemplateGone(id) => self.templates.insert(*id, None),
        };
    }
}

impl Live {
    /// A profile of this account.
    pub fn profile(&self, account: &AccountId, id: ProfileId) -> Option<Arc<Profile>> {
        let tables = self.read();
        let found = tables.profiles.profiles.get(&id);
        found.filter(|profile| profile.account == *account).cloned()
    }

    /// All of an account's, oldest first.
    pub fn profiles(&self, account: &AccountId) -> Vec<Arc<Profile>> {
        let tables = self.read();
        let all = tables.profiles.profiles.values();
        all.filter(|profile| profile.account == *account)
            .cloned()
            .collect()
    }

    /// A template of this account.
    pub fn template(&self, account: &AccountId, id: TemplateId) -> Option<Arc<Template>> {
        let tables = self.read();
        let found = tables.profiles.templates.get(&id);
        found.filter(|template| template.account == *account).cloned()
    }

    /// All of an account's, oldest first.
    pub fn templates(&self, account: &AccountId) -> Vec<Arc<Template>> {
        let tables = self.read();
        let all = tables.profiles.templates.values();
        all.filter(|template| template.account == *account)
            .cloned()
            .collect()
    }
}

impl Plan {
    pub(super) fn profile(&mut self, step: ProfileStep, vault: &Vault) -> Result<(), Error> {
        match step {
            ProfileStep::Set(profile, webhook) => {
                match webhook {
                    Some(webhook) => self.subscription(*webhook, vault)?,
                    None => self.unsubscribe(&profile.account, profile.webhook()),
                }
                self.profiles.profile_was = Some((profile.id, profile.version.checked_sub(1)));
                let key = keys::profile(&profile.account, profile.id);
                let sealed = vault.seal(&key, &profile)?;
                self.rows.push(Row::put(Tree::State, key, sealed));
                self.facts
                    .push(Fact::Profiled(Profiled::Profile(Arc::from(profile))));
            }
            ProfileStep::Remove(profile) => {
                self.profiles.profile_was = Some((profile.id, Some(profile.version)));
                self.remove_profile(&profile.account, profile.id);
            }
            ProfileStep::SetTemplate(template) => {
                self.profiles.template_was = Some((template.id, template.version.checked_sub(1)));
                let key = keys::template(&template.account, template.id);
                let sealed = vault.seal(&key, &template)?;
                self.rows.push(Row::put(Tree::State, key, sealed));
                self.facts
                    .push(Fact::Profiled(Profiled::Template(Arc::from(template))));
            }
        }
        Ok(())
    }

    pub(super) fn remove_profile(&mut self, account: &AccountId, id: ProfileId) {
        self.rows
            .push(Row::delete(Tree::State, keys::profile(account, id)));
        self.unsubscribe(account, Profile::webhook_of(id));
        self.facts.push(Fact::Profiled(Profiled::ProfileGone(id)));
    }

    pub(super) fn remove_template(&mut self, account: &AccountId, id: TemplateId) {
        self.rows
            .push(Row::delete(Tree::State, keys::template(account, id)));
        self.facts.push(Fact::Profiled(Profiled::TemplateGone(id)));
    }
}

impl<R: Rows> Writer<R> {
    pub(super) fn is_profile_outdated(&self, guard: &Guard, group: &Group) -> bool {
        let profile = guard.profile_was.is_some_and(|(id, was)| {
            let live = || {
                let tables = self.live.read();
                tables.profiles.profiles.get(&id).map(|profile| profile.version)
            };
            group.profiles.profiles.get(&id).copied().unwrap_or_else(live) != was
        });
        let template = guard.template_was.is_some_and(|(id, was)| {
            let live = || {
                let tables = self.live.read();
                tables
                    .profiles
                    .templates
                    .get(&id)
                    .map(|template| template.version)
            };
            group.profiles.templates.get(&id).copied().unwrap_or_else(live) != was
        });
        profile || template
    }
}

impl<R: Rows> Query<'_, R> {
    /// The newest of an account's to this address, whatever their profiles, and how many there are of them.
    pub fn verifications_to(
        &self,
        account: &AccountId,
        to: &To,
        limit: usize,
    ) -> Result<(Vec<Verification>, usize), Error> {
        let prefix = keys::verifications_to(account, verify::address(self.vault, to));
        let mut ids = Vec::new();
        for day in self.rows.log_days() {
            for (key, _) in self.rows.scan(Tree::Log(day), &prefix, usize::MAX)? {
                ids.extend(keys::parse_verification_to(&key));
            }
        }
        ids.sort_unstable();
        let newest = ids.iter().rev().take(limit);
        let found = newest.filter_map(|id| self.verification(account, *id).transpose());
        Ok((found.collect::<Result<_, _>>()?, ids.len()))
    }
}
