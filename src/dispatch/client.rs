//! The sender that speaks HTTP. No redirects, no proxy from the environment, no cookies, no decompression.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};

use super::connect::Connector;
use super::connection::{Connection, Outgoing, Undone};
use super::guard::{Origin, Policy};
use super::pool::{Limits, Pool};
use super::progress::{Phase, Progress};
use super::resolve::{Resolver, System};
use super::sender::{Answer, Attempted, Call, Failure, Outcome, Sender};

/// How the client calls. All of it comes from `[outbound]` of the configuration.
pub struct Options {
    pub policy: Policy,
    pub resolver: Arc<dyn Resolver>,
    /// Certificate authorities trusted besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Look-up, dialling and handshake together.
    pub connect_timeout_ms: u64,
    /// What is read of a reply's body; the connection is closed on a longer one.
    pub reply_bytes_max: usize,
    pub idle_ms_max: u64,
    /// A connection older than this is not used again, so that a changed DNS record is heard of.
    pub age_ms_max: u64,
    pub idle_per_origin_max: usize,
    pub idle_total_max: usize,
}

impl Options {
    /// The built-in defaults under this policy.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            resolver: Arc::new(System::new()),
            extra_roots: Vec::new(),
            connect_timeout_ms: 5_000,
            reply_bytes_max: 16 * 1024,
            idle_ms_max: 30_000,
            age_ms_max: 300_000,
            idle_per_origin_max: 64,
            idle_total_max: 1024,
        }
    }
}

/// See the module.
pub struct Client {
    connector: Connector,
    pool: Arc<Pool>,
    reply_bytes_max: usize,
}

impl Client {
    /// Must be called within a runtime. Fails only if an extra root is not a certificate.
    pub fn new(options: Options) -> Result<Self, rustls::Error> {
        let limits = Limits {
            idle: Duration::from_millis(options.idle_ms_max),
            age: Duration::from_millis(options.age_ms_max),
            per_origin: options.idle_per_origin_max,
            total: options.idle_total_max,
        };
        let connect_timeout = Duration::from_millis(options.connect_timeout_ms);
        let Options {
            policy,
            resolver,
            extra_roots,
            reply_bytes_max,
            ..
        } = options;
        let connector = Connector::new(policy, resolver, &extra_roots, connect_timeout)?;
        Ok(Self {
            connector,
            pool: Pool::start(limits),
            reply_bytes_max,
        })
    }

    /// What is known so far is written to `progress`, which outlives this future when the deadline drops it.
    async fn attempt(&self, call: Call, progress: &mut Progress) -> Result<Answer, Failure> {
        let Call {
            method,
            target,
            headers,
            body,
            ..
        } = call;
        let mut request = request(method, headers, body);
        let (mut connection, response) = loop {
            let mut connection = self.connection(target.origin(), progress).await?;
            progress.enter(Phase::Reply);
            match connection.exchange(request, &target).await {
                Ok(response) => break (connection, response),
                // The server closed a kept connection and nothing was written to it: safe to use another. A request
                // of which any byte went out is never repeated here: the server may have acted on it.
                Err(Undone::Unsent(unsent)) if progress.reused => {
                    request = *unsent;
                    progress.begin_anew();
                }
                Err(Undone::Unsent(_)) => return Err(Failure::Reset),
                Err(Undone::Failed(failure)) => return Err(failure),
            }
        };
        let mut answer = Answer::from_head(response.status().as_u16(), response.headers(), &target);
        progress.enter(Phase::Body(answer.status));
        (answer.body, answer.truncated) = connection
            .read(response.into_body(), self.reply_bytes_max)
            .await?;
        self.pool.put(target.origin(), connection);
        Ok(answer)
    }

    /// A kept connection for the first try; once one turned out closed under a request, only a new one will do.
    async fn connection(&self, origin: &Origin, progress: &mut Progress) -> Result<Connection, Failure> {
        let kept = if progress.reused {
            None
        } else {
            self.pool.take(origin)
        };
        progress.reused = kept.is_some();
        let connection = match kept {
            Some(kept) => kept,
            // Boxed because it is rare and large: the future of a call over a kept connection stays small.
            None => Box::pin(self.connect(origin, progress)).await?,
        };
        progress.remote = Some(connection.remote);
        Ok(connection)
    }

    async fn connect(&self, origin: &Origin, progress: &mut Progress) -> Result<Connection, Failure> {
        let made = Connection::open(self.connector.connect(origin, progress).await?).await?;
        if let Some(shared) = made.share() {
            self.pool.put(origin, shared);
        }
        Ok(made)
    }
}

impl Sender for Client {
    async fn send(&self, call: Call) -> Attempted {
        let timeout = Duration::from_millis(call.timeout_ms);
        let mut progress = Progress::start();
        let attempt = timeout_at(Instant::now() + timeout, self.attempt(call, &mut progress));
        let outcome = match attempt.await {
            Ok(Ok(answer)) => Outcome::Answered(answer),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(progress.timed_out()),
        };
        Attempted {
            outcome,
            remote: progress.remote,
            reused: progress.reused,
            timing: progress.timing(),
        }
    }
}

fn request(method: Method, headers: Vec<(HeaderName, HeaderValue)>, body: Bytes) -> Outgoing {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    let mut map = HeaderMap::with_capacity(headers.len() + 2);
    map.extend(headers);
    *request.headers_mut() = map;
    request
}
