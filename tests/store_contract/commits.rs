//! What becomes of a commit: `New`, `Duplicate` or `Conflict`, also among commits of one group; the order in which they are seen; closing.

use ringback::core::id::SubscriptionId;
use ringback::core::ingest::StoredMessage;
use ringback::core::number::Number;
use ringback::core::rental::{Rental, Status};
use ringback::store::{Access, Commit, Committed, Error};

use super::home::{Home, wait};
use super::samples::{self, NOON, account, phone};

const TARGET: SubscriptionId = SubscriptionId([1; 16]);

/// A store in which number 1 is rented, with one subscription that hears everything.
pub fn rented<H: Home>() -> (H, Rental, Number) {
    let home = H::new();
    home.commit(Commit::Subscribe(Box::new(samples::subscription(1))), NOON);
    home.commit(Commit::AddNumbers(vec![samples::number(1)]), NOON);
    let rental = samples::rental(&samples::number(1), 1, NOON);
    let (rent, number) = samples::rent(&rental, &samples::number(1), &[TARGET]);
    assert!(matches!(home.commit(rent, NOON), Committed::New(Some(_))));
    (home, rental, number)
}

/// The answer to a message that is there.
pub fn known(message: &StoredMessage) -> Committed {
    Committed::Known(vec![message.id])
}

fn count_new(answers: &[Committed]) -> usize {
    answers
        .iter()
        .filter(|answer| matches!(answer, Committed::New(_)))
        .count()
}

fn shown<H: Home>(home: &H, rental: &Rental) -> Rental {
    home.store().rental(&rental.account, rental.id).unwrap().unwrap()
}

pub fn a_message_is_new_once<H: Home>() {
    let home = H::new();
    let (commit, message) = samples::stray("m1", NOON);
    assert_eq!(home.commit(commit.clone(), NOON), Committed::New(None));
    assert_eq!(home.commit(commit.clone(), NOON.plus_ms(5)), known(&message));
    let home = home.reopened();
    assert_eq!(home.commit(commit, NOON.plus_ms(9)), known(&message));
    assert_eq!(home.store().unmatched(None, 10).unwrap(), [message]);
}

pub fn a_message_handed_in_many_times_at_once_is_new_once<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]);
    let answers = home.commit_all(vec![received.commit; 40], NOON);
    assert_eq!(count_new(&answers), 1);
    assert_eq!(
        answers.iter().filter(|a| **a == known(&received.message)).count(),
        39
    );
    assert_eq!(shown(&home, &rental), received.rental);
    // The rental's own event and the message's.
    assert_eq!(home.store().live().counts().due, 2);
}

pub fn of_two_changes_to_one_rental_one_conflicts<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let texts = ["G-111111 is your code", "G-222222 is your code"];
    let both = [0, 1].map(|n| samples::receive(&rental, &format!("m{n}"), texts[n], NOON, &[TARGET]));
    let answers = home.commit_all(both.iter().map(|r| r.commit.clone()).collect(), NOON);
    assert!(
        matches!(answers[..], [Committed::New(Some(_)), Committed::Conflict]),
        "{answers:?}"
    );
    assert_eq!(shown(&home, &rental), both[0].rental);
    assert_eq!(
        home.store()
            .messages(&[samples::reference(&both[1].message)])
            .unwrap(),
        []
    );
    assert_eq!(home.store().live().counts().due, 2);

    let again = samples::receive(&both[0].rental, "m1", texts[1], NOON, &[TARGET]);
    assert!(matches!(home.commit(again.commit, NOON), Committed::New(Some(_))));
    let home = home.reopened();
    assert_eq!(shown(&home, &rental), again.rental);
    let refs = shown(&home, &rental).messages;
    assert_eq!(
        home.store().messages(&refs).unwrap(),
        [both[0].message.clone(), again.message]
    );
}

pub fn an_old_decision_on_a_closed_rental_conflicts_after_reopening<H: Home>() {
    let (home, rental, number) = rented::<H>();
    let now = NOON.plus_ms(1000);
    let (end, over, _) = samples::cancel(&rental, &number, now, &[]);
    home.commit(end, now);
    // Closed, so it is on the disk alone.
    let home = home.reopened();
    assert_eq!(home.store().live().rental(rental.id), None);
    let late = samples::receive(&rental, "m1", "G-111111 is your code", now, &[]);
    assert_eq!(home.commit(late.commit, now), Committed::Conflict);
    assert_eq!(shown(&home, &rental), over);
    let late = samples::receive(&over, "m1", "G-111111 is your code", now, &[]);
    assert!(matches!(home.commit(late.commit, now), Committed::New(Some(_))));
    assert_eq!(shown(&home, &rental).status, Status::Cancelled);
}

/// Each is decided again on what the one before it has left; what shares a number is all there after a start.
pub fn of_many_rents_of_a_shared_number_all_are_there_once_each_has_won<H: Home>() {
    let home = H::new();
    let mut number = samples::number(1).shared(true);
    number.version = 0;
    home.commit(Commit::AddNumbers(vec![number.clone()]), NOON);
    let new = |n: u8| Rental {
        service: format!("service-{n}"),
        ..samples::rental(&samples::number(1), n, NOON)
    };
    let rentals: Vec<Rental> = (0..5).map(new).collect();
    let mut left: Vec<&Rental> = rentals.iter().collect();
    while !left.is_empty() {
        let commits = left
            .iter()
            .map(|rental| samples::rent(rental, &number, &[]).0)
            .collect();
        let answers = home.commit_all(commits, NOON);
        assert_eq!(count_new(&answers), 1);
        let mut answers = answers.iter();
        left.retain(|_| answers.next() == Some(&Committed::Conflict));
        number = (*home.store().live().number(&phone(1)).unwrap()).clone();
    }
    let home = home.reopened();
    let live = home.store().live();
    assert_eq!(*live.number(&phone(1)).unwrap(), number);
    assert_eq!((number.open().count(), live.counts().rentals), (5, 5));
    for rental in &rentals {
        assert_eq!(live.rental(rental.id).as_deref(), Some(rental));
    }
}

