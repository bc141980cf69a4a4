//! The rule by which numbers are chosen, over a plain list.

use super::super::Wanted;
use crate::core::number::Number;
use crate::core::time::UnixMs;

/// The rule, over a list of all: who is free, or shared, stands in line by when that began, or by its latest change.
#[derive(Default)]
pub struct Plain {
    pub all: Vec<Number>,
    /// Who has chosen it, and for what.
    pub tickets: Vec<Vec<(u64, String)>>,
    pub line: Vec<usize>,
    clock: UnixMs,
}

impl Plain {
    pub fn set_clock(&mut self, now: UnixMs) {
        let ready = |at: &usize| self.all[*at].ready_at().expect("who is in line is nobody's");
        self.line.retain(|at| ready(at) <= now);
        let mut new: Vec<usize> = (0..self.all.len()).collect();
        new.retain(|at| {
            let ready = self.all[*at].ready_at();
            ready.is_some_and(|ready| ready > self.clock && ready <= now) && self.may_stand(*at)
        });
        new.sort_by_key(|at| (self.all[*at].ready_at(), *at));
        self.line.extend(new);
        self.clock = now;
    }

    fn may_stand(&self, at: usize) -> bool {
        self.all[at].is_shared() || self.tickets[at].is_empty()
    }

    pub fn put(&mut self, at: usize, number: Number) {
        self.tickets[at].retain(|(_, service)| number.is_shared() && !number.serves(service));
        self.all[at] = number;
        self.line_up(at);
    }

    fn line_up(&mut self, at: usize) {
        self.line.retain(|other| *other != at);
        let is_ready = self.all[at].ready_at().is_some_and(|ready| ready <= self.clock);
        if is_ready && self.may_stand(at) {
            self.line.push(at);
        }
    }

    pub fn reserve(&mut self, at: usize, ticket: (u64, String)) {
        self.tickets[at].push(ticket);
        self.line_up(at);
    }

    pub fn give_back(&mut self, at: usize, id: u64) {
        if self.tickets[at].iter().any(|(other, _)| *other == id) {
            self.tickets[at].retain(|(other, _)| *other != id);
            self.line_up(at);
        }
    }

    /// How many have a shared one.
    pub fn shared_by(&self, at: usize) -> usize {
        match self.all[at].is_shared() {
            true => self.all[at].open().count() + self.tickets[at].len(),
            false => 0,
        }
    }

    /// It may carry one more, of this service.
    fn has_room(&self, at: usize, wanted: &Wanted) -> bool {
        let is_chosen = self.tickets[at]
            .iter()
            .any(|(_, service)| *service == wanted.service);
        !self.all[at].is_shared()
            || self.shared_by(at) < wanted.shared_by_max
                && !is_chosen
                && !self.all[at].serves(&wanted.service)
    }

    pub fn choose(&self, wanted: &Wanted) -> Result<usize, Option<(usize, UnixMs)>> {
        let served = |at: usize| {
            let served = &self.all[at].served;
            served
                .iter()
                .find(|served| served.service == wanted.service)
                .map(|served| served.at)
        };
        let suits = |at: &&usize| {
            let number = &self.all[**at];
            self.has_room(**at, wanted)
                && number.capability.covers(wanted.capability)
                && wanted
                    .price_max
                    .is_none_or(|max| number.price.or(wanted.usual) <= max)
        };
        let near = |at: &&usize| {
            wanted
                .area_code
                .is_none_or(|code| self.all[**at].area_code().map(str::as_bytes) == Some(&code))
        };
        let unused =
            |at: &&usize| served(**at).is_none_or(|t| t <= self.clock.minus_ms(wanted.used_before_ms));
        let fresh: Vec<&usize> = self.line.iter().filter(suits).filter(unused).collect();
        // Of those that the fewest have, the first in line.
        let fewest = |at: &&&usize| self.shared_by(***at);
        let near_one = fresh.iter().filter(|at| near(at)).min_by_key(fewest);
        if let Some(at) = near_one.or(fresh.iter().min_by_key(fewest)) {
            return Ok(**at);
        }
        // Of those that have served it: one that did so longest ago, and long enough.
        let may =
            |at: &&usize| served(**at).is_some_and(|t| t <= self.clock.minus_ms(wanted.same_service_ms));
        let used: Vec<&usize> = self.line.iter().filter(suits).filter(may).collect();
        let area = if used.iter().any(near) {
            used.into_iter().filter(near).collect()
        } else {
            used
        };
        let ranked = |at: &usize| Some((self.shared_by(*at), served(*at)?));
        Err(area.into_iter().filter_map(ranked).min())
    }
}
