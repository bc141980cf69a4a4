//! Subscriptions end to end: their settings and keys, what they hear and how, how they fare, and what the attempt log says.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod webhooks {
    pub mod again;
    pub mod control;
    pub mod deliveries;
    pub mod engine;
    pub mod heard;
    pub mod keys;
    pub mod log;
    pub mod metrics;
    pub mod operational;
    pub mod replays;
    pub mod settings;
    pub mod trust;
}
