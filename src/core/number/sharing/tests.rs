//! A shared number held against all that ever happened on it: who may begin, and whom a message may be of.

use proptest::prelude::*;

use super::*;
use crate::core::number::samples::{closed, number, rented, service};
use crate::core::number::{Claim, Ended, Owner, Rests, Sent, State, Unmatched};
use crate::core::rental::{Rental, Status};

const MINUTE_MS: u64 = 60_000;
const COOL_DOWN_MS: u64 = 15 * MINUTE_MS;
const RESTS: Rests = Rests {
    grace_ms: 2 * MINUTE_MS,
    cool_down_ms: COOL_DOWN_MS,
};

fn rules() -> Rules {
    Rules {
        cool_down_ms: COOL_DOWN_MS,
        same_service_ms: 30 * MINUTE_MS,
        silent_rentals: 0,
        shared_rentals_max: 4,
        ..Rules::standard()
    }
}

fn takes(number: &Number, name: &str, at: u64) -> bool {
    number.takes(&service(name), UnixMs(at), &rules())
}

fn rental(n: u8, name: &str, at: u64) -> Rental {
    Rental {
        service: name.into(),
        ..rented(n, at, at + 20 * MINUTE_MS)
    }
}

fn over(rental: &Rental, at: u64) -> Rental {
    closed(rental, Status::Cancelled, at)
}

fn owner(number: &Number, now: u64) -> Result<u8, Option<Unmatched>> {
    let sent = Sent {
        at: None,
        now: UnixMs(now),
    };
    match number.owner_of(sent, RESTS) {
        Owner::Rental(claim) => Ok(claim.lease.rental.0[0]),
        Owner::OneOf(_) => Err(None),
        Owner::Nobody(reason) => Err(Some(reason)),
    }
}

#[test]
fn each_service_has_one_rental_of_it_and_rests_by_itself() {
    let start = 100 * MINUTE_MS;
    let google = rental(1, "google", start);
    let one = number().shared(true).leased(&google);
    assert!(takes(&one, "telegram", start) && !takes(&one, "google", start));
    let telegram = rental(2, "telegram", start + 1);
    let two = one.leased(&telegram);
    assert_eq!(
        (two.open().count(), two.state(UnixMs(start + 1))),
        (2, State::Active)
    );
    let back = two.given_back(&over(&google, start + 2), &rules());
    assert_eq!(back.leases[0].ended, Some(Ended::Cancelled));
    assert!(
        !takes(&back, "google", start + 29 * MINUTE_MS) && takes(&back, "google", start + 31 * MINUTE_MS)
    );
    let free = back.given_back(&over(&telegram, start + 3), &rules());
    assert_eq!(
        free.state(UnixMs(start + 4)),
        State::Free,
        "for other services at once"
    );
}

#[test]
fn it_carries_so_many_and_none_that_nothing_tells() {
    let names = ["a1", "a2", "a3", "a4"];
    let shared = number().shared(true);
    let plain = Service {
        brands: Vec::new(),
        ..service("any")
    };
    assert!(number().takes(&plain, UnixMs(1), &rules()) && !shared.takes(&plain, UnixMs(1), &rules()));
    let full = names.iter().enumerate().fold(shared, |number, (n, name)| {
        assert!(takes(&number, name, 1));
        number.leased(&rental(n as u8, name, 1))
    });
    assert!(!takes(&full, "a5", 1));
}

/// Who rented it alone has it alone, and through the rest; who shares it keeps it, and nobody comes before it has rested.
#[test]
fn a_switch_changes_nothing_for_those_who_have_it() {
    let google = rental(1, "google", 1000);
    let alone = number().leased(&google).shared(true);
    assert!(!takes(&alone, "telegram", 2000));
    let rests = alone.given_back(&over(&google, 3000), &rules());
    assert!(
        !takes(&rests, "telegram", 3000 + COOL_DOWN_MS - 1) && takes(&rests, "telegram", 3000 + COOL_DOWN_MS)
    );
    let telegram = rental(2, "telegram", 4000);
    let off = number()
        .shared(true)
        .leased(&google)
        .leased(&telegram)
        .shared(false);
    assert_eq!(off.open().count(), 2);
    let last = off.given_back(&over(&google, 5000), &rules());
    assert!(!takes(&last, "whatsapp", 5000 + COOL_DOWN_MS));
    let empty = last.given_back(&over(&telegram, 6000), &rules());
    assert!(
        !takes(&empty, "whatsapp", 6000 + COOL_DOWN_MS - 1) && takes(&empty, "whatsapp", 6000 + COOL_DOWN_MS)
    );
    assert_eq!(
        off.shared(true).sharing,
        Sharing::Next,
        "not before it is empty either"
    );
}

