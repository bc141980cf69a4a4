//! Commits that hold several things: known messages are named, nothing of a refused one is there, and waiting parts are guarded and kept.

use ringback::core::id::{OutboundId, SetId};
use ringback::core::ingest::StoredMessage;
use ringback::core::message::Concat;
use ringback::core::multipart::{Arrived, PartOf, Set};
use ringback::core::number::Unmatched;
use ringback::core::outbound::{Accepted, Outbound, State};
use ringback::core::phone::Address;
use ringback::core::time::UnixMs;
use ringback::store::{Batch, Commit, Committed, Filed, Novelty, OutboundChange, SetChange};

use super::commits::{known, rented};
use super::home::Home;
use super::samples::{self, NOON, phone};

pub fn known_messages_of_a_request_are_named_and_nothing_changes<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let (first, old) = samples::stray("m1", NOON);
    home.commit(first, NOON);
    let new = samples::stray("m2", NOON).1;
    let received = samples::receive(&rental, "m3", "G-482913 is your code", NOON, &[]);
    let Commit::Receive(mut batch) = received.commit.clone() else {
        panic!("a message is received")
    };
    batch.messages.extend([&old, &new].map(samples::filed));
    let answer = home.commit(Commit::Receive(batch.clone()), NOON);
    assert_eq!(answer, Committed::Known(vec![old.id]));
    let store = home.store();
    assert_eq!(store.unmatched(None, 10).unwrap(), std::slice::from_ref(&old));
    assert_eq!(
        store.rental(&rental.account, rental.id).unwrap(),
        Some(rental.clone())
    );

    batch.messages.retain(|filed| filed.message.id != old.id);
    assert!(matches!(
        home.commit(Commit::Receive(batch), NOON),
        Committed::New(Some(_))
    ));
    let home = home.reopened();
    assert_eq!(home.store().unmatched(None, 10).unwrap().len(), 2);
    assert_eq!(
        home.store().rental(&rental.account, rental.id).unwrap(),
        Some(received.rental)
    );
    let all = samples::strays(&[&new, &old]);
    assert_eq!(home.commit(all, NOON), Committed::Known(vec![new.id, old.id]));
}

/// An unmatched message is given away once, whoever else wants to, and is found by its id before and after.
pub fn an_unmatched_message_is_assigned_once<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let (stray, message) = samples::stray("m1", NOON);
    home.commit(stray, NOON);
    let owned = StoredMessage {
        owner: Ok(rental.id),
        ..message.clone()
    };
    let assign = Commit::Receive(Box::new(Batch {
        messages: vec![Filed {
            message: owned.clone(),
            novelty: Novelty::Known,
            is_unmatched: false,
        }],
        assigned: vec![samples::reference(&message)],
        ..Batch::default()
    }));
    assert_eq!(home.store().message(message.id).unwrap(), Some(message.clone()));
    let answers = home.commit_all(vec![assign.clone(), assign.clone()], NOON);
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    let home = home.reopened();
    assert_eq!(home.commit(assign, NOON), Committed::Conflict);
    assert_eq!(home.store().unmatched(None, 10).unwrap(), []);
    assert_eq!(home.store().message(message.id).unwrap(), Some(owned));
    assert_eq!(
        home.store().message(samples::stray("m2", NOON).1.id).unwrap(),
        None
    );
    // It is known as ever.
    assert_eq!(home.commit(samples::stray("m1", NOON).0, NOON), known(&message));
}

/// A set with one part, as `core` makes it.
fn set(n: u8, until: UnixMs) -> Set {
    let concat = Concat {
        reference: format!("{n:02x}"),
        total: 2,
        part: 1,
    };
    let message = samples::message("p", &phone(1), "Hello ");
    let stored = samples::reference(&samples::stray(&n.to_string(), NOON).1);
    let arrived = Arrived {
        source: "main",
        message: &message,
        part: PartOf::of(&concat).unwrap(),
        stored: &stored,
        owner: &Err(Unmatched::NoRental),
        until,
    };
    Set::begin(
        SetId::derive("main", "Google", phone(1).as_str(), &concat),
        arrived,
    )
}

