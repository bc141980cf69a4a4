//! The inventory in the operator's hands: numbers come in, are looked at, and are taken out of use and back into it.

use std::sync::Arc;

use super::{Capability, DECISIONS_MAX, Error, Gateway};
use crate::core::money::Price;
use crate::core::number::{Number, Reason, Sharing, State};
use crate::core::phone::PhoneNumber;
use crate::store::{Commit, Committed};

/// What is added to the inventory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewNumber {
    pub number: PhoneNumber,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// What a rental of it costs, with up to four decimals; the service's own price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// What it can receive: SMS where absent.
    #[serde(default)]
    pub capability: Capability,
    /// Whether several may rent it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<bool>,
}

impl NewNumber {
    /// Checks the country and the price; `shared` counts where it does not say itself.
    pub fn check(self, shared: bool) -> Result<Number, String> {
        if self.country.len() != 2 || !self.country.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err("country is two capital letters (ISO 3166-1), for example US".into());
        }
        let price = self
            .price
            .as_deref()
            .map(Price::parse)
            .transpose()
            .map_err(|e| e.to_string())?;
        let sharing = match self.shared.unwrap_or(shared) {
            true => Sharing::Next,
            false => Sharing::Off,
        };
        Ok(Number {
            capability: self.capability,
            sharing,
            ..Number::new(self.number, self.country, price.unwrap_or_default())
        })
    }
}

/// What is looked for; what is absent is not asked for.
#[derive(Debug, Clone, Default)]
pub struct NumbersWish {
    pub state: Option<State>,
    pub country: Option<String>,
    /// The page begins behind this one.
    pub after: Option<PhoneNumber>,
    pub limit: usize,
}

impl Gateway {
    /// Adds numbers to the inventory; those already there stay as they are.
    pub async fn add_numbers(&self, numbers: Vec<Number>) -> Result<(), Error> {
        self.commit(Commit::AddNumbers(numbers)).await?;
        self.serve_line();
        Ok(())
    }

    /// Those of the inventory that fit, in the order of their digits.
    pub fn inventory(&self, wish: &NumbersWish) -> Vec<(Arc<Number>, State)> {
        let (live, now) = (self.parts.store.live(), self.parts.clock.now());
        let mut numbers = live.numbers();
        let country = wish.country.as_ref();
        numbers.retain(|number| {
            wish.after.as_ref().is_none_or(|after| number.number > *after)
                && country.is_none_or(|country| number.country == *country)
        });
        numbers.sort_unstable_by(|a, b| a.number.cmp(&b.number));
        let shown = numbers.into_iter().map(|number| {
            let state = live.state_of(&number, now);
            (number, state)
        });
        let fits = |(_, state): &(_, State)| wish.state.is_none_or(|wanted| wanted == *state);
        shown.filter(fits).take(wish.limit).collect()
    }

    pub fn number(&self, number: &PhoneNumber) -> Result<(Arc<Number>, State), Error> {
        let live = self.parts.store.live();
        let number = live.number(number).ok_or(Error::NoSuchNumber)?;
        let state = live.state_of(&number, self.parts.clock.now());
        Ok((number, state))
    }

    /// Takes a number out of use: until the operator lets it out, or, by the word of its carrier, for a time that grows.
    /// Whoever rents it keeps it to the end.
    pub async fn quarantine(&self, number: &PhoneNumber, reason: Reason) -> Result<(), Error> {
        let now = self.parts.clock.now();
        let rules = &self.parts.rules.numbers;
        self.change_number(number, |number| number.quarantined(reason, now, rules))
            .await
    }

    /// Takes a number out of use for good. Whoever rents it keeps it to the end.
    pub async fn retire(&self, number: &PhoneNumber) -> Result<(), Error> {
        self.change_number(number, Number::retired).await
    }

    /// Lets several rent a number at once, from its next rental on, or one at a time. Whoever rents it keeps it to the end.
    pub async fn share(&self, number: &PhoneNumber, wanted: bool) -> Result<(), Error> {
        self.change_number(number, |number| number.shared(wanted)).await
    }

    /// Takes a number into use again, with nothing held against it.
    pub async fn readmit(&self, number: &PhoneNumber) -> Result<(), Error> {
        self.change_number(number, Number::readmitted).await
    }

    async fn change_number(
        &self,
        number: &PhoneNumber,
        change: impl Fn(&Number) -> Number,
    ) -> Result<(), Error> {
        for _ in 0..DECISIONS_MAX {
            let (number, _) = self.number(number)?;
            if let Committed::New(_) = self.commit(Commit::ChangeNumber(change(&number))).await? {
                self.serve_line();
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}
