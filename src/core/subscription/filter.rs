//! Which of the wanted events a subscription hears: those about certain rentals, services, numbers, countries or tags.

use serde::{Deserialize, Serialize};

use crate::core::id::RentalId;
use crate::core::phone::PhoneNumber;
use crate::core::tags::Tags;

/// Values of one list of a filter.
pub const VALUES_MAX: usize = 100;

/// All that is named must hold; of a list, one value is enough. The empty filter lets everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    pub rentals: Vec<RentalId>,
    pub services: Vec<String>,
    pub numbers: Vec<PhoneNumber>,
    /// ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    /// Every pair must be among the rental's.
    pub tags: Tags,
}

/// What an event is about, as far as filters look at it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub rental: RentalId,
    pub service: &'a str,
    pub number: &'a PhoneNumber,
    pub country: &'a str,
    pub tags: &'a Tags,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("each list of a filter has at most {VALUES_MAX} values")]
    TooMany,
    #[error("a filter's services are names of 1 to 64 bytes")]
    Service,
    #[error("a filter's countries are two capital letters (ISO 3166-1), for example US")]
    Country,
}

impl Filter {
    pub fn check(&self) -> Result<(), Error> {
        let lengths = [
            self.rentals.len(),
            self.services.len(),
            self.numbers.len(),
            self.countries.len(),
        ];
        if lengths.iter().any(|length| *length > VALUES_MAX) {
            return Err(Error::TooMany);
        }
        if self.services.iter().any(|s| s.is_empty() || s.len() > 64) {
            return Err(Error::Service);
        }
        let is_country = |c: &String| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
        if self.countries.iter().all(is_country) {
            Ok(())
        } else {
            Err(Error::Country)
        }
    }

    /// Whether an event about this passes. One that is about no rental passes only where nothing is asked of it.
    pub fn passes(&self, subject: Option<&Subject<'_>>) -> bool {
        fn any<T>(list: &[T], is: impl Fn(&T) -> bool) -> bool {
            list.is_empty() || list.iter().any(is)
        }
        let Some(subject) = subject else {
            return *self == Self::default();
        };
        any(&self.rentals, |rental| *rental == subject.rental)
            && any(&self.services, |service| service == subject.service)
            && any(&self.numbers, |number| number == subject.number)
            && any(&self.countries, |country| country == subject.country)
            && subject.tags.have_all(&self.tags)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn tags(value: &str) -> Tags {
        Tags::try_from(BTreeMap::from([("env".to_owned(), value.to_owned())])).unwrap()
    }

    #[test]
    fn every_part_narrows_and_one_value_of_a_list_is_enough() {
        let (number, other) = (
            PhoneNumber::parse("+12025550143").unwrap(),
            PhoneNumber::parse("+12025550144").unwrap(),
        );
        let about = tags("ci");
        let subject = Subject {
            rental: RentalId([1; 16]),
            service: "google",
            number: &number,
            country: "US",
            tags: &about,
        };
        let none = Filter::default();
        let narrowed = |filter: Filter| filter.passes(Some(&subject));
        assert!(narrowed(none.clone()));
        let rentals = |id| Filter {
            rentals: vec![RentalId([9; 16]), id],
            ..none.clone()
        };
        assert!(narrowed(rentals(RentalId([1; 16]))) && !narrowed(rentals(RentalId([2; 16]))));
        let services = |s: &str| Filter {
            services: vec!["x".into(), s.into()],
            ..none.clone()
        };
        assert!(narrowed(services("google")) && !narrowed(services("telegram")));
        let numbers = |n: &PhoneNumber| Filter {
            numbers: vec![n.clone()],
            ..none.clone()
        };
        assert!(narrowed(numbers(&number)) && !narrowed(numbers(&other)));
        let countries = |c: &str| Filter {
            countries: vec![c.into()],
            ..none.clone()
        };
        assert!(narrowed(countries("US")) && !narrowed(countries("DE")));
        let tagged = |v: &str| Filter {
            tags: tags(v),
            ..none.clone()
        };
        assert!(narrowed(tagged("ci")) && !narrowed(tagged("prod")));
        let both = Filter {
            services: vec!["telegram".into()],
            ..tagged("ci")
        };
        assert!(!narrowed(both), "all that is named must hold");
    }

    #[test]
    fn what_is_about_no_rental_passes_only_the_empty_filter() {
        assert!(Filter::default().passes(None));
        let narrow = Filter {
            countries: vec!["US".into()],
            ..Filter::default()
        };
        assert!(!narrow.passes(None));
    }

    #[test]
    fn a_filter_has_limits() {
        let refused = |filter: Filter| filter.check().unwrap_err();
        let many = Filter {
            services: vec!["a".into(); VALUES_MAX + 1],
            ..Filter::default()
        };
        assert_eq!(refused(many), Error::TooMany);
        let country = Filter {
            countries: vec!["us".into()],
            ..Filter::default()
        };
        assert_eq!(refused(country), Error::Country);
        let service = Filter {
            services: vec![String::new()],
            ..Filter::default()
        };
        assert_eq!(refused(service), Error::Service);
    }
}
