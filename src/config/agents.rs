//! The section `[mcp]`: what agents may do. Its prices and host names are read by `app`.

use serde::Deserialize;

/// What agents may do over MCP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    pub enabled: bool,
    pub sms_text: bool,
    /// A price, or empty for none.
    pub price_max: String,
    pub allowed_hosts: Vec<String>,
}
