//! A reader of server-sent events over a socket of its own: takes the chunks apart, then the events, and says how the stream ended.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::client::{Call, Reply, parse};
use super::within;

/// One dispatched block of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<Value>,
    pub comment: Option<String>,
    pub retry: Option<String>,
}

pub struct Stream {
    pub socket: TcpStream,
    pub head: Reply,
    /// Bytes off the wire, chunks not yet taken apart.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// The last chunk came, so the server ended it and did not break off.
    ended: bool,
}

impl Stream {
    /// Opens a stream that must be answered with 200.
    pub async fn open(call: &Call, address: SocketAddr) -> Self {
        let mut socket = call.begin(address).await;
        let mut raw = Vec::new();
        let end = within("a stream's head", async {
            loop {
                if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                    return end + 4;
                }
                assert!(
                    socket.read_buf(&mut raw).await.expect("it is open") > 0,
                    "hung up before a head"
                );
            }
        })
        .await;
        let head = parse(&raw[..end]).expect("a head");
        assert_eq!(head.status, 200, "{}", String::from_utf8_lossy(&raw));
        raw.drain(..end);
        Self {
            socket,
            head,
            raw,
            text: Vec::new(),
            ended: false,
        }
    }

    /// The next block; `None` once the stream has ended.
    pub async fn next(&mut self) -> Option<Block> {
        within("a block of a stream", async {
            loop {
                self.unchunk();
                if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                    let block: Vec<u8> = self.text.drain(..end + 2).collect();
                    return Some(block_of(std::str::from_utf8(&block).expect("UTF-8")));
                }
                if self.ended || self.socket.read_buf(&mut self.raw).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
        })
        .await
    }

    /// The next block that is an event.
    pub async fn event(&mut self) -> Block {
        loop {
            let block = self.next().await.expect("the stream goes on");
            if block.data.is_some() {
                return block;
            }
        }
    }

    /// Whether the server has ended the stream as HTTP wants it ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn unchunk(&mut self) {
        while let Some(line) = self.raw.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).expect("a chunk's size");
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            let (from, to) = (line + 2, line + 2 + size);
            if self.raw.len() < to + 2 {
                return;
            }
            self.text.extend_from_slice(&self.raw[from..to]);
            self.raw.drain(..to + 2);
            self.ended |= size == 0;
        }
    }
}

fn block_of(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a field or a comment");
        let value = value.trim_start().to_owned();
        let place = match name {
            "" => &mut block.comment,
            "id" => &mut block.id,
            "event" => &mut block.event,
            "retry" => &mut block.retry,
            "data" => {
                block.data = Some(serde_json::from_str(&value).expect("data is JSON"));
                continue;
            }
            other => panic!("no field of an event stream: {other}"),
        };
        *place = Some(value);
    }
    block
}
