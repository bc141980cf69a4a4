//! What an account may use at once and in a minute; each limit is its own, else the configuration's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::making::{Place, Thing};
use super::{Error, Gateway};
use crate::core::account::Limits;
use crate::core::allowance::{Allowance, Requests};
use crate::core::id::AccountId;
use crate::core::key::Key;
use crate::core::time::UnixMs;

/// The requests of those who made some lately.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<AccountId, Requests>>);

impl Rates {
    fn take(&self, account: &AccountId, max: u32, now: UnixMs) -> Result<Allowance, Allowance> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = all.get_mut(account) {
            return requests.take(max, now);
        }
        let mut requests = Requests::new(max, now);
        let told = requests.take(max, now);
        all.insert(account.clone(), requests);
        told
    }

    fn forget(&self, is_over: impl Fn(&AccountId, &mut Requests) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|account, requests| !is_over(account, requests));
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Gateway {
    /// What an account may use.
    pub fn limits_of(&self, account: &AccountId) -> Limits {
        let own = self
            .parts
            .store
            .live()
            .access(|table| table.account(account).map(|account| account.limits));
        own.unwrap_or_default().over(self.parts.rules.limits)
    }

    fn requests_max(&self, account: &AccountId) -> Option<u32> {
        let max = self.limits_of(account).requests_per_minute_max;
        max.filter(|max| *max > 0)
    }

    /// Counts a request of this key's account; `None` where there is no limit.
    pub fn count_request(&self, key: &Key) -> Result<Option<Allowance>, Error> {
        let Some(max) = self.requests_max(&key.account) else {
            return Ok(None);
        };
        let told = self.rates.take(&key.account, max, self.now());
        told.map(Some).map_err(Error::TooManyRequests)
    }

    /// Forgets whose requests are no limit to anybody any more; how many are remembered.
    pub fn forget_requests(&self) -> usize {
        let now = self.now();
        self.rates.forget(|account, requests| {
            self.requests_max(account)
                .is_none_or(|max| requests.is_over(max, now))
        });
        self.rates.count()
    }

    /// A place for one more rental, held while it is made.
    pub(super) async fn place_of_rental(&self, account: &AccountId) -> Result<Place<'_>, Error> {
        let max = self.limits_of(account).rentals_max.filter(|max| *max > 0);
        let max = max.map_or(usize::MAX, |max| max as usize);
        let live = self.parts.store.live();
        let open = || live.access(|table| table.open_rentals(account));
        let making = &self.making;
        making.begin(account, Thing::Rental, max, open).await
    }

    /// The same for a subscription.
    pub(super) async fn place_of_subscription(&self, account: &AccountId) -> Result<Place<'_>, Error> {
        let max = self.limits_of(account).subscriptions_max;
        let max = max.map_or(usize::MAX, |max| max as usize);
        let there = || {
            let all = self.parts.store.live().subscriptions(account);
            all.iter().filter(|s| s.settings.profile.is_none()).count()
        };
        let making = &self.making;
        making.begin(account, Thing::Subscription, max, there).await
    }

    /// How many polls and streams may be held for this account.
    pub(super) fn waiters_max(&self, account: &AccountId) -> usize {
        let max = self.limits_of(account).waiters_max;
        max.map_or(usize::MAX, |max| max as usize)
    }
}
