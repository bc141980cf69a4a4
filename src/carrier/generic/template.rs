//! What a carrier signs, written as one line: `{timestamp}.{body}`.

use http::HeaderName;

use super::super::settings::SettingsError;
use super::super::{Reject, Request};

/// A parsed line of literal text and of `{body}`, `{url}`, `{path}`, `{query}`, `{method}`, `{timestamp}` and `{header:<name>}`.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Body,
    Url,
    Path,
    Query,
    Method,
    Timestamp,
    Header(HeaderName),
}

impl Template {
    pub fn parse(line: &str) -> Result<Self, SettingsError> {
        let expected =
            "text with {body}, {url}, {path}, {query}, {method}, {timestamp} or {header:<name>} in it";
        let wrong = SettingsError::Value {
            key: "sign",
            expected,
        };
        let mut pieces = Vec::new();
        let mut rest = line;
        while !rest.is_empty() {
            let (literal, tail) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            if tail.is_empty() {
                break;
            }
            let (name, after) = tail[1..].split_once('}').ok_or(wrong.clone())?;
            pieces.push(piece(name).ok_or(wrong.clone())?);
            rest = after;
        }
        let template = Self(pieces);
        let covers = [Piece::Body, Piece::Url, Piece::Query]
            .iter()
            .any(|piece| template.0.contains(piece));
        if covers { Ok(template) } else { Err(wrong) }
    }

    pub fn signs_time(&self) -> bool {
        self.0.contains(&Piece::Timestamp)
    }

    /// Whether every header is there that is signed.
    pub fn check_headers(&self, request: &Request<'_>) -> Result<(), Reject> {
        self.headers()
            .try_for_each(|name| request.header(name.as_str(), Reject::MissingNonce).map(|_| ()))
    }

    fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().filter_map(|piece| {
            if let Piece::Header(name) = piece {
                Some(name)
            } else {
                None
            }
        })
    }

    /// The signed bytes. A header that holds a separator is refused, for the joint could then be moved; so is a body that is not
    /// signed.
    pub fn fill(&self, request: &Request<'_>, timestamp: &str) -> Result<Vec<u8>, Reject> {
        if !request.body.is_empty() && !self.0.contains(&Piece::Body) {
            return Err(Reject::BodyNotCovered);
        }
        let mut bytes = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => bytes.extend(text.as_bytes()),
                Piece::Body => bytes.extend(request.body),
                Piece::Url => bytes.extend(request.url.as_bytes()),
                Piece::Path => bytes.extend(request.path().as_bytes()),
                Piece::Query => bytes.extend(request.query().unwrap_or_default().as_bytes()),
                Piece::Method => bytes.extend(request.method.as_bytes()),
                Piece::Timestamp => bytes.extend(timestamp.as_bytes()),
                Piece::Header(name) => {
                    let value = request.header(name.as_str(), Reject::MissingNonce)?;
                    if self
                        .0
                        .iter()
                        .any(|p| matches!(p, Piece::Literal(text) if value.contains(text.as_str())))
                    {
                        return Err(Reject::MalformedNonce);
                    }
                    bytes.extend(value.as_bytes());
                }
            }
        }
        Ok(bytes)
    }
}

fn piece(name: &str) -> Option<Piece> {
    Some(match name {
        "body" => Piece::Body,
        "url" => Piece::Url,
        "path" => Piece::Path,
        "query" => Piece::Query,
        "method" => Piece::Method,
        "timestamp" => Piece::Timestamp,
        _ => Piece::Header(name.strip_prefix("header:")?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_its_places() {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-id", "7".parse().unwrap());
        let url = "https://gw.example.com/in/a?b=c";
        let request = Request {
            method: "POST",
            url,
            headers: &headers,
            body: b"{}",
        };
        let filled = |line: &str| Template::parse(line).unwrap().fill(&request, "17");
        let all = filled("{method} {url}\n{path}|{query}.{header:x-id}.{timestamp}.{body}").unwrap();
        assert_eq!(all, b"POST https://gw.example.com/in/a?b=c\n/in/a|b=c.7.17.{}");
        assert_eq!(filled("{header:x-no}.{body}"), Err(Reject::MissingNonce));
        assert_eq!(filled("{header:x-id}7{body}"), Err(Reject::MalformedNonce));
        assert_eq!(filled("{url}"), Err(Reject::BodyNotCovered));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "",
            "{timestamp}",
            "{method}",
            "{body",
            "{Body}",
            "{header:}",
            "{header:a b}{body}",
            "{}{body}",
        ] {
            assert!(Template::parse(line).is_err(), "{line}");
        }
    }
}
