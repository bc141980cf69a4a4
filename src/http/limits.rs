//! Every number that bounds inbound HTTP, with unit, default and range; `config.toml` carries the same names.

use super::body;

/// The limits of one listener. There is no `Default`: a caller says [`Limits::standard`] and changes what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all; one more is closed at once. Default 10000, 1 to 1000000.
    pub connections_max: usize,
    /// Open connections of one IPv4 address or one IPv6 /64; one more is closed at once. Behind a reverse proxy all
    /// clients share the proxy's address: raise it there. Default 64, 1 to 1000000.
    pub connections_per_ip_max: usize,
    /// Pause of the accept loop when the process has no file descriptor left. Default 100, 1 to 10000.
    pub accept_pause_ms: u64,
    /// Time for the TLS handshake. Default 10000, 100 to 60000.
    pub tls_handshake_ms: u64,
    /// Time for a whole request head: the first one from accept on, the later ones (HTTP/1) from their first byte
    /// on. Default 10000, 50 to 60000.
    pub header_read_ms: u64,
    /// How long a connection may stay without a request in work. Longer than the idle time of the usual load
    /// balancers (60 s), or they send into a connection that is just closing. A client has as long to read an answer.
    /// Default 75000, 50 to 3600000.
    pub idle_ms: u64,
    /// Time to let a client finish sending and read our last answer before the socket is dropped, else the kernel's
    /// reset would destroy that answer. Default 1000, 0 to 10000.
    pub linger_ms: u64,
    /// Header fields of one request, else 431. Default 64, 8 to 1000.
    pub headers_max: usize,
    /// HTTP/1 request head, else 431. Default 65536, 8192 to 1048576.
    pub head_bytes_max: usize,
    /// Path and query of the request, else 414. Default 8192, 256 to 65000.
    pub url_bytes_max: usize,
    /// HTTP/2 header list after decompression. Default 16384, 4096 to 1048576.
    pub h2_header_list_bytes_max: u32,
    /// HTTP/2 requests at one time on one connection. Default 100, 1 to 10000.
    pub h2_streams_max: u32,
    /// HTTP/2 body bytes on one connection that are received and not yet read. Default 262144, 65535 to 16777216.
    pub h2_window_bytes: u32,
    /// Time between two HTTP/2 pings. Default 20000, 100 to 3600000.
    pub h2_ping_every_ms: u64,
    /// Time for the answer to an HTTP/2 ping, else the connection is closed. Default 20000, 100 to 3600000.
    pub h2_ping_wait_ms: u64,
    /// Request bodies, where a route has no limits of its own.
    pub body: body::Limits,
    /// Time after which a stream's reader who takes nothing is cut off; it comes back with its cursor. Default 45000, 200 to 600000.
    pub stream_stall_ms: u64,
    /// Time for requests in work after the stop signal; then their connections are cut. Default 10000, 0 to 600000.
    pub drain_ms: u64,
}

/// A limit outside its range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{name}` is {value}; set it between {min} and {max}")]
pub struct OutOfRange {
    /// The key in `config.toml`.
    pub name: &'static str,
    /// What was set.
    pub value: u64,
    /// The smallest value that works.
    pub min: u64,
    /// The largest value that makes sense.
    pub max: u64,
}

impl Limits {
    /// The defaults of `config.toml`.
    pub fn standard() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_ip_max: 64,
            accept_pause_ms: 100,
            tls_handshake_ms: 10_000,
            header_read_ms: 10_000,
            idle_ms: 75_000,
            linger_ms: 1_000,
            headers_max: 64,
            head_bytes_max: 64 * 1024,
            url_bytes_max: 8 * 1024,
            h2_header_list_bytes_max: 16 * 1024,
            h2_streams_max: 100,
            h2_window_bytes: 256 * 1024,
            h2_ping_every_ms: 20_000,
            h2_ping_wait_ms: 20_000,
            body: body::Limits::standard(),
            stream_stall_ms: 45_000,
            drain_ms: 10_000,
        }
    }

    /// Checks every value against its range; the first one outside is named.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let ranges = [
            ("connections_max", self.connections_max as u64, 1, 1_000_000),
            (
                "connections_per_ip_max",
                self.connections_per_ip_max as u64,
                1,
                1_000_000,
            ),
            ("accept_pause_ms", self.accept_pause_ms, 1, 10_000),
            ("tls_handshake_ms", self.tls_handshake_ms, 100, 60_000),
            ("header_read_ms", self.header_read_ms, 50, 60_000),
            ("idle_ms", self.idle_ms, 50, 3_600_000),
            ("linger_ms", self.linger_ms, 0, 10_000),
            ("headers_max", self.headers_max as u64, 8, 1_000),
            ("head_bytes_max", self.head_bytes_max as u64, 8_192, 1 << 20),
            ("url_bytes_max", self.url_bytes_max as u64, 256, 65_000),
            (
                "h2_header_list_bytes_max",
                self.h2_header_list_bytes_max.into(),
                4_096,
                1 << 20,
            ),
            ("h2_streams_max", self.h2_streams_max.into(), 1, 10_000),
            ("h2_window_bytes", self.h2_window_bytes.into(), 65_535, 1 << 24),
            ("h2_ping_every_ms", self.h2_ping_every_ms, 100, 3_600_000),
            ("h2_ping_wait_ms", self.h2_ping_wait_ms, 100, 3_600_000),
            ("body.bytes_max", self.body.bytes_max as u64, 1, 1 << 30),
            ("body.read_ms", self.body.read_ms, 50, 600_000),
            (
                "body.rate_bytes_per_s_min",
                self.body.rate_bytes_per_s_min,
                1,
                1 << 30,
            ),
            ("body.rate_grace_ms", self.body.rate_grace_ms, 0, 600_000),
            ("stream_stall_ms", self.stream_stall_ms, 200, 600_000),
            ("drain_ms", self.drain_ms, 0, 600_000),
        ];
        match ranges
            .into_iter()
            .find(|(_, value, min, max)| value < min || value > max)
        {
            Some((name, value, min, max)) => Err(OutOfRange {
                name,
                value,
                min,
                max,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_is_within_its_own_ranges() {
        assert_eq!(Limits::standard().check(), Ok(()));
    }

    #[test]
    fn a_value_outside_its_range_is_named() {
        let limits = Limits {
            head_bytes_max: 4_096,
            ..Limits::standard()
        };
        let error = limits.check().expect_err("hyper refuses buffers under 8192");
        assert_eq!(
            error.to_string(),
            "`head_bytes_max` is 4096; set it between 8192 and 1048576"
        );
    }
}
