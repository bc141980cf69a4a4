//! Keys of the profiles and templates that codes are sent by.

use super::{Key, PROFILE, TEMPLATE, key};
use crate::core::id::{AccountId, ProfileId, TemplateId};

pub fn profile(account: &AccountId, id: ProfileId) -> Key {
    key(PROFILE, &[account.as_str().as_bytes(), &[0], &id.0])
}

pub fn template(account: &AccountId, id: TemplateId) -> Key {
    key(TEMPLATE, &[account.as_str().as_bytes(), &[0], &id.0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_of_one_account_sort_by_age_and_none_begins_with_anothers(a in "[a-z]{1,8}", b in "[a-z]{1,8}", one: [u8; 16], two: [u8; 16]) {
            let account = |name: &str| AccountId::parse(name).unwrap();
            let of = |name: &str, id| profile(&account(name), ProfileId(id));
            prop_assert_eq!(of(&a, one).cmp(&of(&a, two)), one.cmp(&two));
            prop_assert_eq!(of(&a, one) == of(&b, two), a == b && one == two);
            prop_assert_ne!(of(&a, one), template(&account(&a), TemplateId(one)));
        }
    }
}
