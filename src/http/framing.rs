//! Where HTTP/1 messages begin and end, checked on the raw bytes before hyper sees them. Pure: bytes in, verdict out.
//!
//! hyper takes a bare LF for a line end, drops `Content-Length` where `Transfer-Encoding` stands beside it, and folds
//! equal `Content-Length` fields into one; each is how a proxy and a server come to disagree on where a request ends.
//! After hyper has parsed the head, nothing of it can be seen any more, so it is refused here. What hyper itself
//! refuses (bad methods, numbers, versions) is not repeated.

const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding";

/// Follows one connection. Bytes may come in any pieces; the verdict does not depend on how they are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    at: At,
    name: [u8; TRANSFER_ENCODING.len()],
    name_len: usize,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    StartLf,
    RequestLine,
    LineLf,
    LineStart,
    Name,
    Value,
    Length,
    HeadLf,
    Body(u64),
    ChunkStart,
    ChunkSize(u64),
    ChunkExtension(u64),
    ChunkSizeLf(u64),
    Chunk(u64),
    ChunkEnd,
    ChunkEndLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
}

/// The byte is not allowed at this place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation;

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            at: At::Start,
            name: [0; TRANSFER_ENCODING.len()],
            name_len: 0,
            length: None,
            chunked: false,
        }
    }

    /// Takes the next bytes. `Err` is the offset of the first byte that must not reach hyper; the connection is over.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut offset = 0;
        while offset < bytes.len() {
            offset += match self.at {
                At::Body(left) => self.skip(left, bytes.len() - offset, At::Body, At::Start),
                At::Chunk(left) => self.skip(left, bytes.len() - offset, At::Chunk, At::ChunkEnd),
                _ => {
                    self.step(bytes[offset]).map_err(|Violation| offset)?;
                    1
                }
            };
        }
        Ok(())
    }

    fn skip(&mut self, left: u64, here: usize, within: fn(u64) -> At, after: At) -> usize {
        let skipped = left.min(here as u64);
        self.at = if skipped == left {
            after
        } else {
            within(left - skipped)
        };
        // It is at most `here`, so it fits.
        skipped as usize
    }

    fn step(&mut self, byte: u8) -> Result<(), Violation> {
        self.at = match self.at {
            At::Start
            | At::StartLf
            | At::RequestLine
            | At::LineLf
            | At::LineStart
            | At::Name
            | At::Value
            | At::Length
            | At::HeadLf => self.head(byte)?,
            at => chunk(at, byte)?,
        };
        Ok(())
    }

    fn head(&mut self, byte: u8) -> Result<At, Violation> {
        match (self.at, byte) {
            (At::Start, b'\r') => Ok(At::StartLf),
            (At::StartLf, b'\n') => Ok(At::Start),
            (At::Start | At::RequestLine, b'\n') | (At::StartLf, _) => Err(Violation),
            (At::RequestLine | At::Value | At::Length, b'\r') => Ok(At::LineLf),
            (At::Start | At::RequestLine, _) => Ok(At::RequestLine),
            (At::LineLf, b'\n') => Ok(At::LineStart),
            (At::LineStart, b'\r') => Ok(At::HeadLf),
            (At::HeadLf, b'\n') => Ok(self.end_head()),
            (At::LineLf | At::HeadLf, _) | (At::Value | At::Length, b'\n') => Err(Violation),
            // A line that begins with white space continues the one before (obs-fold).
            (At::LineStart | At::Name, b' ' | b'\t' | b'\n' | b'\r') | (At::LineStart, b':') => {
                Err(Violation)
            }
            (At::LineStart, byte) => {
                self.name_len = 0;
                Ok(self.push_name(byte))
            }
            (At::Name, b':') => self.end_name(),
            (At::Name, byte) => Ok(self.push_name(byte)),
            (At::Length, byte) => self.push_length(byte),
            (at, _) => Ok(at),
        }
    }

    fn push_name(&mut self, byte: u8) -> At {
        if let Some(place) = self.name.get_mut(self.name_len) {
            *place = byte.to_ascii_lowercase();
        }
        self.name_len = self.name_len.saturating_add(1);
        At::Name
    }

    fn end_name(&mut self) -> Result<At, Violation> {
        let framed = self.length.is_some() || self.chunked;
        match self.name.get(..self.name_len) {
            Some(CONTENT_LENGTH | TRANSFER_ENCODING) if framed => Err(Violation),
            Some(CONTENT_LENGTH) => {
                self.length = Some(0);
                Ok(At::Length)
            }
            Some(TRANSFER_ENCODING) => {
                self.chunked = true;
                Ok(At::Value)
            }
            _ => Ok(At::Value),
        }
    }

    fn push_length(&mut self, byte: u8) -> Result<At, Violation> {
        if byte.is_ascii_digit() {
            let shifted = self.length.unwrap_or(0).checked_mul(10);
            self.length = Some(
                shifted
                    .and_then(|n| n.checked_add(u64::from(byte - b'0')))
                    .ok_or(Violation)?,
            );
        }
        Ok(At::Length)
    }

    fn end_head(&mut self) -> At {
        let chunked = std::mem::take(&mut self.chunked);
        match self.length.take() {
            _ if chunked => At::ChunkStart,
            Some(length) if length > 0 => At::Body(length),
            _ => At::Start,
        }
    }
}

