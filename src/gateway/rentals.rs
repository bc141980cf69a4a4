//! Renting a number for a service, looking at rentals and cancelling them.

use std::sync::Arc;
use std::time::Duration;

use super::acquire::Held;
use super::{DECISIONS_MAX, Error, Gateway, Once};
use crate::core::event;
use crate::core::id::{AccountId, RentalId};
use crate::core::key::Key;
use crate::core::money::Price;
use crate::core::number::Number;
use crate::core::otp::Filter;
use crate::core::rental::{Rental, Status};
use crate::core::service::Service;
use crate::core::tags::Tags;
use crate::store::{Commit, Committed, Wanted};

/// A wish for a number.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The name of a service.
    pub service: String,
    /// ISO 3166-1 alpha-2; the configured one where absent.
    pub country: Option<String>,
    /// Three digits; another one is taken where it has no free number.
    pub area_code: Option<String>,
    /// What the code is like, over what the service says.
    pub filter: Filter,
    /// What it may cost at most.
    pub price_max: Option<Price>,
    pub tags: Tags,
    /// How long to wait in line where none is free.
    pub acquire: Duration,
    /// The key of whoever rents: the waiting ends with it, and the rental is of its line.
    pub key: Option<Arc<Key>>,
    /// For a request that may come again.
    pub once: Option<Arc<Once<Rental>>>,
}

impl Gateway {
    /// Leases the number that is free for the longest time, of the wanted area code if there is one, and one that has not served the
    /// service if there is one. Where a supplier sells for less, or we have none, it is bought there; and where nobody sells one, this
    /// waits in line if it shall. May be dropped while it waits: its place is free then.
    pub async fn rent(&self, account: &AccountId, wish: &Wish) -> Result<Rental, Error> {
        let known = self.service(&wish.service);
        let service = known.ok_or_else(|| Error::UnknownService(shortened(&wish.service)))?;
        // Refused before it waits, and asked again when the rental is made.
        drop(self.place_of_rental(account).await?);
        let wait = wish
            .acquire
            .min(Duration::from_secs(self.parts.rules.acquire.max_s));
        let wait = wish.key.as_ref().map_or(wait, |key| self.wait_of(key, wait));
        if self.parts.supply.is_empty() {
            return self.rent_own(account, wish, &service, wait).await;
        }
        let wanted = self.wanted(wish, &service);
        let held = self.seek(account, wanted, Duration::ZERO).number().await?;
        let own = held
            .as_ref()
            .map(|held| held.reserved.number.price.or(service.price));
        let unsold = match Box::pin(self.rent_supplied(account, wish, &service, own)).await {
            Ok(rental) => return Ok(rental),
            Err(unsold) => unsold,
        };
        if let Some(held) = held
            && let Some(rental) = self.lease(account, wish, &service, &held).await?
        {
            return Ok(rental);
        }
        match self.rent_own(account, wish, &service, wait).await {
            Err(Error::NoNumber | Error::TooDear(_)) => Err(unsold.told(wish.price_max)),
            rented => rented,
        }
    }

    /// Leases one of our own numbers, and waits in line for it.
    async fn rent_own(
        &self,
        account: &AccountId,
        wish: &Wish,
        service: &Service,
        wait: Duration,
    ) -> Result<Rental, Error> {
        let mut seeking = self.seek(account, self.wanted(wish, service), wait);
        for _ in 0..DECISIONS_MAX {
            let none = || wish.price_max.map_or(Error::NoNumber, Error::TooDear);
            let held = seeking.number().await?.ok_or_else(none)?;
            // Revoked while it waited, its holder hears so and nothing else.
            wish.key.as_ref().map_or(Ok(()), |key| self.check_key(key))?;
            if let Some(rental) = self.lease(account, wish, service, &held).await? {
                return Ok(rental);
            }
        }
        Err(Error::Contended)
    }

    /// Commits the rental of a chosen number; `None` if its state has changed since.
    async fn lease(
        &self,
        account: &AccountId,
        wish: &Wish,
        service: &Service,
        held: &Held,
    ) -> Result<Option<Rental>, Error> {
        let _place = self.place_of_rental(account).await?;
        let (live, now) = (self.parts.store.live(), self.parts.clock.now());
        // As it is now: others may have begun to share it, and the clock may have been set back, since it was chosen.
        let number = live.number(&held.reserved.number.number);
        let takes = |number: &Arc<Number>| number.takes(service, now, &self.parts.rules.numbers);
        let Some(number) = number.filter(takes) else {
            return Ok(None);
        };
        let id = RentalId::new(now, self.parts.clock.random());
        let rental = Rental {
            filter: wish.filter.clone(),
            tags: wish.tags.clone(),
            maker: wish.key.as_ref().map(|key| key.line.clone()),
            ..new_rental(account, service, &number, id)
        };
        let created = event::of_rental(&rental, now);
        let commit = Commit::Rent {
            change: self.change(rental.clone(), created),
            number: number.leased(&rental),
        };
        let committed = self.commit_once(commit, wish.once.as_deref(), &rental).await?;
        let is_new = matches!(committed, Committed::New(_));
        if is_new {
            self.announce(Some(rental.id));
        }
        Ok(is_new.then_some(rental))
    }

    fn wanted(&self, wish: &Wish, service: &Service) -> Wanted {
        let rules = &self.parts.rules;
        let area_code = wish
            .area_code
            .as_deref()
            .and_then(|code| code.as_bytes().try_into().ok());
        Wanted {
            country: wish.country.clone().unwrap_or_else(|| rules.country.clone()),
            area_code,
            service: service.name.clone(),
            capability: service.capability,
            usual: service.price,
            price_max: wish.price_max,
            used_before_ms: rules.numbers.used_before_ms,
            same_service_ms: rules.numbers.same_service_ms,
            shared_by_max: self.shared_by_max(service),
        }
    }

