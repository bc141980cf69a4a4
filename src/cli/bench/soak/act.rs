//! What a soak does to the gateway, one request at a time, and what each answer must be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::book::{self, Book, KINDS, Promise};
use crate::cli::Failure;
use crate::cli::bench::bare::{accept, no_content};
use crate::cli::bench::load::{self, Connection, Ready};
use crate::cli::bench::scene::{Rented, Scene, WAIT_S};
use crate::cli::bench::server::SHORT_S;
use crate::cli::bench::subscribers::number;
use crate::clock;
use crate::core::id::MessageId;

/// What the server of a soak is configured to (`server::limits`).
pub const PROMISE: Promise = Promise {
    lifetime: Duration::from_secs(SHORT_S),
    cool_down: Duration::from_secs(900),
};

/// One request, and what must come of it.
pub enum Act {
    Rent,
    /// Holds a poll until the code comes.
    Poll(Arc<Lease>),
    /// Sends the code under this id.
    Code(Arc<Lease>, String),
    /// Sends it once more, as a carrier does that heard no answer.
    Again(Arc<Lease>, String),
    Cancel(Arc<Lease>),
    /// Sends a text to a rental that is over.
    Late(Arc<Lease>),
    /// Looks whether it has expired.
    Look(Arc<Lease>),
}

/// A rental and the code that its service will send.
pub struct Lease {
    rented: Rented,
    id: u128,
    line: u32,
    code: String,
}

/// How many there were.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub requests: usize,
    pub duplicates: usize,
}

pub struct Soak {
    scene: Scene,
    book: Mutex<Book>,
    counts: Mutex<Counts>,
    samples: Mutex<Vec<(f64, f64)>>,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<(Instant, Connection)>>,
}

/// The gateway closes a connection that is idle for longer; it is opened anew.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// What a text of a service looks like that tells no code.
const LATE_TEXT: &str = "Welcome! Your account is ready.";

