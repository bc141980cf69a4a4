//! Codes that are sent and checked: a step is whole, guarded by what it was decided on, and guesses at once are counted before any is compared.

use std::sync::atomic::{AtomicU32, Ordering};

use ringback::core::abuse::counter::{Counter, Name};
use ringback::core::abuse::gate::{Gate, Limit};
use ringback::core::audit::{Action, Check, Entry};
use ringback::core::event::{Event, Kind};
use ringback::core::id::{EventId, VerificationId};
use ringback::core::time::UnixMs;
use ringback::core::verification::address::To;
use ringback::core::verification::hash::Hash;
use ringback::core::verification::{Channel, New, Own, Status, Verification};
use ringback::store::sim::{Simulated, Sync as When};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Committed, CounterChange, Heard, Store, VerifyStep};

use super::home::{Home, MASTER, wait};
use super::samples::{DAY_MS, KEPT, NOON, account, phone};

const MINUTE_MS: u64 = 60_000;

pub(super) fn to(n: u16) -> To {
    To::Number(phone(n))
}

pub(super) fn begun(n: u8, at: UnixMs) -> Verification {
    let new = New {
        id: VerificationId::new(at, [n; 10]),
        account: account("acc_a"),
        profile: String::new(),
        to: to(1),
        channel: Channel::Sms,
        hash: Hash::NOTHING,
        digits: 6,
        attempts_max: 5,
        ttl_ms: 10 * MINUTE_MS,
        own: Own::default(),
    };
    new.begun(at.into())
}

pub(super) fn step(verification: &Verification, was: Option<u32>) -> VerifyStep {
    VerifyStep {
        verifications: vec![(verification.clone(), was)],
        ..VerifyStep::default()
    }
}

pub(super) fn commit<H: Home>(home: &H, step: VerifyStep, now: UnixMs) -> Committed {
    home.commit(Commit::Verify(Box::new(step)), now)
}

fn name(n: u16) -> Name {
    Name::person(&account("acc_a"), &to(n))
}

fn gates(times: u64) -> Counter {
    let limit = Limit::new(1000, DAY_MS);
    let gate = (0..times).fold(Gate::default(), |gate, _| gate.taken(limit, NOON).unwrap());
    Counter::Gates(vec![gate])
}

fn counted(n: u16, was: u32, times: u64) -> CounterChange {
    CounterChange {
        name: name(n),
        was,
        next: Some(gates(times)),
    }
}

fn entry(verdict: &str, at: UnixMs) -> Entry {
    Entry {
        at,
        account: account("acc_a"),
        actor: "rb_live_0123".into(),
        action: Action::Check,
        verification: None,
        person: String::new(),
        ip: None,
        verdict: verdict.into(),
        reasons: Vec::new(),
    }
}

fn event() -> Heard {
    let event = Event {
        id: EventId([9; 16]),
        account: account("acc_a"),
        kind: Kind::MessageReceived,
        rental: None,
        message: None,
        at: NOON,
        body: "{}".into(),
    };
    Heard {
        event,
        targets: Vec::new(),
    }
}

pub fn a_step_is_kept_whole<H: Home>() {
    let (home, verification) = (H::new(), begun(1, NOON));
    let whole = VerifyStep {
        counters: vec![counted(1, 0, 1), counted(2, 0, 2)],
        audit: vec![entry("allow", NOON)],
        events: vec![event()],
        decoy: Some(Box::new(begun(3, NOON))),
        ..step(&verification, None)
    };
    assert!(matches!(commit(&home, whole, NOON), Committed::New(Some(_))));
    let home = home.reopened();
    let store = home.store();
    let (acc, id) = (account("acc_a"), verification.id);
    assert_eq!(
        store.verification(&acc, id).unwrap().as_ref(),
        Some(&verification)
    );
    assert_eq!(store.verification(&account("acc_b"), id).unwrap(), None);
    let decoy = store.verification(&acc, begun(3, NOON).id);
    assert_eq!(decoy.unwrap(), None, "nothing is kept of a decoy");
    let newest = |profile: &str, n| store.newest_verification(&acc, (profile, &to(n)), NOON).unwrap();
    assert_eq!(newest("", 1), Some(verification.clone()));
    assert_eq!((newest("other", 1), newest("", 2)), (None, None));
    let known = store.counters(&[name(1), name(2), name(3)]).unwrap();
    let known: Vec<Counter> = known.into_iter().map(|known| known.counter).collect();
    assert_eq!(known, [gates(1), gates(2)]);
    assert_eq!(
        store.verifications_over(verification.ends_at(), 9).unwrap(),
        [(acc.clone(), (&verification).into())]
    );
    assert_eq!(
        (
            store.audit(0, 9).unwrap().lines.len(),
            store.newest_event(&acc).unwrap().is_some()
        ),
        (1, true)
    );
}

