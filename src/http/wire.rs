//! The socket as hyper reads it: checked for framing, its activity noted, and read empty before it is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Activity;
use super::framing::Framing;

/// What hyper is given instead of the byte that must not pass: no head and no chunk size survives it, so hyper's own
/// parser answers 400 and closes.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Bytes that are read and thrown away after our last answer, at most.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) struct Wire<T> {
    io: T,
    framing: Framing,
    /// What is left of [`POISON`] to be read, once the framing was violated; then the end.
    poison: Option<&'static [u8]>,
    activity: Arc<Activity>,
    lingered_bytes: usize,
}

impl<T> Wire<T> {
    pub(super) fn new(io: T, activity: Arc<Activity>) -> Self {
        Self {
            io,
            framing: Framing::new(),
            poison: None,
            activity,
            lingered_bytes: 0,
        }
    }

    fn note(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let bytes = &buf.filled()[before..];
        if bytes.is_empty() {
            return;
        }
        let verdict = self.framing.take(bytes);
        self.activity.read(self.framing.is_http2());
        if let Err(offset) = verdict {
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
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            this.note(buf, before);
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
