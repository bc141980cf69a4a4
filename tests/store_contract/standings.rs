//! How events stand with a subscription, told from what is on the disk, in the order of the events and over days.

use ringback::core::delivery::{Due, Next};
use ringback::core::id::{Seq, SubscriptionId};
use ringback::core::standing::Status;
use ringback::core::subscription::Pattern;
use ringback::store::{Commit, Standings};

use super::commits::rented;
use super::home::Home;
use super::samples::{self, DAY_MS, NOON, account};

const ONE: SubscriptionId = SubscriptionId([1; 16]);

fn reading() -> Standings {
    Standings {
        account: account("acc_a"),
        subscriptions: vec![(ONE, false)],
        above: Seq(0),
        below: Seq(u64::MAX),
        newest_first: true,
        patterns: Vec::new(),
        event: None,
        statuses: Vec::new(),
        deliveries_max: 100,
    }
}

fn found<H: Home>(home: &H, reading: &Standings) -> Vec<(Seq, Status)> {
    let page = home.store().standings(reading).unwrap();
    assert_eq!(page.more_behind, None);
    page.deliveries
        .iter()
        .map(|(delivery, status)| (delivery.event, *status))
        .collect()
}

/// Six events over three days, each with its own end; the last is not wanted by the subscription. Oldest first.
fn six<H: Home>() -> (H, Vec<(Seq, Status)>) {
    let (home, mut rental, _) = rented::<H>();
    let ends = [
        Some(Next::Delivered),
        Some(Next::Exhausted),
        Some(Next::Expired),
        Some(Next::Retry { at: NOON }),
        None,
    ];
    let mut stands = Vec::new();
    for (n, end) in ends.into_iter().enumerate() {
        let now = NOON.plus_ms(n as u64 / 2 * DAY_MS);
        if n > 0 {
            let received = samples::receive(&rental, &format!("m{n}"), "hello", now, &[ONE]);
            rental = received.rental;
            home.commit(received.commit, now);
        }
        let dues = home.store().live().due(ONE, now, 10);
        let due = *dues.iter().max_by_key(|due| due.event).unwrap();
        let status = match end {
            None | Some(Next::Retry { .. }) => Status::Pending,
            Some(Next::Expired) => Status::Expired,
            Some(Next::Exhausted) => Status::Exhausted,
            Some(_) => Status::Delivered,
        };
        if let Some(next) = end {
            home.commit(samples::record(due, next, now), now);
        }
        stands.push((due.event, status));
    }
    let now = NOON.plus_ms(2 * DAY_MS);
    let unwanted = samples::receive(&rental, "m9", "hello", now, &[]);
    home.commit(unwanted.commit, now);
    (home, stands)
}

pub fn deliveries_stand_as_their_attempts_say_in_both_orders<H: Home>() {
    let (home, oldest_first) = six::<H>();
    let home = home.reopened();
    let newest_first: Vec<_> = oldest_first.iter().copied().rev().collect();
    assert_eq!(found(&home, &reading()), newest_first);
    let up = Standings {
        newest_first: false,
        ..reading()
    };
    assert_eq!(found(&home, &up), oldest_first);
    let inner = Standings {
        above: oldest_first[0].0,
        below: oldest_first[4].0,
        ..up
    };
    assert_eq!(found(&home, &inner), oldest_first[1..4]);
    let held = Standings {
        subscriptions: vec![(ONE, true)],
        statuses: vec![Status::Held],
        ..reading()
    };
    assert_eq!(found(&home, &held).len(), 2);
    let other = Standings {
        account: account("acc_b"),
        ..reading()
    };
    assert_eq!(found(&home, &other), []);
}

pub fn a_filter_passes_over_and_a_page_goes_on_where_it_ended<H: Home>() {
    let (home, oldest_first) = six::<H>();
    let only = |statuses: &[Status]| Standings {
        statuses: statuses.to_vec(),
        ..reading()
    };
    assert_eq!(found(&home, &only(&[Status::Expired])), [oldest_first[2]]);
    let kinds = Standings {
        patterns: vec![Pattern::parse("verification.*").unwrap()],
        ..reading()
    };
    assert_eq!(found(&home, &kinds), [oldest_first[0]]);
    // One came while nobody wanted it; that a delivery was given up is told to the account's other subscriptions.
    assert_eq!(found(&home, &only(&[Status::Unwanted])).len(), 2);
    for newest_first in [true, false] {
        let mut page = Standings {
            deliveries_max: 2,
            newest_first,
            ..reading()
        };
        let mut all = Vec::new();
        loop {
            let read = home.store().standings(&page).unwrap();
            all.extend(read.deliveries.iter().map(|(delivery, _)| delivery.event));
            match read.more_behind {
                None => break,
                Some(seq) if newest_first => page.below = seq,
                Some(seq) => page.above = seq,
            }
        }
        if newest_first {
            all.reverse();
        }
        let expected: Vec<Seq> = oldest_first.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(all, expected);
    }
}

pub fn what_was_asked_for_again_is_told<H: Home>() {
    let (home, stands) = six::<H>();
    let (exhausted, expired) = (stands[1].0, stands[2].0);
    let now = NOON.plus_ms(2 * DAY_MS);
    for seq in [exhausted, expired] {
        home.commit(Commit::Redeliver(ONE, seq), now);
    }
    let status = |home: &H, seq: Seq| {
        let all = found(home, &reading());
        all.into_iter().find(|(found, _)| *found == seq).unwrap().1
    };
    assert_eq!(
        (status(&home, exhausted), status(&home, expired)),
        (Status::Pending, Status::Pending)
    );
    let asked: Vec<_> = home
        .store()
        .live()
        .due(ONE, now, 10)
        .into_iter()
        .filter(Due::is_manual)
        .collect();
    for (due, next) in asked.into_iter().zip([Next::Delivered, Next::Exhausted]) {
        home.commit(samples::record(due, next, now), now);
    }
    let home = home.reopened();
    assert_eq!(
        (status(&home, exhausted), status(&home, expired)),
        (Status::Delivered, Status::Exhausted)
    );
}

pub fn an_event_that_was_not_wanted_is_a_delivery_once_asked_for<H: Home>() {
    let (home, _) = six::<H>();
    let unwanted = Standings {
        statuses: vec![Status::Unwanted],
        patterns: vec![Pattern::parse("message.*").unwrap()],
        ..reading()
    };
    let seq = found(&home, &unwanted)[0].0;
    home.commit(Commit::Redeliver(ONE, seq), NOON);
    assert_eq!(found(&home, &unwanted), []);
    assert_eq!(found(&home.reopened(), &reading())[0], (seq, Status::Pending));
}
