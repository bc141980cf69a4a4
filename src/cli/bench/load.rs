//! The load generator: keep-alive HTTP/1.1 connections on hyper, each with one request under way; requests are made ahead of time, so
//! that while the clock runs little but sending and reading is done here.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::Failure;
use crate::clock;

/// A request that is ready to be sent.
pub type Ready = Request<Full<Bytes>>;

/// Longest time one measured stretch may take: a benchmark is bounded.
const STRETCH_MAX: Duration = Duration::from_secs(120);

pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(Failure::unavailable)?;
        stream.set_nodelay(true).map_err(Failure::unavailable)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::unavailable)?;
        // How it ends is told to the request that is under way.
        tokio::spawn(async move { driver.await.ok() });
        Ok(Self { sender })
    }

    pub async fn open_all(address: SocketAddr, count: usize) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(Self::open(address).await?);
        }
        Ok(all)
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&mut self, request: Ready) -> Result<(StatusCode, Bytes), Failure> {
        self.sender.ready().await.map_err(Failure::unavailable)?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(Failure::unavailable)?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(Failure::unavailable)?;
        Ok((status, body.to_bytes()))
    }

    /// As `send`, where only a 2xx will do.
    pub async fn succeed(&mut self, request: Ready) -> Result<Bytes, Failure> {
        let (status, body) = self.send(request).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Failure::failed(format!(
            "a request of the benchmark was answered {status}: {}",
            String::from_utf8_lossy(&body)
        )))
    }
}

/// A request with these header fields; `host` is added.
pub fn request(
    method: Method,
    path: &str,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> Result<Ready, Failure> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HeaderValue::from_static("127.0.0.1"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
        .body(Full::new(Bytes::from(body)))
        .map_err(Failure::failed)
}

/// Sends every lane's requests one after the other, all lanes at once, each over its connection. Answers how long the
/// whole took and the bodies of the answers.
pub async fn drive(
    connections: &mut Vec<Connection>,
    lanes: Vec<Vec<Ready>>,
) -> Result<(Duration, Vec<Bytes>), Failure> {
    let started = clock::monotonic();
    let lanes = connections
        .drain(..)
        .zip(lanes)
        .map(|(connection, requests)| tokio::spawn(lane(connection, requests)));
    let lanes: Vec<_> = lanes.collect();
    let mut bodies = Vec::new();
    let all = async {
        for lane in lanes {
            let (connection, answers) = lane.await.map_err(Failure::failed)??;
            connections.push(connection);
            bodies.extend(answers);
        }
        Ok(())
    };
    timeout(STRETCH_MAX, all).await.map_err(|_| {
        Failure::new(
            4,
            "the load took more than two minutes: give --messages a smaller number",
        )
    })??;
    Ok((clock::monotonic().duration_since(started), bodies))
}

async fn lane(mut connection: Connection, requests: Vec<Ready>) -> Result<(Connection, Vec<Bytes>), Failure> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        answers.push(connection.succeed(request).await?);
    }
    Ok((connection, answers))
}

/// Deals requests to lanes as cards are dealt.
pub fn deal(requests: Vec<Ready>, lanes: usize) -> Vec<Vec<Ready>> {
    let mut dealt: Vec<Vec<Ready>> = (0..lanes)
        .map(|_| Vec::with_capacity(requests.len() / lanes + 1))
        .collect();
    requests
        .into_iter()
        .enumerate()
        .for_each(|(at, request)| dealt[at % lanes].push(request));
    dealt
}