fn chunk(at: At, byte: u8) -> Result<At, Violation> {
    match (at, byte) {
        (At::ChunkStart, byte) => hex(0, byte).map(At::ChunkSize),
        (At::ChunkSize(size) | At::ChunkExtension(size), b'\r') => Ok(At::ChunkSizeLf(size)),
        (At::ChunkSize(size), b';' | b' ' | b'\t') => Ok(At::ChunkExtension(size)),
        (At::ChunkSize(size), byte) => hex(size, byte).map(At::ChunkSize),
        (At::ChunkExtension(size), byte) if byte != b'\n' => Ok(At::ChunkExtension(size)),
        (At::ChunkSizeLf(0), b'\n') => Ok(At::TrailerStart),
        (At::ChunkSizeLf(size), b'\n') => Ok(At::Chunk(size)),
        (At::ChunkEnd, b'\r') => Ok(At::ChunkEndLf),
        (At::ChunkEndLf, b'\n') => Ok(At::ChunkStart),
        (At::TrailerStart, b'\r') => Ok(At::EndLf),
        (At::Trailer, b'\r') => Ok(At::TrailerLf),
        (At::TrailerStart | At::Trailer, byte) if byte != b'\n' => Ok(At::Trailer),
        (At::TrailerLf, b'\n') => Ok(At::TrailerStart),
        (At::EndLf, b'\n') => Ok(At::Start),
        _ => Err(Violation),
    }
}

fn hex(size: u64, byte: u8) -> Result<u64, Violation> {
    let digit = char::from(byte).to_digit(16).ok_or(Violation)?;
    size.checked_mul(16)
        .and_then(|n| n.checked_add(digit.into()))
        .ok_or(Violation)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(text: &str) -> Result<(), usize> {
        Framing::new().take(text.as_bytes())
    }

    #[test]
    fn ordinary_requests_pass_and_end_where_the_next_begins() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\n\n\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH:0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\n\n\n\n\r\nA \r\n0123456789\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Lengthy: 1\r\nContent-Lengthy: 2\r\nTransfer-Encodings: x\r\n\r\n",
        ] {
            let mut framing = Framing::new();
            assert_eq!(framing.take(text.as_bytes()), Ok(()), "{text:?}");
            assert_eq!(framing.at, At::Start, "{text:?}");
        }
    }

    #[test]
    fn each_ambiguity_is_stopped_at_its_first_byte() {
        for (before, after) in [
            ("GET / HTTP/1.1", "\nHost: a\r\n\r\n"),
            ("GET / HTTP/1.1\r\nHost: a", "\n\r\n"),
            ("GET / HTTP/1.1\r\nHost: a\r\n", "\n"),
            ("GET / HTTP/1.1\r\nHost: a\r", "X: b\r\n\r\n"),
            ("GET / HTTP/1.1\r\nX: a\r\n", " b\r\n\r\n"),
            ("GET / HTTP/1.1\r\nX: a\r\n", "\tb\r\n\r\n"),
            ("POST / HTTP/1.1\r\nContent-Length", " : 3\r\n\r\nabc"),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length",
                ": 3\r\n\r\nabc",
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding",
                ": chunked\r\n\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length",
                ": 3\r\n\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ntransfer-encoding",
                ": identity\r\n\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 1844674407370955161",
                "6\r\n\r\n",
            ),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "-1\r\n"),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3",
                "\nabc\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x",
                "\nabc\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff",
                "f\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na",
                "b\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b",
                "\n\r\n",
            ),
        ] {
            assert_eq!(
                take(&format!("{before}{after}")),
                Err(before.len()),
                "{before:?}{after:?}"
            );
        }
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "GET / HTTP/1.1\r\n",
            "\r\n",
            "\n",
            "\r",
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n",
            "0\r\n\r\n",
            "X: y\r\n",
            " ",
            ":",
            "ff;a\r\n",
        ]);
        prop_oneof![
            prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..200),
        ]
    }

    proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_how_the_bytes_are_cut(bytes in bytes(), size in 1usize..9) {
            let mut whole = Framing::new();
            let verdict = whole.take(&bytes);
            let mut pieces = Framing::new();
            let mut in_pieces = Ok(());
            for (index, piece) in bytes.chunks(size).enumerate() {
                in_pieces = pieces.take(piece).map_err(|offset| index * size + offset);
                if in_pieces.is_err() {
                    break;
                }
            }
            prop_assert_eq!(in_pieces, verdict);
            if verdict.is_ok() {
                prop_assert_eq!(pieces, whole);
            }
        }
    }
}
