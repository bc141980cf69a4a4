//! Accounts and keys in the store: their commits, what guards them, and the table of them in memory.

use std::collections::HashMap;
use std::sync::Arc;

use super::Error;
use super::deliveries::Effects;
use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::live::Fact;
use super::plan::Plan;
use super::rows::{Row, Rows};
use super::vault::Vault;
use crate::core::account::Account;
use crate::core::id::{AccountId, ProfileId, SubscriptionId, TemplateId};
use crate::core::key::{Hash, Key};
use crate::core::time::UnixMs;

/// A commit about accounts and keys.
#[derive(Debug, Clone)]
pub enum Access {
    /// A new account, or one as it will be: guarded by its version, a new one by there being none.
    SetAccount(Box<Account>),
    /// An account's end, with all that lets anybody in for it or sends anything to it. Guarded by its version.
    CloseAccount(Box<Closing>),
    /// Nothing is left of an account that was deleted: its id is free. Guarded by its version.
    ForgetAccount(Box<Account>),
    /// A key; its account is made where it is not known yet. A deleted account gets none.
    AddKey(Box<Key>),
    /// A key as it will be, guarded by its version, and the one that takes its place.
    ReplaceKey {
        old: Box<Key>,
        new: Box<Key>,
    },
    RevokeKey(Hash),
    /// When keys were used last; those that are gone are passed over.
    NoteUses(Vec<(Hash, UnixMs)>),
}

/// What ends with an account.
#[derive(Debug, Clone)]
pub struct Closing {
    /// As it will be: deleted.
    pub account: Account,
    pub keys: Vec<Hash>,
    pub subscriptions: Vec<SubscriptionId>,
    pub profiles: Vec<ProfileId>,
    pub templates: Vec<TemplateId>,
}

/// What of accounts and keys must be so, or the answer is `Conflict`, and what is added where it fits.
#[derive(Debug, Default)]
pub struct Guard {
    /// `None`: there must be no such account.
    account_was: Option<(AccountId, Option<u32>)>,
    key_was: Option<(Hash, u32)>,
    /// The account of a new key, as it is made where it is missing.
    owner: Option<Account>,
    uses: Vec<(Hash, UnixMs)>,
}

/// As the commits of a group left them; `None`: it ended.
#[derive(Debug, Default)]
pub struct InGroup {
    accounts: HashMap<AccountId, Option<Arc<Account>>>,
    keys: HashMap<Hash, Option<u32>>,
}

impl InGroup {
    pub fn note_account(&mut self, id: &AccountId, account: Option<Arc<Account>>) {
        self.accounts.insert(id.clone(), account);
    }

    pub fn note_key(&mut self, hash: Hash, version: Option<u32>) {
        self.keys.insert(hash, version);
    }
}

impl Plan {
    pub(super) fn access(&mut self, change: Access, vault: &Vault) -> Result<(), Error> {
        match change {
            Access::SetAccount(account) => {
                self.access.account_was = Some((account.id.clone(), account.version.checked_sub(1)));
                self.account(*account, vault)?;
            }
            Access::CloseAccount(closing) => {
                let account = closing.account;
                self.access.account_was = Some((account.id.clone(), account.version.checked_sub(1)));
                closing.keys.into_iter().for_each(|hash| self.revoke(hash));
                let subscriptions = closing.subscriptions.into_iter();
                subscriptions.for_each(|id| self.unsubscribe(&account.id, id));
                let profiles = closing.profiles.into_iter();
                profiles.for_each(|id| self.remove_profile(&account.id, id));
                let templates = closing.templates.into_iter();
                templates.for_each(|id| self.remove_template(&account.id, id));
                self.account(account, vault)?;
            }
            Access::ForgetAccount(account) => {
                self.access.account_was = Some((account.id.clone(), Some(account.version)));
                self.rows
                    .push(Row::delete(Tree::State, keys::account(&account.id)));
                self.facts.push(Fact::AccountGone(account.id));
            }
            Access::AddKey(key) => {
                self.access.owner = Some(Account::new(key.account.clone(), key.created_at));
                self.key(*key, vault)?;
            }
            Access::ReplaceKey { old, new } => {
                debug_assert!(old.version > 0, "a changed key has a version before");
                self.access.key_was = Some((old.hash, old.version - 1));
                self.key(*old, vault)?;
                self.key(*new, vault)?;
            }
            Access::RevokeKey(hash) => self.revoke(hash),
            Access::NoteUses(uses) => self.access.uses = uses,
        }
        Ok(())
    }

    fn account(&mut self, account: Account, vault: &Vault) -> Result<(), Error> {
        let (row, fact) = account_row(account, vault)?;
        self.rows.push(row);
        self.facts.push(fact);
        Ok(())
    }

