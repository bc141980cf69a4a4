//! The inventory: how numbers go round, how they are chosen and waited for, and what the operator does with them.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

#[path = "support/gateway_rules.rs"]
mod gateway_rules;

mod numbers {
    pub mod admin;
    pub mod catalogue;
    pub mod choosing;
    pub mod life;
    pub mod looks;
    pub mod races;
    pub mod rig;
    pub mod shared;
    pub mod waiting;
}
