//! What a gateway of the tests goes by, where a test says nothing else.

use ringback::core::account::Limits;
use ringback::core::number;
use ringback::gateway::{AcquireRules, ReplayRules, Rules};

pub fn gateway_rules() -> Rules {
    Rules {
        grace_ms: 120_000,
        linger_ms: 120_000,
        acquire: AcquireRules::standard(),
        numbers: number::Rules::standard(),
        poll_default_s: 15,
        poll_max_s: 60,
        log_days: 4,
        usage_days: 400,
        once_ms: 86_400_000,
        heartbeat_ms: 15_000,
        limits: Limits::default(),
        keys_max: 20,
        replay: ReplayRules {
            per_second_max: 100,
            running_max: 4,
            deliveries_max: 1_000_000,
        },
        country: "US".into(),
        min_confidence: 0.5,
        partner_service: None,
        parts_wait_ms: 1_800_000,
        sets_per_sender_max: 3,
        sets_max: 100,
        unmatched_ms: 259_200_000,
        operator: None,
    }
}
