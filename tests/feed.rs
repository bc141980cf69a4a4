//! The events feed: pages by cursor, held polls and streams over real sockets; nothing missed, nothing twice, nothing of another account.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod feed {
    pub mod complete;
    pub mod held;
    pub mod pages;
    pub mod stream;
}
