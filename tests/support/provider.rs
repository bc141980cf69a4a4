//! A provider's API on a free port that does as it is told, request by request, and keeps what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one request, once all of it is there.
#[derive(Debug, Clone)]
pub enum Act {
    /// A status, further header lines, and a body.
    Answer(u16, &'static str, String),
    /// Nothing, for as long as the client waits.
    Hang,
    /// The connection is closed.
    HangUp,
    /// The head says more than comes.
    Half,
    /// No HTTP.
    Noise,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct State {
    script: VecDeque<Act>,
    got: Vec<Got>,
}

pub struct Provider {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    /// Answers so in turn, and then with 500 and no word.
    pub async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let script = script.into_iter().collect();
        let state = Arc::new(Mutex::new(State {
            script,
            ..State::default()
        }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, state }
    }

    pub fn then(&self, act: Act) {
        self.lock().script.push_back(act);
    }

    pub fn got(&self) -> Vec<Got> {
        self.lock().got.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port on which nobody listens.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(got) = request(&mut stream).await {
        let act = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.got.push(got);
            let usual = || Act::Answer(500, "", String::new());
            state.script.pop_front().unwrap_or_else(usual)
        };
        let answer = match act {
            Act::Answer(status, fields, body) => {
                let length = body.len();
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{fields}\r\n{body}")
            }
            Act::Hang => return std::future::pending().await,
            Act::HangUp => return,
            Act::Half => "HTTP/1.1 201 X\r\ncontent-length: 500\r\n\r\n{\"sid\":".to_owned(),
            Act::Noise => "SMTP? 220 hello\r\n\r\n".to_owned(),
        };
        let whole = !answer.starts_with("SMTP") && !answer.ends_with(":");
        if stream.write_all(answer.as_bytes()).await.is_err() || !whole {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            if let Some(body) = bytes.get(end + 4..end + 4 + length.unwrap_or(0)) {
                let body = String::from_utf8_lossy(body).into_owned();
                return Some(Got { head, body });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