/// The cursor of all usage. Without one the answer has sums too, of which there may be too much here.
const FIRST_USAGE: &str = "usc_0000000000000000";

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Soak {
    /// With a subscriber that writes down what it hears.
    pub async fn start(scene: Scene) -> Result<Arc<Self>, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::failed)?;
        let url = format!("http://{}/", listener.local_addr().map_err(Failure::failed)?);
        let soak = Arc::new(Self {
            scene,
            book: Mutex::new(Book::new(PROMISE)),
            counts: Mutex::default(),
            samples: Mutex::default(),
            idle: Mutex::default(),
        });
        let ear = soak.clone();
        tokio::spawn(accept(listener, move |request| {
            let soak = ear.clone();
            async move {
                soak.hear(request).await;
                Ok(no_content())
            }
        }));
        soak.scene.subscribe(&[url]).await?;
        Ok(soak)
    }

    async fn hear(&self, request: Request<Incoming>) {
        let name = request
            .headers()
            .get("webhook-id")
            .and_then(|name| name.to_str().ok());
        let name = name.unwrap_or_default().to_owned();
        // A body that breaks off tells nothing, and its delivery comes again.
        let body = request
            .into_body()
            .collect()
            .await
            .map(Collected::to_bytes)
            .unwrap_or_default();
        let event: Value = serde_json::from_slice(&body).unwrap_or_default();
        let kind = KINDS.iter().position(|kind| event["type"] == *kind);
        let rental = event["data"]["id"].as_str().and_then(book::id);
        let mut book = held(&self.book);
        match (rental, kind) {
            (Some(rental), Some(kind)) => book.heard(rental, kind, &name),
            _ => book.fault(|| format!("an event that nobody expects: {}", event["type"])),
        }
    }

    /// Does one thing; what follows of it, and when.
    pub async fn perform(&self, act: Act) -> Result<Vec<(Instant, Act)>, Failure> {
        held(&self.counts).requests += 1;
        match act {
            Act::Rent => return self.rent().await,
            Act::Poll(lease) => self.poll(&lease).await?,
            Act::Code(lease, id) => {
                let text = format!("G-{} is your Google verification code.", lease.code);
                {
                    let mut book = held(&self.book);
                    book.ends(lease.line, clock::monotonic());
                    book.owe(lease.id, 1);
                    book.owe(lease.id, 5);
                }
                self.message(&lease, &id, text).await?;
            }
            Act::Again(lease, id) => {
                held(&self.counts).duplicates += 1;
                let text = format!("G-{} is your Google verification code.", lease.code);
                self.message(&lease, &id, text).await?;
            }
            Act::Late(lease) => {
                held(&self.book).owe(lease.id, 4);
                let id = MessageId(clock::random()).to_string();
                self.message(&lease, &id, LATE_TEXT.into()).await?;
            }
            Act::Cancel(lease) => {
                {
                    let mut book = held(&self.book);
                    book.ends(lease.line, clock::monotonic());
                    book.owe(lease.id, 2);
                }
                self.expect(
                    Method::POST,
                    &lease,
                    "/cancel",
                    &json!({ "id": lease.rented.id, "status": "cancelled" }),
                )
                .await?;
            }
            Act::Look(lease) => {
                held(&self.book).owe(lease.id, 3);
                self.expect(Method::GET, &lease, "", &json!({ "status": "expired" }))
                    .await?;
            }
        }
        Ok(Vec::new())
    }

    async fn rent(&self) -> Result<Vec<(Instant, Act)>, Failure> {
        let [fate, late, again, x, y, z]: [u8; 6] = clock::random();
        let service = if fate < 64 { "short" } else { "google" };
        let mut headers = self.scene.bearer();
        headers.push(("content-type".into(), "application/json".into()));
        let wish = json!({ "serviceName": service }).to_string().into_bytes();
        let asked = clock::monotonic();
        let request = load::request(Method::POST, "/api/verifications", &headers, wish)?;
        let Some(answer) = self.answer(request).await? else {
            return Ok(Vec::new());
        };
        let now = clock::monotonic();
        let [id, number_text] =
            ["id", "number"].map(|name| answer[name].as_str().unwrap_or_default().to_owned());
        let lease = Arc::new(Lease {
            id: book::id(&id).unwrap_or_default(),
            line: number(number_text.as_bytes()),
            code: format!("{:06}", u32::from_be_bytes([0, x, y, z]) % 1_000_000),
            rented: Rented {
                id,
                number: number_text,
            },
        });
        held(&self.book).rented(lease.line, lease.id, (asked, now));
        let after = |ms: u64| now + Duration::from_millis(ms);
        let message = MessageId(clock::random()).to_string();
        let mut plan = match fate {
            // It ends by time; the sweep may take a moment.
            0..64 => vec![(after(SHORT_S * 1000 + 2500), Act::Look(lease.clone()))],
            64..128 => vec![(after(500 + 10 * u64::from(x)), Act::Cancel(lease.clone()))],
            _ => vec![
                (after(0), Act::Poll(lease.clone())),
                (
                    after(300 + 5 * u64::from(y)),
                    Act::Code(lease.clone(), message.clone()),
                ),
            ],
        };
        if fate >= 128 && again < 52 {
            plan.push((after(2000 + 20 * u64::from(again)), Act::Again(lease, message)));
        } else if fate < 128 && late < 102 {
            plan.push((
                after(SHORT_S * 1000 + 4000 + 50 * u64::from(late)),
                Act::Late(lease),
            ));
        }
        Ok(plan)
    }

    async fn poll(&self, lease: &Lease) -> Result<(), Failure> {
        let code = json!({ "status": "completed", "otpCode": lease.code });
        self.expect(Method::GET, lease, &format!("/code?wait={WAIT_S}"), &code)
            .await
    }

    async fn message(&self, lease: &Lease, id: &str, text: String) -> Result<(), Failure> {
        let request = self.scene.message(&lease.rented, id, text)?;
        self.answer(request).await.map(drop)
    }

    /// The answer about this rental must have these members.
    async fn expect(
        &self,
        method: Method,
        lease: &Lease,
        tail: &str,
        members: &Value,
    ) -> Result<(), Failure> {
        let path = format!("/api/verifications/{}{tail}", lease.rented.id);
        let Some(answer) = self
            .answer(load::request(method, &path, &self.scene.bearer(), Vec::new())?)
            .await?
        else {
            return Ok(());
        };
        let mut wanted = members.as_object().into_iter().flatten();
        if wanted.any(|(name, value)| answer[name] != *value) {
            held(&self.book).fault(|| format!("{answer} instead of {members}"));
        }
        Ok(())
    }

    /// The answer's JSON; one that is no success is a fault, and nothing follows of it.
    async fn answer(&self, request: Ready) -> Result<Option<Value>, Failure> {
        let mut connection = self.connection().await?;
        let what = format!("{} {}", request.method(), request.uri().path());
        let (status, body) = connection.send(request).await?;
        held(&self.idle).push((clock::monotonic(), connection));
        if !status.is_success() {
            held(&self.book).fault(|| format!("{what}: {status} {}", String::from_utf8_lossy(&body)));
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let now = clock::monotonic();
        let kept = {
            let mut idle = held(&self.idle);
            idle.retain(|(since, _)| now.duration_since(*since) < IDLE_MAX);
            idle.pop()
        };
        match kept {
            Some((_, connection)) => Ok(connection),
            None => Connection::open(self.scene.server.address).await,
        }
    }

    /// Waits until no number is leased, and counts them. Cool-downs end while they are counted, so it is done in one moment; and who has heard
    /// nothing three times in a row is in quarantine by then.
    pub async fn all_numbers_are_there(&self, numbers: usize) -> Result<(), Failure> {
        const STATES: [&str; 4] = [
            "ringback_numbers_free",
            "ringback_numbers_cooling",
            "ringback_numbers_quarantined",
            "ringback_numbers_reserved",
        ];
        self.scene
            .until("ringback_numbers_active", |active| active == 0.0)
            .await?;
        let counts = self.scene.gauges(&STATES).await?;
        let all: f64 = counts.iter().sum();
        if all != numbers as f64 || counts[3] != 0.0 {
            held(&self.book).fault(|| format!("of {numbers} numbers there are {counts:?} in {STATES:?}"));
        }
        Ok(())
    }

    /// Reads all usage and holds it against the books; how many items there are.
    pub async fn all_is_metered(&self) -> Result<usize, Failure> {
        let mut cursor = FIRST_USAGE.to_owned();
        loop {
            let path = format!("/api/usage?limit=100&cursor={cursor}");
            let request = load::request(Method::GET, &path, &self.scene.bearer(), Vec::new())?;
            let page = self.answer(request).await?.unwrap_or_default();
            let items = page["usage"].as_array().into_iter().flatten();
            for item in items {
                let rental = item["verificationId"].as_str().and_then(book::id);
                held(&self.book).metered(rental.unwrap_or_default());
            }
            cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
            if page["more"] != true {
                return Ok(held(&self.book).all_is_metered());
            }
        }
    }

    pub fn sample(&self, at_s: f64) -> Result<(), Failure> {
        let mib = self.scene.server.rss_bytes()? as f64 / f64::from(1 << 20);
        held(&self.samples).push((at_s, mib));
        Ok(())
    }

    pub fn samples(&self) -> Vec<(f64, f64)> {
        held(&self.samples).clone()
    }

    pub fn counts(&self) -> Counts {
        *held(&self.counts)
    }

    pub fn missing(&self) -> usize {
        held(&self.book).missing()
    }

    pub fn events(&self, kind: usize) -> usize {
        held(&self.book).events(kind)
    }

    pub fn fault_count(&self) -> usize {
        held(&self.book).faults().0
    }

    pub fn faults(&self) -> Vec<String> {
        held(&self.book).faults().1.to_vec()
    }
}
