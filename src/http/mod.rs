//! Inbound HTTP on hyper, without a framework: the floor that accepts, bounds and drains, and the routes that stand on it.
//!
//! Reading order of the floor: `limits`, `server` (accept and drain), `connections` (who may come in), `connection`
//! (the deadlines of one connection), `wire` and `framing` (what hyper is laxer about), `admit` (checks on a parsed head),
//! `body`, `problem`, `tls`. Of the routes: `routes` (all of them), `router`, `app` (what they share), then one file each.

mod abuse;
mod accounts;
pub mod admin;
mod admit;
pub mod app;
mod audit;
pub mod body;
mod captures;
mod client;
mod connection;
pub mod connections;
pub mod dev;
mod etag;
mod events;
mod extract;
mod failure;
mod framing;
mod inbound;
mod keys;
pub mod limits;
pub mod mcp;
mod messages;
mod numbers;
mod object;
mod once;
mod partner;
pub mod problem;
mod providers;
mod replays;
pub mod router;
pub mod routes;
pub mod server;
mod services;
mod sources;
mod stream;
mod telnyx;
mod texts;
pub mod tls;
mod unmatched;
mod usage;
mod verifications;
mod verify;
mod webhooks;
mod well_known;
mod wire;

use std::net::SocketAddr;

pub use stream::ResponseBody;

/// The other end of the socket. Not the client's address where a proxy stands in between: that is `client`'s question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Address and port of the socket, IPv4-mapped IPv6 addresses written as IPv4.
    pub addr: SocketAddr,
    /// Whether this process itself ended the TLS.
    pub tls: bool,
}
