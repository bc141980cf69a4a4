//! A replay's step is one commit: how far it is, what it asked for and what is told of its end are there together or not at all.

use ringback::core::delivery::Due;
use ringback::core::event;
use ringback::core::id::{ReplayId, Seq, SubscriptionId};
use ringback::core::replay::{Counts, Found, Replay, Selection};
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed, Heard, Reading, ReplayStep};

use super::commits::rented;
use super::home::Home;
use super::samples::{NOON, account};

const ONE: SubscriptionId = SubscriptionId([1; 16]);
const LATER: UnixMs = UnixMs(u64::MAX);

fn replay(n: u8) -> Replay {
    Replay {
        id: ReplayId::new(NOON, [n; 10]),
        account: account("acc_a"),
        selection: Selection {
            since: NOON,
            until: NOON.plus_ms(1000),
            statuses: Vec::new(),
            patterns: Vec::new(),
            subscriptions: vec![ONE],
            missing_only: false,
        },
        per_second: 10,
        deliveries_max: 1000,
        dry_run: false,
        created_at: NOON.plus_ms(2000),
        read_to: Seq::just_before(NOON),
        counts: Counts::default(),
        sample: Vec::new(),
        end: None,
        version: 0,
    }
}

fn commit(next: Replay, deliveries: Vec<(SubscriptionId, Seq)>) -> Commit {
    let event = event::of_replay(&next).map(|event| Heard {
        event,
        targets: vec![ONE],
    });
    Commit::Replay(Box::new(ReplayStep {
        next,
        deliveries,
        event,
        forgotten: Vec::new(),
    }))
}

fn advanced(replay: &Replay, event: Seq, more_behind: Option<Seq>) -> Commit {
    let found = Found {
        events: 1,
        deliveries: vec![(ONE, event)],
        more_behind,
    };
    let mut next = replay.clone();
    next.advance(&found, NOON.plus_ms(3000));
    next.version += 1;
    commit(next, found.deliveries)
}

pub fn a_step_and_what_it_asks_for_are_one<H: Home>() {
    let (home, ..) = rented::<H>();
    let event = home.store().live().due(ONE, LATER, 10)[0].event;
    let first = replay(1);
    home.commit(commit(first.clone(), Vec::new()), NOON);
    home.commit(advanced(&first, event, Some(event)), NOON.plus_ms(5));
    let check = |home: &H| {
        let kept = home.store().live().replay(first.id).unwrap();
        assert_eq!(
            (kept.read_to, kept.counts.deliveries, kept.is_running()),
            (event, 1, true)
        );
        let due = home.store().live().due(ONE, LATER, 10);
        assert_eq!(due.iter().map(Due::is_manual).collect::<Vec<_>>(), [false, true]);
        kept
    };
    check(&home);
    let home = home.reopened();
    let kept = check(&home);
    let ended = home.commit(advanced(&kept, event, None), NOON.plus_ms(6));
    assert!(
        matches!(ended, Committed::New(Some(_))),
        "its end is told: {ended:?}"
    );
    let home = home.reopened();
    assert_eq!(home.store().live().replay(first.id).unwrap().status(), "finished");
    let reading = Reading {
        account: account("acc_a"),
        after: event,
        patterns: Vec::new(),
        rental: None,
        events_max: 10,
    };
    let told = home.store().events(&reading).unwrap().events;
    assert_eq!((told.len(), told[0].1.kind.as_str()), (1, "replay.finished"));
    assert_eq!(
        home.store().live().counts().due,
        3,
        "the event is owed as any other"
    );
}

pub fn of_two_steps_from_one_state_one_conflicts<H: Home>() {
    let (home, ..) = rented::<H>();
    let event = home.store().live().due(ONE, LATER, 10)[0].event;
    let first = replay(1);
    let begun = commit(first.clone(), Vec::new());
    let step = advanced(&first, event, Some(event));
    let answers = home.commit_all(
        vec![begun.clone(), begun.clone(), step.clone(), step.clone()],
        NOON,
    );
    let (new, conflict) = (Committed::New(None), Committed::Conflict);
    assert_eq!(answers, [new.clone(), conflict.clone(), new, conflict.clone()]);
    let home = home.reopened();
    assert_eq!(home.commit(step, NOON), conflict);
    assert_eq!(home.commit(begun, NOON), conflict);
    assert_eq!(home.store().live().counts().due, 2);
}

pub fn what_is_forgotten_is_gone_and_a_gone_subscription_is_left_out<H: Home>() {
    let (home, ..) = rented::<H>();
    let event = home.store().live().due(ONE, LATER, 10)[0].event;
    let (old, new) = (replay(1), replay(2));
    home.commit(commit(old.clone(), Vec::new()), NOON);
    home.commit(Commit::Unsubscribe(account("acc_a"), ONE), NOON);
    let step = ReplayStep {
        next: new.clone(),
        deliveries: vec![(ONE, event)],
        event: None,
        forgotten: vec![old.id],
    };
    home.commit(Commit::Replay(Box::new(step)), NOON);
    let home = home.reopened();
    let live = home.store().live();
    assert_eq!((live.replay(old.id), live.counts().due), (None, 1));
    assert_eq!(live.replays(Some(&new.account)).len(), 1);
    assert_eq!(live.replays(Some(&account("acc_b"))).len(), 0);
}
