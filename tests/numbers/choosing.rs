//! What it costs to choose a number: with a hundred thousand of them, half of which have served the service and stand in front.

use std::sync::Arc;
use std::time::Duration;

use ringback::clock::{monotonic, since};
use ringback::core::money::Price;
use ringback::core::number::{Number, Served};
use ringback::core::phone::PhoneNumber;
use ringback::store::sim::Simulated;
use ringback::store::{Commit, Store, Wanted};

use super::rig::{HOUR_MS, START, simulated};

const CHOICES: usize = 500;

fn number(n: usize, has_served: bool) -> Number {
    let number = PhoneNumber::parse(&format!("+1{}55{n:05}", 202 + n % 7)).unwrap();
    let served = has_served.then(|| Served {
        service: "google".into(),
        at: START.minus_ms(30 * HOUR_MS),
    });
    Number {
        served: served.into_iter().collect(),
        ..Number::new(number, "US".into(), Price([0, 5000, 7000][n % 3]))
    }
}

fn wanted(service: &str) -> Wanted {
    Wanted {
        country: "US".into(),
        area_code: None,
        service: service.into(),
        capability: Default::default(),
        usual: Price(5000),
        price_max: Some(Price(6000)),
        used_before_ms: 168 * HOUR_MS,
        same_service_ms: 24 * HOUR_MS,
        shared_by_max: 0,
    }
}

/// So many numbers, half of which have served the service and stand in front.
async fn store_of(count: usize) -> Arc<Simulated> {
    let store = simulated(Default::default());
    let numbers = (0..count).map(|n| number(n, n < count / 2)).collect();
    store
        .commit(Commit::AddNumbers(numbers), START.into())
        .await
        .unwrap();
    store.live().free(START, 0);
    store
}

/// How long one choice takes, which is given back.
fn choose(store: &Simulated, service: &str) -> Duration {
    let wanted = wanted(service);
    let began = monotonic();
    let reserved = store.live().reserve(&wanted, START).unwrap();
    let took = since(began);
    assert_eq!(
        reserved.number.served.is_empty(),
        service == "google",
        "one that has not served it, where there is one"
    );
    store.live().give_back(&reserved);
    took
}

/// Whatever else the machine does, some choice of each is not disturbed: the quickest ones are compared, and taken by turns.
#[tokio::test]
async fn choosing_among_a_hundred_thousand_costs_little_more_than_among_a_thousand() {
    let (few, many) = (store_of(1000).await, store_of(100_000).await);
    let quickest = |took: Duration, best: &mut Duration| *best = took.min(*best);
    let [mut of_few, mut of_many, mut of_anyone] = [Duration::MAX; 3];
    for _ in 0..CHOICES {
        quickest(choose(&few, "google"), &mut of_few);
        quickest(choose(&many, "google"), &mut of_many);
        quickest(choose(&many, "telegram"), &mut of_anyone);
    }
    println!(
        "numbers: a choice among 1,000 takes {of_few:?}, among 100,000 {of_many:?}, for a service that none has served {of_anyone:?}"
    );
    assert!(of_many < 10 * of_few, "{of_many:?} beside {of_few:?}");
    assert!(of_anyone < 10 * of_few, "{of_anyone:?} beside {of_few:?}");
}
