//! A scripted TextVerified on a free port. It plays the provider's own test scenarios, is told to fail by the test, keeps books of what it
//! sold, and holds every request and every answer of it to the published schema.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringback::core::time::UnixMs;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::books::reply;

pub const USER: &str = "me@tv.example";
pub const KEY: &str = "planted-textverified-key";
pub const API: &str = "/api/pub/v2";
/// A rental there lasts so long.
pub const LASTS_MS: u64 = 900_000;

/// What becomes of one request instead of what it asks for.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// This status, with seconds to wait.
    Status(u16, Option<u64>),
    /// It is done, and the answer never comes.
    Silence,
    /// It is answered when as many others are.
    Meet(Arc<Barrier>),
    /// The token is not believed any more.
    TokenGone,
}

/// A rental that it sold.
#[derive(Debug, Clone)]
pub struct Sold {
    pub id: String,
    pub number: String,
    pub service: String,
    pub state: &'static str,
    pub created_at: UnixMs,
    pub sms: Vec<Value>,
    pub looks: usize,
}

#[derive(Default)]
pub struct Books {
    pub sold: Vec<Sold>,
    pub cost: f64,
    /// Seconds.
    pub token_lives: f64,
    pub tokens: usize,
    /// Method and path of every request, without queries.
    pub requests: Vec<String>,
    /// The next numbers that it sells; made up where there are none.
    pub numbers: VecDeque<String>,
    /// For the next requests whose method and path begin so.
    troubles: Vec<(&'static str, Trouble)>,
    /// The area code of the numbers that it makes up.
    pub area: &'static str,
    /// Items on a page of the list.
    pub page: usize,
}

#[derive(Clone)]
pub struct Upstream {
    pub url: String,
    books: Arc<Mutex<Books>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let books = Books {
            cost: 0.95,
            token_lives: 899.0,
            area: "775",
            page: 50,
            ..Books::default()
        };
        let upstream = Self {
            url,
            books: Arc::new(Mutex::new(books)),
        };
        let served = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                let service = service_fn(move |request| {
                    let served = served.clone();
                    async move { served.serve(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        upstream
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does this to the next request that begins so, for example `POST /verifications`.
    pub fn trouble(&self, request: &'static str, trouble: Trouble) {
        self.books().troubles.push((request, trouble));
    }

    /// How many requests began so.
    pub fn asked(&self, request: &str) -> usize {
        let books = self.books();
        books
            .requests
            .iter()
            .filter(|asked| asked.starts_with(request))
            .count()
    }

    /// An SMS comes to a rental; what the list says of it.
    pub fn deliver(&self, id: &str, text: &str, code: Option<&str>) -> Value {
        self.books().deliver(id, text, code)
    }

    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let path = head.uri.path().strip_prefix(API).unwrap_or("-").to_owned();
        let asked = format!("{} {path}", head.method);
        let trouble = {
            let mut books = self.books();
            books.requests.push(asked.clone());
            let at = books
                .troubles
                .iter()
                .position(|(begins, _)| asked.starts_with(begins));
            at.map(|at| books.troubles.remove(at).1)
        };
        match &trouble {
            Some(Trouble::Status(status, after)) => {
                let mut response = reply(*status, None);
                if let Some(after) = after {
                    response.headers_mut().insert("retry-after", (*after).into());
                }
                return Ok(response);
            }
            Some(Trouble::TokenGone) => return Ok(reply(401, None)),
            Some(Trouble::Silence | Trouble::Meet(_)) | None => {}
        }
        let query = head.uri.query().unwrap_or_default();
        let response = self
            .books()
            .answer((&head.method, &path, query), &head.headers, &body);
        match trouble {
            Some(Trouble::Silence) => pending::<()>().await,
            Some(Trouble::Meet(others)) => {
                others.wait().await;
            }
            _ => {}
        }
        Ok(response)
    }
}
