//! MCP over real sockets, as an agent's client speaks it: both eras, every rule on headers and errors, the four tools, and who may come in.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod mcp {
    pub mod agent;
    pub mod gate;
    pub mod legacy;
    pub mod modern;
    pub mod tools;
}
