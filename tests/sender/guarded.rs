//! Whom the sender refuses to call, at the moment it would connect.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::guard::{self, Policy};
use ringback::dispatch::resolve::{Lookup, Resolver};
use ringback::dispatch::sender::{Call, Failure, Sender};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::sink::{Sink, read_request};
use crate::{HOME, OK, answer, answering, call_url, developing, failure};

/// Stands for "a public address": loopback too, but allowed by name and nothing else is.
const ABROAD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where no test listens, so that a port is free there or refuses.
const EMPTY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 8));
/// Where one test listens and does not answer.
const DEAF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// Only [`ABROAD`] may be called, on this port.
fn abroad_only(port: u16) -> Policy {
    let allow_cidrs = vec!["127.0.0.2/32".parse().unwrap()];
    Policy {
        allow_http: true,
        allow_cidrs,
        ports: vec![port],
        ..Policy::strict()
    }
}

/// Answers each look-up with the next line of the script.
struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Scripted {
    fn resolver(script: &[&[IpAddr]]) -> Arc<Self> {
        let script = script.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self(Mutex::new(script)))
    }

    fn client(policy: Policy, script: &[&[IpAddr]]) -> Client {
        Client::new(Options {
            resolver: Self::resolver(script),
            ..Options::new(policy)
        })
        .unwrap()
    }
}