fn changed(set: &Set, was: Option<u64>, next: Option<&Set>) -> Commit {
    let change = SetChange {
        id: set.id,
        was,
        next: next.cloned(),
    };
    Commit::Receive(Box::new(Batch {
        sets: vec![change],
        ..Batch::default()
    }))
}

pub fn of_two_changes_to_a_set_one_conflicts<H: Home>() {
    let home = H::new();
    let one = set(1, NOON);
    let begin = changed(&one, None, Some(&one));
    let answers = home.commit_all(vec![begin.clone(), begin.clone()], NOON);
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    assert_eq!(home.commit(begin.clone(), NOON), Committed::Conflict);
    let home = home.reopened();
    assert_eq!(home.commit(begin.clone(), NOON), Committed::Conflict);
    let end = changed(&one, Some(one.version), None);
    let answers = home.commit_all(vec![end.clone(), end], NOON);
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    assert_eq!(home.store().live().parts(one.id), None);
    let home = home.reopened();
    assert_eq!(home.store().live().parts(one.id), None);
    assert_eq!(home.commit(begin, NOON), Committed::New(None));
}

pub fn waiting_parts_are_kept_and_end_in_the_order_of_their_time<H: Home>() {
    let home = H::new();
    let sets = [3, 1, 2].map(|n| set(n, NOON.plus_ms(n.into())));
    for set in &sets {
        home.commit(changed(set, None, Some(set)), NOON);
    }
    let home = home.reopened();
    let live = home.store().live();
    assert_eq!(live.parts(sets[0].id).as_deref(), Some(&sets[0]));
    let over = |at: u64, limit| {
        let over = live.parts_over(NOON.plus_ms(at), limit);
        over.iter().map(|set| set.until.since(NOON)).collect::<Vec<u64>>()
    };
    assert!(over(0, 10).is_empty());
    assert_eq!(
        (over(2, 10), over(9, 10), over(9, 2)),
        (vec![1, 2], vec![1, 2, 3], vec![1, 2])
    );
    assert_eq!(live.parts_waiting(sets[0].pair), (3, 3));
    assert_eq!(live.parts_waiting([0; 8]), (0, 3));
    // A renewed time moves it to the end.
    let renewed = Set {
        until: NOON.plus_ms(9),
        version: sets[1].version.wrapping_add(1),
        ..sets[1].clone()
    };
    home.commit(changed(&renewed, Some(sets[1].version), Some(&renewed)), NOON);
    assert_eq!(over(9, 10), vec![2, 3, 9]);
    assert_eq!(live.parts_waiting(sets[0].pair), (3, 3));
}

/// A message that was sent: one of two changes wins, and after days it is found again as it is.
pub fn a_sent_message_is_guarded_and_found_on_another_day<H: Home>() {
    let home = H::new();
    let accepted = Accepted {
        source: "main".into(),
        carrier_message_id: "m1".into(),
        account: samples::account("acc_a"),
        to: Address::new("+12025550187"),
        code: None,
    };
    let (first, event) = Outbound::accepted(None, &accepted, NOON).unwrap();
    assert_eq!(event, None);
    let put = |was: Option<u32>, next: &Outbound| {
        let change = OutboundChange {
            was,
            next: next.clone(),
        };
        Commit::Receive(Box::new(Batch {
            outbound: vec![change],
            ..Batch::default()
        }))
    };
    let answers = home.commit_all(vec![put(None, &first), put(None, &first)], NOON);
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    let home = home.reopened();
    assert_eq!(home.store().outbound(first.id).unwrap(), Some(first.clone()));
    let next = Outbound {
        state: State::Delivered,
        version: 1,
        ..first.clone()
    };
    let later = NOON.plus_ms(2 * samples::DAY_MS);
    let answers = home.commit_all(vec![put(Some(0), &next), put(Some(0), &next)], later);
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    assert_eq!(home.commit(put(None, &first), later), Committed::Conflict);
    let home = home.reopened();
    assert_eq!(home.store().outbound(first.id).unwrap(), Some(next));
    assert_eq!(
        home.store().outbound(OutboundId::derive("main", "m2")).unwrap(),
        None
    );
}
