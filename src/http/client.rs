//! Whose request it is: the socket's other end, or whom the operator's own proxies saw. What anybody else writes into
//! `X-Forwarded-For` is not believed; `Forwarded` and `X-Real-IP` are not read.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::core::cidr::Cidr;

/// The client's address. The field is read from the right: each trusted proxy vouches for the entry that it added, and the first
/// address that is none of them is the client. `None` where a trusted proxy's entry is no address.
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> Option<IpAddr> {
    let mut client = peer.to_canonical();
    let fields = headers.get_all("x-forwarded-for").iter().rev();
    for entry in fields.flat_map(|field| field.to_str().unwrap_or("not text").rsplit(',')) {
        if !trusted.iter().any(|proxy| proxy.contains(client)) {
            break;
        }
        client = parse(entry.trim())?.to_canonical();
    }
    Some(client)
}

/// An address, with or without a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let with_port = || entry.parse::<SocketAddr>().ok().map(|with_port| with_port.ip());
    bare.unwrap_or(entry).parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, fields: &[&str], trusted: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("x-forwarded-for", field.parse().unwrap());
        }
        let trusted: Vec<Cidr> = trusted.iter().map(|cidr| cidr.parse().unwrap()).collect();
        address(peer.parse().unwrap(), &headers, &trusted).map(|client| client.to_string())
    }

    #[test]
    fn the_field_is_read_from_the_right_as_far_as_proxies_are_trusted() {
        let proxies = &["10.0.0.0/8", "fd00::/8"][..];
        for (peer, fields, client) in [
            ("203.0.113.9", &[][..], Some("203.0.113.9")),
            // Nobody's word but a proxy's counts.
            ("203.0.113.9", &["198.51.100.1"], Some("203.0.113.9")),
            ("10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            // What the client itself wrote stands further left.
            (
                "10.0.0.1",
                &["192.0.2.7, 198.51.100.1, 10.2.2.2"],
                Some("198.51.100.1"),
            ),
            ("10.0.0.1", &["192.0.2.7", "198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.7, 10.2.2.2", "fd00::1"], Some("192.0.2.7")),
            ("10.0.0.1", &["10.2.2.2"], Some("10.2.2.2")),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["198.51.100.1:4711"], Some("198.51.100.1")),
            ("10.0.0.1", &["[2001:db8::1]:4711"], Some("2001:db8::1")),
            ("10.0.0.1", &["[2001:db8::1]"], Some("2001:db8::1")),
            ("10.0.0.1", &["198.51.100.1, unknown"], None),
            ("10.0.0.1", &["198.51.100.1,"], None),
            ("10.0.0.1", &["unknown, 198.51.100.1"], Some("198.51.100.1")),
        ] {
            assert_eq!(
                seen(peer, fields, proxies).as_deref(),
                client,
                "{peer} {fields:?}"
            );
        }
        assert_eq!(
            seen("10.0.0.1", &["198.51.100.1"], &[]).as_deref(),
            Some("10.0.0.1")
        );
    }
}
