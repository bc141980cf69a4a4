//! A subscription's own trust end to end: the pinned receiver is called, and after a change of the pin no more, kept connection or not.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::client::Call;
use crate::support::gateway::Gateway;

/// A receiver with a certificate of its own that answers 200; its URL, its certificate as PEM, and its hash.
async fn receiver() -> (String, String, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else {
                    return;
                };
                let answer =
                    async |_: Request<Incoming>| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(tls), service_fn(answer));
                connection.await.ok();
            });
        }
    });
    let hash: String = Sha256::digest(own.cert.der())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (url, own.cert.pem(), hash)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_believed_by_the_trust_that_holds_now() {
    let gateway = Gateway::start().await;
    let (url, pem, hash) = receiver().await;
    let wish = json!({ "url": url, "events": ["*"], "trust": { "certificateSha256": hash } });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    let tried = async |trust: Value| {
        let change = Call::with_json("PATCH", &path, &json!({ "trust": trust })).key(&gateway.key);
        change.send(gateway.address).await.expect(200);
        let test = json!({ "type": "verification.created" });
        gateway.post(&format!("{path}/test"), &test).await.expect(200)
    };
    let pinned = json!({ "certificateSha256": hash });
    for (trust, delivered) in [
        (pinned.clone(), true),
        (json!({ "certificateSha256": "ab".repeat(32) }), false),
        (json!({ "ca": pem }), true),
        (Value::Null, false),
        (pinned, true),
    ] {
        let result = tried(trust.clone()).await;
        assert_eq!(result["delivered"], delivered, "{trust}: {result}");
        if !delivered {
            assert!(
                result["detail"].as_str().unwrap().starts_with("TLS failed"),
                "{result}"
            );
        }
    }
}
