//! Accounts and keys: what an operator does with them on the admin listener, and what their holders see of it, at once and in what they hold.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod accounts {
    pub mod admin;
    pub mod held;
    pub mod isolation;
    pub mod keys;
    pub mod lifecycle;
    pub mod limits;
    pub mod places;
    pub mod scopes;
}
