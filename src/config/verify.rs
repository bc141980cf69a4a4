//! `[verify]`: codes that are sent and checked, and who may have one.

use serde::Deserialize;

use super::Error;

/// One pause between two codes, in seconds.
const PAUSE_S_MAX: u64 = 86_400;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    pub pepper: String,
    pub pepper_before: String,
    pub code_hash: CodeHash,
    pub bcrypt_cost: u32,
    pub hashing_max: usize,
    pub hashing_queue_max: usize,
    pub repeated_s: u64,
    pub profiles_max: usize,
    pub templates_max: usize,
    pub ttl_s: u64,
    pub attempts_max: u8,
    pub resend: Resend,
    pub fallback: Vec<Step>,
    pub loopback: bool,
    pub countries: Vec<String>,
    pub deny_prefixes: Vec<String>,
    pub only_numbers: Vec<String>,
    pub privacy: Privacy,
    pub response_codes: ResponseCodes,
    pub callback_url: String,
    pub callback_secret: String,
    pub callback_timeout_ms: u64,
    pub callback_fails_open: bool,
    /// `+15005550006=123456`.
    pub test_numbers: Vec<String>,
    pub price: String,
    pub spend_hour_max: String,
    pub spend_day_max: String,
    pub spend_month_max: String,
    pub spend_country_hour_max: String,
    pub spend_country_day_max: String,
    pub spend_country_month_max: String,
    pub person_per_10min_max: u32,
    pub person_per_hour_max: u32,
    pub person_per_day_max: u32,
    pub pauses_s: Vec<u64>,
    pub everybody_per_day_max: u32,
    pub ip_per_10min_max: u32,
    pub ip_per_day_max: u32,
    pub user_per_hour_max: u32,
    pub session_per_10min_max: u32,
    pub own_per_hour_max: u32,
    pub block_of_10000_per_10min_max: u32,
    pub block_of_10000_per_hour_max: u32,
    pub block_of_1000_per_10min_max: u32,
    pub account_per_second_max: u32,
    pub account_per_day_max: u32,
    pub wrong_per_ip_10min_max: u32,
    pub wrong_alarm_pct: u32,
    pub wrong_alarm_min: u32,
    pub wrong_locks: bool,
    pub rows: bool,
    pub warn_below_pct: u32,
    pub prefix_block_below_pct: u32,
    pub prefix_matured_min: u32,
    pub prefix_challenge_below_pct: u32,
    pub prefix_outstanding_max: u32,
    pub country_block_below_pct: u32,
    pub country_matured_min: u32,
    pub country_per_hour_min: u32,
    pub network_block_below_pct: u32,
    pub network_matured_min: u32,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify")
            .field("ttl_s", &self.ttl_s)
            .finish_non_exhaustive()
    }
}

/// One step of `verify.fallback`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub channel: String,
    pub provider: Option<String>,
    pub wait_s: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeHash {
    Bcrypt,
    Hmac,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resend {
    New,
    Same,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    Open,
    Strict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseCodes {
    Two,
    Four,
}

/// Checks what the types do not say.
pub fn check(verify: &Verify) -> Result<(), Error> {
    if verify.pauses_s.iter().any(|s| *s > PAUSE_S_MAX) {
        return Err(Error::Value(format!(
            "`verify.pauses_s`: each must be 0 to {PAUSE_S_MAX}"
        )));
    }
    Ok(())
}
