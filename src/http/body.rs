//! Reads a request body into memory within its limits, or says why not. Never cut short, never decoded: signatures are
//! over the bytes as they came.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// The limits of one body. A route with its own changes what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole body, else 413. Default 1048576 (carriers: 262144), 1 to 1073741824.
    pub bytes_max: usize,
    /// Time for the whole body, else 408. Default 10000, 50 to 600000.
    pub read_ms: u64,
    /// What must come in on average after the grace, else 408. Default 1024, 1 to 1073741824.
    pub rate_bytes_per_s_min: u64,
    /// Time before the rate counts. Default 2000, 0 to 600000.
    pub rate_grace_ms: u64,
}

/// Why there is no body. After any of these the connection cannot be used again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Announced or counted, the body is larger than the limit.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body did not come in time, or came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The body is compressed or otherwise encoded.
    #[error("the body has a content encoding")]
    Encoded,
    /// The client hung up, or its chunks are no chunks.
    #[error("the body broke off or is malformed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Limits {
    /// The defaults of `config.toml`.
    pub fn standard() -> Self {
        Self {
            bytes_max: 1024 * 1024,
            read_ms: 10_000,
            rate_bytes_per_s_min: 1024,
            rate_grace_ms: 2_000,
        }
    }

    /// When the next bytes must be there, if `received` bytes came since `start`: the sooner of the time for the whole
    /// body and the time at which the average falls under the rate.
    fn deadline(&self, start: Instant, received: usize) -> Instant {
        let earned_ms = (received as u64).saturating_mul(1_000) / self.rate_bytes_per_s_min.max(1);
        let patience_ms = self.rate_grace_ms.saturating_add(earned_ms);
        start + Duration::from_millis(self.read_ms.min(patience_ms))
    }
}

/// The whole body. A hang-up ends it with [`Error::Broken`]; dropping the future stops reading.
pub async fn read<B>(head: &Parts, body: B, limits: &Limits) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !is_identity(head) {
        return Err(Error::Encoded);
    }
    // The lower bound is the announced length, where one was announced.
    if body.size_hint().lower() > limits.bytes_max as u64 {
        return Err(Error::TooLarge {
            bytes_max: limits.bytes_max,
        });
    }
    collect(body, limits).await
}

async fn collect<B>(mut body: B, limits: &Limits) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let start = Instant::now();
    // Most bodies are one frame, which is then handed on as it is.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let received = first.len() + all.len();
        let frame = match timeout_at(limits.deadline(start, received), body.frame()).await {
            Err(_) => return Err(Error::TooSlow),
            Ok(None) if all.is_empty() => return Ok(first),
            Ok(None) => return Ok(all.freeze()),
            Ok(Some(frame)) => frame.map_err(|error| Error::Broken(error.into()))?,
        };
        // Trailers are dropped: no dialect of ours has any.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limits.bytes_max - received {
            return Err(Error::TooLarge {
                bytes_max: limits.bytes_max,
            });
        }
        if received == 0 {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
}

fn is_identity(head: &Parts) -> bool {
    let mut encodings = head.headers.get_all(CONTENT_ENCODING).iter();
    encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;

    fn head(encoding: Option<&str>) -> Parts {
        let request = Request::post("/");
        let request = encoding.iter().fold(request, |request, encoding| {
            request.header(CONTENT_ENCODING, *encoding)
        });
        request.body(()).unwrap().into_parts().0
    }

    /// A body that sends `frames` of `size` bytes, each after `pause_ms`.
    fn paced(
        frames: usize,
        size: usize,
        pause_ms: u64,
    ) -> impl http_body::Body<Data = Bytes, Error = String> + Unpin {
        let frames = futures_util::stream::unfold(frames, move |left| async move {
            sleep(Duration::from_millis(pause_ms)).await;
            (left > 0).then(|| (Ok(Frame::data(Bytes::from(vec![b'x'; size]))), left - 1))
        });
        StreamBody::new(Box::pin(frames))
    }

    fn limits() -> Limits {
        Limits {
            bytes_max: 100_000,
            read_ms: 10_000,
            rate_bytes_per_s_min: 1_000,
            rate_grace_ms: 2_000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_minimum_rate_counts_after_the_grace() {
        // 500 bytes each 400 ms are 1250 per second.
        let steady = read(&head(None), paced(10, 500, 400), &limits()).await;
        assert_eq!(steady.unwrap().len(), 5_000);

        // 500 bytes each 600 ms are 833 per second: each frame uses up 100 ms of the grace.
        let start = Instant::now();
        let slow = read(&head(None), paced(100, 500, 600), &limits()).await;
        assert!(matches!(slow, Err(Error::TooSlow)), "{slow:?}");
        assert_eq!(
            start.elapsed().as_millis(),
            9_500,
            "15 frames earn 7.5 s on top of the grace of 2 s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_body_has_a_deadline_whatever_its_rate() {
        let start = Instant::now();
        let fast = read(&head(None), paced(1_000, 50, 40), &limits()).await;
        assert!(matches!(fast, Err(Error::TooSlow)), "{fast:?}");
        assert_eq!(start.elapsed().as_millis(), 10_000);
    }

    #[tokio::test]
    async fn encoded_bodies_are_refused_unread() {
        for (encoding, fine) in [
            (None, true),
            (Some("identity"), true),
            (Some("Identity"), true),
            (Some("gzip"), false),
            (Some("identity, gzip"), false),
            (Some(""), false),
        ] {
            let body = read(&head(encoding), Full::new(Bytes::from_static(b"x")), &limits()).await;
            assert_eq!(body.is_ok(), fine, "{encoding:?}");
        }
    }

    proptest! {
        #[test]
        fn a_body_comes_whole_or_not_at_all(sizes in prop::collection::vec(0usize..40, 0..12), bytes_max in 1usize..200) {
            let expected: Vec<u8> = (0..sizes.iter().sum::<usize>()).map(|n| n as u8).collect();
            let mut rest = Bytes::from(expected.clone());
            let frames: Vec<_> =
                sizes.iter().map(|size| Ok::<_, String>(Frame::data(rest.split_to(*size)))).collect();
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let limits = Limits { bytes_max, ..limits() };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            match runtime.block_on(read(&head(None), body, &limits)) {
                Ok(body) => prop_assert!(body == expected && expected.len() <= bytes_max),
                Err(Error::TooLarge { .. }) => prop_assert!(expected.len() > bytes_max),
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}
