//! Keys of codes that are sent and checked, of the records of abuse control, and of the audit log.

use super::{
    AUDIT, COUNTER, Key, NEWEST_VERIFICATION, OPEN_VERIFICATION, STEP, VERIFICATION, VERIFICATION_TO, key,
    meta,
};
use crate::core::id::{AccountId, VerificationId};
use crate::core::time::UnixMs;
use crate::core::verification::fallback::Place;
use crate::store::verify::Open;

/// What all of an account's begin with.
pub fn verifications(account: &AccountId) -> Key {
    key(VERIFICATION, &[account.as_str().as_bytes(), &[0]])
}

pub fn verification(account: &AccountId, id: VerificationId) -> Key {
    key(VERIFICATION, &[account.as_str().as_bytes(), &[0], &id.0])
}

/// The newest to whom it is, by the keyed hash of both.
pub fn newest_verification(account: &AccountId, to: [u8; 16]) -> Key {
    key(NEWEST_VERIFICATION, &[account.as_str().as_bytes(), &[0], &to])
}

/// All of an account to this address, by the keyed hash of it.
pub fn verifications_to(account: &AccountId, to: [u8; 16]) -> Key {
    key(VERIFICATION_TO, &[account.as_str().as_bytes(), &[0], &to])
}

pub fn verification_to(account: &AccountId, to: [u8; 16], id: VerificationId) -> Key {
    key(VERIFICATION_TO, &[account.as_str().as_bytes(), &[0], &to, &id.0])
}

/// The verification of such a row.
pub fn parse_verification_to(key: &[u8]) -> Option<VerificationId> {
    Some(VerificationId(*key.last_chunk::<16>()?))
}

pub fn open_verification(open: Open) -> Key {
    key(OPEN_VERIFICATION, &[&open.ends_at.0.to_be_bytes(), &open.id.0])
}

/// Reads an open verification's key back.
pub fn parse_open_verification(key: &[u8]) -> Option<Open> {
    let rest = key.strip_prefix(&[OPEN_VERIFICATION])?;
    Some(Open {
        ends_at: UnixMs(u64::from_be_bytes(rest.get(..8)?.try_into().ok()?)),
        id: VerificationId(rest.get(8..)?.try_into().ok()?),
    })
}

pub fn step(place: Place) -> Key {
    key(STEP, &[&place.due_at.0.to_be_bytes(), &place.id.0, &[place.nth]])
}

/// Reads a step's key back.
pub fn parse_step(key: &[u8]) -> Option<Place> {
    let rest = key.strip_prefix(&[STEP])?;
    let [nth] = rest.get(24..)? else {
        return None;
    };
    Some(Place {
        due_at: UnixMs(u64::from_be_bytes(rest.get(..8)?.try_into().ok()?)),
        id: VerificationId(rest.get(8..24)?.try_into().ok()?),
        nth: *nth,
    })
}

pub fn counter(name: [u8; 16]) -> Key {
    key(COUNTER, &[&name])
}

pub fn audit(seq: u64) -> Key {
    key(AUDIT, &[&seq.to_be_bytes()])
}

/// Where the audit log's chain ends.
pub fn audit_head() -> Key {
    meta("audit-head")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn open_verifications_read_back_and_sort_by_their_end(a: (u64, [u8; 16]), b: (u64, [u8; 16])) {
            let open = |(at, id): (u64, [u8; 16])| Open { ends_at: UnixMs(at), id: VerificationId(id) };
            prop_assert_eq!(parse_open_verification(&open_verification(open(a))), Some(open(a)));
            prop_assert_eq!(open_verification(open(a)).cmp(&open_verification(open(b))), a.cmp(&b));
        }

        #[test]
        fn steps_read_back_and_sort_by_when_they_are_due(a: (u64, [u8; 16], u8), b: (u64, [u8; 16], u8)) {
            let place = |(at, id, nth): (u64, [u8; 16], u8)| Place { due_at: UnixMs(at), id: VerificationId(id), nth };
            prop_assert_eq!(parse_step(&step(place(a))), Some(place(a)));
            prop_assert_eq!(step(place(a)).cmp(&step(place(b))), a.cmp(&b));
        }

        #[test]
        fn no_accounts_verifications_begin_with_anothers(a in "[a-z]{1,8}", b in "[a-z]{1,8}", id: [u8; 16]) {
            prop_assume!(a != b);
            let account = |name: &str| AccountId::parse(name).unwrap();
            prop_assert_ne!(verification(&account(&a), VerificationId(id)), verification(&account(&b), VerificationId(id)));
            prop_assert_ne!(newest_verification(&account(&a), id), newest_verification(&account(&b), id));
        }

        #[test]
        fn lines_of_the_audit_log_sort_as_they_are_counted(a: u64, b: u64) {
            prop_assert_eq!(audit(a).cmp(&audit(b)), a.cmp(&b));
        }
    }
}
