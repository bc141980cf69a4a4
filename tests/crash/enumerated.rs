//! Crash-point enumeration: the power goes at every commit of the script, before and after its sync. What was acknowledged is there,
//! nothing is there by half, all that is owed is due, and the script goes on to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ringback::core::delivery::Next;
use ringback::core::event::{Event, Kind};
use ringback::core::id::Seq;
use ringback::core::rental::{MessageRef, Rental, Status};
use ringback::core::time::UnixMs;
use ringback::store::sim::Disk;
use ringback::store::{Metering, Reads, Store};

use super::dice::Dice;
use super::fused::{Cut, Fused};
use super::script::{Acknowledged, SCRIPT, World, messages};

const LATER: UnixMs = UnixMs(u64::MAX);

/// What one subscription has to do with: its events, and which of them are due or done.
struct Owed {
    events: BTreeMap<Seq, Event>,
    due: BTreeSet<Seq>,
    done: BTreeSet<Seq>,
}

fn owed(store: &Fused, id: ringback::core::id::SubscriptionId) -> Owed {
    let due: BTreeSet<Seq> = store
        .live()
        .due(id, LATER, 1000)
        .iter()
        .map(|due| due.event)
        .collect();
    let attempts = store.attempts(id, None, 1000).unwrap();
    let is_done = |next: Next| matches!(next, Next::Delivered | Next::Exhausted);
    let done = attempts
        .iter()
        .filter(|a| is_done(a.next))
        .map(|a| a.due.event)
        .collect();
    let seqs = attempts.iter().map(|a| a.due.event).chain(due.iter().copied());
    Owed {
        events: seqs
            .map(|seq| (seq, store.event(seq).unwrap().unwrap()))
            .collect(),
        due,
        done,
    }
}

fn rentals(world: &World) -> Vec<Rental> {
    world.store.rentals(&world.account, None, 100).unwrap()
}

fn check(world: &World, acknowledged: &Acknowledged) {
    let store = &*world.store;
    let rentals = rentals(world);
    let has = |id| rentals.iter().find(|rental| rental.id == id);
    assert!(acknowledged.rentals.iter().all(|id| has(*id).is_some()));
    assert!(
        acknowledged
            .cancelled
            .iter()
            .all(|id| has(*id).is_some_and(|r| r.status == Status::Cancelled))
    );
    let subscriptions = store.live().subscriptions(&world.account);
    let known: BTreeSet<_> = subscriptions.iter().map(|s| s.id).collect();
    assert!(acknowledged.subscriptions.is_subset(&known));
    let owed: Vec<Owed> = known.iter().map(|id| owed(store, *id)).collect();
    for owed in &owed {
        let both: BTreeSet<Seq> = owed.due.union(&owed.done).copied().collect();
        assert_eq!(
            owed.events.keys().copied().collect::<BTreeSet<_>>(),
            both,
            "attempted, and neither due nor done"
        );
        assert!(owed.due.is_disjoint(&owed.done));
    }
    for (id, (at, area)) in messages() {
        let stored = !store.messages(&[MessageRef { id, at }]).unwrap().is_empty();
        assert!(
            stored || !acknowledged.messages.contains(&id),
            "{id} was acknowledged and is lost"
        );
        let attached = rentals
            .iter()
            .flat_map(|r| &r.messages)
            .filter(|m| m.id == id)
            .count();
        let stray = store.unmatched(None, 100).unwrap().iter().any(|m| m.id == id);
        assert_eq!(
            (attached, stray),
            (usize::from(stored && !area.is_empty()), stored && area.is_empty()),
            "{id}"
        );
        for owed in &owed {
            let events = owed
                .events
                .values()
                .filter(|event| event.message == Some(id))
                .count();
            assert_eq!(events, attached, "{id}");
        }
    }
    check_rentals(world, &rentals, &owed);
    check_usage(world, &rentals);
}

/// What was used is what was completed: each rental once, whatever the power did.
fn check_usage(world: &World, rentals: &[Rental]) {
    let reading = Metering {
        account: Some(world.account.clone()),
        after: None,
        since: Seq(0),
        until: Seq::first_at(world.clock.now().plus_ms(86_400_000)),
        items_max: 100,
    };
    let used = world.store.usage(&reading).unwrap().items;
    let used: BTreeMap<_, _> = used.iter().map(|(seq, usage)| (usage.rental, seq)).collect();
    let completed = rentals.iter().filter(|rental| rental.status == Status::Completed);
    assert!(
        used.keys()
            .copied()
            .eq(completed.map(|rental| rental.id).collect::<BTreeSet<_>>())
    );
}