    fn key(&mut self, key: Key, vault: &Vault) -> Result<(), Error> {
        let place = keys::api_key(key.hash);
        let sealed = vault.seal(&place, &key)?;
        self.rows.push(Row::put(Tree::State, place, sealed));
        self.facts.push(Fact::Key(Arc::new(key)));
        Ok(())
    }

    fn revoke(&mut self, hash: Hash) {
        self.rows.push(Row::delete(Tree::State, keys::api_key(hash)));
        self.rows.push(Row::delete(Tree::State, keys::key_use(hash)));
        self.facts.push(Fact::KeyGone(hash));
    }
}

fn account_row(account: Account, vault: &Vault) -> Result<(Row, Fact), Error> {
    let place = keys::account(&account.id);
    let sealed = vault.seal(&place, &account)?;
    Ok((
        Row::put(Tree::State, place, sealed),
        Fact::Account(Arc::new(account)),
    ))
}

impl<R: Rows> Writer<R> {
    pub(super) fn is_access_outdated(&self, guard: &Guard, group: &Group) -> bool {
        let account = guard
            .account_was
            .as_ref()
            .is_some_and(|(id, was)| self.account(id, group).map(|account| account.version) != *was);
        let key = guard
            .key_was
            .is_some_and(|(hash, was)| self.key_version(hash, group) != Some(was));
        let is_deleted = |owner: &Account| {
            self.account(&owner.id, group)
                .is_some_and(|known| known.is_deleted())
        };
        account || key || guard.owner.as_ref().is_some_and(is_deleted)
    }

    fn account(&self, id: &AccountId, group: &Group) -> Option<Arc<Account>> {
        let in_memory = || self.live.access(|table| table.account(id).cloned());
        group.access.accounts.get(id).cloned().unwrap_or_else(in_memory)
    }

    fn key_version(&self, hash: Hash, group: &Group) -> Option<u32> {
        let in_memory = || self.live.key(hash).map(|key| key.version);
        group.access.keys.get(&hash).copied().unwrap_or_else(in_memory)
    }

    /// What is added only where it fits what is there.
    pub(super) fn add_access(&self, guard: Guard, group: &Group, effects: &mut Effects) -> Result<(), Error> {
        if let Some(owner) = guard.owner
            && self.account(&owner.id, group).is_none()
        {
            let (row, fact) = account_row(owner, &self.vault)?;
            effects.rows.push(row);
            effects.facts.push(fact);
        }
        for (hash, at) in guard.uses {
            if self.key_version(hash, group).is_some() {
                let place = keys::key_use(hash);
                let sealed = self.vault.seal(&place, &at)?;
                effects.rows.push(Row::put(Tree::State, place, sealed));
                effects.facts.push(Fact::KeyUsed(hash, at));
            }
        }
        Ok(())
    }
}

/// Accounts and keys as they are known in memory.
#[derive(Debug, Default)]
pub struct Table {
    accounts: HashMap<AccountId, Arc<Account>>,
    keys: HashMap<Hash, Arc<Key>>,
    uses: HashMap<Hash, UnixMs>,
    /// How many rentals of an account are not over; none is not kept.
    open_rentals: HashMap<AccountId, usize>,
}

impl Table {
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(id)
    }

    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    pub fn key(&self, hash: Hash) -> Option<&Arc<Key>> {
        self.keys.get(&hash)
    }

    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    /// When a key was used last, as far as it is written down.
    pub fn used_at(&self, hash: Hash) -> Option<UnixMs> {
        self.uses.get(&hash).copied()
    }

    /// Whether this account's keys are refused. One that only its rentals tell of is as good as active.
    pub fn is_shut(&self, id: &AccountId) -> bool {
        self.account(id).is_some_and(|account| !account.is_active())
    }

    /// How many of its rentals are not over.
    pub fn open_rentals(&self, id: &AccountId) -> usize {
        self.open_rentals.get(id).copied().unwrap_or(0)
    }

    pub(super) fn count_rental(&mut self, account: &AccountId, (was_open, is_open): (bool, bool)) {
        let count = self.open_rentals(account) + usize::from(is_open) - usize::from(was_open);
        if count == 0 {
            self.open_rentals.remove(account);
        } else {
            self.open_rentals.insert(account.clone(), count);
        }
    }

    pub(super) fn put_account(&mut self, account: Arc<Account>) {
        self.accounts.insert(account.id.clone(), account);
    }

    pub(super) fn remove_account(&mut self, id: &AccountId) {
        self.accounts.remove(id);
    }

    pub(super) fn put_key(&mut self, key: Arc<Key>) {
        self.keys.insert(key.hash, key);
    }

    pub(super) fn remove_key(&mut self, hash: Hash) {
        self.keys.remove(&hash);
        self.uses.remove(&hash);
    }

    pub(super) fn note_use(&mut self, hash: Hash, at: UnixMs) {
        self.uses.insert(hash, at);
    }
}
