//! What a number supplier offers a reseller (contract 001): what is free in each country, and all messages of a rental.

use std::sync::Arc;
use std::time::Duration;

use super::poll::Awaited;
use super::{Error, Gateway};
use crate::core::id::RentalId;
use crate::core::ingest::StoredMessage;
use crate::core::key::Key;
use crate::core::money::Price;
use crate::core::rental::Rental;
use crate::core::service::Service;

/// What can be rented in one country now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub available: usize,
    /// Of the cheapest number.
    pub price: Price,
}

impl Gateway {
    /// The service of a rental that names none.
    pub fn partner_service(&self) -> Option<Arc<Service>> {
        match &self.parts.rules.partner_service {
            Some(name) => self.service(name),
            None => self.services().into_iter().next(),
        }
    }

    /// What is free, by country; a country without a free number is left out.
    pub fn offers(&self, country: Option<&str>) -> Vec<Offer> {
        let service = self.partner_service();
        let usual = service.as_ref().map_or_else(Price::default, |s| s.price);
        let shared_by_max = service.map_or(0, |service| self.shared_by_max(&service));
        let mut offers: Vec<Offer> = Vec::new();
        for (name, price, available) in self
            .parts
            .store
            .live()
            .free(self.parts.clock.now(), shared_by_max)
        {
            if country.is_some_and(|wanted| wanted != name) {
                continue;
            }
            let price = price.or(usual);
            match offers.last_mut().filter(|offer| offer.country == name) {
                Some(offer) => {
                    offer.available += available;
                    offer.price = offer.price.min(price);
                }
                None => offers.push(Offer {
                    country: name,
                    available,
                    price,
                }),
            }
        }
        offers
    }

    /// A rental with all its messages, oldest first; held until there is one, the rental is over, or the time is up.
    pub async fn messages(
        &self,
        key: &Key,
        id: RentalId,
        wait: Duration,
    ) -> Result<(Rental, Vec<StoredMessage>), Error> {
        let rental = match self.when(key, id, wait, Awaited::Messages(0)).await? {
            Some(rental) => rental,
            None => self.rental(&key.account, id).await?,
        };
        let places = rental.messages.clone();
        let messages = self.read(move |store| store.messages(&places)).await?;
        Ok((rental, messages))
    }
}
