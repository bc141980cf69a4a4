//! What was answered to a request that may come again: there with what it made or not at all, once, for as long as it counts.

use ringback::core::id::RentalId;
use ringback::core::once::{Answered, Fingerprint, OnceId};
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed, Remembered};

use super::home::Home;
use super::samples::{self, DAY_MS, HOUR_MS, NOON, account};

const LIFE_MS: u64 = 24 * HOUR_MS;

fn id(key: &str) -> OnceId {
    OnceId::derive(&account("acc_a"), "POST /x", key)
}

fn answered(n: u8, at: UnixMs) -> Answered {
    Answered {
        fingerprint: Fingerprint::of(b"{}"),
        at,
        status: 201,
        body: vec![n; 3],
    }
}

/// Rental `n` of number `n`, by a request of this key.
fn rent(n: u8, key: &str, now: UnixMs) -> (Commit, RentalId) {
    let number = samples::number(n.into());
    let rental = samples::rental(&number, n, now);
    let remembered = Remembered {
        id: id(key),
        answered: answered(n, now),
        since: now.minus_ms(LIFE_MS),
    };
    let (commit, _) = samples::rent(&rental, &number, &[]);
    (Commit::Once(Box::new(commit), Box::new(remembered)), rental.id)
}

fn home<H: Home>() -> H {
    let home = H::new();
    home.commit(Commit::AddNumbers((1..=6).map(samples::number).collect()), NOON);
    home
}

fn rented<H: Home>(home: &H) -> Vec<RentalId> {
    let all = home.store().rentals(&account("acc_a"), None, 100).unwrap();
    all.iter().map(|rental| rental.id).collect()
}

pub fn of_many_requests_with_one_key_one_is_made<H: Home>() {
    let home = home::<H>();
    let (first, made) = rent(1, "k", NOON);
    let all = vec![
        first,
        rent(2, "k", NOON).0,
        rent(3, "other", NOON).0,
        rent(4, "k", NOON).0,
    ];
    let answers = home.commit_all(all, NOON);
    let is_new: Vec<bool> = answers.iter().map(|a| matches!(a, Committed::New(_))).collect();
    assert_eq!(is_new, [true, false, true, false]);
    assert_eq!(
        home.commit(rent(5, "k", NOON.plus_ms(9)).0, NOON.plus_ms(9)),
        Committed::Conflict
    );
    let home = home.reopened();
    assert_eq!(
        home.commit(rent(5, "k", NOON.plus_ms(9)).0, NOON.plus_ms(9)),
        Committed::Conflict
    );
    assert_eq!(rented(&home).len(), 2);
    assert!(rented(&home).contains(&made));
    let found = home.store().answered(id("k"), NOON.minus_ms(1)).unwrap();
    assert_eq!(found, Some(answered(1, NOON)));
    assert_eq!(home.store().answered(id("never"), UnixMs(0)).unwrap(), None);
}

pub fn what_conflicts_leaves_no_answer<H: Home>() {
    let home = home::<H>();
    home.commit(
        samples::rent(
            &samples::rental(&samples::number(1), 9, NOON),
            &samples::number(1),
            &[],
        )
        .0,
        NOON,
    );
    assert_eq!(home.commit(rent(1, "k", NOON).0, NOON), Committed::Conflict);
    assert_eq!(home.store().answered(id("k"), UnixMs(0)).unwrap(), None);
    assert!(matches!(
        home.commit(rent(2, "k", NOON).0, NOON),
        Committed::New(_)
    ));
}

pub fn an_answer_counts_for_its_time_over_midnight<H: Home>() {
    let home = home::<H>();
    home.commit(rent(1, "k", NOON).0, NOON);
    let last = NOON.plus_ms(LIFE_MS - 1);
    assert_eq!(home.commit(rent(2, "k", last).0, last), Committed::Conflict);
    let over = NOON.plus_ms(LIFE_MS);
    assert!(matches!(
        home.commit(rent(2, "k", over).0, over),
        Committed::New(_)
    ));
    let home = home.reopened();
    let found = home.store().answered(id("k"), over.minus_ms(LIFE_MS)).unwrap();
    assert_eq!(found, Some(answered(2, over)), "the newest counts");
    // A clock that was set back by days still meets it.
    let back = over.minus_ms(3 * DAY_MS);
    assert_eq!(home.commit(rent(3, "k", back).0, back), Committed::Conflict);
}

pub fn what_was_answered_is_answered_anew_or_forgotten<H: Home>() {
    let home = home::<H>();
    home.commit(rent(1, "k", NOON).0, NOON);
    let later = NOON.plus_ms(DAY_MS / 2 + 1);
    let anew = Answered {
        at: NOON,
        ..answered(7, NOON)
    };
    let commit = |answered: Option<&Answered>| Commit::Answer(id("k"), NOON, answered.cloned().map(Box::new));
    assert_eq!(home.commit(commit(Some(&anew)), later), Committed::New(None));
    let found = |home: &H| home.store().answered(id("k"), NOON.minus_ms(1)).unwrap();
    let home = home.reopened();
    assert_eq!(
        found(&home),
        Some(anew),
        "in its place, though midnight has passed"
    );
    assert_eq!(home.commit(rent(2, "k", later).0, later), Committed::Conflict);
    assert_eq!(home.commit(commit(None), later), Committed::New(None));
    let home = home.reopened();
    assert_eq!(found(&home), None);
    assert!(matches!(
        home.commit(rent(3, "k", later).0, later),
        Committed::New(_)
    ));
    assert_eq!(rented(&home).len(), 2);
}
