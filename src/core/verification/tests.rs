//! A life in any order of its steps: at most so many guesses are compared, at most one is right, and an end is an end.

use proptest::prelude::*;

use super::code::Code;
use super::hash::Scheme;
use super::pepper::{Bound, Pepper};
use super::*;
use crate::core::phone::PhoneNumber;

const TTL_MS: u64 = 600_000;

fn begun(digits: u8) -> Verification {
    let account = AccountId::parse("acme").unwrap();
    let to = To::Number(PhoneNumber::parse("+12025550143").unwrap());
    let id = VerificationId::new(UnixMs(1_000_000), [1; 10]);
    let bound = Bound {
        account: &account,
        id,
        to: &to,
    };
    let hash = Scheme::Hmac.hash(&Pepper([7; 32]), bound, &Code::parse("482913").unwrap(), [0; 16]);
    let new = New {
        id,
        account,
        profile: String::new(),
        to,
        channel: Channel::Sms,
        hash,
        digits,
        attempts_max: 5,
        ttl_ms: TTL_MS,
        own: Own::default(),
    };
    new.begun(UnixMs(1_000_000).into())
}

#[test]
fn an_id_tells_its_time() {
    assert_eq!(begun(6).id.created_at(), UnixMs(1_000_000));
    assert!(begun(6).id.to_string().starts_with("ver_"));
}

#[test]
fn five_wrong_guesses_end_it_and_a_right_one_is_right_once() {
    let mut verification = begun(6);
    for guess in 1..=5 {
        verification = verification.counted(UnixMs(1_000_001)).unwrap();
        verification = verification.judged(false).unwrap();
        let is_over = guess == 5;
        assert_eq!(verification.status == Status::Failed, is_over);
    }
    assert_eq!(verification.counted(UnixMs(1_000_002)), Err(Closed::NoAttempts));
    let counted = begun(6).counted(UnixMs(1_000_001)).unwrap();
    let approved = counted.judged(true).unwrap();
    assert_eq!(approved.judged(true), None);
    assert_eq!(
        approved.counted(UnixMs(1_000_001)),
        Err(Closed::Over(Status::Approved))
    );
}

#[test]
fn the_last_guess_may_be_the_right_one_although_the_others_are_judged_after_it() {
    let mut verification = begun(6);
    for _ in 0..5 {
        verification = verification.counted(UnixMs(1_000_001)).unwrap();
    }
    assert_eq!(verification.status_at(UnixMs(1_000_001)), Status::Failed);
    for _ in 0..4 {
        verification = verification.judged(false).unwrap();
    }
    assert_eq!(verification.judged(true).unwrap().status, Status::Approved);
}

#[test]
fn four_digits_have_fewer_guesses() {
    assert_eq!((begun(4).attempts_max, begun(5).attempts_max), (3, 5));
}

#[test]
fn it_is_over_by_the_steady_clock_and_after_a_clock_that_a_restart_set_back() {
    let verification = begun(6);
    let status = |at| verification.status_at(UnixMs(at));
    assert_eq!(status(1_000_000 + TTL_MS - 1), Status::Pending);
    assert_eq!(status(1_000_000 + TTL_MS), Status::Expired);
    assert_eq!(status(999_999), Status::Expired);
}

#[test]
fn what_is_heard_of_its_sending_is_kept() {
    let verification = begun(6);
    let accepted = Sent::Accepted {
        provider: "main".into(),
        id: "SM1".into(),
    };
    let now = UnixMs(1_000_001);
    let next = verification.heard(1, accepted.clone(), now).unwrap();
    assert_eq!(next.heard(1, accepted, now), None);
    assert_eq!(next.heard(1, Sent::Asked, now), None);
    assert_eq!(next.resent(Channel::Sms).unwrap().sends, 2);
    let over = next.ended(Status::Superseded).unwrap();
    assert_eq!(
        (over.resent(Channel::Sms), over.ended(Status::Expired)),
        (None, None)
    );
}

#[derive(Debug, Clone)]
enum Step {
    Count,
    /// One of the guesses under way turns out right or wrong.
    Judge(bool),
    End(Status),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Count),
        4 => prop::bool::weighted(0.1).prop_map(Step::Judge),
        1 => prop_oneof![Just(Status::Canceled), Just(Status::Superseded), Just(Status::Expired)].prop_map(Step::End),
        1 => (0..TTL_MS / 2).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens in whatever order, guesses under way at the same moment included.
    #[test]
    fn guesses_are_few_and_one_end_is_the_end(steps in prop::collection::vec(step(), 0..60), digits in 4u8..=10) {
        let (mut now, mut verification) = (UnixMs(1_000_000), begun(digits));
        let (mut under_way, mut counted, mut ends) = (0u32, 0u8, 0u32);
        for step in steps {
            let was = verification.clone();
            match step {
                Step::Count => {
                    if let Ok(next) = verification.counted(now) {
                        prop_assert!(!verification.is_over(now));
                        (verification, under_way, counted) = (next, under_way + 1, counted + 1);
                    }
                }
                Step::Judge(is_right) if under_way > 0 => {
                    under_way -= 1;
                    if let Some(next) = verification.judged(is_right) {
                        verification = next;
                    }
                }
                Step::Judge(_) => {}
                Step::End(status) => verification = verification.ended(status).unwrap_or(verification),
                Step::Pass(ms) => now = now.plus_ms(ms),
            }
            ends += u32::from(was.status == Status::Pending && verification.status != Status::Pending);
            prop_assert!(was.status == Status::Pending || was.status == verification.status);
            prop_assert_eq!(verification.attempts, counted);
            prop_assert!(counted <= verification.attempts_max && verification.wrong <= counted);
            prop_assert!(verification.version - was.version <= 1);
        }
        prop_assert!(ends <= 1);
    }
}
