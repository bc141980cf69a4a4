//! The catalogue: what the configuration and its file name, and over it what the operator said on the way. One list for every contract.

use std::sync::Arc;

use super::{Capability, Error, Gateway};
use crate::core::money::Price;
use crate::core::otp::Filter;
use crate::core::service::Service;
use crate::store::Commit;

/// Lifetime of a rental, in seconds.
const LIFETIME_S: (u64, u64) = (10, 86_400);
const NAME_BYTES_MAX: usize = 64;
const DESCRIPTION_BYTES_MAX: usize = 200;
/// What a service is called by, and the bytes of each.
const BRANDS_MAX: usize = 16;
const BRAND_BYTES: std::ops::RangeInclusive<usize> = 2..=64;

/// A service as it is written down, in a file or by the operator.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    pub name: String,
    pub description: String,
    /// What a number of it must receive: SMS where absent.
    #[serde(default)]
    pub capability: Capability,
    /// In USD, with up to four decimals.
    pub price: String,
    pub lifetime_s: u64,
    /// What its codes are like, and who sends them.
    #[serde(default)]
    pub code: Filter,
    /// What its messages call it or their sender by: a number is shared by services that are told by these or by their sender.
    #[serde(default)]
    pub brands: Vec<String>,
}

impl NewService {
    /// The service, or what is wrong with it.
    pub fn check(self) -> Result<Service, String> {
        let is_name = |b: u8| b.is_ascii_graphic() && b != b'/';
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX || !self.name.bytes().all(is_name) {
            return Err("`name` is 1 to 64 visible ASCII characters without a slash".into());
        }
        if self.description.len() > DESCRIPTION_BYTES_MAX || self.description.chars().any(char::is_control) {
            return Err("`description` is one line of at most 200 bytes".into());
        }
        if !(LIFETIME_S.0..=LIFETIME_S.1).contains(&self.lifetime_s) {
            return Err(format!(
                "`lifetime_s` must be {} to {}",
                LIFETIME_S.0, LIFETIME_S.1
            ));
        }
        let is_brand =
            |brand: &String| BRAND_BYTES.contains(&brand.len()) && brand.chars().any(char::is_alphanumeric);
        if self.brands.len() > BRANDS_MAX || !self.brands.iter().all(is_brand) {
            return Err("`brands` are at most 16, each of 2 to 64 bytes with a letter or digit".into());
        }
        let price = Price::parse(&self.price).map_err(|e| format!("`price` is {e}"))?;
        self.code.check().map_err(|e| e.to_string())?;
        Ok(Service {
            name: self.name,
            description: self.description,
            capability: self.capability,
            price,
            lifetime_ms: self.lifetime_s * 1000,
            filter: self.code,
            brands: self.brands,
        })
    }
}

impl Gateway {
    /// The catalogue: the configured ones in their order, then the others by name.
    pub fn services(&self) -> Vec<Arc<Service>> {
        let mut said = self.parts.store.live().services();
        let configured = self
            .parts
            .services
            .iter()
            .filter_map(|service| match said.remove(&service.name) {
                Some(said) => said,
                None => Some(Arc::new(service.clone())),
            });
        let mut services: Vec<Arc<Service>> = configured.collect();
        services.extend(said.into_values().flatten());
        services
    }

    pub fn service(&self, name: &str) -> Option<Arc<Service>> {
        if let Some(said) = self.parts.store.live().service(name) {
            return said;
        }
        let configured = self.parts.services.iter().find(|service| service.name == name);
        configured.cloned().map(Arc::new)
    }

    /// Adds or replaces a service; rentals that there are go on as they began.
    pub async fn set_service(&self, service: Service) -> Result<(), Error> {
        let commit = Commit::SetService(service.name.clone(), Some(Box::new(service)));
        self.commit(commit).await.map(drop)
    }

    /// Takes a service out of the catalogue, also one that the configuration names.
    pub async fn withdraw_service(&self, name: &str) -> Result<(), Error> {
        self.service(name).ok_or(Error::NoSuchService)?;
        let commit = Commit::SetService(name.to_owned(), None);
        self.commit(commit).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn google() -> NewService {
        NewService {
            name: "google".into(),
            description: "Google".into(),
            capability: Capability::Sms,
            price: "0.5".into(),
            lifetime_s: 1200,
            code: Filter::default(),
            brands: vec!["Google".into(), "G-".into()],
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |change: fn(&mut NewService)| {
            let mut new = google();
            change(&mut new);
            new.check().map(|service| service.name).unwrap_err()
        };
        assert_eq!(google().check().map(|service| service.price), Ok(Price(5000)));
        assert!(error(|new| new.name = "a b".into()).contains("`name`"));
        assert!(error(|new| new.name = "a/b".into()).contains("`name`"));
        assert!(error(|new| new.description = "a\nb".into()).contains("`description`"));
        assert!(error(|new| new.price = "free".into()).contains("`price`"));
        assert!(error(|new| new.lifetime_s = 9).contains("10 to 86400"));
        assert!(error(|new| new.code.length_min = Some(21)).contains("1 to 20"));
        assert!(
            error(|new| (new.code.length_min, new.code.length_max) = (Some(7), Some(6)))
                .contains("length_min")
        );
        assert!(error(|new| new.code.min_confidence = Some(1.5)).contains("min_confidence"));
        assert!(error(|new| new.code.sender = Some(String::new())).contains("sender"));
        assert!(error(|new| new.brands.push("x".into())).contains("`brands`"));
        assert!(error(|new| new.brands.push("--".into())).contains("`brands`"));
        assert!(error(|new| new.brands = vec!["Google".into(); 17]).contains("`brands`"));
    }
}
