//! All numbers in memory: by number, by the time at which each is ready, and those that are free on shelves by country, area code,
//! capability and price. Choosing one reserves it, so that two who rent at once do not want the same; the commit's guard has the last word.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use super::live::Live;
use super::shelf::{NumberAt, Placed, ServiceAt, Shelf};
use crate::core::money::Price;
use crate::core::number::{Number, State};
use crate::core::phone::PhoneNumber;
use crate::core::service::Capability;
use crate::core::time::UnixMs;

/// What is wanted of a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub country: String,
    /// Preferred, as far as one of it has not served the service, or none has.
    pub area_code: Option<[u8; 3]>,
    pub service: String,
    pub capability: Capability,
    /// What a number without a price of its own costs.
    pub usual: Price,
    pub price_max: Option<Price>,
    /// As in `number::Rules`.
    pub used_before_ms: u64,
    pub same_service_ms: u64,
    /// How many rentals a shared number may carry with this one; 0: no shared number will do.
    pub shared_by_max: usize,
}

/// A chosen number; until it is leased or given back, nobody else gets it, or of a shared one, nobody for the same service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    pub number: Arc<Number>,
    ticket: u64,
}

/// What is on one shelf. The order of the fields finds the shelves of a wish side by side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    country: String,
    /// `None`: those of all area codes. Each number with an area code stands on two shelves.
    area_code: Option<[u8; 3]>,
    capability: Capability,
    price: Price,
    /// By how many; `None`: it is not shared.
    shared_by: Option<usize>,
}

impl Class {
    fn is_open_to(&self, shared_by_max: usize) -> bool {
        self.shared_by.is_none_or(|count| count < shared_by_max)
    }
}

/// The claim of one who has chosen a number, for this service.
#[derive(Debug)]
struct Ticket {
    id: u64,
    service: String,
}

#[derive(Debug, Default)]
pub struct Inventory {
    at: HashMap<PhoneNumber, NumberAt>,
    all: Vec<Arc<Number>>,
    services: HashMap<String, ServiceAt>,
    /// Those that become free by time alone and are not reserved; up to `clock` they stand on the shelves.
    ready: BTreeSet<(UnixMs, NumberAt)>,
    clock: UnixMs,
    shelves: BTreeMap<Class, Shelf>,
    reserved: HashMap<NumberAt, Vec<Ticket>>,
    tickets: u64,
    turns: u64,
}

impl Inventory {
    pub fn get(&self, number: &PhoneNumber) -> Option<&Arc<Number>> {
        self.all.get(*self.at.get(number)? as usize)
    }

    pub fn all(&self) -> &[Arc<Number>] {
        &self.all
    }

    /// A number as it is now; what was reserved of it is decided.
    pub fn put(&mut self, number: Arc<Number>) {
        let at = match self.at.get(&number.number) {
            Some(at) => {
                let at = *at;
                self.withdraw(at);
                self.keep_tickets(at, |ticket| number.is_shared() && !number.serves(&ticket.service));
                self.all[at as usize] = number;
                at
            }
            None => {
                let at = NumberAt::try_from(self.all.len()).unwrap_or(NumberAt::MAX);
                self.at.insert(number.number.clone(), at);
                self.all.push(number);
                at
            }
        };
        self.offer(at);
    }

    /// Of the numbers that suit, one that has served the service only if there is no other; of these one that the fewest have; of these
    /// the one that is so for the longest time. It is reserved from now on.
    pub fn reserve(&mut self, wanted: &Wanted, now: UnixMs) -> Option<Reserved> {
        self.set_clock(now);
        let at = loop {
            let at = self.candidate(wanted, now)?;
            if !self.is_marked_again(at, wanted, now) {
                break at;
            }
        };
        self.withdraw(at);
        self.tickets += 1;
        self.reserved.entry(at).or_default().push(Ticket {
            id: self.tickets,
            service: wanted.service.clone(),
        });
        self.offer(at);
        Some(Reserved {
            number: self.all[at as usize].clone(),
            ticket: self.tickets,
        })
    }

    /// Gives a chosen number back, unless its fate was decided meanwhile.
    pub fn give_back(&mut self, reserved: &Reserved) {
        let Some(at) = self.at.get(&reserved.number.number).copied() else {
            return;
        };
        let of_it = |ticket: &Ticket| ticket.id == reserved.ticket;
        if self.tickets(at).iter().any(of_it) {
            self.withdraw(at);
            self.keep_tickets(at, |ticket| !of_it(ticket));
            self.offer(at);
        }
    }

