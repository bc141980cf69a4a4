//! The sender with the system's own resolver and a real name server, in a network of its own: rebinding, mixed answers, chains of names
//! and every IPv6 form of a forbidden address. The network is made by `unshare`, so "public" addresses are reachable and nobody is called.

#[path = "dns/server.rs"]
mod server;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Method;
use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::guard::{Policy, check_url};
use ringback::dispatch::sender::{Call, Outcome, Sender};
use server::{Record, Zone};

/// Public addresses that the test's own network has on its loopback device.
const PUBLIC_V4: &str = "93.184.215.14";
const PUBLIC_V6: &str = "2606:2800:21f:cb07::1";
const PORT: u16 = 8080;
/// What the process would use if it took a proxy from its environment.
const PROXY: &str = "127.0.0.1:3128";

/// Makes the network and runs the tests of this file that are marked `ignore` in it.
#[test]
fn the_senders_look_ups_in_a_network_of_their_own() {
    let resolv_conf = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("resolv.conf");
    std::fs::write(
        &resolv_conf,
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    )
    .unwrap();
    let script = format!(
        "ip link set lo up && ip address add {PUBLIC_V4}/32 dev lo && ip address add {PUBLIC_V6}/128 dev lo nodad \
         && mount --bind \"$1\" /etc/resolv.conf && exec \"$2\" --ignored --exact inside"
    );
    let inside = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "sh",
            "-c",
            &script,
            "sh",
        ])
        .args([resolv_conf, std::env::current_exe().unwrap()])
        .envs(
            [
                "http_proxy",
                "https_proxy",
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "ALL_PROXY",
            ]
            .map(|name| (name, format!("http://{PROXY}"))),
        )
        .output()
        .expect("this test needs unshare (Debian: util-linux)");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&inside.stdout),
        String::from_utf8_lossy(&inside.stderr)
    );
    assert!(
        inside.status.success() && told.contains("1 passed"),
        "this test needs unshare and ip (Debian: util-linux, iproute2)\n{told}"
    );
}

#[test]
#[ignore = "runs in the network that the other test makes"]
fn inside() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sinks = Sinks::start();
    server::start(zone());
    runtime.block_on(async {
        a_public_name_is_called(&sinks).await;
        a_name_that_turns_private_is_refused(&sinks).await;
        answers_with_one_forbidden_address_are_refused(&sinks).await;
        chains_are_judged_by_where_they_end(&sinks).await;
        every_ipv6_form_is_refused(&sinks).await;
        names_that_fail_say_so(&sinks).await;
    });
    assert_eq!(
        sinks.proxy.load(Ordering::SeqCst),
        0,
        "a proxy of the environment was called"
    );
    assert_eq!(
        sinks.private.load(Ordering::SeqCst),
        0,
        "a private address was called"
    );
}

fn zone() -> Zone {
    use Record::{Alias, V4, V6};
    let mut zone = Zone::default();
    zone.name("public.test", &[V4(PUBLIC_V4), V6(PUBLIC_V6)]);
    zone.name("six.test", &[V6(PUBLIC_V6)]);
    zone.name_changing("rebinding.test", &[&[V4(PUBLIC_V4)], &[V4("127.0.0.1")]]);
    for (at, forbidden) in ["127.0.0.1", "10.0.0.5", "169.254.169.254", "100.100.100.200"]
        .into_iter()
        .enumerate()
    {
        zone.name(&format!("mixed{at}.test"), &[V4(PUBLIC_V4), V4(forbidden)]);
        zone.name(&format!("mixed-six{at}.test"), &[V4(forbidden), V6(PUBLIC_V6)]);
    }
    zone.name("chain-good.test", &[Alias("chain-good2.test")]);
    zone.name("chain-good2.test", &[Alias("public.test")]);
    zone.name("chain-bad.test", &[Alias("chain-bad2.test")]);
    zone.name("chain-bad2.test", &[Alias("chain-bad3.test")]);
    zone.name("chain-bad3.test", &[V4("127.0.0.1")]);
    zone.name("chain-six.test", &[Alias("six0.test")]);
    for (at, form) in FORBIDDEN_V6.iter().enumerate() {
        zone.name(&format!("six{at}.test"), &[V6(form)]);
    }
    zone
}