#[test]
fn a_quarantine_and_an_end_for_good_wait_for_all_that_have_it() {
    let (google, telegram) = (rental(1, "google", 1000), rental(2, "telegram", 1000));
    let two = number().shared(true).leased(&google).leased(&telegram);
    let retired = two.retired();
    assert!(!takes(&retired, "whatsapp", 2000));
    let one = retired.given_back(&over(&google, 2000), &rules());
    assert_eq!(one.state(UnixMs(2000)), State::Active);
    let none = one.given_back(&over(&telegram, 2000), &rules());
    assert_eq!(none.state(UnixMs(9_000_000)), State::Retired);
    let reported = Rental {
        reported: true,
        ..over(&google, 2000)
    };
    let out = two.given_back(&reported, &rules());
    assert!(!takes(&out, "whatsapp", 3000) && takes(&out, "whatsapp", 3000 + 60 * MINUTE_MS));
}

#[test]
fn its_time_tells_whose_a_message_is_while_one_alone_has_it() {
    let start = 100 * MINUTE_MS;
    let google = rental(1, "google", start);
    let one = number().shared(true).leased(&google);
    assert_eq!(owner(&one, start + 1), Ok(1));
    let two = one.leased(&rental(2, "telegram", start + 10));
    assert_eq!(owner(&two, start + 20), Err(None));
    let back = two.given_back(&over(&google, start + 30), &rules());
    assert_eq!(
        owner(&back, start + 30 + COOL_DOWN_MS - 1),
        Err(None),
        "one of it may be late"
    );
    assert_eq!(owner(&back, start + 30 + COOL_DOWN_MS), Ok(2));
    // A carrier that could not bring it for long tells when it was sent.
    let sent = Sent {
        at: Some(UnixMs(start + 20)),
        now: UnixMs(start + 19 * MINUTE_MS),
    };
    assert!(matches!(back.owner_of(sent, RESTS), Owner::OneOf(parties) if parties.len() == 2));
}

/// The end of one tells nothing about who has the number still, if the clock was stepped back since.
#[test]
fn a_clock_that_was_stepped_back_ends_nobody_elses_rental() {
    let late = 200 * MINUTE_MS;
    let google = rental(1, "google", late);
    let gone = number()
        .shared(true)
        .leased(&google)
        .given_back(&over(&google, late + 1), &rules());
    let back = gone.leased(&rental(2, "telegram", 100 * MINUTE_MS));
    let sent = Sent {
        at: None,
        now: UnixMs(101 * MINUTE_MS),
    };
    let Owner::OneOf(parties) = back.owner_of(sent, RESTS) else {
        panic!("both may be meant")
    };
    let in_time = parties.iter().find(|claim| claim.lease.rental.0[0] == 2).unwrap();
    assert!(in_time.in_time && !in_time.is_late());
}

#[test]
fn a_record_of_before_there_was_sharing_is_read_as_not_shared() {
    let mut record = postcard::to_stdvec(&number().leased(&rental(1, "google", 5))).unwrap();
    record.pop();
    let read: Number = postcard::from_bytes(&record).unwrap();
    assert_eq!(read, number().leased(&rental(1, "google", 5)));
    let shared = number().shared(true);
    let again: Number = postcard::from_bytes(&postcard::to_stdvec(&shared).unwrap()).unwrap();
    assert_eq!(again, shared);
    let mut record = postcard::to_stdvec(&service("google")).unwrap();
    record.truncate(record.len() - 1 - "google".len() - 1);
    let read: Service = postcard::from_bytes(&record).unwrap();
    assert_eq!((read.name.as_str(), read.brands.len()), ("google", 0));
}

#[derive(Debug, Clone)]
enum Act {
    Rent(usize),
    End(usize),
    Pass(u64),
    Share(bool),
    /// So long before its arrival, where the carrier tells.
    Message(Option<u64>),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0usize..90).prop_map(Act::Rent),
        8 => (0usize..8).prop_map(Act::End),
        3 => (0u64..3000).prop_map(Act::Pass),
        1 => (0u64..30 * MINUTE_MS).prop_map(Act::Pass),
        1 => proptest::bool::weighted(0.9).prop_map(Act::Share),
        6 => proptest::option::of(0u64..25 * MINUTE_MS).prop_map(Act::Message),
    ]
}

/// All that ever happened, of which nothing is forgotten.
#[derive(Default)]
struct History {
    rentals: Vec<Rental>,
    /// Whether each began while others might.
    shared: Vec<bool>,
    is_shared: bool,
}

impl History {
    fn open(&self) -> impl Iterator<Item = (usize, &Rental)> {
        self.rentals
            .iter()
            .enumerate()
            .filter(|(_, rental)| !rental.closed)
    }

