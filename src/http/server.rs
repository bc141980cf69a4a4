//! Accepts connections, hands each to its own small task, and drains them on stop. Binding is the caller's, and so is
//! the signal that stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connections::{Connections, Seat};
use super::limits::Limits;
use super::{Peer, ResponseBody, connection};

/// hyper panics on a smaller buffer; [`Limits::check`] refuses one too.
const HEAD_BYTES_FLOOR: usize = 8 * 1024;

/// What one listener serves with.
pub struct Server {
    /// Every bound; checked by the caller with [`Limits::check`].
    pub limits: Arc<Limits>,
    /// Ends TLS here if given ([`super::tls`]); ALPN chooses the version. Without it: HTTP/1.1, and HTTP/2 by prior
    /// knowledge.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Where connections are counted; listeners that share it share the limits.
    pub connections: Arc<Connections>,
}

/// What all connections of a listener share.
pub(super) struct Floor<S> {
    pub(super) limits: Arc<Limits>,
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    pub(super) service: S,
    cut: AtomicUsize,
}

/// A connection that was let in.
struct Arrival {
    stream: TcpStream,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    stop: watch::Receiver<()>,
    seat: Seat,
}

impl Server {
    /// Serves until `stop` resolves, then refuses new connections, closes the idle ones and lets requests in work
    /// finish within `drain_ms`. Returns how many connections had to be cut with requests in work.
    ///
    /// On a hang-up the service's future is dropped. A held HTTP/1 request costs about 7.5 KB in all
    /// (`examples/held_connections.rs`) plus the service's future, so a service with many routes boxes each of them;
    /// and as long as it keeps the `Request`, another read buffer of 8 KiB.
    pub async fn serve<S, F>(self, listener: TcpListener, service: S, stop: impl Future<Output = ()>) -> usize
    where
        S: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Response<ResponseBody>> + Send + 'static,
    {
        let floor = Arc::new(Floor {
            http1: http1(&self.limits),
            http2: http2(&self.limits),
            limits: Arc::clone(&self.limits),
            service,
            cut: AtomicUsize::new(0),
        });
        let tls = self.tls.map(TlsAcceptor::from);
        let (running, stopped) = watch::channel(());
        let mut stop = pin!(stop);
        loop {
            let (stream, addr) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener, &self.limits) => accepted,
            };
            let Some(seat) = self.connections.enter(addr.ip(), &self.limits) else {
                continue;
            };
            let arrival = Arrival {
                stream,
                addr,
                tls: tls.clone(),
                stop: stopped.clone(),
                seat,
            };
            tokio::spawn(Arc::clone(&floor).connection(arrival));
        }
        drop((listener, stopped));
        running.send_replace(());
        // Every connection holds a receiver and ends itself within the drain.
        running.closed().await;
        floor.cut.load(Ordering::Relaxed)
    }
}

impl<S, F> Floor<S>
where
    S: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<ResponseBody>> + Send + 'static,
{
    async fn connection(self: Arc<Self>, arrival: Arrival) {
        let Arrival {
            stream,
            addr,
            tls,
            stop,
            seat,
        } = arrival;
        // Answers are small; a delay would only add 40 ms. A socket that refuses the option is closed already.
        let _ = stream.set_nodelay(true);
        let peer = Peer {
            addr: SocketAddr::new(addr.ip().to_canonical(), addr.port()),
            tls: tls.is_some(),
        };
        let cut = match tls {
            None => connection::run(Arc::clone(&self), stream, peer, stop).await,
            // Boxed: a plain connection, and a held poll on it, must not pay for the size of a TLS session.
            Some(tls) => Box::pin(Arc::clone(&self).encrypted(tls, stream, peer, stop)).await,
        };
        self.cut.fetch_add(usize::from(cut), Ordering::Relaxed);
        drop(seat);
    }

    async fn encrypted(
        self: Arc<Self>,
        tls: TlsAcceptor,
        stream: TcpStream,
        peer: Peer,
        mut stop: watch::Receiver<()>,
    ) -> bool {
        let within = Duration::from_millis(self.limits.tls_handshake_ms);
        let handshake = tokio::select! {
            _ = stop.changed() => return false,
            handshake = timeout(within, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => connection::run(self, Box::new(stream), peer, stop).await,
            // Port scans and expired clients; rustls has sent its alert.
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// The next connection. Never fails: what is wrong with one connection is skipped, and where the process is out of
/// descriptors or memory it waits, for `accept` would fail again at once and burn a core.
async fn accept(listener: &TcpListener, limits: &Limits) -> (TcpStream, SocketAddr) {
    let mut warned = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !warned {
                    tracing::warn!(%error, "cannot accept connections; raise the limit of open files");
                    warned = true;
                }
                sleep(Duration::from_millis(limits.accept_pause_ms)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // See `connection`: its clock also sees what this timeout does not.
        .header_read_timeout(None)
        .max_headers(limits.headers_max)
        // The buffer alone is no strict limit: it grows by doubling, and a head that fits what it grew to is taken.
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(HEAD_BYTES_FLOOR));
    builder
}

/// The guards against rapid resets (`max_pending_accept_reset_streams`, `max_local_error_reset_streams`) are on by
/// default and stay so.
fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams_max)
        .max_header_list_size(limits.h2_header_list_bytes_max)
        .initial_stream_window_size(limits.h2_window_bytes)
        .initial_connection_window_size(limits.h2_window_bytes)
        .keep_alive_interval(Duration::from_millis(limits.h2_ping_every_ms))
        .keep_alive_timeout(Duration::from_millis(limits.h2_ping_wait_ms));
    builder
}
