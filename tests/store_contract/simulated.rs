//! What only the simulated store can show: nothing is seen or answered before the sync, a power cut keeps whole commits, and a
//! failed sync is for ever.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ringback::core::id::SubscriptionId;
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Committed, Error, Reads, Store, Ticket};

use super::home::{MASTER, wait};
use super::samples::{self, NOON, account, phone};

const TARGET: SubscriptionId = SubscriptionId([1; 16]);

fn by_hand(disk: Disk) -> Simulated {
    Simulated::open(disk, Vault::new(&MASTER), Sync::ByHand).unwrap()
}

fn is_pending(ticket: &mut Ticket) -> bool {
    matches!(
        pin!(ticket).poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    )
}

/// Nothing at all can be seen of number 1, its rental and its message.
fn is_empty(store: &Simulated) -> bool {
    let rental = samples::rental(&samples::number(1), 1, NOON);
    let message = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[]).message;
    let on_disk = store.rental(&rental.account, rental.id).unwrap().is_some()
        || !store.rentals(&account("acc_a"), None, 10).unwrap().is_empty()
        || !store
            .messages(&[samples::reference(&message)])
            .unwrap()
            .is_empty()
        || !store.unmatched(None, 10).unwrap().is_empty()
        || !store.attempts(TARGET, None, 10).unwrap().is_empty();
    let counts = store.live().counts();
    let live = counts.numbers + counts.rentals + counts.due + counts.subscriptions;
    !on_disk && live == 0 && store.live().number(&phone(1)).is_none()
}

fn hand_in_everything(store: &Simulated) -> Vec<Ticket> {
    let rental = samples::rental(&samples::number(1), 1, NOON);
    let (rent, _) = samples::rent(&rental, &samples::number(1), &[TARGET]);
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]);
    let commits = [
        Commit::Subscribe(Box::new(samples::subscription(1))),
        Commit::AddNumbers(vec![samples::number(1)]),
        rent,
        received.commit.clone(),
        received.commit,
        samples::stray("m2", NOON).0,
    ];
    commits
        .into_iter()
        .map(|commit| store.commit(commit, NOON.into()))
        .collect()
}

#[test]
fn nothing_is_seen_or_answered_before_it_is_durable() {
    let store = by_hand(Disk::default());
    let mut tickets = hand_in_everything(&store);
    assert!(
        tickets.iter_mut().all(is_pending),
        "also a duplicate waits for the commit it repeats"
    );
    assert!(is_empty(&store));
    assert_eq!(store.sync(), 6);
    let answers: Vec<Committed> = tickets.into_iter().map(|ticket| wait(ticket).unwrap()).collect();
    assert!(matches!(answers[4], Committed::Known(_)));
    assert!(!is_empty(&store));
    assert_eq!(
        (
            store.live().counts().due,
            store.unmatched(None, 10).unwrap().len()
        ),
        (2, 1)
    );
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_nothing_else() {
    let store = by_hand(Disk::default());
    let tickets = hand_in_everything(&store);
    assert!(is_empty(&by_hand(store.cut_power())));
    store.sync();
    let pending = store.commit(samples::stray("m3", NOON).0, NOON.into());
    let after = by_hand(store.cut_power());
    assert_eq!(
        (
            after.live().counts().due,
            after.unmatched(None, 10).unwrap().len()
        ),
        (2, 1)
    );
    drop((tickets, pending));
}

#[test]
fn a_failed_sync_is_for_ever() {
    let store = by_hand(Disk::default());
    let kept = store.commit(samples::stray("m1", NOON).0, NOON.into());
    store.sync();
    assert_eq!(wait(kept).unwrap(), Committed::New(None));
    let lost = store.commit(samples::stray("m2", NOON).0, NOON.into());
    assert!(store.is_healthy());
    store.fail_sync();
    assert!(matches!(wait(lost), Err(Error::Broken(_))));
    assert!(!store.is_healthy());
    for _ in 0..3 {
        assert!(matches!(
            wait(store.commit(samples::stray("m3", NOON).0, NOON.into())),
            Err(Error::Broken(_))
        ));
        assert_eq!(store.sync(), 0);
    }
    assert_eq!(store.unmatched(None, 10).unwrap().len(), 1);
    let after = by_hand(store.cut_power());
    assert!(after.is_healthy());
    assert_eq!(after.unmatched(None, 10).unwrap().len(), 1);
}

#[test]
fn a_lost_commit_leaves_its_place_to_the_repetition() {
    let store = by_hand(Disk::default());
    drop(store.commit(samples::stray("m1", NOON).0, NOON.into()));
    let store = by_hand(store.cut_power());
    let again = store.commit(samples::stray("m1", NOON).0, NOON.into());
    store.sync();
    assert_eq!(wait(again).unwrap(), Committed::New(None));
}

#[test]
fn the_disk_holds_nothing_in_the_clear() {
    let store = by_hand(Disk::default());
    let tickets = hand_in_everything(&store);
    store.sync();
    let bytes = store.cut_power().bytes();
    for secret in super::embedded::SECRETS {
        assert!(
            !super::embedded::contains(&bytes, secret),
            "{secret} is on the disk"
        );
    }
    drop(tickets);
}

#[test]
fn records_of_another_master_key_are_damaged_and_no_panic() {
    let store = by_hand(Disk::default());
    let tickets = hand_in_everything(&store);
    store.sync();
    let opened = Simulated::open(store.cut_power(), Vault::new(&[8; 32]), Sync::AtOnce);
    assert!(matches!(opened, Err(Error::Damaged(_))));
    drop(tickets);
}
