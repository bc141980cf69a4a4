//! Ten thousand rentals of few numbers at once, cancelled, reported, expired and sent to in the same moments; then the books are looked
//! through: who had which number when, whose each message is, what was told, and that no number and nobody in line was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use ringback::core::id::RentalId;
use ringback::core::number;
use ringback::core::phone::PhoneNumber;
use ringback::core::rental::{Rental, Status};
use ringback::gateway::{AcquireRules, Error, Rules, Wish};
use ringback::store::Store;
use ringback::store::sled::{Durability, Options, Sled};

use super::looks::{belongs, none_is_lost, rested, told};
use super::rig::{LIFETIME_MS, MINUTE_MS, Rig, SERVICES, START, account, phone, rules, simulated};

const RACES: usize = 10_000;
pub const NUMBERS: usize = 200;
pub const ACCOUNTS: [&str; 5] = ["a", "b", "c", "d", "e"];
pub const COOL_DOWN_MS: u64 = 15 * MINUTE_MS;
pub const SAME_SERVICE_MS: u64 = 20 * MINUTE_MS;
pub const GRACE_MS: u64 = 120_000;

fn racing(cool_down_ms: u64) -> Rules {
    let resting = number::Rules {
        cool_down_ms,
        same_service_ms: SAME_SERVICE_MS.min(4 * cool_down_ms),
        used_before_ms: SAME_SERVICE_MS.min(4 * cool_down_ms),
        silent_rentals: 3,
        reports: 1,
        quarantine_ms: vec![MINUTE_MS; 100_000],
        ..number::Rules::standard()
    };
    Rules {
        acquire: AcquireRules {
            max_s: 86_400,
            waiters_max: RACES,
            waiters_per_account_max: RACES,
        },
        ..rules(resting)
    }
}

/// Whether the second half of them is shared.
#[derive(Clone, Copy)]
pub enum Numbers {
    Alone,
    HalfShared,
}

impl Numbers {
    /// How many are not.
    fn alone(self) -> usize {
        match self {
            Self::Alone => NUMBERS,
            Self::HalfShared => NUMBERS / 2,
        }
    }

    pub fn is_shared(self, number: &PhoneNumber) -> bool {
        (self.alone()..NUMBERS).any(|n| phone(n) == *number)
    }
}

/// What was found afterwards.
pub struct Books {
    pub rentals: Vec<Rental>,
    /// The carrier's id of each message that was sent, twice.
    pub sent: Vec<String>,
    pub rig: Rig,
    pub store: Arc<dyn Store>,
    pub numbers: Numbers,
}

fn wish(n: usize) -> Wish {
    Wish {
        service: SERVICES[n % SERVICES.len()].into(),
        area_code: n.is_multiple_of(7).then(|| "212".to_owned()),
        acquire: Duration::from_secs(86_400),
        ..Wish::default()
    }
}

/// One who waits for a number, and what happens to the rental at once.
async fn one(rig: Arc<Rig>, n: usize) -> (RentalId, Option<String>) {
    let holder = account(ACCOUNTS[n % ACCOUNTS.len()]);
    let rental = rig.gateway.rent(&holder, &wish(n)).await.expect("its turn comes");
    let cancel = async || match rig.gateway.cancel(&holder, rental.id).await {
        Ok(_) | Err(Error::AlreadyOver(_)) => {}
        Err(error) => panic!("cannot be cancelled: {error}"),
    };
    let report = async || match rig.gateway.report(&holder, rental.id).await {
        Ok(_) | Err(Error::AlreadyOver(_)) => {}
        Err(error) => panic!("cannot be reported: {error}"),
    };
    let id = format!("sms-{n}");
    match n % 5 {
        0 => drop(
            join(
                cancel(),
                join(rig.code(&id, &rental.number), rig.code(&id, &rental.number)),
            )
            .await,
        ),
        1 => drop(join(rig.code(&id, &rental.number), rig.code(&id, &rental.number)).await),
        2 => {
            join(cancel(), cancel()).await;
            return (rental.id, None);
        }
        3 if n.is_multiple_of(2) => {
            join(report(), cancel()).await;
            return (rental.id, None);
        }
        // Left to its end.
        _ => return (rental.id, None),
    }
    (rental.id, Some(id))
}

