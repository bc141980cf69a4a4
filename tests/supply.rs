//! Who sells us numbers: the dialects against a scripted TextVerified that is held to its published schema, and against our own contract 001.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

#[path = "crash/fused.rs"]
mod fused;

#[path = "support/gateway_rules.rs"]
mod gateway_rules;

mod supply {
    pub mod books;
    pub mod crash;
    pub mod dialect;
    pub mod failover;
    pub mod renting;
    pub mod rig;
    pub mod schema;
    pub mod upstream;
}
