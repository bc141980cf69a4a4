//! Reads `fixtures/carrier/<name>/vectors.json`, or another file there: a vector as a request, its key as a source.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringback::carrier::captured::Captured;
use ringback::carrier::{Answer, Carrier, Request};
use ringback::core::time::UnixMs;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize, Clone)]
pub struct Vector {
    pub name: String,
    carrier: String,
    pub scheme: String,
    pub kind: String,
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    pub key: Map<String, Value>,
    now: u64,
    pub expect: String,
    pub reject_reason: Option<String>,
    pub normalized: Option<Vec<Value>>,
    respond: Option<String>,
    /// The same vector as the product reads a captured request.
    #[serde(skip)]
    captured: Option<Arc<Captured>>,
    #[serde(skip)]
    bytes: Vec<u8>,
    #[serde(skip)]
    header_map: http::HeaderMap,
}

impl Vector {
    pub fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            url: &self.url,
            headers: &self.header_map,
            body: &self.bytes,
        }
    }

    pub fn now(&self) -> UnixMs {
        UnixMs::from_secs(self.now)
    }

    /// The source that the vector's key describes.
    pub fn source(&self) -> Carrier {
        let captured = self.captured.as_ref().expect("`load` fills it");
        let source = captured.source().unwrap_or_else(|e| panic!("{}: {e}", self.name));
        source.expect("a vector names its carrier")
    }
}

/// Every vector of a carrier's file, ready to be judged; panics if it holds none.
pub fn load(file: &str) -> Vec<Vector> {
    load_from(file, "vectors")
}

/// The same of another file of the carrier.
pub fn load_from(file: &str, name: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/carrier/{file}/{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    let captured: Vec<Captured> = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    assert!(!vectors.is_empty(), "{file} holds no vectors");
    let names: HashSet<_> = vectors.iter().map(|vector| vector.name.clone()).collect();
    assert_eq!(names.len(), vectors.len(), "{file}: two vectors share a name");
    for (vector, captured) in vectors.iter_mut().zip(captured) {
        vector.captured = Some(Arc::new(captured));
        assert_eq!(vector.carrier, file, "{}", vector.name);
        vector.bytes = match (&vector.body, &vector.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).unwrap(),
            _ => panic!("{file}/{}: exactly one body", vector.name),
        };
        for (name, value) in &vector.headers {
            vector.header_map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
    }
    vectors
}

/// The answer that the vector asks for, where it asks for one.
pub fn answer_of(vector: &Vector) -> Option<Answer> {
    let respond = vector.respond.as_deref()?;
    let text = |text: &str| Some(Answer::Text(text.to_owned()));
    match respond {
        _ if respond.contains("<Response") => Some(Answer::Twiml),
        _ if respond.contains("\"ACK/Jasmin\"") => text("ACK/Jasmin"),
        _ if respond.contains("hub.challenge value: ") => text(respond.rsplit(": ").next().unwrap()),
        _ if respond.contains("EMPTY text/plain body") => text(""),
        _ if respond.starts_with("2xx") || respond.starts_with("status < 400") => Some(Answer::Empty),
        _ if respond.starts_with("200 or 204") => Some(Answer::Empty),
        _ if respond.starts_with("200") => text(""),
        _ => panic!("{}: unknown answer {respond:?}", vector.name),
    }
}
