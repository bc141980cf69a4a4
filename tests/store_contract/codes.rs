//! Codes that were sent, read as a list, and changed by the request that reports on their messages.

use ringback::core::id::VerificationId;
use ringback::core::time::UnixMs;
use ringback::core::verification::address::To;
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
        hash: Hash::Hmac([0; 32]),
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
