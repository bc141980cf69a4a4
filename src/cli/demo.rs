//! `ringback demo`: the whole way of one code over real sockets and a real disk, every step checked, in one timeline.

mod sent;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use toml::Table;

use super::call::Gateway;
use super::{Failure, dev, sim};
use crate::carrier::simulate::Draft;
use crate::clock::{self, Clock};
use crate::core::id::MessageId;
use crate::core::signature::{self, Received, VerifyingKey};

const SMS: &str = "G-482913 is your Google verification code. Don't share your code with anyone.";
const CODE: &str = "482913";
/// Longest wait for any one step; the second attempt comes 5 to 5.5 s after the first.
const STEP_MAX: Duration = Duration::from_secs(8);

/// Which way is shown.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Way {
    /// A code that somebody else sends.
    Receive,
    /// A code of our own: sent, received, found and checked.
    Verify,
}

#[derive(Args)]
pub struct Arguments {
    /// What is shown.
    #[arg(value_enum, default_value = "receive")]
    way: Way,
    /// The carrier that plays: loopback, telnyx or twilio.
    #[arg(long, default_value = "loopback")]
    carrier: String,
}

/// What the local listener got.
struct Delivery {
    at: Instant,
    answered: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// Prints each step with the milliseconds since the start.
struct Timeline(Instant);

impl Timeline {
    fn step(&self, text: &str) {
        self.at(clock::monotonic(), text);
    }

    fn at(&self, at: Instant, text: &str) {
        println!("{:>6} ms  {text}", at.duration_since(self.0).as_millis());
    }
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let line = Timeline(clock::monotonic());
    let session = dev::start(dev::Arguments::anywhere(), Table::new()).await?;
    line.step(&format!(
        "gateway listens on {}, data in {}",
        session.running.address,
        session.data.display()
    ));
    let shown = match arguments.way {
        Way::Receive => show(&line, &session, &arguments.carrier).await,
        Way::Verify => sent::show(&line, &session).await,
    };
    session.running.stop().await;
    shown?;
    line.step("gateway stopped, its folder is removed");
    println!("\nAll steps held. Next: ringback dev");
    Ok(())
}

async fn show(line: &Timeline, session: &dev::Session, carrier: &str) -> Result<(), Failure> {
    let gateway = Arc::new(Gateway::new(&session.running.base_url(), &session.api_key)?);
    let (sink, mut deliveries) = listen().await?;
    let wish = json!({ "url": format!("http://{sink}/hook"), "events": ["verification.code_received"] });
    let subscription = gateway.post("/api/webhooks", &wish).await?.ok()?;
    line.step(&format!(
        "webhook subscription to a local listener on {sink}, which will fail once"
    ));

    let rental = gateway
        .post("/api/verifications", &json!({ "serviceName": "google" }))
        .await?
        .ok()?;
    let (id, number) = (text(&rental, "id")?, text(&rental, "number")?);
    line.step(&format!("number {number} rented for google"));
    let poll = hold_poll(session, gateway.clone(), &id).await?;
    line.step("long-poll for the code is held");

    let posted_at = clock::monotonic();
    line.at(
        posted_at,
        &format!("{carrier} posts the SMS, signed as that carrier does"),
    );
    post_sms(&gateway, carrier, &number).await?;
    let accepted_at = clock::monotonic();
    let answered_at = answered(poll).await?;
    let first = within("the first delivery", deliveries.recv())
        .await?
        .ok_or_else(ended)?;
    let took_ms = answered_at.duration_since(posted_at).as_secs_f64() * 1000.0;
    let mut seen = [
        (
            accepted_at,
            format!("{carrier} heard 2xx: the message is on the disk"),
        ),
        (
            answered_at,
            format!("long-poll answered with code {CODE}, {took_ms:.1} ms after the SMS was posted"),
        ),
        (
            first.at,
            format!(
                "first webhook attempt arrived; the listener answered {}",
                first.answered
            ),
        ),
    ];
    seen.sort_by_key(|(at, _)| *at);
    seen.iter().for_each(|(at, text)| line.at(*at, text));
    retried(line, &gateway, &subscription, (first, &mut deliveries)).await
}

/// The retry, its signature and its entry in the log.
async fn retried(
    line: &Timeline,
    gateway: &Gateway,
    subscription: &Value,
    (first, deliveries): (Delivery, &mut mpsc::UnboundedReceiver<Delivery>),
) -> Result<(), Failure> {
    let second = within("the retry", deliveries.recv()).await?.ok_or_else(ended)?;
    verify(&first, &second, &text(subscription, "secret")?)?;
    let gap_ms = second.at.duration_since(first.at).as_millis();
    line.at(
        second.at,
        &format!(
            "retried {gap_ms} ms later: same webhook-id, new signature, both verified; answered {}",
            second.answered
        ),
    );
    delivered(gateway, &text(subscription, "id")?).await?;
    line.step("the delivery log says delivered after 2 attempts");
    Ok(())
}

/// When the poll was answered, once its answer is the code.
async fn answered(poll: Poll) -> Result<Instant, Failure> {
    let (at, answer) = within("the long-poll's answer", poll)
        .await?
        .map_err(Failure::failed)?;
    check(&answer?)?;
    Ok(at)
}

fn ended() -> Failure {
    Failure::failed("the local listener ended early")
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(STEP_MAX, work)
        .await
        .map_err(|_| Failure::new(4, format!("{what} did not come within {} s", STEP_MAX.as_secs())))
}

fn text(value: &Value, name: &str) -> Result<String, Failure> {
    value[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed(format!("the gateway's answer has no {name}")))
}

type Poll = tokio::task::JoinHandle<(Instant, Result<Value, Failure>)>;

/// Starts the poll and returns once the gateway holds it.
async fn hold_poll(session: &dev::Session, gateway: Arc<Gateway>, id: &str) -> Result<Poll, Failure> {
    let path = format!("/api/verifications/{id}/code?wait=30");
    let poll = tokio::spawn(async move {
        let answer = gateway.get(&path).await.and_then(super::call::Reply::ok);
        (clock::monotonic(), answer)
    });
    let held = async {
        while session.running.gateway.waiters().count() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within("the held poll", held).await?;
    Ok(poll)
}

async fn post_sms(gateway: &Gateway, carrier: &str, number: &str) -> Result<(), Failure> {
    let sources = sim::sources(gateway).await?;
    let source = sources.iter().find(|s| s.name == carrier);
    let source = source.ok_or_else(|| Failure::usage(format!("no carrier {carrier} to play")))?;
    let draft = Draft {
        id: MessageId(clock::random()).to_string(),
        from: "22000".into(),
        to: number.to_owned(),
        text: SMS.into(),
        sent_at: Clock::System.now(),
    };
    sim::post_sms(gateway, source, &draft).await
}

fn check(answer: &Value) -> Result<(), Failure> {
    if answer["status"] == "completed" && answer["otpCode"] == CODE && answer["smsContent"] == SMS {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the poll answered status {} instead of the code",
        answer["status"]
    )))
}

