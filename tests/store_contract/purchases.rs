//! A purchase and what its rental becomes with it are one commit; two rentals never have one number, wherever it is from.

use ringback::core::event;
use ringback::core::id::RentalId;
use ringback::core::money::Price;
use ringback::core::number::Number;
use ringback::core::purchase::{Purchase, Stage};
use ringback::core::rental::{Rental, Status, Supplied};
use ringback::core::time::UnixMs;
use ringback::store::{Change, Commit, Committed, RentalStep, SupplyStep};

use super::home::Home;
use super::samples::{self, NOON, account};

fn supplied(number: &Number, n: u8) -> Rental {
    Rental {
        supplied: Some(Supplied {
            supplier: "tv".into(),
            id: format!("lr_{n}"),
        }),
        ..samples::rental(number, n, NOON)
    }
}

fn meant(rental: &Rental) -> Purchase {
    Purchase::meant(rental.id, account("acc_a"), ("tv", "google"))
}

fn step(next: &Purchase, rental: Option<RentalStep>) -> Commit {
    Commit::Supply(Box::new(SupplyStep {
        next: next.clone(),
        rental,
    }))
}

fn change(rental: &Rental) -> Box<Change> {
    Box::new(Change {
        rental: rental.clone(),
        event: event::of_rental(rental, NOON),
        targets: Vec::new(),
    })
}

/// The steps up to its rental, the last one not handed in.
fn bought<H: Home>(home: &H, rental: &Rental) -> (Purchase, Commit) {
    let meant = meant(rental);
    home.commit(step(&meant, None), NOON);
    let there = rental.supplied.clone().unwrap();
    let bought = meant.bought(there.id);
    home.commit(step(&bought, None), NOON);
    let next = bought.rented(rental.number.clone(), Price(9500));
    let commit = step(&next, Some(RentalStep::Begins(change(rental))));
    (next, commit)
}

fn is_new(committed: &Committed) -> bool {
    matches!(committed, Committed::New(_))
}

pub fn a_purchase_is_kept_with_its_rental<H: Home>() {
    let home = H::new();
    let rental = supplied(&samples::number(7), 1);
    let (purchase, begins) = bought(&home, &rental);
    assert!(is_new(&home.commit(begins, NOON)));
    let home = home.reopened();
    let live = home.store().live();
    assert_eq!(live.purchase(rental.id).as_deref(), Some(&purchase));
    assert_eq!(live.purchase_there("tv", "lr_1").as_deref(), Some(&purchase));
    assert!(live.purchase_there("other", "lr_1").is_none());
    assert_eq!(
        live.rental(rental.id).as_deref(),
        Some(&rental),
        "its end is seen after a start"
    );
    assert_eq!(live.open_purchases().len(), 1);
    let over = Rental {
        supplied: rental.supplied.clone(),
        ..rental.cancel(NOON.plus_ms(5)).unwrap().unwrap()
    };
    let next = purchase.after(&over);
    assert!(is_new(
        &home.commit(step(&next, Some(RentalStep::Ends(change(&over)))), NOON)
    ));
    let settled = next.settled(NOON, true);
    assert!(is_new(&home.commit(step(&settled, None), NOON)));
    let home = home.reopened();
    let live = home.store().live();
    assert!(live.open_purchases().is_empty());
    assert_eq!(live.purchases().len(), 1);
    assert_eq!(
        home.store()
            .rental(&account("acc_a"), rental.id)
            .unwrap()
            .unwrap()
            .status,
        Status::Cancelled
    );
    assert!(is_new(
        &home.commit(Commit::ForgetPurchases(vec![rental.id]), NOON)
    ));
    assert!(home.store().live().purchases_of(&rental.number).is_empty());
    assert!(home.reopened().store().live().purchases().is_empty());
}

pub fn of_two_steps_of_a_purchase_one_conflicts<H: Home>() {
    let home = H::new();
    let rental = supplied(&samples::number(7), 1);
    let (purchase, begins) = bought(&home, &rental);
    let before = meant(&rental).bought("lr_1".into());
    let unwanted = step(&before.unwanted(NOON), None);
    let committed = home.commit_all(vec![begins, unwanted, step(&meant(&rental), None)], NOON);
    assert!(is_new(&committed[0]));
    assert_eq!(committed[1..], [Committed::Conflict, Committed::Conflict]);
    // A rental that changed meanwhile keeps its purchase from being returned.
    let over = rental.cancel(NOON).unwrap().unwrap();
    let stale = Rental { version: 2, ..over };
    let ends = step(&purchase.after(&stale), Some(RentalStep::Ends(change(&stale))));
    assert_eq!(home.commit(ends, NOON), Committed::Conflict);
    assert_eq!(
        home.store().live().purchase(rental.id).unwrap().stage,
        Stage::Rented
    );
}

pub fn a_number_is_one_rentals_wherever_it_is_from<H: Home>() {
    let home = H::new();
    let (number, other) = (samples::number(7), samples::number(8));
    let (first, second) = (supplied(&number, 1), supplied(&number, 2));
    let ((_, begins), (_, again)) = (bought(&home, &first), bought(&home, &second));
    let add = Commit::AddNumbers(vec![number.clone(), other.clone()]);
    let committed = home.commit_all(vec![begins, again, add], NOON);
    assert!(is_new(&committed[0]) && is_new(&committed[2]));
    assert_eq!(committed[1], Committed::Conflict);
    let live = home.store().live();
    assert!(live.number(&number.number).is_none(), "a rental has it");
    let third = supplied(&other, 3);
    let (_, begins) = bought(&home, &third);
    assert_eq!(
        home.commit(begins, NOON),
        Committed::Conflict,
        "it is in the inventory"
    );
}

pub fn a_supplier_is_judged_by_its_latest_rentals<H: Home>() {
    let home = H::new();
    let mut purchases = Vec::new();
    for n in 0..24u8 {
        let rental = RentalId::new(UnixMs(NOON.0 + u64::from(n)), [n; 10]);
        let meant = Purchase::meant(rental, account("acc_a"), ("tv", "google"));
        home.commit(step(&meant, None), NOON);
        let judged = Purchase {
            heard: Some(n >= 12),
            ..meant.settled(NOON, false)
        };
        home.commit(step(&judged, None), NOON);
        purchases.push(rental);
    }
    assert_eq!(home.store().live().fared("tv"), (12, 20));
    assert_eq!(home.store().live().fared("other"), (0, 0));
    assert_eq!(home.reopened().store().live().fared("tv"), (12, 20));
}
