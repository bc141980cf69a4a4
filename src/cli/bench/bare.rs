//! A bare hyper server, the yardstick: what the same machine does in the same minute without us. It reads a POST and answers 204, holds a
//! GET for ever, and counts; also the sink that deliveries go to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::cli::Failure;

/// Where the number of held polls is told.
pub const HELD_PATH: &str = "/held";

/// A bare server and what it has counted.
pub struct Bare {
    pub address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    posts: AtomicUsize,
    held: AtomicUsize,
    /// Posts at which a waiting benchmark wants to be woken.
    goal: AtomicUsize,
    reached: Notify,
}

impl Bare {
    /// Serves on a free port of loopback until the process ends.
    pub async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::failed)?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let counts = Arc::new(Counts::default());
        tokio::spawn(serve(listener, counts.clone()));
        Ok(Self { address, counts })
    }

    /// So many targets of deliveries that all come here.
    pub fn urls(&self, count: usize) -> Vec<String> {
        (0..count)
            .map(|at| format!("http://{}/{at}", self.address))
            .collect()
    }

    pub fn posts(&self) -> usize {
        self.counts.posts.load(Ordering::Acquire)
    }

    /// Waits until so many posts have come in all.
    pub async fn reach(&self, posts: usize) {
        self.counts.goal.store(posts, Ordering::SeqCst);
        while self.counts.posts.load(Ordering::SeqCst) < posts {
            self.counts.reached.notified().await;
        }
    }
}

async fn serve(listener: TcpListener, counts: Arc<Counts>) {
    accept(listener, move |request| answer(request, counts.clone())).await;
}

/// Serves every connection with this; when it is dropped, those that are open stay.
pub async fn accept<F>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    loop {
        // What is wrong with one connection is its client's to notice.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == HELD_PATH {
        return Ok(Response::new(Full::new(
            counts.held.load(Ordering::Acquire).to_string().into(),
        )));
    }
    if request.method() == Method::GET {
        drop(request);
        counts.held.fetch_add(1, Ordering::AcqRel);
        std::future::pending::<()>().await;
    } else {
        // A body that breaks off is answered all the same: nobody reads that answer.
        let _ = request.into_body().collect().await;
        let posts = counts.posts.fetch_add(1, Ordering::SeqCst) + 1;
        if posts == counts.goal.load(Ordering::SeqCst) {
            counts.reached.notify_one();
        }
    }
    Ok(no_content())
}

pub fn no_content() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
