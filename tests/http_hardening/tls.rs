//! TLS ended here: versions by ALPN, slow handshakes, and a certificate that is renewed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringback::http::limits::Limits;
use ringback::http::tls::{self, Certificates};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::rig::{Rig, get, read_to_end};

/// Writes a new pair for `localhost`; the certificate, to be trusted.
fn renew(dir: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), pair.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    pair.cert.der().clone()
}

fn open(dir: &TempDir) -> Result<Arc<Certificates>, tls::Error> {
    Certificates::open(&dir.path().join("cert.pem"), &dir.path().join("key.pem"))
}

/// One request with the given ALPN: the protocol that was agreed, and the answer.
async fn ask(
    rig: &Rig,
    trusted: &CertificateDer<'static>,
    alpn: &[&[u8]],
) -> std::io::Result<(Option<Vec<u8>>, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, rig.connect().await)
        .await?;
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let h2 = agreed.as_deref() == Some(b"h2");
    let request = if h2 {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()
    } else {
        get("/peer", "Connection: close\r\n")
    };
    stream.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; if h2 { 9 } else { 4_096 }];
    let mut length = 0;
    while length < answer.len() {
        match stream.read(&mut answer[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok((agreed, String::from_utf8_lossy(&answer[..length]).into_owned()))
}

#[tokio::test]
async fn alpn_chooses_the_version() {
    let dir = TempDir::new().unwrap();
    let trusted = renew(dir.path());
    let rig = Rig::start_tls(Limits::standard(), Some(tls::config(open(&dir).unwrap()))).await;
    let (agreed, answer) = ask(&rig, &trusted, &[b"http/1.1"]).await.unwrap();
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with(" true"),
        "{answer}"
    );
    let (agreed, answer) = ask(&rig, &trusted, &[]).await.unwrap();
    assert!(agreed.is_none() && answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (agreed, answer) = ask(&rig, &trusted, &[b"http/1.1", b"h2"]).await.unwrap();
    assert_eq!(agreed.as_deref(), Some(&b"h2"[..]), "the server's first choice");
    assert_eq!(answer.as_bytes()[3], 4, "a SETTINGS frame answers the preface");
}

#[tokio::test]
async fn what_is_no_handshake_is_closed_in_time() {
    let dir = TempDir::new().unwrap();
    renew(dir.path());
    let limits = Limits {
        tls_handshake_ms: 300,
        ..Limits::standard()
    };
    let rig = Rig::start_tls(limits, Some(tls::config(open(&dir).unwrap()))).await;
    let start = Instant::now();
    assert_eq!(rig.ask("").await, "");
    assert!(start.elapsed() >= Duration::from_millis(290));
    assert!(
        !rig.ask(get("/ok", "")).await.starts_with("HTTP"),
        "plain text on the TLS port"
    );
    // A ClientHello of TLS 1.1 (version 3.2) with one old suite; the answer is a fatal alert, `protocol_version`.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0, 0x2f, 1, 0]);
    let mut socket = rig.connect().await;
    socket.write_all(&hello).await.unwrap();
    assert!(
        read_to_end(&mut socket).await.as_bytes().starts_with(&[21, 3]),
        "an alert, no handshake"
    );
    rig.until("all are gone", |rig| rig.connections.open() == 0).await;
}

#[tokio::test]
async fn a_renewed_certificate_serves_from_the_next_handshake_on() {
    let dir = TempDir::new().unwrap();
    let first = renew(dir.path());
    let certificates = open(&dir).unwrap();
    let rig = Rig::start_tls(Limits::standard(), Some(tls::config(Arc::clone(&certificates)))).await;
    assert!(ask(&rig, &first, &[]).await.is_ok());
    assert!(!certificates.reload().unwrap(), "nothing changed");

    let old_key = fs::read(dir.path().join("key.pem")).unwrap();
    let second = renew(dir.path());
    let new_key = fs::read(dir.path().join("key.pem")).unwrap();
    fs::write(dir.path().join("key.pem"), old_key).unwrap();
    assert!(
        matches!(certificates.reload(), Err(tls::Error::Mismatch(_))),
        "half of a renewal"
    );
    assert!(ask(&rig, &first, &[]).await.is_ok(), "the old one stays");

    fs::write(dir.path().join("key.pem"), new_key).unwrap();
    assert!(certificates.reload().unwrap());
    assert!(ask(&rig, &second, &[]).await.is_ok());
    assert!(ask(&rig, &first, &[]).await.is_err());
}

#[test]
fn files_that_do_not_serve_are_named() {
    let dir = TempDir::new().unwrap();
    assert!(
        open(&dir)
            .unwrap_err()
            .to_string()
            .contains("cert.pem; check the path")
    );
    renew(dir.path());
    fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    assert!(
        open(&dir)
            .unwrap_err()
            .to_string()
            .starts_with("no certificate in ")
    );
    renew(dir.path());
    fs::write(dir.path().join("key.pem"), "").unwrap();
    assert!(
        open(&dir)
            .unwrap_err()
            .to_string()
            .starts_with("no private key in ")
    );
}
