//! A server on port 0 with a handful of routes, and a client that writes raw bytes.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use ringback::http::connections::Connections;
use ringback::http::limits::Limits;
use ringback::http::problem::Problem;
use ringback::http::server::Server;
use ringback::http::{Peer, ResponseBody, body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Nothing in these tests may take longer.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Rig {
    pub addr: SocketAddr,
    pub connections: Arc<Connections>,
    pub doings: Arc<Doings>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<usize>,
}

/// What the handlers report, and what lets them go on.
#[derive(Default)]
pub struct Doings {
    pub begun: AtomicUsize,
    pub dropped: AtomicUsize,
    pub release: Notify,
}

struct Dropped(Arc<Doings>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Rig {
    pub async fn start(limits: Limits) -> Self {
        Self::start_tls(limits, None).await
    }

    pub async fn start_tls(limits: Limits, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        limits.check().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(Connections::default());
        let doings = Arc::new(Doings::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server {
            limits: Arc::new(limits.clone()),
            tls,
            connections: Arc::clone(&connections),
        };
        let seen = Arc::clone(&doings);
        let service = move |request, peer| route(request, peer, limits.body, Arc::clone(&seen));
        let served = tokio::spawn(server.serve(listener, service, async {
            let _ = stopped.await;
        }));
        Self {
            addr,
            connections,
            doings,
            stop: Some(stop),
            served,
        }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends the bytes on a connection of their own and gives all that comes back until the server closes.
    pub async fn ask(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = self.connect().await;
        // The server may refuse and close before all is written.
        let _ = socket.write_all(bytes.as_ref()).await;
        read_to_end(&mut socket).await
    }

    pub async fn is_healthy(&self) -> bool {
        self.ask(get("/ok", "Connection: close\r\n"))
            .await
            .starts_with("HTTP/1.1 200")
    }

    /// Gives the stop signal.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the drain; how many connections were cut.
    pub async fn stopped(self) -> usize {
        timeout(PATIENCE, self.served)
            .await
            .expect("the drain ends")
            .unwrap()
    }

    /// Waits until the condition holds; it is looked at each millisecond.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !holds(self) {
                sleep(Duration::from_millis(1)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("never came: {what}"));
    }
}

async fn route(
    request: Request<Incoming>,
    peer: Peer,
    limits: body::Limits,
    doings: Arc<Doings>,
) -> Response<ResponseBody> {
    doings.begun.fetch_add(1, Ordering::SeqCst);
    let dropped = Dropped(Arc::clone(&doings));
    let (head, body) = request.into_parts();
    let answer = match head.uri.path() {
        "/ok" => Ok(Bytes::from_static(b"ok")),
        "/peer" => Ok(format!("{} {}", peer.addr, peer.tls).into()),
        "/length" => body::read(&head, body, &limits)
            .await
            .map(|body| body.len().to_string().into())
            .map_err(Problem::from),
        "/held" => {
            doings.release.notified().await;
            Ok(Bytes::from_static(b"released"))
        }
        "/never" => pending().await,
        "/endless" => return Response::new(endless(dropped)),
        _ => Err(Problem::not_found("No such route.")),
    };
    drop(dropped);
    answer.map_or_else(Response::from, |body| Response::new(body.into()))
}

/// A stream that always has a piece ready and never ends by itself.
fn endless(dropped: Dropped) -> ResponseBody {
    ResponseBody::streamed(futures_util::stream::repeat_with(move || {
        let _still_there = &dropped;
        Bytes::from_static(&[b'x'; 16 * 1024])
    }))
}

pub fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

pub fn post(fields: &str, body: &str) -> String {
    format!("POST /length HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

/// All bytes until the server closes; a reset counts as the end.
pub async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of the first answer, or 0 where the server closed without one.
pub fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .map_or(0, |status| status.parse().unwrap())
}

/// Reads exactly one answer with a `Content-Length`.
pub async fn read_answer(socket: &mut TcpStream) -> String {
    let mut answer = String::new();
    let reading = async {
        loop {
            let mut byte = [0];
            if socket.read(&mut byte).await.unwrap() == 0 {
                return;
            }
            answer.push(char::from(byte[0]));
            let Some((head, body)) = answer.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("an answer");
    answer
}
