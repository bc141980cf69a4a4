//! TLS: whose certificate is believed, and which HTTP is spoken over it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::sender::{Call, Failure, Sender};
use rustls::ConfigBuilder;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WantsServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::sink::{Sink, read_request};
use crate::{HOME, answer, call_url, developing, failure};

pub struct Secure {
    pub address: SocketAddr,
    pub certificate: CertificateDer<'static>,
    pub accepted: Arc<AtomicUsize>,
    /// Method, URI, host header and body of each request.
    requests: Arc<Mutex<Vec<String>>>,
}

/// A TLS server for `name` that answers by the chosen protocol with as many bytes as the path asks for.
async fn secure(name: &str, alpn: &[u8]) -> Secure {
    let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    secure_as(own.cert.der().clone(), &own.signing_key, alpn).await
}

/// As `secure`, with this certificate and key.
pub async fn secure_as(certificate: CertificateDer<'static>, key: &rcgen::KeyPair, alpn: &[u8]) -> Secure {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = server_config().with_single_cert(vec![certificate.clone()], key);
    serving(certificate, config.unwrap(), alpn).await
}

/// A server that shows a certificate whose key it does not have.
pub async fn thief(certificate: CertificateDer<'static>, key: &rcgen::KeyPair) -> Secure {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let shown = CertifiedKey::new(vec![certificate.clone()], key);
    let config = server_config().with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    serving(certificate, config, b"http/1.1").await
}

fn server_config() -> ConfigBuilder<rustls::ServerConfig, WantsServerCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
}

async fn serving(
    certificate: CertificateDer<'static>,
    mut config: rustls::ServerConfig,
    alpn: &[u8],
) -> Secure {
    config.alpn_protocols = vec![alpn.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((HOME, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (counted, seen, http2) = (accepted.clone(), requests.clone(), alpn == b"h2");
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(acceptor.clone(), tcp, seen.clone(), http2));
        }
    });
    Secure {
        address,
        certificate,
        accepted,
        requests,
    }
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, seen: Arc<Mutex<Vec<String>>>, http2: bool) {
    let Ok(tls) = acceptor.accept(tcp).await else {
        return;
    };
    let io = TokioIo::new(tls);
    let service = service_fn(move |request| reply(request, seen.clone()));
    if http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await
            .ok();
    } else {
        hyper::server::conn::http1::Builder::new()
            .serve_connection(io, service)
            .await
            .ok();
    }
}

async fn reply(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let line = format!(
        "{} {} host={:?} body={}",
        head.method,
        head.uri,
        head.headers.get("host"),
        String::from_utf8_lossy(&body)
    );
    seen.lock().unwrap().push(line);
    let bytes = head.uri.path()[1..].parse().unwrap_or(0);
    Ok(Response::new(Full::new(vec![b'x'; bytes].into())))
}

impl Secure {
    fn client(&self) -> Client {
        let extra_roots = vec![self.certificate.clone()];
        Client::new(Options {
            extra_roots,
            ..Options::new(developing())
        })
        .unwrap()
    }

    pub fn call(&self, path: &str) -> Call {
        call_url(
            &format!("https://localhost:{}{path}", self.address.port()),
            &developing(),
        )
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_until_it_is_a_root() {
    let server = secure("localhost", b"http/1.1").await;
    let stranger = Client::new(Options::new(developing())).unwrap();
    let attempted = stranger.send(server.call("/5")).await;
    let Failure::Tls(found) = failure(attempted) else {
        panic!()
    };
    assert!(found.contains("UnknownIssuer"), "{found}");
    assert!(server.requests.lock().unwrap().is_empty());

    let answer = answer(server.client().send(server.call("/5?a=b")).await);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"xxxxx"[..]));
    let seen = server.requests.lock().unwrap().remove(0);
    let host = format!("host=Some(\"localhost:{}\")", server.address.port());
    assert!(seen.starts_with(&format!("POST /5?a=b {host} body={{")), "{seen}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let server = secure("other.test", b"http/1.1").await;
    let Failure::Tls(found) = failure(server.client().send(server.call("/")).await) else {
        panic!()
    };
    assert!(
        found.contains("NotValidForName") || found.contains("not valid for name"),
        "{found}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_named_so() {
    let plain = Sink::start(HOME, |_, mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .await
            .ok();
        read_request(&mut stream).await;
    })
    .await;
    let url = format!("https://{}/", plain.address);
    let client = Client::new(Options::new(developing())).unwrap();
    assert_eq!(
        failure(client.send(call_url(&url, &developing())).await).name(),
        "tls"
    );
}

#[tokio::test]
async fn a_name_is_looked_up_dialled_and_shaken_hands_with_once() {
    let server = secure("localhost", b"http/1.1").await;
    let client = server.client();
    let first = client.send(server.call("/5")).await.timing;
    assert!(
        first.dns_us.is_some() && first.connect_us.is_some() && first.tls_us.is_some(),
        "{first:?}"
    );
    let kept = client.send(server.call("/5")).await.timing;
    assert_eq!((kept.dns_us, kept.connect_us, kept.tls_us), (None, None, None));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_named_so() {
    let mute = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let options = |connect_timeout_ms| Options {
        connect_timeout_ms,
        ..Options::new(developing())
    };
    let url = format!("https://{}/", mute.address);
    for (connect_timeout_ms, timeout_ms) in [(100, 5000), (5000, 100)] {
        let client = Client::new(options(connect_timeout_ms)).unwrap();
        let call = Call {
            timeout_ms,
            ..call_url(&url, &developing())
        };
        let attempted = client.send(call).await;
        assert!(
            attempted.timing.tls_us.unwrap() > 50_000,
            "{:?}",
            attempted.timing
        );
        assert_eq!(failure(attempted), Failure::TlsTimeout);
    }
}

#[tokio::test]
async fn http2_is_spoken_where_offered_and_one_connection_is_shared() {
    let server = secure("localhost", b"h2").await;
    let client = server.client();
    assert_eq!(answer(client.send(server.call("/3")).await).body, "xxx");
    let (a, b, c) = tokio::join!(
        client.send(server.call("/1")),
        client.send(server.call("/2")),
        client.send(server.call("/3"))
    );
    for (attempted, body) in [(a, "x"), (b, "xx"), (c, "xxx")] {
        assert!(attempted.reused);
        assert_eq!(answer(attempted).body, body);
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
    let seen = server.requests.lock().unwrap().remove(0);
    let uri = format!(
        "POST https://localhost:{}/3 host=None body={{",
        server.address.port()
    );
    assert!(seen.starts_with(&uri), "{seen}");
}

#[tokio::test]
async fn a_long_http2_reply_is_cut_without_losing_the_connection() {
    let server = secure("localhost", b"h2").await;
    let client = server.client();
    for n in 0..3 {
        let attempted = client.send(server.call("/1000000")).await;
        assert_eq!(attempted.reused, n > 0);
        let answer = answer(attempted);
        assert_eq!((answer.body.len(), answer.truncated), (16 * 1024, true));
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_shared_connection_past_its_idle_time_is_replaced() {
    let server = secure("localhost", b"h2").await;
    let client = server.client();
    assert!(!client.send(server.call("/1")).await.reused);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert!(!client.send(server.call("/1")).await.reused);
    assert!(client.send(server.call("/1")).await.reused);
}
