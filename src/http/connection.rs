//! The life of one connection: hyper drives it, the deadlines here end it.
//!
//! hyper's own `header_read_timeout` is left off. It does not run before the HTTP version is known (a client that
//! sends nothing, or half an HTTP/2 preface, would stay for ever), not on HTTP/2, and it counts the pause between two
//! requests, so a short one closes the idle connections of every reverse proxy. One clock with a stage replaces it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::ops::DerefMut;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use super::limits::Limits;
use super::server::Floor;
use super::wire::{Version, Wire};
use super::{Peer, ResponseBody, admit};

/// What a connection is doing, noted by the wire and the handlers, read by the clock.
#[derive(Debug, Default)]
pub(super) struct Activity {
    in_work: AtomicUsize,
    begun: AtomicUsize,
    streams: AtomicUsize,
    pieces: AtomicUsize,
    head_begun: AtomicBool,
    closing: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A request head is owed. The number tells one wait from the next.
    Head(usize),
    /// Requests are in work; their own limits end them, not the connection's.
    Busy,
    /// A body is being streamed; the number tells one piece from the next.
    Streaming(usize),
    /// Nothing to do, or an answer is being read.
    Idle(usize),
    /// The last answer is out.
    Closing,
}

impl Activity {
    /// Bytes came in on HTTP/1: without a request in work, they begin a head. (On HTTP/2 they may be a ping.)
    pub(super) fn read(&self) {
        self.head_begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    fn stage(&self) -> Stage {
        let begun = self.begun.load(Ordering::Relaxed);
        if self.closing.load(Ordering::Relaxed) {
            Stage::Closing
        } else if self.in_work.load(Ordering::Relaxed) > 0 {
            Stage::Busy
        } else if self.streams.load(Ordering::Relaxed) > 0 {
            Stage::Streaming(self.pieces.load(Ordering::Relaxed))
        } else if begun == 0 || self.head_begun.load(Ordering::Relaxed) {
            Stage::Head(begun)
        } else {
            Stage::Idle(begun)
        }
    }
}

/// One request in work, from its head until its handler has answered or is dropped.
struct InWork(Arc<Activity>);

impl InWork {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.in_work.fetch_add(1, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.head_begun.store(false, Ordering::Relaxed);
        self.0.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One streamed body, from its answer until it is dropped.
pub(super) struct Streaming(Arc<Activity>);

impl Streaming {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }

    /// The reader has room for more: a piece was asked for.
    pub(super) fn piece(&self) {
        self.0.pieces.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.head_begun.store(false, Ordering::Relaxed);
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The timer of the present stage. It exists only while it runs: a held poll pays for none.
#[derive(Default)]
struct Clock {
    stage: Option<Stage>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    fn follow(&mut self, stage: Stage, limits: &Limits) {
        if self.stage == Some(stage) {
            return;
        }
        self.stage = Some(stage);
        let wait_ms = match stage {
            Stage::Head(_) => Some(limits.header_read_ms),
            Stage::Busy => None,
            Stage::Streaming(_) => Some(limits.stream_stall_ms),
            Stage::Idle(_) => Some(limits.idle_ms),
            Stage::Closing => Some(limits.linger_ms),
        };
        self.sleep = wait_ms.map(|ms| Box::pin(sleep(Duration::from_millis(ms))));
    }

    fn rang(&mut self, cx: &mut Context<'_>) -> bool {
        rang(&mut self.sleep, cx)
    }
}

fn rang(sleep: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    sleep
        .as_mut()
        .is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
}

/// Serves one connection until it ends, its clock rings, or the drain after `stop` is over. `true` if it was cut while
/// requests were in work: their handlers are dropped.
pub(super) async fn run<T, S, F>(
    floor: Arc<Floor<S>>,
    io: T,
    peer: Peer,
    mut stop: watch::Receiver<()>,
) -> bool
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let mut wire = Wire::new(io, Arc::clone(&activity));
    let mut life = Life {
        limits: &floor.limits,
        activity: &activity,
        clock: Clock::default(),
        drain: None,
    };
    let mut stopped = pin!(stop.changed());
    let Some(version) = life.version(&mut wire, stopped.as_mut()).await else {
        return false;
    };
    let handler = Handler {
        floor: Arc::clone(&floor),
        peer,
        activity: Arc::clone(&activity),
    };
    match version {
        Version::Http1 => {
            let http = pin!(floor.http1.serve_connection(TokioIo::new(wire), handler));
            life.drive(http, stopped).await
        }
        Version::Http2 => {
            // Boxed: most connections are HTTP/1, and must not pay for the size of this one.
            let http = Box::pin(floor.http2.serve_connection(TokioIo::new(wire), handler));
            life.drive(http, stopped).await
        }
    }
}

/// What ends one connection.
struct Life<'a> {
    limits: &'a Limits,
    activity: &'a Activity,
    clock: Clock,
    drain: Option<Pin<Box<Sleep>>>,
}

impl Life<'_> {
    /// The version, or `None` if the client does not even get that far.
    async fn version<T: AsyncRead + Unpin>(
        &mut self,
        wire: &mut Wire<T>,
        mut stopped: Pin<&mut impl Future>,
    ) -> Option<Version> {
        // It goes on to run when the version is known: one time for all of the first head.
        self.clock.follow(self.activity.stage(), self.limits);
        poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() || self.clock.rang(cx) {
                return Poll::Ready(None);
            }
            wire.poll_version(cx).map(Result::ok)
        })
        .await
    }

    async fn drive<C: GracefulConnection>(
        &mut self,
        mut http: Pin<impl DerefMut<Target = C>>,
        mut stopped: Pin<&mut impl Future>,
    ) -> bool {
        let mut leaving = false;
        poll_fn(|cx| {
            if self.drain.is_none() && stopped.as_mut().poll(cx).is_ready() {
                self.drain = Some(Box::pin(sleep(Duration::from_millis(self.limits.drain_ms))));
                http.as_mut().graceful_shutdown();
            }
            loop {
                // Its error is the client's: a reset, bytes that are no HTTP. hyper has answered it where it could.
                if http.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(false);
                }
                let stage = if leaving {
                    Stage::Closing
                } else {
                    self.activity.stage()
                };
                self.clock.follow(stage, self.limits);
                match (self.clock.rang(cx), stage) {
                    (true, Stage::Idle(_)) => {
                        leaving = true;
                        http.as_mut().graceful_shutdown();
                    }
                    (true, _) => return Poll::Ready(false),
                    (false, _) if rang(&mut self.drain, cx) => {
                        return Poll::Ready(matches!(stage, Stage::Busy | Stage::Streaming(_)));
                    }
                    (false, _) => return Poll::Pending,
                }
            }
        })
        .await
    }
}

