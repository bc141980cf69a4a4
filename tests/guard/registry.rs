//! The ranges by property, against a slow reference written from the IANA registries and not from the guard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ringback::dispatch::guard::{Policy, check_url};
use ringback::dispatch::ranges::forbidden;

use crate::ip;

/// The special-purpose registries of IANA (IPv4 and IPv6, read 2025) row by row, as prefix text, with the two
/// multicast spaces; and below them where the guard is stricter than a registry's "globally reachable".
const REGISTRY_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    // Deprecated 6to4 relays (RFC 7526), and Azure's host address inside a public range.
    "192.88.99.0/24",
    "168.63.129.16/32",
];

const REGISTRY_V6: &[&str] = &[
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// Unallocated eighths of the IPv6 space: only 001 is handed out.
const GLOBAL_UNICAST_BITS: &str = "001";

/// Compares as strings of binary digits: slow, and nothing in common with masks and shifts.
fn within(prefix: &str, digits: &str) -> bool {
    let (network, length) = prefix.split_once('/').unwrap();
    let network = match ip(network) {
        IpAddr::V4(v4) => v4
            .octets()
            .iter()
            .map(|octet| format!("{octet:08b}"))
            .collect::<String>(),
        IpAddr::V6(v6) => v6
            .segments()
            .iter()
            .map(|segment| format!("{segment:016b}"))
            .collect(),
    };
    digits.starts_with(&network[..length.parse::<usize>().unwrap()])
}

fn reference_v4(address: Ipv4Addr) -> bool {
    let digits: String = address
        .octets()
        .iter()
        .map(|octet| format!("{octet:08b}"))
        .collect();
    REGISTRY_V4.iter().any(|prefix| within(prefix, &digits))
}

fn reference_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = Ipv4Addr::new((s[6] >> 8) as u8, s[6] as u8, (s[7] >> 8) as u8, s[7] as u8);
    if s[..6] == [0, 0, 0, 0, 0, 0xffff] {
        return reference_v4(embedded);
    }
    let isatap = s[5] == 0x5efe && (s[4] == 0 || s[4] == 0x200);
    let digits: String = s.iter().map(|segment| format!("{segment:016b}")).collect();
    !digits.starts_with(GLOBAL_UNICAST_BITS)
        || REGISTRY_V6.iter().any(|prefix| within(prefix, &digits))
        || (isatap && reference_v4(embedded))
}

/// The same rows as first and last address, for the full sweep, which has no time for strings.
fn spans_v4() -> Vec<(u32, u32)> {
    let span = |prefix: &&str| {
        let (network, length) = prefix.split_once('/').unwrap();
        let o = network.parse::<Ipv4Addr>().unwrap().octets().map(u64::from);
        let first = ((o[0] * 256 + o[1]) * 256 + o[2]) * 256 + o[3];
        let last = first + 2u64.pow(32 - length.parse::<u32>().unwrap()) - 1;
        (u32::try_from(first).unwrap(), u32::try_from(last).unwrap())
    };
    REGISTRY_V4.iter().map(span).collect()
}

#[test]
fn the_edges_of_every_ipv4_range_agree_with_the_registry() {
    for (first, last) in spans_v4() {
        for edge in [
            first.wrapping_sub(1),
            first,
            first + (last - first) / 2,
            last,
            last.wrapping_add(1),
        ] {
            let address = Ipv4Addr::from(edge);
            assert_eq!(
                forbidden(address.into()).is_some(),
                reference_v4(address),
                "{address}"
            );
        }
    }
}

#[test]
#[ignore = "all 2^32 addresses: two minutes with --release"]
fn every_ipv4_address_agrees_with_the_registry() {
    let spans = spans_v4();
    for bits in 0..=u32::MAX {
        let denied = spans.iter().any(|(first, last)| (*first..=*last).contains(&bits));
        assert_eq!(
            forbidden(Ipv4Addr::from(bits).into()).is_some(),
            denied,
            "{}",
            Ipv4Addr::from(bits)
        );
    }
}

#[test]
#[ignore = "ten million addresses: two minutes with --release"]
fn ten_million_ipv6_addresses_agree_with_the_registry() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(10_000_000));
    let agrees = |address: Ipv6Addr| {
        prop_assert_eq!(
            forbidden(address.into()).is_some(),
            reference_v6(address),
            "{}",
            address
        );
        Ok(())
    };
    runner.run(&any_v6(), agrees).unwrap();
}

/// Random bits alone would almost never meet a prefix: half of the addresses begin like a registered network, some
/// end like an ISATAP interface.
fn any_v6() -> impl Strategy<Value = Ipv6Addr> {
    let near =
        (prop::sample::select(REGISTRY_V6), any::<u128>(), 0u32..128).prop_map(|(row, noise, kept)| {
            let network: Ipv6Addr = row.split_once('/').unwrap().0.parse().unwrap();
            u128::from(network) ^ (noise >> kept)
        });
    let tunnelled = (
        any::<u32>(),
        any::<bool>(),
        prop::sample::select(REGISTRY_V4),
        any::<u8>(),
    )
        .prop_map(|(prefix, unique, row, noise)| {
            let v4: Ipv4Addr = row.split_once('/').unwrap().0.parse().unwrap();
            let marker: u128 = if unique { 0x0200_5efe } else { 0x5efe };
            (0x2a00_u128 << 112)
                | (u128::from(prefix) << 64)
                | (marker << 32)
                | u128::from(u32::from(v4) ^ u32::from(noise))
        });
    let mapped = any::<u32>().prop_map(|v4| 0xffff_0000_0000 | u128::from(v4));
    prop_oneof![3 => any::<u128>(), 3 => near, 1 => tunnelled, 1 => mapped].prop_map(Ipv6Addr::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_ipv4_agrees_with_the_registry(bits: u32) {
        let address = Ipv4Addr::from(bits);
        prop_assert_eq!(forbidden(address.into()).is_some(), reference_v4(address));
    }

    #[test]
    fn any_ipv6_agrees_with_the_registry(address in any_v6()) {
        prop_assert_eq!(forbidden(address.into()).is_some(), reference_v6(address));
    }

    #[test]
    fn a_mapped_address_is_judged_as_what_it_reaches(bits: u32) {
        let address = Ipv4Addr::from(bits);
        prop_assert_eq!(forbidden(address.to_ipv6_mapped().into()), forbidden(address.into()));
    }

    #[test]
    fn a_literal_in_a_url_is_judged_as_its_address(address in any_v6(), v4: u32) {
        let strict = Policy::strict();
        let url = format!("https://[{address}]/");
        prop_assert_eq!(check_url(&url, &strict).is_ok(), !reference_v6(address));
        // The WHATWG parser reads a bare number as an IPv4 address.
        let url = format!("https://{v4}/");
        prop_assert_eq!(check_url(&url, &strict).is_ok(), !reference_v4(Ipv4Addr::from(v4)));
    }
}