    fn keep_tickets(&mut self, at: NumberAt, keep: impl Fn(&Ticket) -> bool) {
        let kept = self.reserved.remove(&at).into_iter().flatten().filter(keep);
        let kept: Vec<Ticket> = kept.collect();
        if !kept.is_empty() {
            self.reserved.insert(at, kept);
        }
    }

    fn tickets(&self, at: NumberAt) -> &[Ticket] {
        self.reserved.get(&at).map_or(&[], Vec::as_slice)
    }

    pub fn state(&self, number: &Number, now: UnixMs) -> State {
        let is_reserved = self
            .at
            .get(&number.number)
            .is_some_and(|at| !self.tickets(*at).is_empty());
        match number.state(now) {
            // A shared one is reserved by some and had by others.
            State::Active => State::Active,
            _ if is_reserved => State::Reserved,
            state => state,
        }
    }

    /// How many can be rented now, by country and price.
    pub fn free(&mut self, now: UnixMs, shared_by_max: usize) -> Vec<(String, Price, usize)> {
        self.set_clock(now);
        let suits = |class: &Class| class.area_code.is_none() && class.is_open_to(shared_by_max);
        let whole = self.shelves.iter().filter(|(class, _)| suits(class));
        whole
            .map(|(class, shelf)| (class.country.clone(), class.price, shelf.len()))
            .collect()
    }

    /// Whether this number stood there as one that has not served, although it has: the clock was set back since it counted as one. It
    /// keeps its place, and counts as what it is.
    fn is_marked_again(&mut self, at: NumberAt, wanted: &Wanted, now: UnixMs) -> bool {
        let number = self.all[at as usize].clone();
        let unused_by = now.minus_ms(wanted.used_before_ms);
        let served = number.served.iter().find(|s| s.service == wanted.service);
        let Some(served) = served.filter(|served| served.at > unused_by) else {
            return false;
        };
        let service = self.service(&served.service);
        let mut is_news = false;
        for class in self.classes(at) {
            let shelf = self.shelves.get_mut(&class);
            is_news |= shelf.is_some_and(|shelf| shelf.remember(at, (service, served.at)));
        }
        is_news
    }

    fn candidate(&mut self, wanted: &Wanted, now: UnixMs) -> Option<NumberAt> {
        let service = self.services.get(&wanted.service).copied();
        let (unused_by, used_by) = (
            now.minus_ms(wanted.used_before_ms),
            now.minus_ms(wanted.same_service_ms),
        );
        let areas = [wanted.area_code, None];
        let areas = &areas[usize::from(wanted.area_code.is_none())..];
        let unused = areas
            .iter()
            .find_map(|area| self.earliest(wanted, *area, |shelf| shelf.first_unused(service, unused_by)));
        unused.or_else(|| {
            let service = service?;
            areas
                .iter()
                .find_map(|area| self.earliest(wanted, *area, |shelf| shelf.first_used(service, used_by)))
        })
    }

    /// The earliest that the shelves of this wish and area have to offer.
    fn earliest<T: Ord>(
        &mut self,
        wanted: &Wanted,
        area_code: Option<[u8; 3]>,
        offer: impl Fn(&mut Shelf) -> Option<(T, NumberAt)>,
    ) -> Option<NumberAt> {
        let class = |capability, price, shared_by| Class {
            country: wanted.country.clone(),
            area_code,
            capability,
            price,
            shared_by,
        };
        let within = class(Capability::Sms, Price(0), None)
            ..=class(Capability::SmsAndVoice, Price(u64::MAX), Some(usize::MAX));
        let suits = |class: &Class| {
            class.is_open_to(wanted.shared_by_max)
                && class.capability.covers(wanted.capability)
                && wanted
                    .price_max
                    .is_none_or(|max| class.price.or(wanted.usual) <= max)
        };
        let suiting = self.shelves.range_mut(within).filter(|(class, _)| suits(class));
        suiting
            .filter_map(|(class, shelf)| Some((class.shared_by.unwrap_or(0), offer(shelf)?)))
            .min()
            .map(|(_, (_, at))| at)
    }

    /// Lets go of what has become free by now, and takes back what is not yet free by a clock that was set back.
    fn set_clock(&mut self, now: UnixMs) {
        let (earlier, later) = (self.clock.min(now), self.clock.max(now));
        let between = (
            Excluded((earlier, NumberAt::MAX)),
            Included((later, NumberAt::MAX)),
        );
        let crossed: Vec<NumberAt> = self.ready.range(between).map(|(_, at)| *at).collect();
        let forward = self.clock <= now;
        for at in crossed {
            if forward {
                self.shelve(at);
            } else {
                self.unshelve(at);
            }
        }
        self.clock = now;
    }

