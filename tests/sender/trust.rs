//! A trust of a subscription's own: its authority or its one certificate is believed and nobody else's, on kept connections too.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use ringback::core::subscription::trust::Trust;
use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::guard::check_url;
use ringback::dispatch::sender::{Attempted, Call, Failure, Outcome, Sender};
use ringback::dispatch::trust::{Error, Trusted};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::developing;
use crate::tls::{Secure, secure_as};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

impl Authority {
    /// A certificate for this name, issued by it, and its key.
    fn issues(&self, name: &str, is_over: bool) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if is_over {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }

    fn trust(&self) -> Trust {
        Trust::authority(self.pem.clone()).unwrap()
    }
}

async fn serving((certificate, key): (CertificateDer<'static>, KeyPair), alpn: &[u8]) -> Secure {
    secure_as(certificate, &key, alpn).await
}

fn pin(certificate: &CertificateDer<'_>) -> Trust {
    Trust::Certificate(Sha256::digest(certificate).into())
}

fn client() -> Client {
    Client::new(Options::new(developing())).unwrap()
}

fn call(server: &Secure, trust: &Trust) -> Call {
    let call = server.call("/2");
    let target = call.target.trusting(Trusted::new(trust).unwrap()).unwrap();
    Call { target, ..call }
}

/// The status, or what TLS found wrong.
fn came(attempted: Attempted) -> Result<u16, String> {
    match attempted.outcome {
        Outcome::Answered(answer) => Ok(answer.status),
        Outcome::Failed(Failure::Tls(found)) => Err(found),
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn an_authority_of_its_own_is_believed_and_no_other() {
    let (own, other) = (authority("own"), authority("other"));
    let server = serving(own.issues("localhost", false), b"http/1.1").await;
    let send = async |trust| came(client().send(call(&server, &trust)).await);
    assert_eq!(send(own.trust()).await, Ok(200));
    for wrong in [other.trust(), Trust::Public] {
        let found = send(wrong).await.unwrap_err();
        assert!(found.contains("UnknownIssuer"), "{found}");
    }
    let both = Trust::authority(format!("{}{}", other.pem, own.pem)).unwrap();
    assert_eq!(send(both).await, Ok(200), "several authorities");
}

#[tokio::test]
async fn an_own_authority_does_not_excuse_a_wrong_name_or_an_end() {
    let own = authority("own");
    for (name, is_over, says) in [
        ("other.test", false, "not valid for name"),
        ("localhost", true, "expired"),
    ] {
        let server = serving(own.issues(name, is_over), b"http/1.1").await;
        let found = came(client().send(call(&server, &own.trust())).await).unwrap_err();
        assert!(found.contains(says), "{found}");
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_whatever_it_says_and_no_other() {
    let own = authority("own");
    for (name, is_over) in [("localhost", false), ("other.test", false), ("localhost", true)] {
        let server = serving(own.issues(name, is_over), b"http/1.1").await;
        let right = came(client().send(call(&server, &pin(&server.certificate))).await);
        assert_eq!(right, Ok(200), "{name} {is_over}");
    }
    let server = serving(own.issues("localhost", false), b"http/1.1").await;
    let wrong = pin(&own.issues("localhost", false).0);
    let found = came(client().send(call(&server, &wrong)).await).unwrap_err();
    let Trust::Certificate(shown) = pin(&server.certificate) else {
        panic!()
    };
    let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        found.contains("not the pinned one") && found.contains(&hex),
        "{found}"
    );
}

/// Who shows a pinned certificate must have its key: it is public, and anybody can copy it.
#[tokio::test]
async fn a_copied_certificate_without_its_key_is_refused() {
    let own = authority("own");
    let (certificate, _) = own.issues("localhost", false);
    let (_, another_key) = own.issues("localhost", false);
    let wanted = pin(&certificate);
    let thief = crate::tls::thief(certificate, &another_key).await;
    let found = came(client().send(call(&thief, &wanted)).await).unwrap_err();
    assert!(found.contains("BadSignature"), "{found}");
}

#[tokio::test]
async fn a_connection_made_under_another_trust_is_not_used() {
    for alpn in [&b"http/1.1"[..], b"h2"] {
        let own = authority("own");
        let server = serving(own.issues("localhost", false), alpn).await;
        let right = pin(&server.certificate);
        let wrong = pin(&own.issues("localhost", false).0);
        let client = client();
        let send = async |trust: &Trust| {
            let attempted = client.send(call(&server, trust)).await;
            (attempted.reused, came(attempted).ok())
        };
        assert_eq!(send(&right).await, (false, Some(200)));
        assert_eq!(send(&right).await, (true, Some(200)));
        for refused in [&wrong, &Trust::Public, &authority("other").trust()] {
            assert_eq!(send(refused).await, (false, None));
        }
        assert_eq!(
            send(&own.trust()).await,
            (false, Some(200)),
            "believed, but by its own handshake"
        );
        assert_eq!(send(&right).await, (true, Some(200)));
        assert_eq!(server.accepted.load(Ordering::SeqCst), 5);
    }
}

#[test]
fn what_cannot_be_used_says_so() {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    for body in ["AAAA", "", "!"] {
        let trust = Trust::authority(format!("{begin}\n{body}\n{end}\n")).unwrap();
        assert!(
            matches!(Trusted::new(&trust), Err(Error::Authority(_))),
            "{body:?}"
        );
    }
    let plain = check_url("http://localhost:9/", &developing()).unwrap();
    let pin = Trusted::new(&Trust::Certificate([1; 32])).unwrap();
    assert_eq!(plain.clone().trusting(pin).map(drop), Err(Error::Plain));
    assert_eq!(plain.trusting(None::<Arc<Trusted>>).map(drop), Ok(()));
}
