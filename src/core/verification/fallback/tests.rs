//! A code's way in any order of what happens to it: no step without a reason, none after an end, and each at most once.

use proptest::prelude::*;

use super::*;
use crate::core::abuse::tests::pending;
use crate::core::outbound::{Sending, State};

fn step(channel: Channel, wait_s: Option<u32>) -> Step {
    Step {
        wait_s,
        ..Step::alone(channel)
    }
}

/// One that was sent and paid for, and what follows it.
fn begun(way: &[Step]) -> Verification {
    let verification = pending("+12025550143", 0);
    let now = verification.began_at;
    let (first, rest) = from(way, verification.channel);
    let left = (!rest.is_empty()).then(|| Fallback {
        rest,
        due_at: first.due_at(now),
        digits: 6,
        words: Words {
            language: "en".into(),
            ..Words::default()
        },
        who: Who::default(),
        actor: String::new(),
    });
    verification.charged(Price(100), left, now)
}

fn refused() -> Sent {
    Sent::Refused {
        provider: "a".into(),
        reason: "unreachable".into(),
    }
}

fn accepted() -> Sent {
    Sent::Accepted {
        provider: "a".into(),
        id: "1".into(),
    }
}

fn report(nth: u8) -> Sending {
    Sending {
        verification: super::super::VerificationId([0; 16]),
        nth,
        provider: "a".into(),
    }
}

#[test]
fn a_way_begins_at_the_channel_that_is_asked_for() {
    let way = [
        step(Channel::Sms, Some(30)),
        step(Channel::Voice, None),
        step(Channel::Whatsapp, None),
    ];
    let channels = |channel| {
        let (first, rest) = from(&way, channel);
        (first, rest.iter().map(|step| step.channel).collect::<Vec<_>>())
    };
    assert_eq!(
        channels(Channel::Sms),
        (way[0].clone(), vec![Channel::Voice, Channel::Whatsapp])
    );
    assert_eq!(
        channels(Channel::Voice),
        (way[1].clone(), vec![Channel::Whatsapp])
    );
    assert_eq!(
        channels(Channel::Flashcall),
        (Step::alone(Channel::Flashcall), vec![])
    );
}

#[test]
fn a_way_has_few_steps_by_numbers_and_waits_within_an_hour() {
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&vec![step(Channel::Sms, Some(3600)); STEPS_MAX]), Ok(()));
    assert!(check(&vec![step(Channel::Sms, None); STEPS_MAX + 1]).is_err());
    assert!(check(&[step(Channel::Email, None)]).is_err());
    assert!(check(&[step(Channel::Sms, Some(0))]).is_err());
    assert!(check(&[step(Channel::Sms, Some(3601))]).is_err());
}

#[test]
fn what_is_unknown_is_followed_only_where_a_time_was_set() {
    for (wait_s, follows) in [(None, false), (Some(30), true)] {
        let known = begun(&[step(Channel::Sms, wait_s), step(Channel::Voice, None)]);
        let at = known.began_at;
        let unknown = Sent::Unknown { provider: "a".into() };
        let known = known.heard(1, unknown, at).unwrap();
        assert_eq!(known.step_due(at.plus_ms(29_999)), None);
        assert_eq!(known.step_due(at.plus_ms(30_000)).is_some(), follows);
        assert_eq!(known.place().is_some(), follows);
    }
}

#[test]
fn a_late_no_takes_back_what_was_paid_and_nothing_else() {
    let way = [step(Channel::Sms, Some(1)), step(Channel::Voice, None)];
    let known = begun(&way);
    let later = known.began_at.plus_ms(1000);
    let (known, _) = known.stepped(Price(30), later).unwrap();
    let known = known.heard(2, accepted(), later).unwrap();
    assert_eq!(known.cost(), Price(130));
    let next = known.heard(1, refused(), later).unwrap();
    assert_eq!((next.cost(), &next.sent), (Price(30), &accepted()));
    assert_eq!(next.heard(1, refused(), later), None);
    assert_eq!(next.heard(1, accepted(), later), None);
}