/// One connection's way from hyper to the service.
struct Handler<S> {
    floor: Arc<Floor<S>>,
    peer: Peer,
    activity: Arc<Activity>,
}

impl<S, F> Service<Request<Incoming>> for Handler<S>
where
    S: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    /// Boxed, because hyper keeps room for it as long as the connection lives, idle or not.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_work = InWork::begin(&self.activity);
        let version = request.version();
        if let Some(problem) = admit::refusal(&request, &self.floor.limits) {
            let answer = admit::sealed(problem.into(), version);
            return Box::pin(async move {
                drop(in_work);
                Ok(answer)
            });
        }
        let answer = (self.floor.service)(request, self.peer);
        let activity = Arc::clone(&self.activity);
        Box::pin(async move {
            let answer = answer.await;
            let answer = answer.map(|body| body.noted(|| Streaming::begin(&activity)));
            drop(in_work);
            Ok(admit::sealed(answer, version))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_follows_what_wire_and_handlers_note() {
        let activity = Arc::new(Activity::default());
        assert_eq!(
            activity.stage(),
            Stage::Head(0),
            "a client that says nothing owes a head"
        );
        activity.read();
        assert_eq!(activity.stage(), Stage::Head(0));
        let first = InWork::begin(&activity);
        activity.read();
        assert_eq!(activity.stage(), Stage::Busy, "body bytes begin no head");
        drop(first);
        assert_eq!(activity.stage(), Stage::Idle(1));
        activity.read();
        assert_eq!(activity.stage(), Stage::Head(1));
        activity.closing();
        assert_eq!(activity.stage(), Stage::Closing);
    }
}
