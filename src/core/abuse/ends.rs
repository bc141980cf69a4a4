//! What a verification's end tells: whether its code came back, and, where nothing was sent, that nothing was spent.

use super::counter::{self, Counter, Counters, Name};
use super::destination::{self, Destination};
use crate::core::verification::{Sent, Verification};

/// The records that its end changes. Of one that nothing was sent for there are none.
pub fn names_of_end(verification: &Verification) -> Vec<Name> {
    let Some(number) = verification
        .to
        .number()
        .filter(|_| verification.sent != Sent::Nothing)
    else {
        return Vec::new();
    };
    let name = |about: &str| Name::conversion(&verification.account, verification.channel, about);
    let block = &number.as_str()[..number.as_str().len() - 4];
    let country = match destination::of(number) {
        Destination::Country(country) => Some(name(country)),
        Destination::Never => None,
    };
    std::iter::once(name(block)).chain(country).collect()
}

/// Its code came back, or its time is over. To be told once.
pub fn ended(verification: &Verification, known: &Counters, came_back: bool) -> Counters {
    let each = names_of_end(verification).into_iter().map(|name| {
        let matured = counter::conversion(known, &name).matured(verification.began_at, came_back);
        (name, Counter::Conversion(matured))
    });
    each.collect()
}

/// Nothing was sent, so nothing was spent.
pub fn unspent(verification: &Verification, known: &Counters) -> Counters {
    let name = Name::spend(&verification.account);
    let spend = counter::spend(known, &name).refunded(verification.cost, verification.began_at);
    Counters::from([(name, Counter::Spend(spend))])
}
