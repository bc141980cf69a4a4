//! What is checked on every parsed head before a route sees it, and what is added to every answer. Routes are absent.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Version};

use super::ResponseBody;
use super::limits::Limits;
use super::problem::Problem;

/// Why the request is refused, if it is. On HTTP/1, `framing` has already looked at the raw bytes; the checks on
/// framing fields here are for HTTP/2, where a forwarded request could be read in two ways further on.
pub(super) fn refusal<B>(request: &Request<B>, limits: &Limits) -> Option<Problem> {
    let headers = request.headers();
    let url_bytes = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if url_bytes > limits.url_bytes_max {
        Some(Problem::uri_too_long(limits.url_bytes_max))
    } else if headers.len() > limits.headers_max {
        Some(Problem::header_fields_too_large(limits.headers_max))
    } else if request.method() == Method::CONNECT {
        Some(Problem::malformed(
            "This server is no proxy; send the request to its own path.",
        ))
    } else if !has_one_host(request) {
        Some(Problem::malformed("Send exactly one `Host` field."))
    } else if is_framed_twice(headers) {
        Some(Problem::malformed(
            "Send one `Content-Length` or `Transfer-Encoding: chunked`, not both.",
        ))
    } else {
        None
    }
}

/// RFC 9112, 3.2. HTTP/2 has `:authority`, and HTTP/1.0 may go without.
fn has_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        count => count == 1,
    }
}

fn is_framed_twice(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let codings = headers.get_all(header::TRANSFER_ENCODING);
    lengths + codings.iter().count() > 1
        || codings
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// The fields that every answer carries. A route that may be cached says so itself; nothing may be sniffed.
pub(super) fn sealed(mut answer: Response<ResponseBody>, version: Version) -> Response<ResponseBody> {
    let headers = answer.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if version == Version::HTTP_2 {
        // The field is forbidden there, and hyper would take it out with a warning in the log.
        headers.remove(header::CONNECTION);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: http::request::Builder) -> Option<u16> {
        let limits = Limits {
            headers_max: 8,
            ..Limits::standard()
        };
        refusal(&request.body(()).unwrap(), &limits).map(|problem| problem.status().as_u16())
    }

    fn get() -> http::request::Builder {
        Request::get("/x").header("host", "a")
    }

    #[test]
    fn heads_are_refused_for_what_hyper_lets_through() {
        assert_eq!(status(get()), None);
        assert_eq!(status(get().header("content-length", "3")), None);
        assert_eq!(status(get().header("transfer-encoding", "Chunked")), None);
        assert_eq!(status(get().uri(format!("/{}", "x".repeat(8 * 1024 - 1)))), None);
        assert_eq!(status(get().uri(format!("/{}", "x".repeat(8 * 1024)))), Some(414));
        assert_eq!(
            status((0..8).fold(get(), |get, _| get.header("x", "y"))),
            Some(431)
        );
        assert_eq!(status(get().method(Method::CONNECT)), Some(400));
        assert_eq!(status(get().header("host", "b")), Some(400));
        assert_eq!(status(Request::get("/x")), Some(400));
        assert_eq!(status(Request::get("/x").version(Version::HTTP_2)), None);
        assert_eq!(
            status(get().header("content-length", "3").header("content-length", "3")),
            Some(400)
        );
        assert_eq!(
            status(get().header("transfer-encoding", "gzip, chunked")),
            Some(400)
        );
    }
}