    /// The rule, over all that ever was.
    fn may_begin(&self, name: &str, now: u64) -> bool {
        let over = |rental: &Rental, ms| rental.closed && rental.ends_at.0 + ms <= now;
        let same = |rental: &&Rental| rental.service == name;
        let rested = self
            .rentals
            .iter()
            .filter(same)
            .all(|rental| over(rental, 30 * MINUTE_MS));
        let apart = self.rentals.iter().all(|rental| over(rental, COOL_DOWN_MS));
        let all_share = self.shared.last().is_none_or(|shared| *shared);
        rested && (apart || self.is_shared && all_share && self.open().count() < 4)
    }

    fn in_time(&self, time: u64) -> Vec<u8> {
        let fits = |(_, rental): &(usize, &Rental)| {
            rental.created_at.0 <= time + 5000 && time <= rental.ends_at.0 + RESTS.grace_ms
        };
        self.rentals
            .iter()
            .enumerate()
            .filter(fits)
            .map(|(n, _)| n as u8)
            .collect()
    }

    /// Those of which messages may come that were sent by then.
    fn may_be_meant(&self, sent_at: u64) -> Vec<u8> {
        let may =
            |(_, rental): &(usize, &Rental)| !rental.closed || rental.ends_at.0 + COOL_DOWN_MS > sent_at;
        self.rentals
            .iter()
            .enumerate()
            .filter(may)
            .map(|(n, _)| n as u8)
            .collect()
    }
}

fn check(number: &Number, history: &History, sent: Sent) -> Result<(), TestCaseError> {
    let in_time = history.in_time(sent.matched_at().0);
    let sent_at = sent.at.unwrap_or(sent.now).0;
    let id = |claim: &Claim<'_>| claim.lease.rental.0[0];
    match number.owner_of(sent, RESTS) {
        Owner::Rental(claim) => {
            prop_assert_eq!(&in_time, &[id(&claim)]);
            let beside = |n: &u8| {
                let (other, own) = (&history.rentals[*n as usize], claim.lease);
                let rested = |closed, ends_at: UnixMs| {
                    if closed {
                        ends_at.0 + COOL_DOWN_MS
                    } else {
                        u64::MAX
                    }
                };
                *n != id(&claim)
                    && other.created_at.0 < rested(own.ended.is_some(), own.ends_at)
                    && own.starts_at.0 < rested(other.closed, other.ends_at)
            };
            let rivals = history.may_be_meant(sent_at).into_iter().filter(beside);
            prop_assert_eq!(rivals.collect::<Vec<_>>(), Vec::<u8>::new());
        }
        Owner::OneOf(parties) => {
            let parties: Vec<u8> = parties.iter().map(id).collect();
            prop_assert!(parties.len() > 1 && in_time.iter().all(|n| parties.contains(n)));
        }
        Owner::Nobody(_) => prop_assert_eq!(in_time, Vec::<u8>::new()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn it_is_never_given_out_or_a_message_taken_against_its_history(acts in proptest::collection::vec(act(), 1..250)) {
        let (mut number, mut history, mut now) = (number().shared(true), History::default(), 1_000_000_000);
        history.is_shared = true;
        for act in acts {
            match act {
                Act::Rent(n) => {
                    let (name, count) = (format!("s{n}"), history.rentals.len());
                    let taken = takes(&number, &name, now);
                    let is_full = number.leases.len() >= LEASES_SHARED_MAX;
                    prop_assert!(taken == history.may_begin(&name, now) || !taken && is_full, "{name} at {now}");
                    if taken && count < 250 {
                        let rental = rental(count as u8, &name, now);
                        number = number.leased(&rental);
                        history.rentals.push(rental);
                        history.shared.push(history.is_shared);
                    }
                }
                Act::End(n) => {
                    let open: Vec<usize> = history.open().map(|(at, _)| at).collect();
                    if let Some(at) = open.get(n) {
                        let over = closed(&history.rentals[*at], Status::Expired, now.min(history.rentals[*at].ends_at.0));
                        number = number.given_back(&over, &rules());
                        history.rentals[*at] = over;
                    }
                }
                Act::Pass(ms) => now += ms,
                Act::Share(wanted) => {
                    number = number.shared(wanted);
                    if history.is_shared && !wanted {
                        // Whoever has it now shares it with nobody else.
                        history.shared.iter_mut().for_each(|shared| *shared = false);
                    }
                    history.is_shared = wanted;
                }
                Act::Message(before) => {
                    let sent = Sent { at: before.map(|ms| UnixMs(now - ms)), now: UnixMs(now) };
                    check(&number, &history, sent)?;
                }
            }
            let open: std::collections::BTreeSet<&str> = number.open().map(|lease| lease.service.as_str()).collect();
            prop_assert!(open.len() == number.open().count() && open.len() <= rules().shared_rentals_max);
            prop_assert!(number.leases.len() <= LEASES_SHARED_MAX);
        }
    }
}