#[test]
fn one_of_which_nothing_went_out_is_over_and_one_of_which_something_did_is_not() {
    let way = [step(Channel::Sms, Some(1)), step(Channel::Voice, None)];
    let at = begun(&way).began_at;
    let both = begun(&way).heard(1, refused(), at).unwrap();
    assert_eq!(both.status, Status::Pending, "another step follows");
    let (both, _) = both.stepped(Price(30), at).unwrap();
    let both = both.heard(2, refused(), at).unwrap();
    assert_eq!((both.status, both.cost()), (Status::Canceled, Price(0)));
    let later = at.plus_ms(1000);
    let one = begun(&way).heard(1, accepted(), at).unwrap();
    let (one, _) = one.stepped(Price(30), later).unwrap();
    let one = one.heard(2, refused(), later).unwrap();
    assert_eq!((one.status, one.cost()), (Status::Pending, Price(100)));
    assert_eq!(one.stayed().status, Status::Pending);
}

#[derive(Debug, Clone)]
enum Act {
    Pass(u64),
    Answer(u8, u8),
    Report(u8, bool),
    Approve,
    End,
    Step,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0u64..40_000).prop_map(Act::Pass),
        3 => (1u8..6, 0u8..3).prop_map(|(nth, what)| Act::Answer(nth, what)),
        2 => (1u8..6, prop::bool::weighted(0.2)).prop_map(|(nth, arrived)| Act::Report(nth, arrived)),
        1 => Just(Act::Approve),
        1 => Just(Act::End),
        6 => Just(Act::Step),
    ]
}

fn way() -> impl Strategy<Value = Vec<Step>> {
    let one = (0usize..3, prop::option::of(1u32..60)).prop_map(|(channel, wait_s)| {
        step([Channel::Sms, Channel::Voice, Channel::Whatsapp][channel], wait_s)
    });
    prop::collection::vec(one, 0..=STEPS_MAX - 1)
}

proptest! {
    #[test]
    fn no_step_without_a_reason_and_none_after_an_end(rest in way(), wait_s in prop::option::of(1u32..60), acts in prop::collection::vec(act(), 0..60)) {
        let mut way = vec![step(Channel::Sms, wait_s)];
        way.extend(rest);
        let mut known = begun(&way);
        let (mut now, mut went_at, mut has_arrived) = (known.began_at, known.began_at, false);
        let mut answered = Vec::new();
        for act in acts {
            let was = known.clone();
            match act {
                Act::Pass(ms) => now = now.plus_ms(ms),
                Act::Answer(nth, what) if nth <= known.sends && !answered.contains(&nth) => {
                    answered.push(nth);
                    let sent = match what { 0 => refused(), 1 => accepted(), _ => Sent::Unknown { provider: "a".into() } };
                    known = known.heard(nth, sent, now).unwrap_or(known);
                }
                Act::Report(nth, arrived) if nth <= known.sends => {
                    let state = if arrived { State::Delivered } else { State::Failed };
                    let next = known.reported(&report(nth), (state, None), now);
                    has_arrived |= arrived && next.is_some();
                    known = next.unwrap_or(known);
                }
                Act::Answer(..) | Act::Report(..) => {}
                Act::Approve => {
                    let judged = known.counted(now).ok().and_then(|counted| counted.judged(true));
                    known = judged.unwrap_or(known);
                }
                Act::End => known = known.ended(Status::Superseded).unwrap_or(known),
                Act::Step => {
                    let nth = usize::from(known.sends);
                    let waited = way.get(nth - 1).and_then(|step| step.due_at(went_at)).is_some_and(|at| at <= now);
                    let failed = matches!(was.sent, Sent::Refused { .. } | Sent::Failed { .. });
                    if let Some((next, step)) = known.stepped(Price(10), now) {
                        prop_assert!(waited || failed);
                        prop_assert_eq!(was.status_at(now), Status::Pending);
                        prop_assert!(!has_arrived);
                        // The next of the way, whatever came before, and the same code until the same end.
                        prop_assert_eq!(&step, &way[nth]);
                        prop_assert_eq!((&next.hash, next.ends_at(), next.channel), (&was.hash, was.ends_at(), step.channel));
                        (known, went_at) = (next, now);
                    }
                }
            }
            prop_assert!(usize::from(known.sends) <= way.len());
            prop_assert!(known.charges.len() <= usize::from(known.sends));
            prop_assert!(known.fallback.as_ref().is_none_or(|left| !left.rest.is_empty()));
            prop_assert!(known.version - was.version <= 2);
        }
    }
}
