//! The socket as hyper reads it: its version told apart, its framing checked, its activity noted, and read empty before
//! it is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Activity;
use super::framing::Framing;

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What hyper is given instead of the byte that must not pass: no head and no chunk size survives it, so hyper's own
/// parser answers 400 and closes.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Bytes that are read and thrown away after our last answer, at most.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

pub(super) struct Wire<T> {
    io: T,
    /// The first bytes, read to tell the version. They are handed on together with what follows them: in two pieces
    /// they would make hyper double its read buffer.
    first: [u8; PREFACE.len()],
    first_len: usize,
    /// `None` on HTTP/2, which frames itself.
    framing: Option<Framing>,
    /// What is left of [`POISON`] to be read, once the framing was violated; then the end.
    poison: Option<&'static [u8]>,
    activity: Arc<Activity>,
    lingered_bytes: usize,
}

impl<T: AsyncRead + Unpin> Wire<T> {
    pub(super) fn new(io: T, activity: Arc<Activity>) -> Self {
        Self {
            io,
            first: [0; PREFACE.len()],
            first_len: 0,
            framing: Some(Framing::new()),
            poison: None,
            activity,
            lingered_bytes: 0,
        }
    }

    /// Reads until the bytes differ from the preface of HTTP/2 or are all of it. Comes before all other reading.
    pub(super) fn poll_version(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Version>> {
        while self.first_len < PREFACE.len() {
            let mut buf = ReadBuf::new(&mut self.first);
            buf.set_filled(self.first_len);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
            let filled = buf.filled();
            let ended = filled.len() == self.first_len;
            self.first_len = filled.len();
            if ended || !PREFACE.starts_with(filled) {
                return Poll::Ready(Ok(Version::Http1));
            }
        }
        self.framing = None;
        Poll::Ready(Ok(Version::Http2))
    }

    /// The first bytes and what is there after them; `Ready` if any of the two is.
    fn poll_bytes(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let first = self.first_len.min(buf.remaining());
        buf.put_slice(&self.first[..first]);
        self.first.copy_within(first..self.first_len, 0);
        self.first_len -= first;
        if first > 0 && buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending if first > 0 => Poll::Ready(Ok(())),
            read => read,
        }
    }

    fn check(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let bytes = &buf.filled()[before..];
        let Some(framing) = &mut self.framing else { return };
        if bytes.is_empty() {
            return;
        }
        self.activity.read();
        if let Err(offset) = framing.take(bytes) {
            buf.set_filled(before + offset);
            self.poison = Some(POISON);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.poison.is_none() {
            let before = buf.filled().len();
            ready!(this.poll_bytes(cx, buf))?;
            this.check(buf, before);
        }
        if let Some(poison) = &mut this.poison {
            let (now, later) = poison.split_at(poison.len().min(buf.remaining()));
            buf.put_slice(now);
            *poison = later;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    /// Says the end, then reads what the client is still sending: a socket that is dropped with bytes unread resets
    /// the connection, and the client would lose the 413 it should see. The deadline is `connection`'s.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.activity.closing();
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        let mut scratch = [0; 4096];
        while this.lingered_bytes < LINGER_BYTES_MAX {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.io).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => this.lingered_bytes += buf.filled().len(),
                // The end, or a client that is gone already: both mean that nothing is left to lose.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
