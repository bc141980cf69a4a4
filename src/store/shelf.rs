//! A shelf of free numbers in the order in which they became free. The first that has not served a service is found in time
//! that grows with the logarithm of their count, however many before it have: a tree over the places tells what all below it served.

use std::collections::{BTreeSet, HashMap};

use crate::core::time::UnixMs;

/// A number by its place in the inventory, and a service by its own.
pub type NumberAt = u32;
pub type ServiceAt = u32;

/// A number as it is put here: which turn it has among all that are free, and when it last served what.
#[derive(Debug, Clone)]
pub struct Placed {
    pub number: NumberAt,
    /// Grows from one to the next.
    pub turn: u64,
    pub served: Vec<(ServiceAt, UnixMs)>,
}

/// The bit of an empty place; a service's bit is its place and one.
const EMPTY: usize = 0;
const PLACES_MIN: usize = 16;

#[derive(Debug, Default)]
pub struct Shelf {
    /// New ones are put at the end; a place that was taken stays empty until all are moved together.
    places: Vec<Option<Placed>>,
    place_of: HashMap<NumberAt, usize>,
    /// The nodes of a binary tree, the root at 1, `words` words each; a bit is set where it is so of every place below.
    marks: Vec<u64>,
    words: usize,
    /// Leaves of the tree: a power of two.
    capacity: usize,
    /// Who has served it and when, longest ago first.
    served: HashMap<ServiceAt, BTreeSet<(UnixMs, usize)>>,
}

impl Shelf {
    pub fn len(&self) -> usize {
        self.place_of.len()
    }

    /// Puts a number at the end; `services` is how many services there are in all.
    pub fn put(&mut self, placed: Placed, services: usize) {
        if self.places.len() == self.capacity || services >= self.words * 64 {
            self.move_together(services);
        }
        self.place(placed);
        self.raise(self.capacity + self.places.len() - 1);
    }

    /// Takes a number away, whoever chose it.
    pub fn take(&mut self, number: NumberAt) {
        let Some(place) = self.place_of.remove(&number) else {
            return;
        };
        if let Some(taken) = self.places[place].take() {
            for (service, at) in taken.served {
                self.forget(service, (at, place));
            }
        }
        let leaf = self.capacity + place;
        self.node_mut(leaf).fill(u64::MAX);
        self.raise(leaf);
    }

    /// A number counts again as one that served this at this time; false: it does already.
    pub fn remember(&mut self, number: NumberAt, (service, at): (ServiceAt, UnixMs)) -> bool {
        let Some(place) = self.place_of.get(&number).copied() else {
            return false;
        };
        if !self.served.entry(service).or_default().insert((at, place)) {
            return false;
        }
        if let Some(placed) = &mut self.places[place] {
            placed.served.push((service, at));
        }
        let (leaf, bit) = (self.capacity + place, service as usize + 1);
        self.node_mut(leaf)[bit / 64] |= 1 << (bit % 64);
        self.raise(leaf);
        true
    }

    /// Of those that have not served it since `served_by`, the one that is free for the longest time.
    pub fn first_unused(&mut self, service: Option<ServiceAt>, served_by: UnixMs) -> Option<(u64, NumberAt)> {
        let bit = match service {
            Some(service) if (service as usize) + 1 < self.words * 64 => {
                self.let_go(service, served_by);
                service as usize + 1
            }
            _ => EMPTY,
        };
        let lacks = |node: usize| {
            self.marks
                .get(node * self.words + bit / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 == 0)
        };
        let place = first_leaf(self.capacity, lacks)?;
        let placed = self.places.get(place)?.as_ref()?;
        Some((placed.turn, placed.number))
    }

    /// The one that served it longest ago, and by `served_by`; with that time.
    pub fn first_used(&self, service: ServiceAt, served_by: UnixMs) -> Option<(UnixMs, NumberAt)> {
        let (at, place) = *self.served.get(&service)?.first()?;
        let placed = self.places.get(place)?.as_ref()?;
        (at <= served_by).then_some((at, placed.number))
    }

    /// Those that served it by this time count as if they had not.
    fn let_go(&mut self, service: ServiceAt, served_by: UnixMs) {
        while let Some(&(at, place)) = self.served.get(&service).and_then(BTreeSet::first)
            && at <= served_by
        {
            self.forget(service, (at, place));
            if let Some(placed) = &mut self.places[place] {
                placed.served.retain(|(other, _)| *other != service);
            }
            let (leaf, bit) = (self.capacity + place, service as usize + 1);
            self.node_mut(leaf)[bit / 64] &= !(1 << (bit % 64));
            self.raise(leaf);
        }
    }

    fn forget(&mut self, service: ServiceAt, place: (UnixMs, usize)) {
        if let Some(served) = self.served.get_mut(&service) {
            served.remove(&place);
        }
    }

    fn node_mut(&mut self, node: usize) -> &mut [u64] {
        &mut self.marks[node * self.words..(node + 1) * self.words]
    }

    /// Takes the next place, and marks its leaf alone.
    fn place(&mut self, placed: Placed) {
        let place = self.places.len();
        let leaf = (self.capacity + place) * self.words;
        self.marks[leaf..leaf + self.words].fill(0);
        for (service, at) in &placed.served {
            let bit = *service as usize + 1;
            self.marks[leaf + bit / 64] |= 1 << (bit % 64);
            self.served.entry(*service).or_default().insert((*at, place));
        }
        self.place_of.insert(placed.number, place);
        self.places.push(Some(placed));
    }

    /// Tells the nodes above a changed leaf.
    fn raise(&mut self, leaf: usize) {
        let mut node = leaf / 2;
        while node > 0 {
            self.join(node);
            node /= 2;
        }
    }

