//! Several rentals on one number at once, at most one of each service: whether it takes one more, and what it remembers of them.

use serde::{Deserialize, Serialize};

use super::{LEASES_MAX, Lease, Number, Rules};
use crate::core::service::Service;
use crate::core::time::UnixMs;

/// How many leases a shared number remembers, those that are open among them: all from which a late message may still come. It takes no
/// more until they have rested.
const LEASES_SHARED_MAX: usize = 64;

/// Whether several may rent a number at once. The default is one renter at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    #[default]
    Off,
    /// From its next rental on: whoever has it alone keeps it so, to the end and through its rest.
    Next,
    On,
}

impl Number {
    /// Its leases that are not over.
    pub fn open(&self) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(|lease| lease.ended.is_none())
    }

    pub fn is_held(&self) -> bool {
        self.open().next().is_some()
    }

    /// Whether it has a rental for this service now.
    pub fn serves(&self, service: &str) -> bool {
        self.open().any(|lease| lease.service == service)
    }

    pub fn is_shared(&self) -> bool {
        self.sharing != Sharing::Off
    }

    /// Whether a rental for this service may begin on it now.
    pub fn takes(&self, service: &Service, now: UnixMs, rules: &Rules) -> bool {
        let has_room = !self.is_shared()
            || service.can_be_told()
                && self.open().count() < rules.shared_rentals_max
                && !self.serves(&service.name);
        has_room
            && self.ready_at().is_some_and(|at| at <= now)
            && self.may_serve(&service.name, now, rules.same_service_ms)
    }

    /// When it has rested enough for the next rental; `None`: not before one is over. A shared one rests from the same service alone.
    pub(super) fn rested_at(&self) -> Option<UnixMs> {
        match self.sharing {
            Sharing::On if self.leases.len() < LEASES_SHARED_MAX => Some(UnixMs(0)),
            Sharing::On => Some(self.cooling_until),
            Sharing::Off | Sharing::Next if self.is_held() => None,
            Sharing::Off | Sharing::Next => Some(self.cooling_until),
        }
    }

    /// As it is for one more lease, which begins now.
    pub(super) fn begun(&self, now: UnixMs) -> Self {
        let mut next = self.changed();
        if self.sharing == Sharing::Next {
            next.sharing = Sharing::On;
        }
        let have_rested = self.cooling_until <= now;
        next.forget(LEASES_MAX - 1, |_| have_rested);
        next
    }

    /// Forgets of the leases that are over and may be forgotten those of longest ago, as far as there are more than `kept` in all.
    pub(super) fn forget(&mut self, kept: usize, may: impl Fn(&Lease) -> bool) {
        while self.leases.len() > kept
            && let Some(at) = self
                .leases
                .iter()
                .position(|lease| lease.ended.is_some() && may(lease))
        {
            self.leases.remove(at);
        }
    }

    /// Shared from its next rental on, or no more. Whoever rents it keeps it as it is, and no other comes before it has rested.
    pub fn shared(&self, wanted: bool) -> Self {
        Self {
            sharing: match (wanted, self.sharing) {
                (false, _) => Sharing::Off,
                (true, Sharing::Off) => Sharing::Next,
                (true, sharing) => sharing,
            },
            ..self.changed()
        }
    }
}

#[cfg(test)]
mod tests;
