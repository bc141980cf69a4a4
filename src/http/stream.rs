//! What an answer's body is: whole at once, or sent piece by piece for as long as its reader keeps up. A streamed body holds one piece at
//! most; a reader who takes nothing is cut off by `connection`'s clock, which sees that no piece is asked for any more.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::connection::Streaming;

/// What every handler answers with.
pub enum ResponseBody {
    /// Dropped as soon as it is encoded.
    Whole(Full<Bytes>),
    Streamed(Box<Streamed>),
}

/// A body in pieces.
pub struct Streamed {
    pieces: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    /// Tells the connection that it is at work; given by the connection.
    streaming: Option<Streaming>,
}

impl ResponseBody {
    pub fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::Streamed(Box::new(Streamed {
            pieces: Box::pin(pieces),
            streaming: None,
        }))
    }

    /// Has a streamed body note each piece with its connection.
    pub(super) fn noted(mut self, note: impl FnOnce() -> Streaming) -> Self {
        if let Self::Streamed(streamed) = &mut self {
            streamed.streaming = Some(note());
        }
        self
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx),
            Self::Streamed(streamed) => {
                let piece = streamed.pieces.as_mut().poll_next(cx);
                if let (Poll::Ready(Some(_)), Some(streaming)) = (&piece, &streamed.streaming) {
                    streaming.piece();
                }
                piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}
