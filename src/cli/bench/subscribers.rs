//! Subscribers of their own address each, which note when which message's delivery came; the last of them may hang.

use std::time::{Duration, Instant};

use http::Request;
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bare::{accept, no_content};
use crate::cli::Failure;
use crate::clock;

/// A delivery that came.
pub struct Arrival {
    pub subscriber: usize,
    /// The number whose message it tells.
    pub number: u32,
    pub at: Instant,
}

/// They listen until dropped; then what hangs is answered, so that the gateway need not wait for it.
pub struct Subscribers {
    pub urls: Vec<String>,
    pub arrivals: UnboundedReceiver<Arrival>,
    _listeners: JoinSet<()>,
    _until: watch::Sender<()>,
}

impl Subscribers {
    /// The last of `count` takes so long for each answer; the others take none.
    pub async fn start(count: usize, hang: Duration) -> Result<Self, Failure> {
        let (arrive, arrivals) = unbounded_channel();
        let (until, over) = watch::channel(());
        let (mut urls, mut listeners) = (Vec::new(), JoinSet::new());
        for subscriber in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::failed)?;
            let address = listener.local_addr().map_err(Failure::failed)?;
            urls.push(format!("http://{address}/"));
            let hang = if subscriber + 1 == count {
                hang
            } else {
                Duration::ZERO
            };
            let (arrive, over) = (arrive.clone(), over.clone());
            listeners.spawn(accept(listener, move |request| {
                let (arrive, mut over) = (arrive.clone(), over.clone());
                async move {
                    hear(request, subscriber, &arrive).await;
                    if !hang.is_zero() {
                        let _ = timeout(hang, over.changed()).await;
                    }
                    Ok(no_content())
                }
            }));
        }
        Ok(Self {
            urls,
            arrivals,
            _listeners: listeners,
            _until: until,
        })
    }
}

async fn hear(request: Request<Incoming>, subscriber: usize, arrive: &UnboundedSender<Arrival>) {
    // A body that breaks off is answered all the same: nobody reads that answer.
    let body = request.into_body().collect().await;
    let body = body.map(Collected::to_bytes).unwrap_or_default();
    let arrival = Arrival {
        subscriber,
        number: number(&body),
        at: clock::monotonic(),
    };
    // The benchmark's round is over.
    let _ = arrive.send(arrival);
}

/// What of a text are the digits behind the benchmark's country code, which the inventory counts up.
pub fn number(text: &[u8]) -> u32 {
    const COUNTRY: &[u8] = b"+999";
    let found = text.windows(COUNTRY.len()).position(|window| window == COUNTRY);
    let rest = found.map_or(&[][..], |at| &text[at + COUNTRY.len()..]);
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}
