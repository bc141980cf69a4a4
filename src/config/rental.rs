//! The sections `[rental]` and `[quarantine]`: how long a number is held, how long it rests, and what takes it out of use.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rental {
    pub country: String,
    pub grace_s: u64,
    pub linger_s: u64,
    pub cool_down_s: u64,
    pub same_service_s: u64,
    pub used_before_s: u64,
    pub sweep_ms: u64,
    pub acquire_max_s: u64,
    pub acquire_waiters_max: usize,
    pub acquire_waiters_per_account_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    pub silent_rentals: u32,
    pub reports: u32,
    pub lasts_s: Vec<u64>,
}