/// One of each range in which an IPv4 address or a private network can hide.
const FORBIDDEN_V6: [&str; 14] = [
    "::ffff:169.254.169.254",
    "::ffff:127.0.0.1",
    "::1",
    "::",
    "::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:5",
    "2002:7f00:1::",
    "2001::1",
    "fe80::1",
    "fec0::1",
    "fd00:ec2::254",
    "2001:db8::1",
    "2606:2800:21f:cb07:0:5efe:a00:5",
];

/// Listeners at the public addresses, and ones that nobody may reach.
struct Sinks {
    public: Arc<AtomicUsize>,
    private: Arc<AtomicUsize>,
    proxy: Arc<AtomicUsize>,
}

impl Sinks {
    fn start() -> Self {
        let sinks = Self {
            public: Arc::default(),
            private: Arc::default(),
            proxy: Arc::default(),
        };
        for ip in [PUBLIC_V4, PUBLIC_V6] {
            answer_at(SocketAddr::new(ip.parse().unwrap(), PORT), sinks.public.clone());
        }
        for ip in ["127.0.0.1", "::1"] {
            answer_at(SocketAddr::new(ip.parse().unwrap(), PORT), sinks.private.clone());
        }
        answer_at(PROXY.parse().unwrap(), sinks.proxy.clone());
        sinks
    }

    fn public(&self) -> usize {
        self.public.load(Ordering::SeqCst)
    }
}

/// Counts connections and answers each with 200. That it can bind also shows that the address is in this network alone.
fn answer_at(address: SocketAddr, accepted: Arc<AtomicUsize>) {
    let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            accepted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
}

/// What a call to this name comes to: the status, or the name of the failure.
async fn outcome(name: &str) -> String {
    let policy = Policy {
        allow_http: true,
        ..Policy::strict()
    };
    let call = Call {
        method: Method::POST,
        target: check_url(&format!("http://{name}:{PORT}/hook"), &policy).unwrap(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        timeout_ms: 5_000,
    };
    let client = Client::new(Options::new(policy)).unwrap();
    match client.send(call).await.outcome {
        Outcome::Answered(answer) => answer.status.to_string(),
        Outcome::Failed(failure) => failure.name().to_owned(),
    }
}

async fn a_public_name_is_called(sinks: &Sinks) {
    for name in ["public.test", "six.test"] {
        let before = sinks.public();
        assert_eq!(
            (outcome(name).await.as_str(), sinks.public()),
            ("200", before + 1),
            "{name}"
        );
    }
}

/// The second look-up of a name with a lifetime of zero answers another address: the new answer is judged anew.
async fn a_name_that_turns_private_is_refused(sinks: &Sinks) {
    assert_eq!(outcome("rebinding.test").await, "200");
    let before = sinks.public();
    assert_eq!(
        (outcome("rebinding.test").await.as_str(), sinks.public()),
        ("blocked", before)
    );
}

async fn answers_with_one_forbidden_address_are_refused(sinks: &Sinks) {
    let before = sinks.public();
    for at in 0..4 {
        assert_eq!(outcome(&format!("mixed{at}.test")).await, "blocked", "mixed{at}");
        assert_eq!(
            outcome(&format!("mixed-six{at}.test")).await,
            "blocked",
            "mixed-six{at}"
        );
    }
    assert_eq!(
        sinks.public(),
        before,
        "the public half of a mixed answer was called"
    );
}

async fn chains_are_judged_by_where_they_end(_: &Sinks) {
    assert_eq!(outcome("chain-good.test").await, "200");
    assert_eq!(outcome("chain-bad.test").await, "blocked");
    assert_eq!(outcome("chain-six.test").await, "blocked");
}

async fn every_ipv6_form_is_refused(_: &Sinks) {
    for (at, form) in FORBIDDEN_V6.iter().enumerate() {
        let _: IpAddr = form.parse().unwrap();
        assert_eq!(outcome(&format!("six{at}.test")).await, "blocked", "{form}");
    }
}

async fn names_that_fail_say_so(_: &Sinks) {
    assert_eq!(outcome("nowhere.test").await, "dns");
}
