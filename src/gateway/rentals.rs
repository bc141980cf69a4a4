//! Renting a number for a service, looking at rentals and cancelling them.

use std::sync::Arc;

use super::{DECISIONS_MAX, Error, Gateway};
use crate::core::event;
use crate::core::id::{AccountId, RentalId};
use crate::core::money::Price;
use crate::core::number::{Ended, Lease, Number};
use crate::core::otp::Filter;
use crate::core::rental::{Rental, Status};
use crate::core::tags::Tags;
use crate::store::{Commit, Committed};

/// How many free numbers a rental chooses among, so that two at once rarely want the same one.
const CHOICE_MAX: usize = 32;

/// What a number can be rented for.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: String,
    pub description: String,
    pub price: Price,
    pub lifetime_ms: u64,
    /// What its codes are like.
    pub filter: Filter,
}

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
}

impl Gateway {
    pub fn services(&self) -> &[Service] {
        &self.parts.services
    }

    /// Leases a free number. The longest free ones first, of the wanted area code if there is one.
    pub async fn rent(&self, account: &AccountId, wish: &Wish) -> Result<Rental, Error> {
        let known = self.parts.services.iter().find(|s| s.name == wish.service);
        let service = known.ok_or_else(|| Error::UnknownService(shortened(&wish.service)))?;
        let country = wish.country.as_ref().unwrap_or(&self.parts.rules.country);
        let _place = self.place_of_rental(account)?;
        for _ in 0..DECISIONS_MAX {
            let now = self.parts.clock.now();
            let live = self.parts.store.live();
            let free = live.free_numbers((country, wish.area_code.as_deref()), now, CHOICE_MAX, |number| {
                wish.price_max
                    .is_none_or(|max| number.price.or(service.price) <= max)
            });
            let none = wish.price_max.map_or(Error::NoNumber, Error::TooDear);
            let number = pick(&free, self.parts.clock.dice()).ok_or(none)?;
            let rental = Rental {
                filter: wish.filter.clone(),
                tags: wish.tags.clone(),
                ..new_rental(
                    account,
                    service,
                    &number,
                    RentalId::new(now, self.parts.clock.random()),
                )
            };
            let lease = Lease {
                rental: rental.id,
                account: account.clone(),
                starts_at: now,
                ends_at: rental.ends_at,
                ended: None,
            };
            let created = event::of_rental(&rental, now);
            let change = self.change(rental.clone(), created);
            let commit = Commit::Rent {
                change,
                number: number.leased(lease),
            };
            if let Committed::New(_) = self.commit(commit).await? {
                self.announce(Some(rental.id));
                return Ok(rental);
            }
        }
        Err(Error::Contended)
    }

    /// What is expected of a rental's code: by the rental, by its service, and by the configuration.
    pub(super) fn filter_of(&self, rental: &Rental) -> Filter {
        let service = self.parts.services.iter().find(|s| s.name == rental.service);
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
        let number = self
            .parts
            .store
            .live()
            .number(&rental.number)
            .ok_or(Error::NotFound)?;
        let ended = if rental.status == Status::Cancelled {
            Ended::Cancelled
        } else {
            Ended::Expired
        };
        let number = number.with_end(
            rental.id,
            rental.ends_at,
            Some(ended),
            self.parts.rules.cool_down_ms,
        );
        let id = rental.id;
        let commit = match rental.status {
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
        };
        let done = matches!(self.commit(commit).await?, Committed::New(_));
        if done {
            self.announce(Some(id));
        }
        Ok(done)
    }

    /// Adds numbers to the inventory; those already there stay as they are.
    pub async fn add_numbers(&self, numbers: Vec<Number>) -> Result<(), Error> {
        self.commit(Commit::AddNumbers(numbers)).await.map(drop)
    }
}

fn new_rental(account: &AccountId, service: &Service, number: &Number, id: RentalId) -> Rental {
    let now = id.created_at();
    Rental {
        id,
        account: account.clone(),
        service: service.name.clone(),
        number: number.number.clone(),
        cost: number.price.or(service.price),
        status: Status::Active,
        filter: Filter::default(),
        tags: Tags::default(),
        created_at: now,
        ends_at: now.plus_ms(service.lifetime_ms),
        closed: false,
        code: None,
        messages: Vec::new(),
        version: 0,
    }
}

fn pick(free: &[Arc<Number>], dice: f64) -> Option<Arc<Number>> {
    free.get((free.len() as f64 * dice) as usize).cloned()
}

/// A name from outside as an error may repeat it.
pub(super) fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
