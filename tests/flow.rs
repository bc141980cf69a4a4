//! The one flow over real sockets and a real disk: in through three carriers, through to the poll, out as signed webhooks, and a clean stop.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod flow {
    pub mod capture;
    pub mod drain;
    pub mod extract;
    pub mod inbound;
    pub mod outbound;
    pub mod poll;
    pub mod sustained;
    pub mod trial;
    pub mod unmatched;
}
