//! Accounts as their operator has them: made, disabled, enabled, deleted.

use std::sync::Arc;

use super::{DECISIONS_MAX, Error, Gateway};
use crate::core::account::{Account, Limits, State};
use crate::core::id::AccountId;
use crate::core::time::{DAY_MS, UnixMs};
use crate::store::{Access, Closing, Committed};

/// An account and what it has.
#[derive(Debug, Clone)]
pub struct KnownAccount {
    pub account: Arc<Account>,
    pub keys: usize,
    /// Rentals that are not over.
    pub rentals: usize,
    pub subscriptions: usize,
}

impl Gateway {
    /// By id, without the deleted ones.
    pub fn accounts(&self) -> Vec<KnownAccount> {
        let mut all: Vec<_> = self.parts.store.live().access(|table| {
            let there = table.accounts().filter(|account| !account.is_deleted());
            there.cloned().collect()
        });
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.into_iter()
            .map(|account| self.known_account(account))
            .collect()
    }

    pub fn account(&self, id: &AccountId) -> Result<KnownAccount, Error> {
        let found = self.parts.store.live().access(|table| table.account(id).cloned());
        let found = found.filter(|account| !account.is_deleted());
        let found = found.ok_or_else(|| Error::NoAccount(id.as_str().to_owned()))?;
        Ok(self.known_account(found))
    }

    fn known_account(&self, account: Arc<Account>) -> KnownAccount {
        let live = self.parts.store.live();
        KnownAccount {
            keys: self.keys_of(&account.id).len(),
            rentals: live.access(|table| table.open_rentals(&account.id)),
            subscriptions: live.subscriptions(&account.id).len(),
            account,
        }
    }

    pub async fn create_account(
        &self,
        id: AccountId,
        (name, limits): (String, Limits),
    ) -> Result<KnownAccount, Error> {
        let known = self
            .parts
            .store
            .live()
            .access(|table| table.account(&id).cloned());
        match known.map(|known| known.state) {
            None => {}
            Some(State::Deleted { at }) => {
                return Err(Error::AccountHeld(id.into(), self.free_again(at)));
            }
            Some(_) => return Err(Error::AccountExists(id.into())),
        }
        let account = Account {
            name,
            limits,
            ..Account::new(id.clone(), self.now())
        };
        match self.commit_access(Access::SetAccount(Box::new(account))).await? {
            Committed::New(_) => self.account(&id),
            _ => Err(Error::AccountExists(id.into())),
        }
    }

    /// Makes an account of the configuration where there is none; one that is there, or was deleted, stays as it is.
    pub async fn ensure_account(&self, account: Account) -> Result<(), Error> {
        let live = self.parts.store.live();
        if live.access(|table| table.account(&account.id).is_none()) {
            self.commit_access(Access::SetAccount(Box::new(account))).await?;
        }
        Ok(())
    }

    /// A deleted account's id is nobody's while its logs are there.
    pub(super) fn check_not_held(&self, id: &AccountId) -> Result<(), Error> {
        let known = self.parts.store.live().access(|table| table.account(id).cloned());
        match known.map(|known| known.state) {
            Some(State::Deleted { at }) => {
                Err(Error::AccountHeld(id.as_str().to_owned(), self.free_again(at)))
            }
            _ => Ok(()),
        }
    }

    /// When the logs of the day of a deletion, and of the next, are dropped.
    fn free_again(&self, deleted_at: UnixMs) -> UnixMs {
        deleted_at.plus_ms((u64::from(self.parts.rules.log_days) + 2) * DAY_MS)
    }

    /// Changes its name or its limits.
    pub async fn change_account(
        &self,
        id: &AccountId,
        change: impl Fn(&mut Account),
    ) -> Result<KnownAccount, Error> {
        self.set_account(id, |account| {
            let mut next = account.clone();
            change(&mut next);
            next.version = account.version + 1;
            Some(next)
        })
        .await
    }

    /// Refuses its keys from now on, also to who waits, and holds what is to be sent to it.
    pub async fn disable_account(&self, id: &AccountId) -> Result<KnownAccount, Error> {
        let now = self.now();
        let disabled = self.set_account(id, |account| account.with_state(State::Disabled { at: now }));
        let known = disabled.await?;
        self.wake_keys(&self.keys_of(id));
        Ok(known)
    }

    /// Lets its keys in again; what was held goes out.
    pub async fn enable_account(&self, id: &AccountId) -> Result<KnownAccount, Error> {
        let known = self
            .set_account(id, |account| account.with_state(State::Active))
            .await?;
        self.parts.doorbell.notify_one();
        Ok(known)
    }

    async fn set_account(
        &self,
        id: &AccountId,
        change: impl Fn(&Account) -> Option<Account>,
    ) -> Result<KnownAccount, Error> {
        for _ in 0..DECISIONS_MAX {
            let known = self.account(id)?;
            let Some(next) = change(&known.account) else {
                return Ok(known);
            };
            if let Committed::New(_) = self.commit_access(Access::SetAccount(Box::new(next))).await? {
                return self.account(id);
            }
        }
        Err(Error::Contended)
    }

    /// Ends an account that has no rental any more, with its keys and subscriptions.
    pub async fn delete_account(&self, id: &AccountId) -> Result<(), Error> {
        for _ in 0..DECISIONS_MAX {
            let known = self.account(id)?;
            let live = self.parts.store.live();
            let _place = self
                .making
                .close(id, || match live.access(|table| table.open_rentals(id)) {
                    0 => Ok(()),
                    open => Err(Error::AccountInUse(open)),
                })?;
            let Some(account) = known.account.with_state(State::Deleted { at: self.now() }) else {
                return Err(Error::NoAccount(id.as_str().to_owned()));
            };
            let keys = self.keys_of(id);
            let closing = Closing {
                account,
                keys: keys.iter().map(|key| key.hash).collect(),
                subscriptions: live.subscriptions(id).iter().map(|s| s.id).collect(),
                profiles: live.profiles(id).iter().map(|profile| profile.id).collect(),
                templates: live.templates(id).iter().map(|template| template.id).collect(),
            };
            if let Committed::New(_) = self
                .commit_access(Access::CloseAccount(Box::new(closing)))
                .await?
            {
                self.wake_keys(&keys);
                return Ok(());
            }
        }
        Err(Error::Contended)
    }

    fn wake_keys(&self, keys: &[Arc<crate::core::key::Key>]) {
        keys.iter().for_each(|key| self.parts.waiters.wake_key(key.hash));
    }

    /// Frees the ids of deleted accounts whose logs are gone.
    pub async fn forget_accounts(&self) -> Result<(), Error> {
        let now = self.now();
        let is_over = |account: &Account| match account.state {
            State::Deleted { at } => self.free_again(at) <= now,
            State::Active | State::Disabled { .. } => false,
        };
        let over: Vec<_> = self.parts.store.live().access(|table| {
            let over = table.accounts().filter(|account| is_over(account));
            over.cloned().collect()
        });
        for account in over {
            let forget = Access::ForgetAccount(Box::new(Arc::unwrap_or_clone(account)));
            self.commit_access(forget).await?;
        }
        Ok(())
    }
}