async fn race(store: Arc<dyn Store>, cool_down_ms: u64, numbers: Numbers) -> Books {
    let rig = Arc::new(Rig::over(store.clone(), START, racing(cool_down_ms)));
    rig.add(0..numbers.alone()).await;
    rig.add_shared(numbers.alone()..NUMBERS).await;
    let done = Arc::new(AtomicBool::new(false));
    let driver = tokio::spawn({
        let (rig, done) = (rig.clone(), done.clone());
        async move {
            while !done.load(Ordering::Acquire) {
                rig.pass_and_sweep(MINUTE_MS / 2).await;
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    let all = join_all((0..RACES).map(|n| tokio::spawn(one(rig.clone(), n)))).await;
    done.store(true, Ordering::Release);
    driver.await.unwrap();
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    rig.pass_and_sweep(LIFETIME_MS + GRACE_MS).await;
    let mut rentals = Vec::new();
    for (n, (id, _)) in all.iter().enumerate() {
        let holder = account(ACCOUNTS[n % ACCOUNTS.len()]);
        rentals.push(rig.gateway.rental(&holder, *id).await.unwrap());
    }
    let rig = Arc::into_inner(rig).expect("all who raced are done");
    Books {
        rentals,
        sent: all.into_iter().filter_map(|(_, sent)| sent).collect(),
        rig,
        store,
        numbers,
    }
}

async fn check(books: &Books) -> Result<(), String> {
    if books.rentals.len() != RACES {
        return Err(format!("{} rentals", books.rentals.len()));
    }
    rested(&books.rentals, books.numbers)?;
    belongs(books)?;
    told(books)?;
    none_is_lost(books).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_keep_the_invariants_on_the_simulated_store() {
    let books = race(simulated(Default::default()), COOL_DOWN_MS, Numbers::Alone).await;
    check(&books).await.unwrap();
    let ended = |status| {
        books
            .rentals
            .iter()
            .filter(|rental| rental.status == status)
            .count()
    };
    for status in [Status::Cancelled, Status::Completed, Status::Expired] {
        assert!(ended(status) > 500, "{status:?}: {}", ended(status));
    }
    // The check can fail: the second renter of a number came while the first still had it.
    let mut planted = books.rentals.clone();
    planted.sort_by_key(|rental| rental.created_at);
    let first = planted[0].clone();
    let second = planted
        .iter_mut()
        .skip(1)
        .find(|rental| rental.number == first.number)
        .unwrap();
    second.created_at = first.ends_at.minus_ms(1);
    assert!(
        rested(&planted, Numbers::Alone).is_err(),
        "two renters at once are seen"
    );
}

/// As the test above, with a disk. Called by two, for the folder must outlive the store.
async fn on_sled(numbers: Numbers) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        folder: folder.path().to_owned(),
        durability: Durability::Process,
        queue_max: 100_000,
        group_max: 1024,
        disk_reserve_bytes: 0,
        cache_bytes: 64 << 20,
    };
    let store = Arc::new(Sled::open(&options, &[7; 32]).unwrap());
    let books = race(store, COOL_DOWN_MS, numbers).await;
    check(&books).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_keep_the_invariants_on_sled() {
    on_sled(Numbers::Alone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_for_shared_numbers_keep_the_invariants_on_sled() {
    on_sled(Numbers::HalfShared).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_for_shared_numbers_keep_the_invariants_on_the_simulated_store() {
    let books = race(simulated(Default::default()), COOL_DOWN_MS, Numbers::HalfShared).await;
    check(&books).await.unwrap();
    let is_beside = |one: &Rental, other: &Rental| {
        one.id != other.id
            && one.number == other.number
            && one.created_at < other.ends_at
            && other.created_at < one.ends_at
    };
    let rentals = &books.rentals;
    let shared = rentals
        .iter()
        .filter(|one| rentals.iter().any(|other| is_beside(one, other)));
    let beside: Vec<&Rental> = shared.collect();
    assert!(beside.len() > 1000, "{} rentals shared a number", beside.len());
    // The checks can fail: two of one service at once, and a message that went to the other of two.
    let mut planted = rentals.clone();
    let at = planted
        .iter()
        .position(|rental| rental.id == beside[0].id)
        .unwrap();
    let other = rentals
        .iter()
        .find(|other| is_beside(&planted[at], other))
        .unwrap();
    planted[at].service = other.service.clone();
    assert!(
        rested(&planted, Numbers::HalfShared).is_err(),
        "two of one service at once are seen"
    );
    let stolen = rentals.iter().find_map(|one| {
        let mut others = rentals
            .iter()
            .filter(|other| is_beside(one, other) && other.service != "google");
        let has = one.service == "google" && !one.messages.is_empty();
        has.then(|| others.next_back().map(|other| (one.id, other.id)))
            .flatten()
    });
    let (from, to) = stolen.expect("some were sent a code");
    let mut planted = books;
    let place = |id| planted.rentals.iter().position(|rental| rental.id == id).unwrap();
    let (from, to) = (place(from), place(to));
    let messages = std::mem::take(&mut planted.rentals[from].messages);
    planted.rentals[to].messages = messages;
    assert!(belongs(&planted).is_err(), "a message of another's is seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cool_down_that_is_ignored_is_seen() {
    let books = race(simulated(Default::default()), 1000, Numbers::Alone).await;
    let seen = rested(&books.rentals, Numbers::Alone).unwrap_err();
    assert!(seen.contains("too soon"), "{seen}");
}
