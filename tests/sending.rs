//! Messages out: what each outcome on the wire means, who is asked, and how a carrier's report closes the loop.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod sending {
    pub mod choice;
    pub mod classes;
    pub mod flow;
    pub mod mail;
    pub mod receipts;
    pub mod rig;
    pub mod smsc;
    pub mod wire;
}