pub fn of_two_steps_on_one_state_one_conflicts<H: Home>() {
    let (home, verification) = (H::new(), begun(1, NOON));
    commit(&home, step(&verification, None), NOON);
    let next = verification.counted(NOON).unwrap();
    let guesses = vec![
        Commit::Verify(Box::new(step(&next, Some(0)))),
        Commit::Verify(Box::new(step(&next, Some(0)))),
    ];
    assert_eq!(
        home.commit_all(guesses, NOON),
        [Committed::New(None), Committed::Conflict]
    );

    let change = |n, was, times| {
        Commit::Verify(Box::new(VerifyStep {
            counters: vec![counted(n, was, times)],
            audit: vec![entry("allow", NOON)],
            ..VerifyStep::default()
        }))
    };
    assert_eq!(
        home.commit_all(vec![change(1, 0, 1), change(1, 0, 1)], NOON),
        [Committed::New(None), Committed::Conflict]
    );
    let version = home.store().counters(&[name(1)]).unwrap()[0].version;
    assert_eq!(home.commit(change(1, version + 1, 2), NOON), Committed::Conflict);
    assert_eq!(home.commit(change(1, version, 2), NOON), Committed::New(None));
    assert_eq!(
        home.store().audit(0, 9).unwrap().lines.len(),
        2,
        "a conflict leaves no line"
    );
}

/// A guess as the gateway makes it: counted in a commit of its own, and judged in another. Whether it was the one that was right.
fn guess(store: &dyn Store, id: VerificationId, is_right: bool, counts: &AtomicU32) -> bool {
    let commit = |next: &Verification, was: &Verification| {
        let step = step(next, Some(was.version));
        wait(store.commit(Commit::Verify(Box::new(step)), NOON.into())).unwrap()
    };
    let known = || store.verification(&account("acc_a"), id).unwrap().unwrap();
    loop {
        let was = known();
        let Ok(next) = was.counted(NOON) else {
            return false;
        };
        if commit(&next, &was) != Committed::Conflict {
            break;
        }
    }
    counts.fetch_add(1, Ordering::Relaxed);
    loop {
        let was = known();
        let Some(next) = was.judged(is_right) else {
            return false;
        };
        if commit(&next, &was) != Committed::Conflict {
            return is_right;
        }
    }
}

/// How many were right of a thousand guesses at once, how many were compared, and what became of it.
fn thousand<H: Home>(is_right: impl Fn(u32) -> bool + Sync) -> (u32, u32, Verification) {
    let (home, verification) = (H::new(), begun(1, NOON));
    commit(&home, step(&verification, None), NOON);
    let store = home.store();
    let (counts, approved, next) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= 1000 {
                        break;
                    }
                    let won = guess(store, verification.id, is_right(nth), &counts);
                    approved.fetch_add(u32::from(won), Ordering::Relaxed);
                }
            });
        }
    });
    let left = store
        .verification(&account("acc_a"), verification.id)
        .unwrap()
        .unwrap();
    (approved.into_inner(), counts.into_inner(), left)
}

pub fn a_thousand_guesses_at_once_are_five_and_one_is_right<H: Home>() {
    let (approved, compared, left) = thousand::<H>(|_| false);
    assert_eq!(
        (approved, compared, left.attempts, left.status),
        (0, 5, 5, Status::Failed)
    );
    let (approved, compared, left) = thousand::<H>(|_| true);
    assert_eq!((approved, left.status), (1, Status::Approved));
    assert!(compared <= 5 && u32::from(left.attempts) == compared, "{left:?}");
}

