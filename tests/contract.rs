//! Contract 000 beyond its pairs of requests and answers: what a client may know already, messages, streams, usage and repeated requests.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod contract {
    pub mod known;
    pub mod list;
    pub mod messages;
    pub mod once;
    pub mod stream;
    pub mod usage;
}
