//! The built program as a process of its own: started on a data folder, called over HTTP, killed by its id.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ringback::carrier::simulate::{Draft, signed};
use ringback::clock::Clock;
use ringback::http::dev::DevSource;
use serde_json::{Value, json};

const API_KEY: &str = "crash-test-key";
pub const ACCOUNT: &str = "acc_crash";
/// The source of the signed messages; its name is part of their ids.
pub const SOURCE: &str = "loopback";

pub struct Gateway {
    child: Mutex<Child>,
    base: String,
    source: Option<DevSource>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer: its status, and its body where that is JSON.
pub type Answer = Option<(u16, Value)>;

impl Gateway {
    /// Starts `ringback dev` on this folder, as `work/data`; its output goes to `work/log`.
    pub async fn start(work: &Path, environment: &[(&str, &str)]) -> Self {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(work.join("log"))
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        command.args([
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--api-key",
            API_KEY,
            "--account",
            ACCOUNT,
        ]);
        command.arg("--data").arg(work.join("data"));
        command.env("XDG_STATE_HOME", work.join("state"));
        command.env(
            "RINGBACK__OUTBOUND__RETRY",
            "{ schedule_s = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] }",
        );
        command.envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = line.await.unwrap().unwrap();
        let facts: Value = serde_json::from_str(&line).unwrap_or_else(|e| {
            panic!(
                "{e}: {line:?}: {}",
                std::fs::read_to_string(work.join("log")).unwrap()
            )
        });
        let base = facts["base_url"].as_str().unwrap().to_owned();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut started = Self {
            child: Mutex::new(child),
            base,
            source: None,
            client,
        };
        let (_, sources) = started.get("/api/dev/sources").await.unwrap();
        let sources: Vec<DevSource> = serde_json::from_value(sources["sources"].clone()).unwrap();
        started.source = sources.into_iter().find(|source| source.name == SOURCE);
        started
    }

    async fn call(&self, request: http::request::Builder, body: Vec<u8>) -> Answer {
        let request: Request<Full<Bytes>> = request.body(body.into()).unwrap();
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {API_KEY}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(self.request(Method::GET, path), Vec::new()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json");
        self.call(request, body.to_string().into_bytes()).await
    }

    /// Subscribes this URL to everything; its id.
    pub async fn subscribe(&self, url: &str) -> String {
        let (status, made) = self
            .post("/api/webhooks", json!({ "url": url, "events": ["*"] }))
            .await
            .unwrap();
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Brings a message as its carrier would, signed now; the status of the answer, if one came.
    pub async fn message(&self, draft: &Draft) -> Option<u16> {
        let source = self.source.as_ref().unwrap();
        let request = signed(&source.signer, draft, &source.public_url, Clock::System.now());
        let mut builder = Request::builder()
            .method(request.method)
            .uri(format!("{}/inbound/{SOURCE}", self.base));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        Some(self.call(builder, request.body).await?.0)
    }

    /// SIGKILL to the process that this started, and to no other.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        // An error says that it has ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}
