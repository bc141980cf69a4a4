//! A subscriber on a free port: keeps what it hears, answers as it is told, checks signatures with the product's own verifier, and holds
//! every body to its event's schema: a test that sent anything else fails when its subscriber is dropped.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringback::clock::Clock;
use ringback::core::signature::{self, Received, VerifyingKey};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{schema, within};

/// One attempt as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What it was answered.
    pub answered: u16,
}

impl Delivery {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a delivery's body is JSON")
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the signature holds now, for `secret` or a public key.
    pub fn verified(&self, key: &str) -> Result<(), signature::Error> {
        let received = Received {
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
            body: &self.body,
        };
        let key: VerifyingKey = key.parse()?;
        let now_s = i64::try_from(Clock::System.now().secs()).expect("a time in this age");
        signature::verify(&[key], &received, now_s)
    }
}

/// A status, and what the reply's header `webhook-delivery` says.
type Reply = (u16, Option<&'static str>);

pub struct Subscriber {
    pub url: String,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    statuses: Arc<Mutex<VecDeque<Reply>>>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Subscriber {
    /// Listens; answers with `statuses` in turn and then with 204.
    pub async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let statuses = Arc::new(Mutex::new(
            statuses
                .iter()
                .map(|status| (*status, None))
                .collect::<VecDeque<Reply>>(),
        ));
        let (heard, deliveries) = mpsc::unbounded_channel();
        let script = statuses.clone();
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let found = wrong.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, script, found) = (heard.clone(), script.clone(), found.clone());
                let service =
                    service_fn(move |request| answer(request, heard.clone(), script.clone(), found.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            url,
            deliveries,
            statuses,
            wrong,
        }
    }

    /// The next attempt.
    pub async fn next(&mut self) -> Delivery {
        within("a delivery", self.deliveries.recv())
            .await
            .expect("the subscriber listens")
    }

    /// The next attempts, until one of this event type came.
    pub async fn next_of(&mut self, kind: &str) -> Delivery {
        loop {
            let delivery = self.next().await;
            if delivery.kind() == kind {
                return delivery;
            }
        }
    }

    /// Proves that nothing comes for so long.
    pub async fn hears_nothing_for(&mut self, time: Duration) {
        if let Ok(Some(delivery)) = tokio::time::timeout(time, self.deliveries.recv()).await {
            panic!("a delivery too many: {}", delivery.kind());
        }
    }

    /// Answers the next attempts so.
    pub fn answer_next(&self, statuses: &[u16]) {
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(statuses.iter().map(|status| (*status, None)));
    }

    /// Answers the next attempt with this status and word of control.
    pub fn control_next(&self, status: u16, word: &'static str) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.push_back((status, Some(word)));
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            std::thread::panicking() || wrong.is_empty(),
            "sent against its schema: {wrong:?}"
        );
    }
}

async fn answer(
    request: Request<Incoming>,
    heard: mpsc::UnboundedSender<Delivery>,
    script: Arc<Mutex<VecDeque<Reply>>>,
    wrong: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    // Telnyx's form has no schema of ours.
    if !head.headers.contains_key("telnyx-timestamp") {
        wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(schema::wrong_body(&body));
    }
    let (answered, control) = script
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
        .unwrap_or((204, None));
    let mut response = Response::new(Full::new(Bytes::from_static(b"so be it")));
    *response.status_mut() = http::StatusCode::from_u16(answered).expect("a test names a status");
    if answered == 204 {
        *response.body_mut() = Full::default();
    }
    if let Some(word) = control {
        let word = http::HeaderValue::from_static(word);
        response.headers_mut().insert("webhook-delivery", word);
    }
    // A test that has ended listens no more.
    let _ = heard.send(Delivery {
        headers: head.headers,
        body,
        answered,
    });
    Ok(response)
}
