//! A network of addresses as operators write it: `10.1.0.0/16`. Names are not resolved, and IPv4 is never written as IPv6.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a network: write 10.1.0.0/16 or fd00:1::/32, at least /8 (IPv4) or /7 (IPv6) long")]
pub struct NotANetwork(pub String);

/// `10.0.0.5` alone means that one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix_bits: u32,
}

impl Cidr {
    /// An IPv4 address written as IPv6 (`::ffff:10.0.0.5`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(v4)) => covers_v4(network, self.prefix_bits, v4),
            (IpAddr::V6(network), IpAddr::V6(v6)) => covers_v6(network, self.prefix_bits, v6),
            _ => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_bits)
    }
}

impl FromStr for Cidr {
    type Err = NotANetwork;

    /// Refuses what is probably a slip: bits behind the prefix, IPv4 written as IPv6 (never matched, because
    /// addresses are unwrapped first), and networks so wide that they would let everybody in.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let network: IpAddr = address.parse().map_err(|_| refused())?;
        let (shortest, longest) = if network.is_ipv4() { (8, 32) } else { (7, 128) };
        let prefix_bits = bits.map_or(Ok(longest), u32::from_str).map_err(|_| refused())?;
        let host_bits = match network {
            IpAddr::V4(v4) => u128::from(v4.to_bits().checked_shl(prefix_bits).unwrap_or(0)),
            IpAddr::V6(v6) => v6.to_bits().checked_shl(prefix_bits).unwrap_or(0),
        };
        let sound = (shortest..=longest).contains(&prefix_bits) && host_bits == 0;
        if !sound || network.to_canonical() != network {
            return Err(refused());
        }
        Ok(Self { network, prefix_bits })
    }
}

/// Whether the first bits of both are the same.
pub fn covers_v4(network: Ipv4Addr, prefix_bits: u32, address: Ipv4Addr) -> bool {
    let differing = network.to_bits() ^ address.to_bits();
    differing.leading_zeros() >= prefix_bits
}

/// Whether the first bits of both are the same.
pub fn covers_v6(network: Ipv6Addr, prefix_bits: u32, address: Ipv6Addr) -> bool {
    let differing = network.to_bits() ^ address.to_bits();
    differing.leading_zeros() >= prefix_bits
}