    /// How many rentals a shared number carries at most with one for this service; 0: none of them is a shared one's.
    pub(super) fn shared_by_max(&self, service: &Service) -> usize {
        match service.can_be_told() {
            true => self.parts.rules.numbers.shared_rentals_max,
            false => 0,
        }
    }

    /// What is expected of a rental's code: by the rental, by its service, and by the configuration.
    pub(super) fn filter_of(&self, rental: &Rental) -> Filter {
        let service = self.service(&rental.service);
        let threshold = Filter {
            min_confidence: Some(self.parts.rules.min_confidence),
            ..Filter::default()
        };
        let by_service = service.map_or_else(Filter::default, |s| s.filter.clone());
        rental.filter.over(&by_service).over(&threshold)
    }

    /// A rental of this account; a foreign one is as unknown as none.
    pub async fn rental(&self, account: &AccountId, id: RentalId) -> Result<Rental, Error> {
        let live = self.parts.store.live().rental(id);
        // A foreign one is looked for on the disk too: that it is there must not show in the time.
        match live.filter(|rental| rental.account == *account) {
            Some(rental) => Ok((*rental).clone()),
            None => self.stored_rental(account, id).await,
        }
    }

    /// As `rental`, for one that this key made, or one that it replaced; of the account's others nothing is told.
    pub async fn rental_of_key(&self, key: &Key, id: RentalId) -> Result<Rental, Error> {
        let rental = self.rental(&key.account, id).await?;
        match rental.maker == Some(key.line.clone()) {
            true => Ok(rental),
            false => Err(Error::NotFound),
        }
    }

    /// As `rental`, for one that may have left the memory.
    pub(super) async fn rental_of(&self, account: &AccountId, id: RentalId) -> Result<Arc<Rental>, Error> {
        if let Some(rental) = self.parts.store.live().rental(id) {
            return Ok(rental);
        }
        self.stored_rental(account, id).await.map(Arc::new)
    }

    async fn stored_rental(&self, account: &AccountId, id: RentalId) -> Result<Rental, Error> {
        let account = account.clone();
        let read = self.read(move |store| store.rental(&account, id)).await?;
        read.ok_or(Error::NotFound)
    }

    /// Newest first, starting below `before`.
    pub async fn rentals(
        &self,
        account: &AccountId,
        before: Option<RentalId>,
        limit: usize,
    ) -> Result<Vec<Rental>, Error> {
        let account = account.clone();
        self.read(move |store| store.rentals(&account, before, limit))
            .await
    }

    /// Cancels an active rental; a cancelled one stays as it is.
    pub async fn cancel(&self, account: &AccountId, id: RentalId) -> Result<Rental, Error> {
        for _ in 0..DECISIONS_MAX {
            let rental = self.rental(account, id).await?;
            match rental.cancel(self.parts.clock.now())? {
                None => return Ok(rental),
                Some(next) => {
                    if self.close(next.clone()).await? {
                        return Ok(next);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// Ends an active rental because its holder says that the number is bad, which counts against the number. One that was reported
    /// stays as it is.
    pub async fn report(&self, account: &AccountId, id: RentalId) -> Result<Rental, Error> {
        for _ in 0..DECISIONS_MAX {
            let rental = self.rental(account, id).await?;
            match rental.report(self.parts.clock.now())? {
                None => return Ok(rental),
                Some(next) => {
                    if self.close(next.clone()).await? {
                        return Ok(next);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// Ends a rental at its holder's wish, whatever came for it: an active one is cancelled, a completed one gives its number back early.
    pub async fn finish(&self, account: &AccountId, id: RentalId) -> Result<Rental, Error> {
        for _ in 0..DECISIONS_MAX {
            let next = self.rental(account, id).await?.finish(self.parts.clock.now())?;
            if self.close(next.clone()).await? {
                return Ok(next);
            }
        }
        Err(Error::Contended)
    }

    /// Commits a closed rental and gives its number back; false if the state has changed since.
    pub(super) async fn close(&self, rental: Rental) -> Result<bool, Error> {
        let id = rental.id;
        let commit = match &rental.supplied {
            None => self.giving_back(rental)?,
            Some(_) => self.returning(rental)?,
        };
        let done = matches!(self.commit(commit).await?, Committed::New(_));
        if done {
            self.announce(Some(id));
            self.parts.supply.hasten(id);
        }
        Ok(done)
    }

    /// One of our own numbers is free of its rental.
    fn giving_back(&self, rental: Rental) -> Result<Commit, Error> {
        let number = self
            .parts
            .store
            .live()
            .number(&rental.number)
            .ok_or(Error::NotFound)?;
        let number = number.given_back(&rental, &self.parts.rules.numbers);
        Ok(match rental.status {
            Status::Completed => Commit::Release {
                rental: Box::new(rental),
                number,
            },
            _ => {
                let over = event::of_rental(&rental, self.parts.clock.now());
                Commit::End {
                    change: self.change(rental, over),
                    number,
                }
            }
        })
    }
}

pub(super) fn new_rental(account: &AccountId, service: &Service, number: &Number, id: RentalId) -> Rental {
    let now = id.created_at();
    Rental {
        id,
        account: account.clone(),
        maker: None,
        service: service.name.clone(),
        number: number.number.clone(),
        cost: number.price.or(service.price),
        status: Status::Active,
        filter: Filter::default(),
        tags: Tags::default(),
        created_at: now,
        ends_at: now.plus_ms(service.lifetime_ms),
        closed: false,
        reported: false,
        supplied: None,
        code: None,
        messages: Vec::new(),
        version: 0,
    }
}

/// A name from outside as an error may repeat it.
pub(super) fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
