//! The outbound guard: tables of addresses and URLs, what a policy opens, and what it never opens.

mod registry;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;
use ringback::core::cidr::{Cidr, NotANetwork};
use ringback::dispatch::guard::{Error, Policy, check_addresses, check_connected, check_url};
use ringback::dispatch::ranges::forbidden;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn lines(path: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split_once(char::is_whitespace).unwrap())
        .map(|(a, b)| (a.to_owned(), b.trim().to_owned()))
        .collect()
}

#[test]
fn judges_every_address_of_the_table() {
    let rows = lines("fixtures/guard/addresses.txt");
    assert!(rows.len() >= 120, "{}", rows.len());
    for (address, expected) in rows {
        assert_eq!(forbidden(ip(&address)).unwrap_or("public"), expected, "{address}");
    }
}

#[test]
fn judges_every_url_of_the_table() {
    for (verdict, url) in lines("fixtures/guard/urls.txt") {
        let name = check_url(&url, &Policy::strict()).map_or_else(|error| error.name(), |_| "ok");
        assert_eq!(name, verdict, "{url}");
    }
}

#[test]
fn limits_the_length_before_and_after_ascii() {
    let url = |bytes: usize| format!("https://example.com/{}", "a".repeat(bytes - 20));
    assert!(check_url(&url(2048), &Policy::strict()).is_ok());
    assert_eq!(
        check_url(&url(2049), &Policy::strict()).unwrap_err(),
        Error::TooLong
    );
    let grows = format!("https://example.com/{}", "é".repeat(900));
    assert_eq!(check_url(&grows, &Policy::strict()).unwrap_err(), Error::TooLong);
}

#[test]
fn says_what_to_do() {
    let strict = Policy::strict();
    let error = check_url("https://10.0.0.5/", &strict).unwrap_err();
    let advice = "the address 10.0.0.5 is private: add it to outbound.allow_cidrs if it is yours";
    assert_eq!(error.to_string(), advice);
    let error = check_url("https://example.com:22/", &strict).unwrap_err();
    assert_eq!(
        error.to_string(),
        "port 22 is not called: use 443, 80, 8443 or 8080, or add it to outbound.ports"
    );
}

#[test]
fn debug_of_a_target_hides_path_and_query() {
    let target = check_url("https://example.com/hooks/T0K3N?key=S3CRET", &Policy::strict()).unwrap();
    assert_eq!(format!("{target:?}"), "https://example.com:443/***");
}

#[test]
fn plain_http_and_other_ports_are_allowed_by_name() {
    let open = Policy {
        allow_http: true,
        ports: vec![80, 9000],
        ..Policy::strict()
    };
    assert!(check_url("http://example.com/", &open).is_ok());
    assert!(check_url("https://example.com:9000/", &open).is_ok());
    assert_eq!(
        check_url("https://example.com/", &open).unwrap_err(),
        Error::Port(443)
    );
    assert_eq!(
        check_addresses(&[ip("93.184.215.14")], 443, &open),
        Err(Error::Port(443))
    );
}

#[test]
fn development_opens_loopback_on_any_port_and_nothing_else() {
    let dev = Policy {
        allow_loopback: true,
        ..Policy::strict()
    };
    for url in [
        "http://localhost:3000/",
        "http://app.localhost.:3000/",
        "http://[::1]:3000/",
        "http://0x7f.1:9/",
    ] {
        assert!(check_url(url, &dev).is_ok(), "{url}");
    }
    for url in [
        "http://example.com/",
        "https://example.com:3000/",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
    ] {
        assert!(check_url(url, &dev).is_err(), "{url}");
    }
    assert_eq!(check_addresses(&[ip("127.0.0.1"), ip("::1")], 3000, &dev), Ok(()));
    assert_eq!(
        check_addresses(&[ip("127.0.0.1"), ip("93.184.215.14")], 3000, &dev),
        Err(Error::Port(3000))
    );
}

fn allowing(cidrs: &[&str]) -> Policy {
    Policy {
        allow_cidrs: cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect(),
        ..Policy::strict()
    }
}