impl Resolver for Scripted {
    fn lookup<'a>(&'a self, _name: &'a str) -> Lookup<'a> {
        let answer = self.0.lock().unwrap().pop_front();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

#[tokio::test]
async fn loopback_is_refused_unless_developing() {
    let sink = answering(HOME, OK).await;
    let port = sink.address.port();
    let strict = Policy {
        allow_http: true,
        ports: vec![port],
        ..Policy::strict()
    };
    // The URL was accepted under another policy, the connection is judged under this one; a literal never meets
    // the resolver.
    for (host, lenient) in [("127.0.0.1", developing()), ("rebound.test", strict.clone())] {
        let call = call_url(&format!("http://{host}:{port}/"), &lenient);
        let attempted = Scripted::client(strict.clone(), &[&[HOME]]).send(call).await;
        let blocked = guard::Error::Address {
            address: HOME,
            range: "loopback",
        };
        assert_eq!(failure(attempted), Failure::Blocked(blocked));
    }
    assert_eq!(sink.accepted(), 0);
}

#[tokio::test]
async fn a_name_that_turns_to_loopback_is_caught_at_its_second_look_up() {
    let abroad = Sink::start(ABROAD, |_, mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await
            .ok();
    })
    .await;
    let policy = abroad_only(abroad.address.port());
    let client = Scripted::client(policy.clone(), &[&[ABROAD], &[HOME]]);
    let url = format!("http://rebinding.test:{}/", abroad.address.port());
    let first = client.send(call_url(&url, &policy)).await;
    assert_eq!(first.remote, Some(abroad.address));
    assert_eq!(answer(first).status, 200);
    let second = client.send(call_url(&url, &policy)).await;
    assert_eq!(failure(second).name(), "blocked");
}

#[tokio::test]
async fn one_forbidden_address_condemns_the_answer() {
    let abroad = answering(ABROAD, OK).await;
    let policy = abroad_only(abroad.address.port());
    let mapped: IpAddr = "::ffff:169.254.169.254".parse().unwrap();
    for forbidden in [
        HOME,
        mapped,
        "10.0.0.5".parse().unwrap(),
        "fd00:ec2::254".parse().unwrap(),
    ] {
        for answer in [[ABROAD, forbidden], [forbidden, ABROAD]] {
            let client = Scripted::client(policy.clone(), &[&answer]);
            let url = format!("http://mixed.test:{}/", abroad.address.port());
            assert_eq!(
                failure(client.send(call_url(&url, &policy)).await).name(),
                "blocked"
            );
        }
    }
    assert_eq!(abroad.accepted(), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_the_first_refuses() {
    let abroad = answering(ABROAD, OK).await;
    let client = Scripted::client(developing(), &[&[EMPTY, ABROAD]]);
    let url = format!("http://two.localhost:{}/", abroad.address.port());
    let attempted = client.send(call_url(&url, &developing())).await;
    assert_eq!(attempted.remote, Some(abroad.address));
    assert_eq!(answer(attempted).status, 200);
}

/// A listener whose queue is full: the kernel lets further connections hang.
async fn deaf(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
        assert!(queued.len() < 16);
    }
    (listener, queued)
}

#[tokio::test]
async fn a_deaf_first_address_leaves_time_for_the_next() {
    let abroad = answering(ABROAD, OK).await;
    let _deaf = deaf(SocketAddr::new(DEAF, abroad.address.port())).await;
    let resolver = Scripted::resolver(&[&[DEAF, ABROAD][..], &[DEAF]]);
    let options = Options {
        resolver,
        connect_timeout_ms: 1_000,
        ..Options::new(developing())
    };
    let client = Client::new(options).unwrap();
    let both = call_url(
        &format!("http://two.localhost:{}/", abroad.address.port()),
        &developing(),
    );
    let attempted = client.send(both).await;
    assert_eq!(attempted.remote, Some(abroad.address));
    // Half of the time went to the deaf address, not all of it.
    assert!(
        attempted.timing.total_us < 900_000,
        "{}",
        attempted.timing.total_us
    );
    let alone = call_url(
        &format!("http://one.localhost:{}/", abroad.address.port()),
        &developing(),
    );
    assert_eq!(failure(client.send(alone).await), Failure::ConnectTimeout);
}

#[tokio::test]
async fn our_own_listener_is_never_called() {
    let sink = answering(HOME, OK).await;
    let port = sink.address.port();
    for own in [sink.address, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)] {
        let policy = Policy {
            own_listeners: vec![own],
            ..developing()
        };
        let url = format!("http://localhost:{port}/");
        let client = Scripted::client(policy.clone(), &[&[HOME]]);
        let attempted = client.send(call_url(&url, &policy)).await;
        assert_eq!(
            failure(attempted),
            Failure::Blocked(guard::Error::Own(sink.address))
        );
    }
    assert_eq!(sink.accepted(), 0);
}

/// The address of this machine on its network, if it has one. Connecting a datagram socket sends nothing.
fn own_interface() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

#[tokio::test]
async fn our_own_listener_is_found_behind_every_interface() {
    let Some(ip) = own_interface() else { return };
    let everywhere = answering(Ipv4Addr::UNSPECIFIED.into(), OK).await;
    let port = everywhere.address.port();
    let allow_cidrs = vec![ip.to_string().parse().unwrap()];
    let policy = Policy {
        allow_http: true,
        allow_cidrs,
        ports: vec![port],
        ..Policy::strict()
    };
    let call = || call_url(&format!("http://{ip}:{port}/"), &policy);
    let open = Client::new(Options::new(policy.clone())).unwrap();
    assert_eq!(answer(open.send(call()).await).status, 200);
    let own_listeners = vec![everywhere.address];
    let guarded = Client::new(Options::new(Policy {
        own_listeners,
        ..policy.clone()
    }))
    .unwrap();
    let own = SocketAddr::new(ip, port);
    assert_eq!(
        failure(guarded.send(call()).await),
        Failure::Blocked(guard::Error::Own(own))
    );
    assert_eq!(everywhere.requests().len(), 1);
}

#[tokio::test]
async fn names_without_addresses_fail_as_names() {
    let url = "https://nowhere.test/";
    let client = Scripted::client(Policy::strict(), &[&[]]);
    let call = || call_url(url, &Policy::strict());
    assert_eq!(
        failure(client.send(call()).await),
        Failure::Blocked(guard::Error::NoAddress)
    );
    assert_eq!(failure(client.send(call()).await), Failure::Dns);
}

struct Mute;

impl Resolver for Mute {
    fn lookup<'a>(&'a self, _name: &'a str) -> Lookup<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_mute_name_server_meets_the_connect_deadline() {
    let options = Options {
        resolver: Arc::new(Mute),
        ..Options::new(Policy::strict())
    };
    let call = Call {
        timeout_ms: 15_000,
        ..call_url("https://slow.test/", &Policy::strict())
    };
    let attempted = Client::new(options).unwrap().send(call).await;
    assert_eq!(attempted.timing.total_us / 1_000_000, 5);
    assert_eq!(failure(attempted), Failure::DnsTimeout);
}