pub fn of_many_rents_of_one_number_one_wins<H: Home>() {
    let home = H::new();
    let number = samples::number(1);
    home.commit(Commit::AddNumbers(vec![number.clone()]), NOON);
    let rentals: Vec<Rental> = (0..20).map(|n| samples::rental(&number, n, NOON)).collect();
    let commits = rentals
        .iter()
        .map(|rental| samples::rent(rental, &number, &[]).0)
        .collect();
    let answers = home.commit_all(commits, NOON);
    assert_eq!(count_new(&answers), 1);
    assert_eq!(answers.iter().filter(|a| **a == Committed::Conflict).count(), 19);
    let winner = answers
        .iter()
        .position(|a| matches!(a, Committed::New(_)))
        .unwrap();
    let home = home.reopened();
    let leases = home.store().live().number(&phone(1)).unwrap().leases.clone();
    assert_eq!(
        leases.iter().map(|lease| lease.rental).collect::<Vec<_>>(),
        [rentals[winner].id]
    );
    assert_eq!(
        home.store().rentals(&account("acc_a"), None, 100).unwrap(),
        [rentals[winner].clone()]
    );
}

pub fn an_end_and_a_message_decided_on_one_state<H: Home>() {
    let (home, rental, number) = rented::<H>();
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[]);
    let (end, _, _) = samples::cancel(&rental, &number, NOON, &[]);
    let answers = home.commit_all(vec![received.commit, end], NOON);
    assert!(
        matches!(answers[..], [Committed::New(Some(_)), Committed::Conflict]),
        "{answers:?}"
    );
    let home = home.reopened();
    assert_eq!(shown(&home, &rental), received.rental);
    assert_eq!(*home.store().live().number(&phone(1)).unwrap(), number);
}

pub fn a_repetition_is_a_duplicate_and_no_conflict<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[]);
    home.commit(received.commit.clone(), NOON);
    assert_eq!(home.commit(received.commit, NOON), known(&received.message));
}

/// A picture without a word, as carriers bring it.
pub fn a_message_without_a_text_is_kept<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let received = samples::receive(&rental, "m1", "", NOON, &[TARGET]);
    assert!(matches!(
        home.commit(received.commit, NOON),
        Committed::New(Some(_))
    ));
    let home = home.reopened();
    assert_eq!(shown(&home, &rental), received.rental);
    assert_eq!(
        home.store().messages(&received.rental.messages).unwrap(),
        [received.message]
    );
}

pub fn commits_become_visible_in_their_order<H: Home>() {
    const KEYS: u32 = 300;
    let home = H::new();
    let store = home.store();
    let seen = |n: u32| store.live().key(samples::key(n).hash).is_some();
    std::thread::scope(|scope| {
        // From the last to the first: once one is there, those before it, which are looked at later, must be there too.
        let watching = scope.spawn(|| {
            while !seen(KEYS - 1) {
                let first_seen = (0..KEYS).rev().find(|n| seen(*n)).map_or(0, |n| n + 1);
                assert!(
                    (0..first_seen).rev().all(seen),
                    "key {first_seen} was seen before one that was handed in earlier"
                );
            }
        });
        let commits = (0..KEYS).map(|n| Commit::Access(Access::AddKey(Box::new(samples::key(n)))));
        let tickets: Vec<_> = commits.map(|commit| store.commit(commit, NOON.into())).collect();
        for (n, ticket) in (0..).zip(tickets) {
            assert_eq!(wait(ticket).unwrap(), Committed::New(None));
            assert!(seen(n));
        }
        watching.join().unwrap();
    });
}

/// Commits that build on each other, handed in without waiting: the later ones see the earlier ones of their group.
pub fn a_group_of_everything_is_whole<H: Home>() {
    let home = H::new();
    let rental = samples::rental(&samples::number(1), 1, NOON);
    let (rent, number) = samples::rent(&rental, &samples::number(1), &[TARGET]);
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]);
    let ends_at = received.rental.ends_at;
    let (release, over, free) = samples::release(&received.rental, &number, ends_at);
    let commits = vec![
        Commit::AddNumbers(vec![samples::number(1)]),
        Commit::Subscribe(Box::new(samples::subscription(1))),
        rent,
        received.commit,
        release,
    ];
    assert_eq!(count_new(&home.commit_all(commits, NOON)), 5);
    let home = home.reopened();
    assert_eq!(shown(&home, &rental), over);
    assert_eq!(*home.store().live().number(&phone(1)).unwrap(), free);
    assert_eq!(home.store().messages(&over.messages).unwrap(), [received.message]);
    assert_eq!(home.store().live().counts().due, 2);
}

pub fn after_closing_nothing_is_taken<H: Home>() {
    let home = H::new();
    home.store().close();
    let refused = wait(home.hand_in(samples::stray("m1", NOON).0, NOON));
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    assert_eq!(home.reopened().store().unmatched(None, 10).unwrap(), []);
}

pub fn closing_finishes_what_is_queued<H: Home>() {
    let home = H::new();
    let tickets: Vec<_> = (0..200)
        .map(|n| home.hand_in(samples::stray(&n.to_string(), NOON).0, NOON))
        .collect();
    home.store().close();
    assert!(
        tickets
            .into_iter()
            .all(|ticket| matches!(wait(ticket), Ok(Committed::New(None))))
    );
    assert_eq!(home.reopened().store().unmatched(None, 1000).unwrap().len(), 200);
}