    fn join(&mut self, node: usize) {
        for word in 0..self.words {
            let below = |child: usize| self.marks[child * self.words + word];
            self.marks[node * self.words + word] = below(2 * node) & below(2 * node + 1);
        }
    }

    /// Moves all that are left together, with as much room again, so that the next time is as far away as there are numbers.
    fn move_together(&mut self, services: usize) {
        let left: Vec<Placed> = std::mem::take(&mut self.places).into_iter().flatten().collect();
        self.capacity = (2 * (left.len() + 1)).next_power_of_two().max(PLACES_MIN);
        self.words = services / 64 + 1;
        self.marks = vec![u64::MAX; 2 * self.capacity * self.words];
        self.place_of.clear();
        self.served.clear();
        left.into_iter().for_each(|placed| self.place(placed));
        (1..self.capacity).rev().for_each(|node| self.join(node));
    }
}

/// The first leaf of a binary tree with so many for which this is true; of a node it is true where it is of one below.
fn first_leaf(leaves: usize, is_true: impl Fn(usize) -> bool) -> Option<usize> {
    let mut node = 1;
    if !is_true(node) {
        return None;
    }
    while node < leaves {
        node = if is_true(2 * node) { 2 * node } else { 2 * node + 1 };
    }
    Some(node - leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn placed(number: NumberAt, turn: u64, served: &[(ServiceAt, u64)]) -> Placed {
        Placed {
            number,
            turn,
            served: served
                .iter()
                .map(|(service, at)| (*service, UnixMs(*at)))
                .collect(),
        }
    }

    fn unused(shelf: &mut Shelf, service: ServiceAt, served_by: u64) -> Option<NumberAt> {
        shelf
            .first_unused(Some(service), UnixMs(served_by))
            .map(|(_, number)| number)
    }

    #[test]
    fn an_empty_shelf_has_nothing() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.first_unused(None, UnixMs(9)), None);
        assert_eq!(shelf.first_used(3, UnixMs(9)), None);
        shelf.put(placed(1, 5, &[]), 0);
        shelf.take(1);
        shelf.take(1);
        assert_eq!((shelf.first_unused(None, UnixMs(9)), shelf.len()), (None, 0));
    }

    #[test]
    fn who_has_served_it_is_passed_over_until_it_is_long_ago() {
        let mut shelf = Shelf::default();
        shelf.put(placed(1, 10, &[(0, 5)]), 2);
        shelf.put(placed(2, 20, &[(1, 6)]), 2);
        assert_eq!(unused(&mut shelf, 0, 4), Some(2));
        assert_eq!(unused(&mut shelf, 1, 4), Some(1));
        assert_eq!(unused(&mut shelf, 0, 5), Some(1));
        shelf.take(2);
        assert_eq!(unused(&mut shelf, 1, 5), Some(1));
    }

    #[test]
    fn a_service_that_nobody_knows_gets_the_first() {
        let mut shelf = Shelf::default();
        shelf.put(placed(1, 10, &[(0, 5)]), 1);
        assert_eq!(unused(&mut shelf, 500, 0), Some(1));
        // More services than fit into the marks there are.
        shelf.put(placed(2, 20, &[(500, 7)]), 501);
        assert_eq!(
            (unused(&mut shelf, 500, 0), unused(&mut shelf, 0, 0)),
            (Some(1), Some(2))
        );
    }

    /// As many looks as the tree is deep, and one, wherever the leaf is.
    #[test]
    fn of_131072_one_is_found_by_18_looks() {
        const LEAVES: usize = 1 << 17;
        let found = |leaf: usize| {
            let looks = Cell::new(0);
            let is_above = |node: usize| {
                looks.set(looks.get() + 1);
                let below = LEAVES >> node.ilog2();
                (LEAVES + leaf) / below == node
            };
            (first_leaf(LEAVES, is_above), looks.get())
        };
        for leaf in [0, 1, LEAVES / 2, LEAVES - 1] {
            assert_eq!(found(leaf), (Some(leaf), 18));
        }
    }

    proptest! {
        /// Against a plain list, whatever is put, taken and asked.
        #[test]
        fn it_answers_as_a_plain_list_does(acts in proptest::collection::vec((0u8..4, 0u32..30, 0u32..70, 0u64..40), 1..200)) {
            let mut shelf = Shelf::default();
            let mut plain: Vec<Placed> = Vec::new();
            let mut clock = 0;
            for (act, number, service, at) in acts {
                clock += 1;
                match act {
                    0 | 1 => if plain.iter().all(|p| p.number != number) {
                        let new = placed(number, clock, &[(service, at), (service / 2 + 70, at + 1)]);
                        plain.push(new.clone());
                        shelf.put(new, 140);
                    },
                    2 => {
                        plain.retain(|p| p.number != number);
                        shelf.take(number);
                    }
                    _ => {
                        for p in &mut plain {
                            p.served.retain(|(s, when)| *s != service || when.0 > at);
                        }
                        let served = |p: &Placed| p.served.iter().find(|(s, _)| *s == service).map(|(_, when)| *when);
                        let first = plain.iter().find(|p| served(p).is_none()).map(|p| p.number);
                        prop_assert_eq!(unused(&mut shelf, service, at), first);
                        let used = plain.iter().filter_map(|p| Some((served(p)?, p.number))).min_by_key(|(when, _)| *when);
                        let found = shelf.first_used(service, UnixMs(at + 20));
                        prop_assert_eq!(found.map(|(when, _)| when), used.map(|(when, _)| when).filter(|when| when.0 <= at + 20));
                    }
                }
                prop_assert_eq!(shelf.len(), plain.len());
            }
        }
    }
}
