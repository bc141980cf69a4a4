//! The books of a soak: what was done to each rental and each number, so that every answer and every event can be held against it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Faults that are told by their words; the rest are counted.
const FAULTS_TOLD: usize = 10;

/// What the gateway promises here.
#[derive(Clone, Copy)]
pub struct Promise {
    /// The life of a rental of the short service.
    pub lifetime: Duration,
    /// Between the end of a rental and the next one on its number.
    pub cool_down: Duration,
}

/// The events that are looked for, by their types.
pub const KINDS: [&str; 6] = [
    "verification.created",
    "verification.code_received",
    "verification.cancelled",
    "verification.expired",
    "message.late",
    "verification.completed",
];

/// The place of the code in `KINDS`: what told one is metered.
const CODE: usize = 1;

/// An event of a rental: its id as a number, and its type's place in `KINDS`.
type About = (u128, usize);

pub struct Book {
    promise: Promise,
    /// Until when a number cannot have been given to another.
    taken_until: HashMap<u32, Instant>,
    /// The events that must come, and of those that came the name under which they did.
    owed: HashMap<About, Option<String>>,
    metered: HashSet<u128>,
    faults: Vec<String>,
    fault_count: usize,
}

/// A rental's id as a number; `None` for what is no UUID.
pub fn id(text: &str) -> Option<u128> {
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

impl Book {
    pub fn new(promise: Promise) -> Self {
        Self {
            promise,
            taken_until: HashMap::new(),
            owed: HashMap::new(),
            metered: HashSet::new(),
            faults: Vec::new(),
            fault_count: 0,
        }
    }

    pub fn fault(&mut self, what: impl FnOnce() -> String) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_TOLD {
            self.faults.push(what());
        }
    }

    pub fn faults(&self) -> (usize, &[String]) {
        (self.fault_count, &self.faults)
    }

    /// A number was rented: asked for at `asked`, answered `now`.
    pub fn rented(&mut self, number: u32, rental: u128, (asked, now): (Instant, Instant)) {
        if self.taken_until.get(&number).is_some_and(|until| now < *until) {
            self.fault(|| format!("number {number} was rented to two, or within its cool-down"));
        }
        self.taken_until
            .insert(number, asked + self.promise.lifetime + self.promise.cool_down);
        self.owe(rental, 0);
    }

    /// A rental may have ended at `asked`, not before.
    pub fn ends(&mut self, number: u32, asked: Instant) {
        self.taken_until.insert(number, asked + self.promise.cool_down);
    }

    /// An event of this type must come of it, once.
    pub fn owe(&mut self, rental: u128, kind: usize) {
        self.owed.entry((rental, kind)).or_default();
    }

    /// An event came, under this name; the same name may come again, as deliveries do.
    pub fn heard(&mut self, rental: u128, kind: usize, name: &str) {
        let known = self.owed.entry((rental, kind)).or_default();
        match known {
            Some(known) if known != name => {
                self.fault(|| format!("two events {} of one rental", KINDS[kind]));
            }
            Some(_) => {}
            None => *known = Some(name.to_owned()),
        }
    }

    /// An item of usage: of a rental that told its code, and the only one.
    pub fn metered(&mut self, rental: u128) {
        if !self.owed.contains_key(&(rental, CODE)) {
            self.fault(|| "a rental without a code was metered".into());
        }
        if !self.metered.insert(rental) {
            self.fault(|| "a rental was metered twice".into());
        }
    }

    /// When all usage was read: how much of it there was, and whether any is missing.
    pub fn all_is_metered(&mut self) -> usize {
        let (metered, codes) = (self.metered.len(), self.events(CODE));
        if metered != codes {
            self.fault(|| format!("{metered} rentals were metered, and {codes} had a code"));
        }
        metered
    }

    /// Events that have not come yet.
    pub fn missing(&self) -> usize {
        self.owed.values().filter(|name| name.is_none()).count()
    }

    /// How many events of this type came.
    pub fn events(&self, kind: usize) -> usize {
        let all = self.owed.iter();
        all.filter(|((_, known), name)| *known == kind && name.is_some())
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise {
        lifetime: Duration::from_secs(10),
        cool_down: Duration::from_secs(900),
    };

    #[test]
    fn a_number_that_is_given_to_two_is_seen_and_one_that_has_cooled_is_not() {
        let mut book = Book::new(PROMISE);
        let start = crate::clock::monotonic();
        let at = |s: u64| start + Duration::from_secs(s);
        book.rented(1, 1, (at(0), at(1)));
        book.rented(2, 2, (at(0), at(1)));
        book.ends(1, at(3));
        book.rented(1, 3, (at(903), at(904)));
        assert_eq!(book.faults().0, 0);
        book.rented(1, 4, (at(905), at(906)));
        assert_eq!(book.faults().0, 1, "nobody gave it back");
        book.rented(2, 5, (at(908), at(909)));
        assert_eq!(
            book.faults().0,
            2,
            "its ten seconds and its cool-down are not over"
        );
    }

    #[test]
    fn an_event_comes_once_under_one_name() {
        let mut book = Book::new(PROMISE);
        book.owe(7, 1);
        assert_eq!(book.missing(), 1);
        book.heard(7, 1, "evt_a");
        book.heard(7, 1, "evt_a");
        assert_eq!((book.missing(), book.faults().0, book.events(1)), (0, 0, 1));
        book.heard(7, 1, "evt_b");
        assert_eq!(book.faults().0, 1);
    }

    #[test]
    fn what_had_a_code_is_metered_once_and_nothing_else() {
        let mut book = Book::new(PROMISE);
        for rental in [1, 2] {
            book.owe(rental, CODE);
            book.heard(rental, CODE, "evt");
        }
        book.metered(1);
        assert_eq!(
            (book.faults().0, book.all_is_metered(), book.faults().0),
            (0, 1, 1)
        );
        book.metered(2);
        assert_eq!((book.all_is_metered(), book.faults().0), (2, 1));
        book.metered(2);
        assert_eq!(book.faults().0, 2);
        book.metered(3);
        assert_eq!(book.faults().0, 3);
    }
}
