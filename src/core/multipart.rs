//! Long messages that come in parts: which parts belong together, by Kannel's rules, and what a cut may do to a code. The texts stay in
//! the log: a set holds only where they are, so that each part costs one small row more.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{AccountId, RentalId, SetId};
use super::message::{Concat, Message};
use super::number::Unmatched;
use super::otp::Extraction;
use super::rental::MessageRef;
use super::time::UnixMs;

/// Which part of how many a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    pub number: u8,
    pub total: u8,
}

impl PartOf {
    /// `None` for what makes no sense as a part, and for the only part of one: those are messages of their own.
    pub fn of(concat: &Concat) -> Option<Self> {
        let (number, total) = (u8::try_from(concat.part).ok()?, u8::try_from(concat.total).ok()?);
        (total > 1 && (1..=total).contains(&number)).then_some(Self { number, total })
    }

    /// What is found in a part without what would be a cut code: one that touches an end of the text where another part goes on.
    pub fn trusted(self, found: Extraction, text: &str) -> Extraction {
        let cut = found.span.is_some_and(|[from, to]| {
            (from == 0 && self.number > 1) || (to == text.len() && self.number < self.total)
        });
        if cut {
            Extraction {
                link: found.link,
                ..Extraction::default()
            }
        } else {
            found
        }
    }
}

/// Whose the message is: a rental of an account, or nobody's.
pub type Owner = Result<(AccountId, RentalId), Unmatched>;

/// The parts of one long message that have come so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    pub id: SetId,
    pub source: String,
    /// Sender and receiver in one, for the limit on their sets.
    pub pair: [u8; 8],
    /// All its parts are this one's: a reference that is used again by another renter's sender joins nothing.
    pub owner: Owner,
    pub total: u8,
    /// In the order of their numbers.
    pub parts: Vec<Part>,
    /// A part's code was told already, so the whole tells none.
    pub code_told: bool,
    /// When the parts are delivered as they are; moved on by each part.
    pub until: UnixMs,
    /// Another one with every change, and from another beginning in every set; a commit names the version it decided on.
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub number: u8,
    pub message: MessageRef,
    /// Of the text, to tell a duplicate from a conflict.
    digest: [u8; 8],
    /// It made an event already.
    pub told: bool,
}

/// What a part does to a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// More parts are to come.
    Waits(Set),
    Complete(Set),
    /// The same part with the same text is there already.
    Repeats,
    /// Another text under the same number, or another owner: this part begins a set of its own.
    Conflicts,
}

/// A part that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    pub source: &'a str,
    pub message: &'a Message,
    pub part: PartOf,
    pub stored: &'a MessageRef,
    pub owner: &'a Owner,
    pub until: UnixMs,
}

/// Sender and receiver in one.
pub fn pair(message: &Message) -> [u8; 8] {
    digest(&[message.from.as_str(), message.to.as_str()])
}

impl Set {
    pub fn begin(id: SetId, arrived: Arrived<'_>) -> Self {
        let mut version = [0; 8];
        version.copy_from_slice(&arrived.stored.id.0[..8]);
        Self {
            id,
            source: arrived.source.to_owned(),
            pair: pair(arrived.message),
            owner: arrived.owner.clone(),
            total: arrived.part.total,
            parts: vec![Part::of(arrived)],
            code_told: false,
            until: arrived.until,
            version: u64::from_be_bytes(version),
        }
    }

    pub fn add(&self, arrived: Arrived<'_>) -> Added {
        debug_assert_eq!(self.total, arrived.part.total, "the total is in the set's id");
        if self.owner != *arrived.owner {
            return Added::Conflicts;
        }
        let part = Part::of(arrived);
        let place = match self
            .parts
            .binary_search_by_key(&part.number, |known| known.number)
        {
            Ok(at) if self.parts[at].digest == part.digest => return Added::Repeats,
            Ok(_) => return Added::Conflicts,
            Err(place) => place,
        };
        let mut next = self.clone();
        next.parts.insert(place, part);
        next.until = arrived.until;
        next.version = next.version.wrapping_add(1);
        if next.parts.len() == usize::from(next.total) {
            Added::Complete(next)
        } else {
            Added::Waits(next)
        }
    }

    /// Notes that this part's code was told.
    pub fn tell(&mut self, number: u8) {
        self.code_told = true;
        let told = self.parts.iter_mut().filter(|part| part.number == number);
        told.for_each(|part| part.told = true);
    }
}

impl Part {
    fn of(arrived: Arrived<'_>) -> Self {
        Self {
            number: arrived.part.number,
            message: arrived.stored.clone(),
            digest: digest(&[&arrived.message.text]),
            told: false,
        }
    }
}

