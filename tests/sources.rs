//! The ways in as their operator keeps them: who may post, what is fetched for SNS, what is seen of each, and how it is tried out.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod sources {
    pub mod aws;
    pub mod limits;
    pub mod sns;
}