pub fn an_end_is_counted_once_and_in_its_order<H: Home>() {
    let home = H::new();
    let (first, second) = (begun(1, NOON), begun(2, NOON.plus_ms(MINUTE_MS)));
    for verification in [&second, &first] {
        commit(&home, step(verification, None), NOON);
    }
    let home = home.reopened();
    let over = |at| {
        home.store()
            .verifications_over(at, 9)
            .unwrap()
            .into_iter()
            .map(|(_, open)| open.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(over(first.ends_at().minus_ms(1)), []);
    assert_eq!(over(first.ends_at()), [first.id]);
    assert_eq!(over(second.ends_at()), [first.id, second.id]);
    let settled = || {
        Commit::Verify(Box::new(VerifyStep {
            settled: vec![(&first).into()],
            counters: Vec::new(),
            ..VerifyStep::default()
        }))
    };
    assert_eq!(
        home.commit_all(vec![settled(), settled()], NOON),
        [Committed::New(None), Committed::Conflict]
    );
    assert_eq!(home.commit(settled(), NOON), Committed::Conflict);
    assert_eq!(over(second.ends_at()), [second.id]);
    let third = begun(3, NOON);
    let begins_and_ends = vec![
        Commit::Verify(Box::new(step(&third, None))),
        Commit::Verify(Box::new(VerifyStep {
            settled: vec![(&third).into()],
            ..VerifyStep::default()
        })),
    ];
    assert_eq!(
        home.commit_all(begins_and_ends, NOON),
        [Committed::New(None), Committed::New(None)]
    );
    assert_eq!(over(second.ends_at()), [second.id]);
}

pub fn a_newer_one_to_the_same_person_is_found_over_midnight<H: Home>() {
    let home = H::new();
    let midnight = NOON.plus_ms(DAY_MS / 2);
    let (before, after) = (
        begun(1, midnight.minus_ms(MINUTE_MS)),
        begun(2, midnight.plus_ms(MINUTE_MS)),
    );
    let newest = |at| {
        let acc = account("acc_a");
        home.store()
            .newest_verification(&acc, ("", &to(1)), at)
            .unwrap()
            .map(|known| known.id)
    };
    commit(&home, step(&before, None), before.created_at);
    assert_eq!(newest(midnight.plus_ms(MINUTE_MS)), Some(before.id));
    commit(&home, step(&after, None), after.created_at);
    assert_eq!(newest(midnight.plus_ms(MINUTE_MS)), Some(after.id));
    assert_eq!(
        newest(midnight.minus_ms(MINUTE_MS)),
        Some(after.id),
        "by a clock that was set back"
    );
    assert_eq!(newest(midnight.plus_ms(3 * DAY_MS)), None);
}

pub fn records_are_paged_and_forgotten<H: Home>() {
    let home = H::new();
    let changes = (0..10).map(|n| counted(n, 0, 1)).collect();
    let made = VerifyStep {
        counters: changes,
        ..VerifyStep::default()
    };
    commit(&home, made, NOON);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = home.store().all_counters(after.as_deref(), 4).unwrap();
        all.extend(page.counters);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 10);
    let forget = |was| VerifyStep {
        counters: vec![CounterChange {
            name: name(0),
            was,
            next: None,
        }],
        ..VerifyStep::default()
    };
    let version = home.store().counters(&[name(0)]).unwrap()[0].version;
    assert_eq!(commit(&home, forget(version + 1), NOON), Committed::Conflict);
    assert_eq!(commit(&home, forget(version), NOON), Committed::New(None));
    assert_eq!(home.store().counters(&[name(0)]).unwrap(), []);
    let again = VerifyStep {
        counters: vec![counted(0, 0, 1)],
        ..VerifyStep::default()
    };
    commit(&home, again, NOON.plus_ms(5));
    let newer = home.store().counters(&[name(0)]).unwrap()[0].version;
    assert_ne!(
        newer, version,
        "what was decided on the forgotten one is outdated"
    );
}

pub fn the_audit_log_is_one_chain_over_openings_and_periods<H: Home>() {
    let mut home = H::new();
    for nth in 0..12u64 {
        let at = NOON.plus_ms(nth * 10 * DAY_MS);
        let lines = VerifyStep {
            audit: vec![entry("wrong", at), entry("approved", at)],
            ..VerifyStep::default()
        };
        commit(&home, lines, at);
        if nth % 4 == 3 {
            home = home.reopened();
        }
    }
    let page = home.store().audit(0, 100).unwrap();
    let check = |lines: &[String]| {
        let mut check = Check::default();
        lines.iter().try_for_each(|line| check.line(line))?;
        check.end(Some(page.head))
    };
    assert_eq!(check(&page.lines), Ok(24));
    assert_eq!(home.store().audit(20, 2).unwrap().lines, page.lines[20..22]);
    home.store()
        .drop_old_logs(NOON.plus_ms(115 * DAY_MS), KEPT)
        .unwrap();
    let left = home.store().audit(0, 100).unwrap();
    assert!(
        (19..24).contains(&left.lines.len()),
        "96 days at least, and not for ever: {}",
        left.lines.len()
    );
    assert_eq!(check(&left.lines), Ok(left.lines.len() as u64));
}

#[test]
fn no_number_stands_on_the_disk() {
    let store = Simulated::open(Default::default(), Vault::new(&MASTER), When::AtOnce).unwrap();
    let whole = VerifyStep {
        counters: vec![counted(1, 0, 1)],
        ..step(&begun(1, NOON), None)
    };
    wait(store.commit(Commit::Verify(Box::new(whole)), NOON.into())).unwrap();
    let bytes = store.cut_power().bytes();
    assert!(!bytes.windows(11).any(|part| part == b"12025550001"));
}
