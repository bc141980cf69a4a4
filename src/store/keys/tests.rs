//! Keys read back, sort as their parts do, and no account's begin with another's.

use super::*;
use proptest::prelude::*;

fn kept(log_days: u32) -> Kept {
    Kept {
        log_days,
        usage_days: 400,
    }
}

#[test]
fn one_account_is_no_prefix_of_another() {
    let keys = |name: &str| rentals(&AccountId::parse(name).unwrap());
    assert!(!keys("ab").starts_with(&keys("a")));
}

proptest! {
    #[test]
    fn due_keys_round_trip_and_sort_by_time(sub: [u8; 16], a: u64, b: u64, seq: u64, is_manual: bool) {
        let sub = SubscriptionId(sub);
        let place = |at| Place { due_at: UnixMs(at), event: Seq(seq), is_manual };
        let (first, second) = (due_at(sub, place(a.min(b))), due_at(sub, place(a.max(b))));
        prop_assert_eq!(parse_due(&first), Some((sub, place(a.min(b)))));
        prop_assert!(first <= second);
        prop_assert_eq!(first.len(), 34);
    }

    #[test]
    fn places_in_line_round_trip_and_stay_in_their_line(sub: [u8; 16], n: u64, seq: u64) {
        let (sub, n) = (SubscriptionId(sub), Line(n));
        let place = place_in_line(sub, n, Seq(seq));
        prop_assert_eq!((parse_line(&place), parse_place_in_line(&place)), (Some(sub), Some(Seq(seq))));
        prop_assert!(place.starts_with(&line(sub, n)));
        prop_assert_eq!(parse_health(&health(sub)), Some(sub));
    }

    #[test]
    fn uses_round_trip(hash: [u8; 32]) {
        prop_assert_eq!(parse_key_use(&key_use(Hash(hash))), Some(Hash(hash)));
    }

    #[test]
    fn trees_round_trip(day: u32) {
        prop_assert_eq!(Tree::parse(Tree::Log(day).name().as_bytes()), Some(Tree::Log(day)));
        prop_assert_eq!(Tree::parse(Tree::Seen(day).name().as_bytes()), Some(Tree::Seen(day)));
        prop_assert_eq!(Tree::parse(Tree::Usage(day).name().as_bytes()), Some(Tree::Usage(day)));
    }

    /// What was used is there for as long as it is to be kept, and for a period more at most.
    #[test]
    fn usage_is_kept_for_its_days(day in 0u64..100_000, later in 0u64..1000, usage_days in 1u32..500) {
        let at = |day: u64| UnixMs(day * DAY_MS + 5);
        let kept = Kept { usage_days, ..kept(4) };
        let over = Tree::usage(at(day)).is_over(at(day + later), kept);
        prop_assert!(!over || later > u64::from(usage_days));
        prop_assert!(over || later < u64::from(usage_days + 2 * USAGE_PERIOD_DAYS));
    }

    #[test]
    fn usage_keys_round_trip_and_sort_by_sequence(a: u64, b: u64) {
        let account = AccountId::parse("acc").unwrap();
        prop_assert_eq!(parse_usage(&usage(&account, Seq(a))), Some(Seq(a)));
        prop_assert_eq!(a < b, usage(&account, Seq(a)) < usage(&account, Seq(b)));
        prop_assert!(usage(&account, Seq(a)).starts_with(&usage_of(&account)));
    }

    /// A mark is asked for, and not dropped, for 32 days; after 64 it is dropped.
    #[test]
    fn a_mark_counts_for_32_days(day in 0u64..100_000, later in 0u64..100) {
        let at = |day: u64| UnixMs(day * DAY_MS + 5);
        let tree = Tree::seen(at(day));
        let (asked, over) = (Tree::seen_around(at(day + later)).contains(&tree), tree.is_over(at(day + later), kept(4)));
        prop_assert!(asked != over);
        prop_assert!(later > 32 || asked);
        prop_assert!(later < 64 || over);
        prop_assert!(Tree::seen_around(at(day)).contains(&Tree::seen(at(day + 32))));
    }

    #[test]
    fn newer_days_sort_later(a: u32, b: u32) {
        prop_assert_eq!(a < b, Tree::Log(a).name() < Tree::Log(b).name());
    }

    #[test]
    fn feed_keys_round_trip_and_sort_by_sequence(a: u64, b: u64) {
        let account = AccountId::parse("acc").unwrap();
        prop_assert_eq!(parse_feed(&feed(&account, Seq(a))), Some(Seq(a)));
        prop_assert_eq!(a < b, feed(&account, Seq(a)) < feed(&account, Seq(b)));
        prop_assert!(feed(&account, Seq(a)).starts_with(&feed_of(&account)));
    }

    #[test]
    fn unmatched_keys_round_trip(at: u64, id: [u8; 16]) {
        prop_assert_eq!(parse_unmatched(&unmatched(UnixMs(at), MessageId(id))), Some(MessageId(id)));
    }
}
