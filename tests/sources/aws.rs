//! SNS itself, played on loopback: a TLS server under its name that answers as a script says, and the signer whose certificate it has.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringback::app::{self, ClientOptions, Fetch, Policy};
use ringback::carrier::simulate::{Signer, SnsKey};
use ringback::dispatch::resolve::{Lookup, Resolver};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub const HOST: &str = "sns.us-east-1.amazonaws.com";
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:inbound-sms";

/// What the server does with the next request.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Certificate,
    Status(u16),
    /// A redirect to a place where the certificate is.
    Redirect,
    /// The certificate behind 64 KiB of white space.
    Long,
    /// Not a certificate.
    Noise,
    Silence,
    HangUp,
}

pub struct Aws {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    script: Arc<Mutex<VecDeque<Act>>>,
    paths: Arc<Mutex<Vec<String>>>,
}

fn file(name: &str) -> String {
    let path = format!("{}/fixtures/carrier/aws_sns/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the fixtures can be read")
}

/// The key whose certificate the server gives out, as SNS at `certificate_url` for this topic.
pub fn key(certificate_url: &str, topic_arn: &str) -> SnsKey {
    let private_key = file("simulator_key.pem");
    SnsKey {
        private_key: private_key
            .lines()
            .filter(|line| !line.starts_with("---"))
            .collect(),
        certificate: file("simulator_certificate.pem"),
        certificate_url: certificate_url.into(),
        topic_arn: topic_arn.into(),
    }
}

pub fn url(path: &str) -> String {
    format!("https://{HOST}/{path}")
}

pub fn signer() -> Signer {
    Signer::AwsSns(key(&url("a.pem"), TOPIC))
}

impl Aws {
    pub async fn start() -> Self {
        let own = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a name");
        let certificate = own.cert.der().clone();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("these versions")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (script, paths) = (
            Arc::<Mutex<VecDeque<Act>>>::default(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let (acts, seen) = (script.clone(), paths.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), tcp, acts.clone(), seen.clone()));
            }
        });
        Self {
            address,
            certificate,
            script,
            paths,
        }
    }

    pub fn next(&self, acts: &[Act]) {
        self.script.lock().expect("no test panics with it").extend(acts);
    }

    /// The paths that were asked for so far.
    pub fn paths(&self) -> Vec<String> {
        self.paths.lock().expect("no test panics with it").clone()
    }

    /// The product's own fetcher with its guard, for which the world ends here: every name leads to loopback and this certificate is
    /// among the roots. The port is put in behind the product's back, for its own rule allows none.
    pub fn fetch(&self, trusted: bool) -> Fetch {
        self.fetch_of(trusted, true)
    }

    /// As `fetch`, with the guard as it is in `serve`.
    pub fn fetch_guarded(&self) -> Fetch {
        self.fetch_of(true, false)
    }

    fn fetch_of(&self, trusted: bool, allow_loopback: bool) -> Fetch {
        let port = self.address.port();
        let policy = Policy {
            allow_loopback,
            ports: vec![port],
            ..Policy::strict()
        };
        let fetch = app::fetcher(ClientOptions {
            resolver: Arc::new(Home),
            extra_roots: trusted.then(|| self.certificate.clone()).into_iter().collect(),
            ..ClientOptions::new(policy)
        });
        let fetch = fetch.expect("roots that are certificates");
        Box::new(move |url| fetch(url.replacen(HOST, &format!("{HOST}:{port}"), 1)))
    }
}

/// Every name is this machine.
struct Home;

impl Resolver for Home {
    fn lookup<'a>(&'a self, _name: &'a str) -> Lookup<'a> {
        Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    tcp: TcpStream,
    script: Arc<Mutex<VecDeque<Act>>>,
    paths: Arc<Mutex<Vec<String>>>,
) {
    let Ok(mut tls) = acceptor.accept(tcp).await else {
        return;
    };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tls.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    paths.lock().expect("no test panics with it").push(path);
    let act = script.lock().expect("no test panics with it").pop_front();
    let pem = file("simulator_certificate.pem");
    let (status, body) = match act.unwrap_or(Act::Certificate) {
        Act::Certificate => ("200 OK".to_owned(), pem),
        Act::Status(status) => (format!("{status} Scripted"), String::new()),
        Act::Redirect => (
            format!("302 Found\r\nlocation: https://{HOST}/b.pem"),
            String::new(),
        ),
        Act::Long => ("200 OK".to_owned(), format!("{}{pem}", " ".repeat(64 * 1024))),
        Act::Noise => ("200 OK".to_owned(), "<html>".to_owned()),
        Act::Silence => return tokio::time::sleep(Duration::from_secs(60)).await,
        Act::HangUp => return,
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // A client that has hung up wants no more of it.
    let _ = tls.write_all(answer.as_bytes()).await;
    let _ = tls.shutdown().await;
}
