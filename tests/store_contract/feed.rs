//! One account's events: their order over days and over a restart, that others' are not among them, and that a reading is bounded.

use ringback::core::id::{AccountId, Seq};
use ringback::core::rental::Rental;
use ringback::core::subscription::Pattern;
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed, Reading, Store};

use super::home::Home;
use super::samples::{self, DAY_MS, KEPT, NOON, account};

fn reading(account: &AccountId, after: Seq, events_max: usize) -> Reading {
    Reading {
        account: account.clone(),
        after,
        patterns: Vec::new(),
        rental: None,
        events_max,
    }
}

/// A rental of `owner` and so an event; its sequence.
fn rent<H: Home>(home: &H, owner: &AccountId, n: u8, now: UnixMs) -> Seq {
    let number = samples::number(n.into());
    home.commit(Commit::AddNumbers(vec![number.clone()]), now);
    let rental = Rental {
        account: owner.clone(),
        ..samples::rental(&number, n, now)
    };
    match home.commit(samples::rent(&rental, &number, &[]).0, now) {
        Committed::New(Some(seq)) => seq,
        other => panic!("{other:?}"),
    }
}

fn seqs(store: &dyn Store, account: &AccountId, after: Seq) -> Vec<Seq> {
    let page = store.events(&reading(account, after, 1000)).unwrap();
    assert!(!page.more);
    page.events.into_iter().map(|(seq, _)| seq).collect()
}

pub fn an_accounts_events_come_in_order_over_days_and_are_its_own<H: Home>() {
    let home = H::new();
    // Neither name is a prefix of the other's rows.
    let (a, b) = (account("acc"), account("acc_b"));
    let mut of_a = Vec::new();
    for n in 0..12 {
        let now = NOON.plus_ms(u64::from(n / 4) * DAY_MS);
        if n % 3 == 0 {
            rent(&home, &b, n, now);
        } else {
            of_a.push(rent(&home, &a, n, now));
        }
    }
    let home = home.reopened();
    assert_eq!(seqs(home.store(), &a, Seq(0)), of_a);
    assert_eq!(seqs(home.store(), &b, Seq(0)).len(), 4);
    assert_eq!(
        seqs(home.store(), &a, of_a[3]),
        of_a[4..],
        "what was read is not read again"
    );
    assert_eq!(home.store().newest_event(&a).unwrap(), of_a.last().copied());
    assert_eq!(home.store().newest_event(&account("nobody")).unwrap(), None);
    let page = home.store().events(&reading(&a, Seq(0), 3)).unwrap();
    assert_eq!((page.events.len(), page.read_to, page.more), (3, of_a[2], true));
    home.store()
        .drop_old_logs(NOON.plus_ms(5 * DAY_MS), KEPT)
        .unwrap();
    let kept: Vec<Seq> = of_a
        .iter()
        .copied()
        .filter(|seq| seq.written_at() > NOON)
        .collect();
    assert_eq!(seqs(home.store(), &a, Seq(0)), kept);
}

pub fn a_reading_passes_over_what_is_not_wanted<H: Home>() {
    let home = H::new();
    let a = account("acc");
    let last = (0..5).map(|n| rent(&home, &a, n, NOON)).last().unwrap();
    let wanted = |pattern: &str| Reading {
        patterns: vec![Pattern::parse(pattern).unwrap()],
        ..reading(&a, Seq(0), 2)
    };
    let none = home.store().events(&wanted("message.*")).unwrap();
    assert_eq!((none.events.len(), none.read_to, none.more), (0, last, false));
    let some = home.store().events(&wanted("verification.*")).unwrap();
    assert_eq!((some.events.len(), some.more), (2, true));
    for (_, event) in &some.events {
        assert_eq!(event.account, a);
    }
}
