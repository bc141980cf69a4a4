//! A client that sends exactly the bytes it is given, over a socket of its own for each request, and reads one whole answer.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within;

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<_> = fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")?
            .1
            .parse::<usize>()
            .ok();
        let body = bytes.get(end + 4..end + 4 + length?)?.to_vec();
        Some(Self {
            status,
            headers,
            body,
        })
    }
}

/// A request in the making.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST of this JSON.
    pub fn post(path: &str, body: &Value) -> Self {
        Self::with_json("POST", path, body)
    }

    pub fn with_json(method: &str, path: &str, body: &Value) -> Self {
        Self::new(method, path)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// The request as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() || self.method == "POST" {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    pub async fn send(&self, address: SocketAddr) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        exchange(address, &self.bytes())
            .await
            .unwrap_or_else(|| panic!("{what}: hung up without an answer"))
    }

    /// Sends it and keeps the socket, to hang up before the answer.
    pub async fn begin(&self, address: SocketAddr) -> TcpStream {
        let mut socket = TcpStream::connect(address).await.expect("the gateway listens");
        socket.write_all(&self.bytes()).await.expect("the gateway reads");
        socket
    }
}

/// Sends these bytes and reads one answer; `None` if the gateway hangs up without one.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut socket = TcpStream::connect(address).await.expect("the gateway listens");
    // A server that has answered already may have stopped reading; its answer is what counts.
    let _ = socket.write_all(bytes).await;
    read(&mut socket).await
}

/// As `exchange`, and then says that nothing more comes.
pub async fn exchange_cut(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut socket = TcpStream::connect(address).await.expect("the gateway listens");
    let _ = socket.write_all(bytes).await;
    let _ = socket.shutdown().await;
    read(&mut socket).await
}

pub async fn read(socket: &mut TcpStream) -> Option<Reply> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    let reading = async {
        loop {
            match socket.read(&mut some).await {
                Ok(0) | Err(_) => return parse(&bytes),
                Ok(n) => bytes.extend_from_slice(&some[..n]),
            }
            if let Some(reply) = Reply::parse(&bytes) {
                return Some(reply);
            }
        }
    };
    within("an answer", reading).await
}

/// The answer in all the bytes that came, also one that has no length, such as a 204.
pub fn parse(bytes: &[u8]) -> Option<Reply> {
    Reply::parse(bytes).or_else(|| without_body(bytes))
}

fn without_body(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let padded = [&bytes[..end], b"\r\ncontent-length: 0\r\n\r\n"].concat();
    Reply::parse(&padded)
}
