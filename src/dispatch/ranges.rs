//! The address space that is not the public internet, one line per range, after the IANA registries.
//!
//! IPv4 is denied by listing; IPv6 is allowed only inside 2000::/3 and denied by listing there, so the unlisted
//! remainder (::1, fc00::/7, fe80::/10, 64:ff9b::/96, multicast, ..) needs no line to be refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::core::cidr::{covers_v4, covers_v6};

/// (network, prefix length, what it is: the end of the sentence "the address .. is ..").
const V4_DENIED: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "of this network only"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared behind a carrier's NAT"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    // Azure answers for the host here although the range is public.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "a cloud host's own"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "for protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

const V6_GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

const V6_DENIED: &[(Ipv6Addr, u32, &str)] = &[
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "for protocol assignments (Teredo, ORCHID, benchmarks)",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "for documentation",
    ),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "a 6to4 tunnel"),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "for documentation",
    ),
];

/// Outside 2000::/3 everything is refused; these only give the refusal a better name.
const V6_NAMES: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::UNSPECIFIED, 128, "of this network only"),
    (
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0),
        32,
        "a NAT64 translation",
    ),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "private"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// What a forbidden address is; `None` for an address of the public internet. An IPv4 address written inside
/// ::ffff:0:0/96 is judged as the IPv4 address it reaches.
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    V4_DENIED
        .iter()
        .find(|(net, bits, _)| covers_v4(*net, *bits, address))
        .map(|(_, _, what)| *what)
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    if !covers_v6(V6_GLOBAL.0, V6_GLOBAL.1, address) {
        let named = V6_NAMES
            .iter()
            .find(|(net, bits, _)| covers_v6(*net, *bits, address));
        return Some(named.map_or("outside the public range 2000::/3", |(_, _, what)| what));
    }
    let listed = V6_DENIED
        .iter()
        .find(|(net, bits, _)| covers_v6(*net, *bits, address));
    listed
        .map(|(_, _, what)| *what)
        .or_else(|| isatap(address).and_then(forbidden_v4))
}

/// The IPv4 address at the end of an ISATAP tunnel: the interface id is `0000:5efe` or `0200:5efe`, then the address.
fn isatap(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let interface = address.to_bits() as u64;
    let marker = (interface >> 32) as u32;
    (marker & !0x0200_0000 == 0x5efe).then(|| Ipv4Addr::from_bits(interface as u32))
}

/// The IPv4 address behind the well-known NAT64 prefix 64:ff9b::/96.
pub(super) fn nat64(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    (v6.to_bits() >> 32 == 0x0064_ff9b_u128 << 64)
        .then(|| IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32)))
}
