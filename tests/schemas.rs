//! What customers read by machine: every event against its JSON Schema, and the contracts pair by pair against a running gateway.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod schemas {
    pub mod additive;
    pub mod codes;
    pub mod contract_000;
    pub mod contract_001;
    pub mod contract_002;
    pub mod contract_003;
    pub mod document;
    pub mod events;
    pub mod openapi;
    pub mod pairs;
    pub mod thin;
}
