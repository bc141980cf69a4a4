//! Contracts 002 and 003 over real sockets: every pair of its fixtures, the seed's own lines, limits, races, and what is written down of it all.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

#[path = "support/gateway_rules.rs"]
mod gateway_rules;
#[path = "support/verify_rules.rs"]
mod verify_rules;

mod verify {
    pub mod alarms;
    pub mod autofill;
    pub mod blocks;
    pub mod calls;
    pub mod cancel;
    pub mod channels;
    pub mod choice;
    pub mod codes;
    pub mod consent;
    pub mod contract;
    pub mod ends;
    pub mod events;
    pub mod fallback;
    pub mod hashed;
    pub mod house;
    pub mod kept;
    pub mod networks;
    pub mod once;
    pub mod pepper;
    pub mod preview;
    pub mod privacy;
    pub mod profiles;
    pub mod sinks;
    pub mod spending;
    pub mod switch;
    pub mod timing;
    pub mod triggers;
    pub mod ways;
    pub mod webhooks;
    pub mod wishes;
}
