//! The suppliers as their operator sees them.

use serde::Serialize;

use super::{Error, Gateway};
use crate::core::purchase::Stage;
use crate::core::supply::Shown;
use crate::supplier::{Dialect, Offered};

/// A supplier, how it fares, and what is open there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownSupplier {
    pub name: String,
    pub kind: &'static str,
    /// `asked`, `paused` or `aside`.
    pub state: &'static str,
    /// Why it is put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Of its latest rentals, those that got a code, and all that say something about it.
    pub heard: usize,
    pub judged: usize,
    /// Rentals that it has sold and that last.
    pub rented: usize,
    /// What is being bought or cancelled, or may be open there.
    pub unsettled: usize,
    pub price_max: String,
    pub markup_percent: u32,
}

impl Gateway {
    /// What a supplier sells numbers for, by the names that it has there; asked now.
    pub async fn supplier_services(&self, name: &str) -> Result<Vec<Offered>, Error> {
        let supplier = self.parts.supply.find(name).ok_or(Error::NoSuchSupplier)?;
        let asked = self.question(supplier, "services", Dialect::services);
        Box::pin(asked).await.map_err(Error::SupplierRefused)
    }

    /// In the order of the configuration.
    pub fn suppliers(&self) -> Vec<KnownSupplier> {
        let live = self.parts.store.live();
        let open = live.open_purchases();
        let known = self.parts.supply.suppliers.iter().map(|supplier| {
            let (state, reason, until) = match supplier.standing().shown() {
                Shown::Asked => ("asked", None, None),
                Shown::Paused(until) => ("paused", None, Some(until)),
                Shown::Aside(why, until) => ("aside", Some(why), Some(until)),
            };
            let of_it = || open.iter().filter(|purchase| purchase.supplier == supplier.name);
            let rented = of_it().filter(|purchase| purchase.stage == Stage::Rented).count();
            let (heard, judged) = live.fared(&supplier.name);
            KnownSupplier {
                name: supplier.name.clone(),
                kind: supplier.dialect.kind(),
                state,
                reason,
                until: until.map(|until| until.to_string()),
                heard,
                judged,
                rented,
                unsettled: of_it().count() - rented,
                price_max: supplier.terms.price_max.to_string(),
                markup_percent: supplier.terms.markup_percent,
            }
        });
        known.collect()
    }
}
