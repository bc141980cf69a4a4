//! One HTTP connection, and one exchange over it.
//!
//! An HTTP/1.1 connection has no task of its own: the call that uses it drives it, inside its own future. So a
//! request costs no switch between tasks, and a call that is given up closes its connection by being dropped.
//! An HTTP/2 connection is shared by many calls and therefore has a task.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::connect::{Connected, Stream};
use super::guard::Target;
use super::sender::Failure;

/// A reply with more header lines than this is not sound.
const HEADERS_MAX: usize = 64;
/// Longest head of an HTTP/1.1 reply, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Longest header list of an HTTP/2 reply, in bytes.
const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// An HTTP/2 connection is asked for a sign of life this often, so a dead one does not hold calls.
const PING_INTERVAL: Duration = Duration::from_secs(20);

pub(super) type Outgoing = Request<Full<Bytes>>;
type Io = TokioIo<Box<dyn Stream>>;

pub(super) struct Connection {
    pub remote: SocketAddr,
    /// When it was made and when it last finished a call; the pool judges its age by them.
    pub made_at: Instant,
    pub used_at: Instant,
    protocol: Protocol,
}

enum Protocol {
    H1(Box<H1>),
    H2(http2::SendRequest<Full<Bytes>>),
}

struct H1 {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has ended. It must be dropped then, for only that gives a request back that was waiting in it.
    driver: Option<http1::Connection<Io, Full<Bytes>>>,
}

/// Why an exchange ended without a reply head. `Unsent` carries the request back: not one byte of it was written.
pub(super) enum Undone {
    Unsent(Box<Outgoing>),
    Failed(Failure),
}

impl Connection {
    pub async fn open(connected: Connected) -> Result<Self, Failure> {
        let Connected {
            stream,
            remote,
            http2,
        } = connected;
        let io = TokioIo::new(stream);
        let protocol = if http2 {
            open_h2(io).await?
        } else {
            open_h1(io).await?
        };
        let made_at = Instant::now();
        Ok(Self {
            remote,
            made_at,
            used_at: made_at,
            protocol,
        })
    }

    /// Sends the request, headers put in the form this protocol wants, and waits for the head of the reply.
    pub async fn exchange(
        &mut self,
        mut request: Outgoing,
        to: &Target,
    ) -> Result<Response<Incoming>, Undone> {
        let result = match &mut self.protocol {
            Protocol::H1(h1) => {
                *request.uri_mut() = to.path().clone();
                request
                    .headers_mut()
                    .insert(header::HOST, to.host_header().clone());
                h1.exchange(request).await
            }
            Protocol::H2(sender) => {
                *request.uri_mut() = to.absolute().clone();
                request.headers_mut().remove(header::HOST);
                sender.try_send_request(request).await
            }
        };
        result.map_err(|mut error| match error.take_message() {
            Some(request) => Undone::Unsent(Box::new(request)),
            None => Undone::Failed(failure(error.error())),
        })
    }

    /// The body up to `bytes_max`, and whether there was more.
    pub async fn read(&mut self, mut body: Incoming, bytes_max: usize) -> Result<(Bytes, bool), Failure> {
        let mut read = BytesMut::new();
        while !body.is_end_stream() {
            let Some(frame) = poll_fn(|cx| self.poll_frame(&mut body, cx)).await else {
                break;
            };
            let Ok(data) = frame.map_err(|error| failure(&error))?.into_data() else {
                continue;
            };
            let room = bytes_max - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok((read.freeze(), true));
            }
        }
        Ok((read.freeze(), false))
    }

    fn poll_frame(&mut self, body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        match &mut self.protocol {
            Protocol::H1(h1) => drive(&mut h1.driver, cx),
            Protocol::H2(_) => return Poll::Pending,
        }
        Pin::new(body).poll_frame(cx)
    }

    /// Whether another call may use it: the last reply was read to its end and, by one look at the socket, the server
    /// has not hung up.
    pub fn is_open(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::H1(h1) => {
                drive(&mut h1.driver, &mut Context::from_waker(Waker::noop()));
                h1.driver.is_some() && h1.sender.is_ready()
            }
            Protocol::H2(sender) => !sender.is_closed(),
        }
    }

    /// A second handle on the same connection, if it can serve several calls at once and is not closed.
    pub fn share(&self) -> Option<Self> {
        match &self.protocol {
            Protocol::H2(sender) if !sender.is_closed() => Some(Self {
                protocol: Protocol::H2(sender.clone()),
                ..*self
            }),
            _ => None,
        }
    }

    pub fn is_shared(&self) -> bool {
        matches!(self.protocol, Protocol::H2(_))
    }
}

