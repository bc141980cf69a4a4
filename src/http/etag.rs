//! Entity tags (RFC 9110, 8.8): what a client says it knows already, and the answer that tells it that this is still so.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use sha2::{Digest, Sha256};

use super::ResponseBody;

/// What stands in `If-None-Match`, copied: a held request must not keep the buffer that it was read into.
#[derive(Debug, Clone)]
pub struct Known(Option<String>);

impl Known {
    pub fn of(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(header::IF_NONE_MATCH).iter();
        let texts: Vec<&str> = fields.filter_map(|field| field.to_str().ok()).collect();
        Self((!texts.is_empty()).then(|| texts.join(",")))
    }

    /// Compared weakly, as the field wants it; `*` knows whatever there is. A tag of ours has no comma in it.
    pub fn has(&self, tag: &str) -> bool {
        let mut tags = self.0.iter().flat_map(|text| text.split(',')).map(str::trim);
        tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// The strong tag of these bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// The answer with its tag, or 304 with the tag alone where the client knows it.
pub fn tagged(response: Response<ResponseBody>, tag: &str, is_known: bool) -> Response<ResponseBody> {
    let mut response = if is_known {
        let mut unchanged = Response::new(ResponseBody::from(Bytes::new()));
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        response
    };
    let tag = HeaderValue::try_from(tag).expect("digits and letters in quotes are header text");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_looked_through() {
        let known = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_str(field).unwrap());
            }
            Known::of(&headers)
        };
        for (fields, has) in [
            (&["\"3m\""][..], true),
            (&["\"2m\", W/\"3m\""], true),
            (&["\"2m\"", "\"3m\""], true),
            (&["*"], true),
            (&["3m"], false),
            (&["\"33m\""], false),
            (&[""], false),
            (&[], false),
        ] {
            assert_eq!(known(fields).has("\"3m\""), has, "{fields:?}");
        }
        assert!(known(&[]).is_empty() && !known(&["x"]).is_empty());
        assert_ne!(of_bytes(b"a"), of_bytes(b"b"));
    }
}
