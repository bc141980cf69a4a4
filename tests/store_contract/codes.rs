//! Codes that were sent, read as a list, and changed by the request that reports on their messages.

use ringback::core::abuse::Who;
use ringback::core::id::VerificationId;
use ringback::core::money::Price;
use ringback::core::time::UnixMs;
use ringback::core::verification::address::To;
use ringback::core::verification::fallback::{Fallback, Step, Words};
use ringback::core::verification::hash::Hash;
use ringback::core::verification::{Channel, New, Own, Verification};
use ringback::store::{Batch, Commit, Committed, VerifyStep};

use super::home::Home;
use super::samples::{DAY_MS, NOON, account, phone};

fn begun(owner: &str, n: u8, at: UnixMs) -> Verification {
    let new = New {
        id: VerificationId::new(at, [n; 10]),
        account: account(owner),
        profile: String::new(),
        to: To::Number(phone(1)),
        channel: Channel::Sms,
        hash: Hash::NOTHING,
        digits: 6,
        attempts_max: 5,
        ttl_ms: 600_000,
        own: Own::default(),
    };
    new.begun(at.into())
}

fn step(verification: &Verification, was: Option<u32>) -> VerifyStep {
    VerifyStep {
        verifications: vec![(verification.clone(), was)],
        ..VerifyStep::default()
    }
}

pub fn an_accounts_codes_are_listed_newest_first_over_days<H: Home>() {
    let home = H::new();
    let mine = [0, 1, DAY_MS, DAY_MS + 1, 2 * DAY_MS].map(|ms| begun("acc_a", 1, NOON.plus_ms(ms)));
    for verification in &mine {
        let step = step(verification, None);
        home.commit(Commit::Verify(Box::new(step)), verification.created_at);
    }
    home.commit(
        Commit::Verify(Box::new(step(&begun("acc_ab", 2, NOON), None))),
        NOON,
    );
    let home = home.reopened();
    let listed = |before, limit| {
        home.store()
            .verifications(&account("acc_a"), before, limit)
            .unwrap()
    };
    let newest_first: Vec<_> = mine.iter().rev().cloned().collect();
    assert_eq!(listed(None, 9), newest_first);
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let page = listed(before, 2);
        before = page.last().map(|last| last.id);
        walked.extend(page);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(walked, newest_first);
    assert_eq!(listed(Some(mine[0].id), 9), []);
}

pub fn a_report_changes_a_code_or_nothing<H: Home>() {
    let (home, verification) = (H::new(), begun("acc_a", 1, NOON));
    home.commit(Commit::Verify(Box::new(step(&verification, None))), NOON);
    let next = verification.counted(NOON).unwrap();
    let report = |was| {
        let batch = Batch {
            verify: step(&next, Some(was)),
            ..Batch::default()
        };
        home.commit(Commit::Receive(Box::new(batch)), NOON)
    };
    assert_eq!(report(7), Committed::Conflict);
    let kept = || {
        home.store()
            .verification(&account("acc_a"), verification.id)
            .unwrap()
            .unwrap()
    };
    assert_eq!(kept(), verification);
    assert_eq!(report(verification.version), Committed::New(None));
    assert_eq!(kept(), next);
}

/// One whose next step is due so much later, if by time.
fn waiting(n: u8, wait_ms: Option<u64>) -> Verification {
    let step = Step {
        channel: Channel::Voice,
        provider: None,
        wait_s: None,
    };
    let left = Fallback {
        rest: vec![step],
        due_at: wait_ms.map(|ms| NOON.plus_ms(ms)),
        digits: 6,
        words: Words {
            language: "en".into(),
            ..Words::default()
        },
        who: Who::default(),
        actor: String::new(),
    };
    begun("acc_a", n, NOON).charged(Price(500), Some(left), NOON)
}

pub fn a_step_stands_where_it_is_due_until_it_went<H: Home>() {
    let home = H::new();
    let all = [
        waiting(1, Some(30_000)),
        waiting(2, Some(10_000)),
        waiting(3, None),
    ];
    for verification in &all {
        home.commit(Commit::Verify(Box::new(step(verification, None))), NOON);
    }
    let home = home.reopened();
    let due = |home: &H, ms| {
        let due = home.store().steps_due(NOON.plus_ms(ms), 9).unwrap();
        due.into_iter()
            .map(|(owner, place)| (owner, place.id))
            .collect::<Vec<_>>()
    };
    let place = |n: usize| (account("acc_a"), all[n].id);
    assert_eq!(due(&home, 9_999), []);
    assert_eq!(due(&home, 10_000), [place(1)]);
    assert_eq!(due(&home, 60_000), [place(1), place(0)]);
    let (next, _) = all[1].stepped(Price(500), NOON.plus_ms(10_000)).unwrap();
    let went = |was| VerifyStep {
        passed: all[1].place().into_iter().collect(),
        ..step(&next, Some(was))
    };
    let commit = |was| home.commit(Commit::Verify(Box::new(went(was))), NOON);
    assert_eq!(commit(7), Committed::Conflict);
    assert_eq!(due(&home, 10_000), [place(1)], "nothing went");
    assert_eq!(commit(0), Committed::New(None));
    assert_eq!(due(&home.reopened(), 60_000), [place(0)]);
}
