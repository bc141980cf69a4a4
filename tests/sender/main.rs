//! The HTTP sender over real sockets: what is answered, what fails and how, and whom it refuses to call.

mod connections;
mod guarded;
mod replies;
mod sink;
mod tls;
mod trust;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::guard::{Policy, check_url};
use ringback::dispatch::sender::{Answer, Attempted, Call, Failure, Outcome};
use sink::{Sink, read_request};
use tokio::io::AsyncWriteExt;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
fn developing() -> Policy {
    Policy {
        allow_loopback: true,
        ..Policy::strict()
    }
}

fn client(policy: Policy) -> Client {
    Client::new(Options::new(policy)).unwrap()
}

fn call_url(url: &str, policy: &Policy) -> Call {
    Call {
        method: Method::POST,
        target: check_url(url, policy).unwrap(),
        headers: vec![(
            HeaderName::from_static("webhook-id"),
            HeaderValue::from_static("msg_1"),
        )],
        body: Bytes::from_static(b"{\"type\":\"message.received\"}"),
        timeout_ms: 5_000,
    }
}

fn call(address: SocketAddr) -> Call {
    call_url(&format!("http://{address}/hook?k=1"), &developing())
}

fn answer(attempted: Attempted) -> Answer {
    match attempted.outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

fn failure(attempted: Attempted) -> Failure {
    match attempted.outcome {
        Outcome::Answered(answer) => panic!("{answer:?}"),
        Outcome::Failed(failure) => failure,
    }
}

/// Answers every request on every connection alike.
async fn answering(ip: IpAddr, reply: &'static str) -> Sink {
    Sink::start(ip, move |_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            stream.write_all(reply.as_bytes()).await.ok();
        }
    })
    .await
}
