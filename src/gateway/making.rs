//! What is just being made for an account, so that no limit is passed and nothing is left of one that is deleted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Error;
use crate::core::id::AccountId;

/// What an account can have made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    Key,
    Rental,
    Subscription,
    Profile,
    Template,
}

impl Thing {
    /// Why there is no more than this.
    fn full(self, max: usize) -> Error {
        match self {
            Self::Key => Error::TooManyKeys(max),
            Self::Rental => Error::TooManyRentals(max),
            Self::Subscription => Error::TooManySubscriptions(max),
            Self::Profile => Error::TooManyProfiles(max),
            Self::Template => Error::TooManyTemplates(max),
        }
    }
}

/// What is being made and not durable yet. It counts towards the limits, and an account is not closed beside it.
#[derive(Default)]
pub struct Making {
    of: Mutex<HashMap<AccountId, Of>>,
    /// Rings whenever a place is given back.
    ended: Notify,
}

#[derive(Default)]
struct Of {
    counts: HashMap<Thing, usize>,
    is_closing: bool,
}

/// Held while something is made.
pub struct Place<'a> {
    making: &'a Making,
    account: AccountId,
    thing: Option<Thing>,
}

/// Whether one more may be made.
enum Begun<'a> {
    Place(Place<'a>),
    Full,
    /// That depends on those that are being made.
    Perhaps,
}

impl Making {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Of>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to make something, unless `max` are `there`. Where they only would be with those that are being made, this waits for one
    /// of these to end: it may fail, or be among those that are there already, and nobody is refused for the sake of it.
    pub async fn begin(
        &self,
        account: &AccountId,
        thing: Thing,
        max: usize,
        there: impl Fn() -> usize,
    ) -> Result<Place<'_>, Error> {
        loop {
            // Listens before it looks, so that no end is missed.
            let ended = self.ended.notified();
            match self.try_begin(account, thing, max, &there)? {
                Begun::Place(place) => return Ok(place),
                Begun::Full => return Err(thing.full(max)),
                Begun::Perhaps => ended.await,
            }
        }
    }

    fn try_begin(
        &self,
        account: &AccountId,
        thing: Thing,
        max: usize,
        there: impl Fn() -> usize,
    ) -> Result<Begun<'_>, Error> {
        let mut all = self.lock();
        let of = all.get(account);
        if of.is_some_and(|of| of.is_closing) {
            return Err(Error::Contended);
        }
        let made = of.and_then(|of| of.counts.get(&thing)).copied().unwrap_or(0);
        let there = there();
        if there >= max {
            return Ok(Begun::Full);
        }
        if there + made >= max {
            return Ok(Begun::Perhaps);
        }
        let of = all.entry(account.clone()).or_default();
        *of.counts.entry(thing).or_default() += 1;
        Ok(Begun::Place(self.place(account, Some(thing))))
    }

    /// Begins to close the account, if `may` allows it and nothing is being made: then nothing is until the place is given back.
    pub fn close(
        &self,
        account: &AccountId,
        may: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Place<'_>, Error> {
        let mut all = self.lock();
        if all.contains_key(account) {
            return Err(Error::Contended);
        }
        may()?;
        all.entry(account.clone()).or_default().is_closing = true;
        Ok(self.place(account, None))
    }

    fn place(&self, account: &AccountId, thing: Option<Thing>) -> Place<'_> {
        Place {
            making: self,
            account: account.clone(),
            thing,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.making.lock();
        let Some(of) = all.get_mut(&self.account) else {
            return;
        };
        match self.thing.and_then(|thing| of.counts.get_mut(&thing)) {
            Some(count) => *count -= 1,
            None => of.is_closing = false,
        }
        if !of.is_closing && of.counts.values().all(|count| *count == 0) {
            all.remove(&self.account);
        }
        self.making.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins to make one of at most one.
    async fn begin(making: &Making, thing: Thing, there: usize) -> Result<Place<'_>, Error> {
        let account = AccountId::parse("acme").unwrap();
        making.begin(&account, thing, 1, || there).await
    }

    #[tokio::test]
    async fn what_is_being_made_counts_and_keeps_the_account_open() {
        let making = Making::default();
        let account = AccountId::parse("acme").unwrap();
        let first = begin(&making, Thing::Key, 0).await.unwrap();
        assert!(matches!(
            begin(&making, Thing::Key, 1).await,
            Err(Error::TooManyKeys(1))
        ));
        let other = begin(&making, Thing::Rental, 0).await.unwrap();
        assert!(matches!(making.close(&account, || Ok(())), Err(Error::Contended)));
        drop((first, other));
        assert!(making.lock().is_empty(), "nothing is left behind");
        let closing = making.close(&account, || Ok(())).unwrap();
        assert!(matches!(
            begin(&making, Thing::Key, 0).await,
            Err(Error::Contended)
        ));
        drop(closing);
        assert!(begin(&making, Thing::Key, 0).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_is_refused_for_the_sake_of_one_that_comes_to_nothing() {
        let making = Making::default();
        let first = begin(&making, Thing::Key, 0).await.unwrap();
        let second = begin(&making, Thing::Key, 0);
        let waits = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(biased; second, waits);
        assert!(second.is_ok());
    }
}
