//! The sections `[rental]`, `[quarantine]` and `[catalogue]`: how long a number is held, how long it rests, what takes it out of use, and
//! where more services are named.

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
    pub shared: bool,
    pub shared_rentals_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    pub silent_rentals: u32,
    pub reports: u32,
    pub lasts_s: Vec<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// A file of services, or empty.
    pub file: String,
}
