//! What it costs to choose a number: with a hundred thousand of them, half of which have served the service and stand in front.

use std::time::Duration;

use ringback::clock::{monotonic, since};
use ringback::core::money::Price;
use ringback::core::number::{Number, Served};
use ringback::core::phone::PhoneNumber;
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

/// The median time of a choice that is given back, among so many.
async fn choosing(count: usize, service: &str) -> Duration {
    let store = simulated(Default::default());
    let numbers = (0..count).map(|n| number(n, n < count / 2)).collect();
    store
        .commit(Commit::AddNumbers(numbers), START.into())
        .await
        .unwrap();
    let (live, wanted) = (store.live(), wanted(service));
    live.free(START, 0);
    let mut times: Vec<Duration> = (0..CHOICES)
        .map(|_| {
            let began = monotonic();
            let reserved = live.reserve(&wanted, START).unwrap();
            let took = since(began);
            assert_eq!(
                reserved.number.served.is_empty(),
                service == "google",
                "one that has not served it, where there is one"
            );
            live.give_back(&reserved);
            took
        })
        .collect();
    times.sort_unstable();
    times[CHOICES / 2]
}

#[tokio::test]
async fn choosing_among_a_hundred_thousand_costs_little_more_than_among_a_thousand() {
    let few = choosing(1000, "google").await;
    let many = choosing(100_000, "google").await;
    let anyone = choosing(100_000, "telegram").await;
    println!(
        "numbers: a choice among 1,000 takes {few:?}, among 100,000 {many:?}, for a service that none has served {anyone:?}"
    );
    assert!(many < 10 * few, "{many:?} beside {few:?}");
    assert!(many < Duration::from_millis(1), "{many:?}");
}