fn digest(texts: &[&str]) -> [u8; 8] {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    let mut digest = [0; 8];
    digest.copy_from_slice(&hasher.finalize()[..8]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::MessageId;
    use crate::core::phone::Address;
    use proptest::prelude::*;

    fn message(text: &str, reference: &str, total: u8, number: u8) -> Message {
        Message {
            carrier_event_id: None,
            carrier_message_id: String::new(),
            dedupe_key: String::new(),
            from: Address::new("Google"),
            to: Address::new("+12025550143"),
            text: text.into(),
            received_at: None,
            parts: None,
            encoding: None,
            media: Vec::new(),
            concat: Some(Concat {
                reference: reference.into(),
                total: total.into(),
                part: number.into(),
            }),
            binary: None,
            udh: None,
            parsed_code: None,
            reservation_id: None,
        }
    }

    fn owner(n: u8) -> Owner {
        Ok((AccountId::parse("acme").unwrap(), RentalId([n; 16])))
    }

    /// One part as it arrives: its number, its text, whose it is, and when it times out.
    struct Coming(u8, String, Owner, u64);

    impl Coming {
        fn with<T>(&self, total: u8, then: impl FnOnce(SetId, Arrived<'_>) -> T) -> T {
            let Self(number, text, owner, until) = self;
            let message = message(text, "2a", total, *number);
            let concat = message.concat.as_ref().unwrap();
            let id = SetId::derive("main", message.from.as_str(), message.to.as_str(), concat);
            let stored = MessageRef {
                id: MessageId::derive("main", &format!("{number} {text}")),
                at: UnixMs(*until),
            };
            let arrived = Arrived {
                source: "main",
                message: &message,
                part: PartOf::of(concat).unwrap(),
                stored: &stored,
                owner,
                until: UnixMs(*until),
            };
            then(id, arrived)
        }
    }

    fn coming(number: u8, until: u64) -> Coming {
        Coming(number, format!("text {number}"), owner(1), until)
    }

    fn begun(total: u8, first: &Coming) -> Set {
        first.with(total, Set::begin)
    }

    fn numbers(set: &Set) -> Vec<u8> {
        set.parts.iter().map(|part| part.number).collect()
    }

    #[test]
    fn what_is_no_part_of_several_is_a_message_of_its_own() {
        let of = |part, total| {
            let reference = String::new();
            PartOf::of(&Concat {
                reference,
                total,
                part,
            })
        };
        assert_eq!(
            of(3, 255),
            Some(PartOf {
                number: 3,
                total: 255
            })
        );
        for (part, total) in [(1, 1), (0, 2), (3, 2), (1, 0), (1, 256), (257, 300)] {
            assert_eq!(of(part, total), None, "{part} of {total}");
        }
    }

    #[test]
    fn a_set_is_named_by_all_that_kannel_names_it_by() {
        let id = |source: &str, from: &str, to: &str, reference: &str, total: u8| {
            SetId::derive(
                source,
                from,
                to,
                message("", reference, total, 1).concat.as_ref().unwrap(),
            )
        };
        let one = id("main", "a", "b", "2a", 2);
        assert_eq!(one, id("main", "a", "b", "2a", 2));
        for other in [
            id("side", "a", "b", "2a", 2),
            id("main", "c", "b", "2a", 2),
            id("main", "a", "c", "2a", 2),
            id("main", "a", "b", "002a", 2),
            id("main", "a", "b", "2a", 3),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_same_part_again_is_a_repetition_and_another_text_a_conflict() {
        let set = begun(3, &coming(1, 10));
        assert_eq!(
            coming(1, 20).with(3, |_, arrived| set.add(arrived)),
            Added::Repeats
        );
        let other = Coming(1, "another text".into(), owner(1), 20);
        assert_eq!(other.with(3, |_, arrived| set.add(arrived)), Added::Conflicts);
        let next_renters = Coming(2, "text 2".into(), owner(2), 20);
        assert_eq!(
            next_renters.with(3, |_, arrived| set.add(arrived)),
            Added::Conflicts
        );
        let nobodys = Coming(2, "text 2".into(), Err(Unmatched::Expired), 20);
        assert_eq!(nobodys.with(3, |_, arrived| set.add(arrived)), Added::Conflicts);
    }

    #[test]
    fn a_code_at_a_cut_waits_for_the_whole() {
        let found = |text: &str, code: &str| {
            let at = text.find(code).unwrap();
            Extraction {
                code: Some(code.into()),
                span: Some([at, at + code.len()]),
                ..Extraction::default()
            }
        };
        let trusted = |number, text: &str, code: &str| {
            PartOf { number, total: 3 }
                .trusted(found(text, code), text)
                .code
                .is_some()
        };
        assert!(trusted(1, "4829 is it", "4829") && !trusted(2, "4829 is it", "4829"));
        assert!(trusted(3, "it is 4829", "4829") && !trusted(2, "it is 4829", "4829"));
        assert!(trusted(2, "it is 4829.", "4829"));
    }

    proptest! {
        /// Whatever the order, with repetitions in between: all but the last part wait, the last completes, and each part renews the time.
        #[test]
        fn any_order_completes_with_the_last(total in 2u8..=255, seed: u64) {
            let mut order: Vec<u8> = (1..=total).collect();
            let mut dice = seed;
            for at in (1..order.len()).rev() {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                order.swap(at, (dice >> 33) as usize % (at + 1));
            }
            let mut set = begun(total, &coming(order[0], 1));
            for (until, number) in (2..).zip(&order[1..]) {
                prop_assert_eq!(coming(order[0], until).with(total, |_, arrived| set.add(arrived)), Added::Repeats);
                let before = set.version;
                set = match coming(*number, until).with(total, |_, arrived| set.add(arrived)) {
                    Added::Waits(next) => { prop_assert!(next.parts.len() < usize::from(total)); next }
                    Added::Complete(next) => { prop_assert_eq!(next.parts.len(), usize::from(total)); next }
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
                prop_assert_ne!(set.version, before);
                prop_assert_eq!(set.until, UnixMs(until));
            }
            prop_assert_eq!(numbers(&set), (1..=total).collect::<Vec<u8>>());
        }

        /// A missing part is missed for ever: nothing else completes the set.
        #[test]
        fn a_missing_part_is_missed(total in 2u8..40, missing in 1u8..40, again in proptest::collection::vec(1u8..40, 0..60)) {
            let missing = (missing - 1) % total + 1;
            let first = missing % total + 1;
            let mut set = begun(total, &coming(first, 0));
            let others = (1..=total).chain(again).filter(|n| *n != missing && *n <= total);
            for number in others {
                match coming(number, 1).with(total, |_, arrived| set.add(arrived)) {
                    Added::Waits(next) => set = next,
                    Added::Repeats => {}
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                }
            }
            prop_assert!(!numbers(&set).contains(&missing));
        }
    }
}