#[test]
fn allowed_networks_open_what_they_name() {
    let policy = allowing(&["10.1.0.0/16", "192.168.7.9", "fd00:1::/32"]);
    for address in [
        "10.1.0.0",
        "10.1.255.255",
        "192.168.7.9",
        "fd00:1::5",
        "::ffff:10.1.2.3",
    ] {
        assert_eq!(check_addresses(&[ip(address)], 443, &policy), Ok(()), "{address}");
    }
    for address in [
        "10.0.255.255",
        "10.2.0.0",
        "192.168.7.8",
        "fd00:2::",
        "127.0.0.1",
        "169.254.169.254",
    ] {
        assert!(
            check_addresses(&[ip(address)], 443, &policy).is_err(),
            "{address}"
        );
    }
    assert_eq!(
        check_addresses(&[ip("10.1.0.1")], 22, &policy),
        Err(Error::Port(22))
    );
}

#[test]
fn an_allowed_nat64_prefix_opens_public_hosts_only() {
    let policy = allowing(&["64:ff9b::/96"]);
    assert_eq!(
        check_addresses(&[ip("64:ff9b::93.184.215.14")], 443, &policy),
        Ok(())
    );
    for inside in [
        "64:ff9b::10.0.0.5",
        "64:ff9b::169.254.169.254",
        "64:ff9b::127.0.0.1",
    ] {
        assert!(check_addresses(&[ip(inside)], 443, &policy).is_err(), "{inside}");
    }
}

#[test]
fn networks_that_are_slips_are_refused() {
    let slips = [
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "8.0.0.0/7",
        "fc00::/6",
        "::ffff:10.0.0.0/104",
        "fd00::1/64",
        "10.0.0.0/-8",
        "10.0.0.0/ 8",
        "example.com",
        "10.0.0/8",
        "fe80::%1/64",
    ];
    for slip in slips {
        assert_eq!(slip.parse::<Cidr>(), Err(NotANetwork(slip.to_owned())), "{slip}");
    }
}

#[test]
fn one_forbidden_address_condemns_all() {
    let public = ip("93.184.215.14");
    for other in ["127.0.0.1", "::ffff:169.254.169.254", "fd00:ec2::254", "10.0.0.5"] {
        assert!(check_addresses(&[public, ip(other)], 443, &Policy::strict()).is_err());
        assert!(check_addresses(&[ip(other), public], 443, &Policy::strict()).is_err());
    }
    assert_eq!(check_addresses(&[public, public], 443, &Policy::strict()), Ok(()));
    assert_eq!(
        check_addresses(&[], 443, &Policy::strict()),
        Err(Error::NoAddress)
    );
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn own_listeners_are_refused_whatever_else_is_allowed() {
    let own = ["0.0.0.0:8080", "10.1.0.9:8443", "[::]:443"].map(socket).to_vec();
    let policy = Policy {
        allow_loopback: true,
        own_listeners: own,
        ..allowing(&["10.0.0.0/8"])
    };
    for (address, port) in [
        ("127.0.0.1", 8080),
        ("127.9.9.9", 8080),
        ("10.1.0.9", 8443),
        ("::1", 443),
    ] {
        let refused = Error::Own(SocketAddr::new(ip(address), port));
        assert_eq!(check_addresses(&[ip(address)], port, &policy), Err(refused));
    }
    for (address, port) in [("10.1.0.9", 8080), ("10.1.0.8", 8443), ("127.0.0.1", 3000)] {
        assert_eq!(check_addresses(&[ip(address)], port, &policy), Ok(()));
    }
    let own = socket("10.1.0.9:8080");
    assert_eq!(
        check_connected(own, own, socket("10.1.0.9:50000"), &policy),
        Err(Error::Own(own))
    );
    assert_eq!(
        check_connected(own, own, socket("10.1.0.3:50000"), &policy),
        Ok(())
    );
    let other = socket("10.1.0.7:8080");
    assert_eq!(
        check_connected(own, other, socket("10.1.0.3:50000"), &policy),
        Err(Error::Elsewhere(other))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_network_holds_its_addresses_and_no_others(bits: u32, length in 8u32..=32, other: u32) {
        let mask = u32::MAX << (32 - length);
        let cidr: Cidr = format!("{}/{length}", Ipv4Addr::from(bits & mask)).parse().unwrap();
        prop_assert!(cidr.contains(Ipv4Addr::from(bits).into()));
        prop_assert_eq!(cidr.contains(Ipv4Addr::from(other).into()), other & mask == bits & mask);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        for text in [text.clone(), format!("https://{text}"), format!("https://[{text}]/")] {
            check_url(&text, &Policy::strict()).ok();
        }
        text.parse::<Cidr>().ok();
    }
}