type FrameResult = Result<hyper::body::Frame<Bytes>, hyper::Error>;

impl H1 {
    async fn exchange(&mut self, request: Outgoing) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        let mut reply = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            drive(&mut self.driver, cx);
            reply.as_mut().poll(cx)
        })
        .await
    }
}

/// How the driver ended is told by the exchange that was under way, if any.
fn drive(driver: &mut Option<http1::Connection<Io, Full<Bytes>>>, cx: &mut Context<'_>) {
    if driver
        .as_mut()
        .is_some_and(|driver| Pin::new(driver).poll(cx).is_ready())
    {
        *driver = None;
    }
}

async fn open_h1(io: Io) -> Result<Protocol, Failure> {
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (sender, driver) = builder.handshake(io).await.map_err(|error| failure(&error))?;
    Ok(Protocol::H1(Box::new(H1 {
        sender,
        driver: Some(driver),
    })))
}

async fn open_h2(io: Io) -> Result<Protocol, Failure> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL);
    builder.max_header_list_size(HEADER_LIST_BYTES_MAX);
    let (sender, driver) = builder.handshake(io).await.map_err(|error| failure(&error))?;
    // Ends by itself when the last handle is gone; its error is told to the calls it served.
    tokio::spawn(async move { driver.await.ok() });
    Ok(Protocol::H2(sender))
}

fn failure(error: &hyper::Error) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return if is_hang_up(io.kind()) {
                Failure::Reset
            } else {
                Failure::Protocol(io.kind().to_string())
            };
        }
        source = cause.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Failure::Reset;
    }
    Failure::Protocol(error.to_string())
}

fn is_hang_up(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(
        kind,
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    //! A pipe in memory shows at once when its other end is gone, which no socket can promise.

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::dispatch::guard::{Policy, check_url};

    async fn piped() -> (Connection, DuplexStream) {
        let (ours, theirs) = duplex(4096);
        let remote = SocketAddr::from(([127, 0, 0, 1], 80));
        let connected = Connected {
            stream: Box::new(ours),
            remote,
            http2: false,
        };
        let Ok(connection) = Connection::open(connected).await else {
            panic!()
        };
        (connection, theirs)
    }

    fn target() -> Target {
        check_url("https://example.com/hook", &Policy::strict()).unwrap()
    }

    #[tokio::test]
    async fn gives_the_request_back_when_nothing_of_it_was_written() {
        let (mut connection, theirs) = piped().await;
        drop(theirs);
        let request = Request::new(Full::new(Bytes::from_static(b"body")));
        let Err(Undone::Unsent(unsent)) = connection.exchange(request, &target()).await else {
            panic!()
        };
        assert_eq!(unsent.body().size_hint().exact(), Some(4));
        assert!(!connection.is_open());
    }

    #[tokio::test]
    async fn keeps_the_request_when_some_of_it_was_written() {
        let (mut connection, mut theirs) = piped().await;
        let server = async move { theirs.read_u8().await };
        let request = Request::new(Full::new(Bytes::from_static(b"body")));
        let to = target();
        let (result, read) = tokio::join!(connection.exchange(request, &to), server);
        assert!(read.is_ok());
        assert!(matches!(result, Err(Undone::Failed(Failure::Reset))));
    }

    #[tokio::test]
    async fn is_not_open_while_the_server_says_what_it_was_not_asked() {
        let (mut connection, mut theirs) = piped().await;
        assert!(connection.is_open());
        theirs
            .write_all(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        assert!(!connection.is_open());
    }
}