/// Both attempts: one id, signatures that hold, the code inside.
fn verify(first: &Delivery, second: &Delivery, secret: &str) -> Result<(), Failure> {
    let key: VerifyingKey = secret.parse().map_err(Failure::failed)?;
    let now_s = i64::try_from(Clock::System.now().secs()).map_err(Failure::failed)?;
    let header = |delivery: &Delivery, name: &str| {
        delivery
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    for delivery in [first, second] {
        let (id, timestamp, signature) = (
            header(delivery, "webhook-id"),
            header(delivery, "webhook-timestamp"),
            header(delivery, "webhook-signature"),
        );
        let received = Received {
            id: &id,
            timestamp: &timestamp,
            signature: &signature,
            body: &delivery.body,
        };
        signature::verify(std::slice::from_ref(&key), &received, now_s)
            .map_err(|e| Failure::failed(format!("a delivery's signature does not hold: {e}")))?;
        let body: Value = serde_json::from_slice(&delivery.body).map_err(Failure::failed)?;
        if body["type"] != "verification.code_received" || body["data"]["otpCode"] != CODE {
            return Err(Failure::failed("a delivery does not carry the code"));
        }
    }
    if header(first, "webhook-id") != header(second, "webhook-id") {
        return Err(Failure::failed("the retry has another webhook-id"));
    }
    Ok(())
}

/// Waits until the log shows the delivery as done.
async fn delivered(gateway: &Gateway, subscription: &str) -> Result<(), Failure> {
    let path = format!("/api/webhooks/{subscription}/logs");
    let done = async {
        loop {
            let logs = gateway.get(&path).await?.ok()?;
            if logs["logs"][0]["status"] == "delivered" && logs["logs"][0]["attempts"] == 2 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("the delivery log's entry", done).await?
}

/// A local listener that answers 503 to the first delivery and 204 to the later ones.
async fn listen() -> Result<(SocketAddr, mpsc::UnboundedReceiver<Delivery>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::failed)?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let (send, receive) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicU32::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (send, count) = (send.clone(), count.clone());
            let service = service_fn(move |request| take(request, send.clone(), count.clone()));
            tokio::spawn(async move {
                // The gateway closes its connections when it stops.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok((address, receive))
}

async fn take(
    request: Request<Incoming>,
    send: mpsc::UnboundedSender<Delivery>,
    count: Arc<AtomicU32>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let status = if count.fetch_add(1, Ordering::Relaxed) == 0 {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::NO_CONTENT
    };
    // The demo may have ended; then nobody wants to know.
    let _ = send.send(Delivery {
        at: clock::monotonic(),
        answered: status.as_u16(),
        headers: head.headers,
        body,
    });
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    Ok(response)
}