/// A rental is there with its number's lease and its events, or not at all.
fn check_rentals(world: &World, rentals: &[Rental], owed: &[Owed]) {
    let numbers = world.store.live().numbers();
    let leases: Vec<_> = numbers.iter().flat_map(|number| number.leases.clone()).collect();
    assert_eq!(leases.len(), rentals.len());
    for rental in rentals {
        let lease = leases.iter().find(|lease| lease.rental == rental.id).unwrap();
        assert_eq!(lease.ended.is_some(), rental.closed);
        let over = match rental.status {
            Status::Cancelled => Some(Kind::VerificationCancelled),
            Status::Expired => Some(Kind::VerificationExpired),
            Status::Completed => Some(Kind::VerificationCompleted),
            Status::Active => None,
        };
        for owed in owed {
            let of_it = owed
                .events
                .values()
                .filter(|event| event.rental == Some(rental.id) && event.message.is_none());
            let kinds: Vec<Kind> = of_it.map(|event| event.kind).collect();
            let expected: Vec<Kind> = [Some(Kind::VerificationCreated), over]
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(kinds, expected);
        }
    }
}

/// The end state without its random ids.
fn told(world: &World) -> String {
    let store = &*world.store;
    let mut told = String::new();
    let rentals = rentals(world);
    let mut lines: Vec<String> = Vec::new();
    for r in &rentals {
        let ids: Vec<_> = r.messages.iter().map(|m| m.id).collect();
        let code = r.code.as_ref().map(|code| &code.code);
        let times = (r.created_at, r.ends_at, r.version);
        lines.push(format!(
            "{} {} {:?} {} {code:?} {ids:?} {times:?}",
            r.service,
            r.number.as_str(),
            r.status,
            r.closed
        ));
    }
    for number in store.live().numbers() {
        let leases: Vec<_> = number
            .leases
            .iter()
            .map(|l| (l.starts_at, l.ends_at, l.ended))
            .collect();
        lines.push(format!(
            "{} {} {} {leases:?}",
            number.number.as_str(),
            number.cooling_until,
            number.version
        ));
    }
    lines.sort();
    let of = |id| {
        rentals
            .iter()
            .find(|r| r.id == id)
            .map(|r| r.number.as_str().to_owned())
    };
    for subscription in store.live().subscriptions(&world.account) {
        for attempt in store.attempts(subscription.id, None, 1000).unwrap() {
            let event = store.event(attempt.due.event).unwrap().unwrap();
            let about = (event.rental.map(of), event.kind, event.message, event.at);
            lines.push(format!(
                "{} {about:?} {} {:?}",
                subscription.settings.url,
                attempt.number(),
                attempt.next
            ));
        }
        lines.push(format!(
            "{} {:?}",
            subscription.settings.url,
            store.live().health(subscription.id)
        ));
    }
    lines[rentals.len()..].sort();
    lines.iter().for_each(|line| writeln!(told, "{line}").unwrap());
    let unmatched: Vec<_> = store.unmatched(None, 100).unwrap().iter().map(|m| m.id).collect();
    writeln!(told, "unmatched {unmatched:?} counts {:?}", store.live().counts()).unwrap();
    told
}

/// Plays the script with these cuts one after the other; the end state, and how many commits the last world made.
async fn played(cuts: &[Cut]) -> (String, usize) {
    let mut acknowledged = Acknowledged::default();
    let mut disk = Disk::default();
    let mut from = 0;
    for cut in cuts.iter().copied().map(Some).chain([None]) {
        let world = World::open(disk.clone(), cut);
        check(&world, &acknowledged);
        match world.play(from, &mut acknowledged).await {
            Some(step) => (from, disk) = (step, world.store.disk()),
            None => {
                check(&world, &acknowledged);
                let heard = acknowledged.heard.len();
                // Six rentals, eight messages of a rental, four completions, a cancellation and an expiry.
                assert_eq!(heard, 2 * 20, "every event reached both subscribers");
                return (told(&world), world.store.commits());
            }
        }
    }
    panic!("the power went after the script's end")
}

#[tokio::test]
async fn the_power_goes_at_every_commit() {
    let started = ringback::clock::monotonic();
    let (expected, commits) = played(&[]).await;
    assert!(commits > 50, "{commits} commits in {} steps", SCRIPT.len());
    for at in 0..commits {
        for synced in [false, true] {
            let (end, _) = played(&[Cut { at, synced }]).await;
            assert_eq!(end, expected, "cut at commit {at}, synced: {synced}");
        }
    }
    println!(
        "one cut: {} runs, {commits} commits each, in {:?}",
        2 * commits,
        started.elapsed()
    );
}

/// Several cuts in one run, also while what the one before left is taken up again.
#[tokio::test]
async fn the_power_goes_again_and_again() {
    let mut dice = Dice::new(Dice::seed("again and again"));
    let (expected, commits) = played(&[]).await;
    for _ in 0..40 {
        let cuts: Vec<Cut> = (0..3)
            .map(|_| Cut {
                at: dice.below(commits as u64 / 4) as usize,
                synced: dice.one_in(2),
            })
            .collect();
        let (end, _) = played(&cuts).await;
        assert_eq!(end, expected, "{cuts:?}");
    }
}