    fn offer(&mut self, at: NumberAt) {
        let number = &self.all[at as usize];
        // A shared one is chosen by several at once.
        let may_be_chosen = number.is_shared() || self.tickets(at).is_empty();
        if let Some(ready_at) = number.ready_at().filter(|_| may_be_chosen) {
            self.ready.insert((ready_at, at));
            if ready_at <= self.clock {
                self.shelve(at);
            }
        }
    }

    fn withdraw(&mut self, at: NumberAt) {
        if let Some(ready_at) = self.all[at as usize].ready_at()
            && self.ready.remove(&(ready_at, at))
            && ready_at <= self.clock
        {
            self.unshelve(at);
        }
    }

    fn shelve(&mut self, at: NumberAt) {
        self.turns += 1;
        let turn = self.turns;
        let number = self.all[at as usize].clone();
        // What it serves now, or is chosen for, it has served for good as far as the choice is concerned.
        let chosen = self.tickets(at).iter().map(|ticket| &ticket.service);
        let serves = number.open().map(|lease| &lease.service).chain(chosen);
        let serves: BTreeSet<String> = serves.cloned().collect();
        let before = number
            .served
            .iter()
            .filter(|served| !serves.contains(&served.service));
        let served = before
            .map(|served| (self.service(&served.service), served.at))
            .collect::<Vec<_>>();
        let now = serves.iter().map(|name| (self.service(name), UnixMs(u64::MAX)));
        let placed = Placed {
            number: at,
            turn,
            served: served.into_iter().chain(now).collect(),
        };
        let services = self.services.len();
        for class in self.classes(at) {
            self.shelves
                .entry(class)
                .or_default()
                .put(placed.clone(), services);
        }
    }

    fn unshelve(&mut self, at: NumberAt) {
        for class in self.classes(at) {
            if let Some(shelf) = self.shelves.get_mut(&class) {
                shelf.take(at);
                if shelf.len() == 0 {
                    self.shelves.remove(&class);
                }
            }
        }
    }

    /// Where it stands, as it is now.
    fn classes(&self, at: NumberAt) -> impl Iterator<Item = Class> + use<> {
        let number = &self.all[at as usize];
        let shared_by = number.open().count() + self.tickets(at).len();
        let class = |area_code| Class {
            country: number.country.clone(),
            area_code,
            capability: number.capability,
            price: number.price,
            shared_by: number.is_shared().then_some(shared_by),
        };
        let area_code = number
            .area_code()
            .and_then(|code| code.as_bytes().try_into().ok());
        let near = area_code.map(|code| class(Some(code)));
        std::iter::once(class(None)).chain(near)
    }

    fn service(&mut self, name: &str) -> ServiceAt {
        if let Some(at) = self.services.get(name) {
            return *at;
        }
        let at = ServiceAt::try_from(self.services.len()).unwrap_or(ServiceAt::MAX);
        self.services.insert(name.to_owned(), at);
        at
    }
}

/// How many numbers are in which state.
pub type States = BTreeMap<State, usize>;

impl Live {
    pub fn number(&self, number: &PhoneNumber) -> Option<Arc<Number>> {
        self.read().inventory.get(number).cloned()
    }

    /// Every number, for the operator's list.
    pub fn numbers(&self) -> Vec<Arc<Number>> {
        self.read().inventory.all().to_vec()
    }

    pub fn state_of(&self, number: &Number, now: UnixMs) -> State {
        self.read().inventory.state(number, now)
    }

    /// How many numbers are in each state now.
    pub fn states(&self, now: UnixMs) -> States {
        let tables = self.read();
        let mut states: States = State::ALL.map(|state| (state, 0)).into();
        for number in tables.inventory.all() {
            *states.entry(tables.inventory.state(number, now)).or_default() += 1;
        }
        states
    }

    /// Chooses a number, which nobody else gets until it is leased or given back.
    pub fn reserve(&self, wanted: &Wanted, now: UnixMs) -> Option<Reserved> {
        self.write().inventory.reserve(wanted, now)
    }

    pub fn give_back(&self, reserved: &Reserved) {
        self.write().inventory.give_back(reserved);
    }

    /// How many numbers can be rented now, by country and price; of the shared ones those that carry fewer than so many rentals.
    pub fn free(&self, now: UnixMs, shared_by_max: usize) -> Vec<(String, Price, usize)> {
        self.write().inventory.free(now, shared_by_max)
    }
}

#[cfg(test)]
mod tests;
