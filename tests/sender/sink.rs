//! A small receiver on loopback that does to each connection what a test says, and remembers what it saw.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

tokio::task_local! {
    static SEEN: Arc<Mutex<Vec<String>>>;
}

pub struct Sink {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    /// Connections accepted and finished.
    counts: watch::Receiver<(usize, usize)>,
}

impl Sink {
    /// `serve` gets the number of the connection, from 0, and its stream; returning closes it.
    pub async fn start<F, Fut>(ip: IpAddr, serve: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, counts) = watch::channel((0, 0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = seen.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                count.send_modify(|(accepted, _)| *accepted += 1);
                let served = SEEN.scope(remembered.clone(), serve(n, stream));
                let count = count.clone();
                tokio::spawn(async move {
                    served.await;
                    count.send_modify(|(_, finished)| *finished += 1);
                });
            }
        });
        Self {
            address,
            seen,
            counts,
        }
    }

    pub fn accepted(&self) -> usize {
        self.counts.borrow().0
    }

    /// Waits until this many connections were closed; that they are closed soon is part of what is tested.
    pub async fn finished(&self, count: usize) {
        let mut counts = self.counts.clone();
        let finished = counts.wait_for(|(_, finished)| *finished >= count);
        tokio::time::timeout(Duration::from_secs(3), finished)
            .await
            .unwrap()
            .unwrap();
    }

    /// The requests read so far, head and body as text.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads one request with a `content-length`; `None` when the peer hung up.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let head_bytes = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_bytes]).to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .map_or("0", |rest| rest.split('\r').next().unwrap());
    let body_bytes: usize = length.parse().unwrap();
    while bytes.len() < head_bytes + body_bytes {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let request = String::from_utf8_lossy(&bytes).into_owned();
    SEEN.with(|seen| seen.lock().unwrap().push(request.clone()));
    Some(request)
}
