//! API keys: made, listed, replaced, revoked, and when they were used last. A key that is gone is refused from then on, also to who waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::making::{Place, Thing};
use super::{DECISIONS_MAX, Error, Gateway};
use crate::clock;
use crate::core::id::AccountId;
use crate::core::key::{Hash, Key, Plain, is_plausible};
use crate::core::scope::Scopes;
use crate::core::time::UnixMs;
use crate::store::{Access, Commit, Committed};

/// A wish for a key.
#[derive(Debug, Clone)]
pub struct KeyWish {
    pub account: AccountId,
    pub name: String,
    pub scopes: Scopes,
    /// Of the form `rb_test_`.
    pub is_test: bool,
    pub expires_in_ms: Option<u64>,
    pub allow_query_key: bool,
}

/// A key and when it was used last.
#[derive(Debug, Clone)]
pub struct KnownKey {
    pub key: Arc<Key>,
    pub used_at: Option<UnixMs>,
}

/// Uses that are not written down yet. A request notes its own here and never waits for a disk; the sweep writes them.
#[derive(Default)]
pub struct Uses(Mutex<HashMap<Hash, UnixMs>>);

impl Uses {
    fn note(&self, hash: Hash, at: UnixMs) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = uses.entry(hash).or_insert(at);
        *latest = at.max(*latest);
    }

    fn of(&self, hash: Hash) -> Option<UnixMs> {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.get(&hash).copied()
    }

    fn take(&self) -> Vec<(Hash, UnixMs)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }
}

impl Gateway {
    /// Whose key this is. Not one's that is unknown, revoked or expired, all alike.
    pub fn authenticate(&self, key: &str) -> Result<Arc<Key>, Error> {
        if !is_plausible(key) {
            return Err(Error::KeyGone);
        }
        let key = self.valid(Hash::of(key))?;
        self.uses.note(key.hash, self.now());
        Ok(key)
    }

    fn valid(&self, hash: Hash) -> Result<Arc<Key>, Error> {
        let found = self.parts.store.live().access(|table| {
            let key = table.key(hash)?.clone();
            let is_shut = table.is_shut(&key.account);
            Some((key, is_shut))
        });
        match found {
            Some((key, _)) if key.is_expired(self.now()) => Err(Error::KeyGone),
            Some((_, true)) => Err(Error::AccountDisabled),
            Some((key, _)) if key.is_test() && !self.is_sandbox() => Err(Error::NoSandbox),
            Some((key, false)) => Ok(key),
            None => Err(Error::KeyGone),
        }
    }

    /// Whether all numbers and carriers here are simulated: `ringback dev`.
    fn is_sandbox(&self) -> bool {
        self.parts.dev_signing_key.is_some()
    }

    /// Whether a key that let somebody in still would; asked again by who waits.
    pub(super) fn check_key(&self, key: &Key) -> Result<(), Error> {
        self.valid(key.hash).map(drop)
    }

    /// A wait that ends with the key.
    pub(super) fn wait_of(&self, key: &Key, wait: Duration) -> Duration {
        let left = key
            .expires_at
            .map(|at| Duration::from_millis(at.since(self.now())));
        left.map_or(wait, |left| left.min(wait))
    }

    /// Adds a key; from the next request on it is valid. Its account is made where it is not there.
    pub async fn add_key(&self, key: Key) -> Result<(), Error> {
        match self.commit_access(Access::AddKey(Box::new(key))).await? {
            Committed::Conflict => Err(Error::Contended),
            _ => Ok(()),
        }
    }

    /// Makes a key, and its account where it is not there. Its plain form is in the answer and never again anywhere.
    pub async fn create_key(&self, wish: KeyWish) -> Result<(Plain, Key), Error> {
        if wish.is_test && !self.is_sandbox() {
            return Err(Error::NoSandbox);
        }
        let account = wish.account;
        self.check_not_held(&account)?;
        let _place = self.place_of_key(&account).await?;
        let now = self.now();
        let plain = Plain::generate(!wish.is_test, &clock::random());
        let key = Key {
            name: wish.name,
            scopes: wish.scopes,
            expires_at: wish.expires_in_ms.map(|ms| now.plus_ms(ms)),
            allow_query_key: wish.allow_query_key,
            ..Key::new(plain.as_str(), account, now)
        };
        self.add_key(key.clone()).await?;
        Ok((plain, key))
    }

    async fn place_of_key(&self, account: &AccountId) -> Result<Place<'_>, Error> {
        let max = self.parts.rules.keys_max;
        let held = || self.keys_of(account).len();
        self.making.begin(account, Thing::Key, max, held).await
    }

    pub(super) fn keys_of(&self, account: &AccountId) -> Vec<Arc<Key>> {
        self.parts.store.live().access(|table| {
            let own = table.keys().filter(|key| key.account == *account);
            own.cloned().collect()
        })
    }

    /// By account, oldest first; those of one account where it is named.
    pub fn keys(&self, account: Option<&AccountId>) -> Vec<KnownKey> {
        let mut keys = self.parts.store.live().access(|table| {
            let wanted = table
                .keys()
                .filter(|key| account.is_none_or(|account| key.account == *account));
            wanted
                .map(|key| KnownKey {
                    key: key.clone(),
                    used_at: table.used_at(key.hash).max(self.uses.of(key.hash)),
                })
                .collect::<Vec<_>>()
        });
        keys.sort_by(|a, b| {
            let place = |known: &KnownKey| {
                (
                    known.key.account.clone(),
                    known.key.created_at,
                    known.key.id.clone(),
                )
            };
            place(a).cmp(&place(b))
        });
        keys
    }

    fn key_named(&self, id: &str) -> Result<Arc<Key>, Error> {
        let found = self
            .parts
            .store
            .live()
            .access(|table| table.keys().find(|key| key.id.as_str() == id).cloned());
        found.ok_or_else(|| Error::NoKey(super::rentals::shortened(id)))
    }

    /// Makes a key in this one's place, which works on for so long.
    pub async fn replace_key(&self, id: &str, overlap_ms: u64) -> Result<(Plain, Key), Error> {
        for _ in 0..DECISIONS_MAX {
            let key = self.key_named(id)?;
            if key.is_replaced {
                return Err(Error::KeyReplaced);
            }
            let _place = self.place_of_key(&key.account).await?;
            let plain = Plain::generate(!key.is_test(), &clock::random());
            let (old, new) = key.rotated(plain.as_str(), overlap_ms, self.now());
            let replace = Access::ReplaceKey {
                old: Box::new(old),
                new: Box::new(new.clone()),
            };
            if let Committed::New(_) = self.commit_access(replace).await? {
                // Who waits by the old one ends with it, which may be now.
                self.parts.waiters.wake_key(key.hash);
                return Ok((plain, new));
            }
        }
        Err(Error::Contended)
    }

    /// Ends a key: the next request with it is refused, and who waits by it hears so.
    pub async fn revoke_key(&self, id: &str) -> Result<(), Error> {
        let key = self.key_named(id)?;
        self.commit_access(Access::RevokeKey(key.hash)).await?;
        self.parts.waiters.wake_key(key.hash);
        Ok(())
    }

    /// Writes down when keys were used, in one commit. What is lost of it is noted with the next use.
    pub async fn note_key_uses(&self) -> Result<(), Error> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        self.commit_access(Access::NoteUses(uses)).await.map(drop)
    }

    pub(super) async fn commit_access(&self, access: Access) -> Result<Committed, Error> {
        self.commit(Commit::Access(access)).await
    }
}
