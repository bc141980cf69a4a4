//! Ten thousand rentals of few numbers at once, cancelled, reported, expired and sent to in the same moments; then the books are looked
//! through: who had which number when, whose each message is, what was told, and that no number and nobody in line was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use ringback::core::id::{MessageId, RentalId};
use ringback::core::number::{self, State};
use ringback::core::rental::{Rental, Status};
use ringback::gateway::{AcquireRules, Error, Rules, Wish};
use ringback::store::sled::{Durability, Options, Sled};
use ringback::store::{Reading, Store};

use super::rig::{LIFETIME_MS, MINUTE_MS, Rig, SERVICES, START, account, rules, simulated};

const RACES: usize = 10_000;
const NUMBERS: usize = 200;
const ACCOUNTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const COOL_DOWN_MS: u64 = 15 * MINUTE_MS;
const SAME_SERVICE_MS: u64 = 20 * MINUTE_MS;
const GRACE_MS: u64 = 120_000;

fn racing(cool_down_ms: u64) -> Rules {
    let resting = number::Rules {
        cool_down_ms,
        same_service_ms: SAME_SERVICE_MS.min(4 * cool_down_ms),
        used_before_ms: SAME_SERVICE_MS.min(4 * cool_down_ms),
        silent_rentals: 3,
        reports: 1,
        quarantine_ms: vec![MINUTE_MS; 100_000],
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

/// What was found afterwards.
struct Books {
    rentals: Vec<Rental>,
    /// The carrier's id of each message that was sent, twice.
    sent: Vec<String>,
    rig: Rig,
    store: Arc<dyn Store>,
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

async fn race(store: Arc<dyn Store>, cool_down_ms: u64) -> Books {
    let rig = Arc::new(Rig::over(store.clone(), START, racing(cool_down_ms)));
    rig.add(0..NUMBERS).await;
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
    }
}

/// One renter at a time, and rests between two: by the times that the rentals themselves hold.
fn rested(rentals: &[Rental]) -> Result<(), String> {
    let mut by_number: BTreeMap<&str, Vec<&Rental>> = BTreeMap::new();
    for rental in rentals {
        by_number.entry(rental.number.as_str()).or_default().push(rental);
    }
    for (number, mut of_it) in by_number {
        of_it.sort_by_key(|rental| rental.created_at);
        for (at, rental) in of_it.iter().enumerate() {
            if !rental.closed {
                return Err(format!("{} is still open", rental.id));
            }
            let before = &of_it[..at];
            let rests_until = |rental: &&Rental, ms| rental.ends_at.plus_ms(ms);
            let soon = before
                .last()
                .is_some_and(|last| rests_until(last, COOL_DOWN_MS) > rental.created_at);
            let same = before.iter().rfind(|other| other.service == rental.service);
            let same_soon = same.is_some_and(|last| rests_until(last, SAME_SERVICE_MS) > rental.created_at);
            if soon || same_soon {
                return Err(format!(
                    "{number} was rented again too soon at {}",
                    rental.created_at
                ));
            }
        }
    }
    Ok(())
}

/// Each message is there once, and its rental and it name each other.
fn belongs(books: &Books) -> Result<(), String> {
    let mut listed: BTreeMap<MessageId, Vec<&Rental>> = BTreeMap::new();
    for rental in &books.rentals {
        for place in &rental.messages {
            listed.entry(place.id).or_default().push(rental);
        }
    }
    for id in &books.sent {
        let id = MessageId::derive("main", id);
        let message = books.store.message(id).unwrap().ok_or(format!("{id} is lost"))?;
        let by = listed.get(&id).map_or(&[][..], Vec::as_slice);
        let owner: Vec<RentalId> = message.owner.into_iter().collect();
        if by.iter().map(|rental| rental.id).collect::<Vec<_>>() != owner {
            return Err(format!(
                "{id} is {:?}'s, and listed by {}",
                message.owner,
                by.len()
            ));
        }
        for rental in by {
            // By the carrier's time, of the last ten minutes: here the clock runs while a message is on its way.
            let sent_at = message.sent_at.unwrap_or(message.received_at);
            let at = sent_at.max(message.received_at.minus_ms(10 * MINUTE_MS));
            let within = rental.created_at.minus_ms(5000) <= at && at <= rental.ends_at.plus_ms(GRACE_MS);
            if !within || rental.number.as_str() != message.to.as_str() {
                return Err(format!(
                    "{id} came at {at} to {:?}, and is of {rental:?}",
                    message.to
                ));
            }
        }
    }
    Ok(())
}

/// Each rental is told once as begun, and once as over where it heard nothing.
fn told(books: &Books) -> Result<(), String> {
    let mut told: BTreeMap<(RentalId, &'static str), usize> = BTreeMap::new();
    for name in ACCOUNTS {
        let mut reading = Reading {
            account: account(name),
            after: Default::default(),
            patterns: Vec::new(),
            rental: None,
            events_max: 1000,
        };
        loop {
            let page = books.store.events(&reading).unwrap();
            for (_, event) in &page.events {
                let rental = event.rental.expect("all are about rentals");
                *told.entry((rental, event.kind.as_str())).or_default() += 1;
            }
            if page.events.is_empty() {
                break;
            }
            reading.after = page.read_to;
        }
    }
    for rental in &books.rentals {
        let count = |kind| told.get(&(rental.id, kind)).copied().unwrap_or(0);
        let ends = [count("verification.cancelled"), count("verification.expired")];
        let expected = match rental.status {
            Status::Cancelled => [1, 0],
            Status::Expired => [0, 1],
            Status::Completed | Status::Active => [0, 0],
        };
        let codes = count("verification.code_received");
        if count("verification.created") != 1 || ends != expected || (rental.code.is_some() && codes != 1) {
            return Err(format!(
                "{} is {:?}: {ends:?}, {codes} codes",
                rental.id, rental.status
            ));
        }
    }
    Ok(())
}

/// Once time has passed, all numbers are free again.
async fn none_is_lost(books: &Books) -> Result<(), String> {
    books.rig.pass_and_sweep(24 * 60 * MINUTE_MS).await;
    let states = books.store.live().states(books.rig.clock.now());
    if states[&State::Free] != NUMBERS || books.rig.gateway.waiting_for_numbers() > 0 {
        return Err(format!("at the end they are {states:?}"));
    }
    Ok(())
}

async fn check(books: &Books) -> Result<(), String> {
    if books.rentals.len() != RACES {
        return Err(format!("{} rentals", books.rentals.len()));
    }
    rested(&books.rentals)?;
    belongs(books)?;
    told(books)?;
    none_is_lost(books).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_keep_the_invariants_on_the_simulated_store() {
    let books = race(simulated(Default::default()), COOL_DOWN_MS).await;
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
    assert!(rested(&planted).is_err(), "two renters at once are seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_races_keep_the_invariants_on_sled() {
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
    let books = race(store, COOL_DOWN_MS).await;
    check(&books).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cool_down_that_is_ignored_is_seen() {
    let books = race(simulated(Default::default()), 1000).await;
    let seen = rested(&books.rentals).unwrap_err();
    assert!(seen.contains("too soon"), "{seen}");
}
