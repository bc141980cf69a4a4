//! What the inbound HTTP floor withstands, shown over real loopback sockets. One file per kind of trouble.

mod drain;
mod framing;
mod h2;
mod limits;
mod rig;
mod slow;
mod tls;
