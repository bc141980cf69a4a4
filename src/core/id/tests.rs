//! Ids keep their bytes, their text and their time.

use super::*;
use proptest::prelude::*;

#[test]
fn rental_id_is_a_uuid_of_version_7() {
    let id = RentalId::new(UnixMs(1_793_534_400_000), [0xff; 10]);
    assert_eq!(id.to_string(), "01a196fb-1600-7fff-bfff-ffffffffffff");
    assert_eq!(id.created_at(), UnixMs(1_793_534_400_000));
}

#[test]
fn parts_do_not_run_together() {
    assert_ne!(MessageId::derive("a", "bc"), MessageId::derive("ab", "c"));
    assert_ne!(EventId::derive(b"x", "y").0, MessageId::derive("x", "y").0);
}

#[test]
fn an_id_has_one_spelling() {
    let id = MessageId::derive("main", "1");
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.to_string().to_uppercase().parse::<MessageId>(), Err(Error::Id));
    assert_eq!(format!("{id}0").parse::<MessageId>(), Err(Error::Id));
    assert_eq!(
        id.to_string().replace("msg_", "evt_").parse::<MessageId>(),
        Err(Error::Id)
    );
}

#[test]
fn accounts_are_checked() {
    assert!(AccountId::parse("acc_123-X").is_ok());
    for bad in ["", "a b", "a\0", "é", "a/b", &"x".repeat(65)] {
        assert_eq!(AccountId::parse(bad), Err(Error::Account), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn rental_ids_round_trip(ms in 0u64..1 << 48, random: [u8; 10]) {
        let id = RentalId::new(UnixMs(ms), random);
        prop_assert_eq!(id.to_string().parse::<RentalId>(), Ok(id));
        prop_assert_eq!(id.created_at(), UnixMs(ms));
    }

    #[test]
    fn capture_ids_round_trip_in_the_order_of_time(a in 0u64..1 << 48, b in 0u64..1 << 48, random: [u8; 10]) {
        let id = CaptureId::new(UnixMs(a), random);
        prop_assert_eq!(id.to_string().parse::<CaptureId>(), Ok(id));
        prop_assert_eq!(id.arrived_at(), UnixMs(a));
        prop_assert!(a >= b || id < CaptureId::new(UnixMs(b), [0; 10]));
    }

    #[test]
    fn a_delivery_knows_its_event_and_its_subscription(seq: u64, one: [u8; 16], other: [u8; 16]) {
        let id = DeliveryId::new(Seq(seq), SubscriptionId(one));
        prop_assert_eq!(id.event(SubscriptionId(one)), Some(Seq(seq)));
        prop_assert!(one == other || id.event(SubscriptionId(other)).is_none());
    }

    #[test]
    fn parsing_never_panics(text in ".{0,40}") {
        let _ = text.parse::<RentalId>();
        let _ = text.parse::<SubscriptionId>();
        let _ = AccountId::parse(&text);
    }

    #[test]
    fn sequences_grow_under_any_clock(clock in proptest::collection::vec(0u64..1 << 45, 1..50)) {
        let mut last = Seq(0);
        for now in clock {
            let next = Seq::next(last, UnixMs(now));
            prop_assert!(next > last);
            last = next;
        }
    }
}
