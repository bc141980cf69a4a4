//! Whose certificates are believed in a handshake, made ready once. Each trust has a configuration of its own, and with it its own
//! resumed sessions: a session that began under another trust is never gone on with.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsConnector;

use crate::core::subscription::trust::Trust;

pub(super) const ALPN_H2: &[u8] = b"h2";

/// Why a subscription's trust cannot be used. Messages are shown to the customer who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("\"trust\" is of use with https alone: change the URL, or leave it out")]
    Plain,
    #[error(
        "\"trust.ca\" is no PEM of certificates that can be used ({0}): send the authority's certificate"
    )]
    Authority(String),
}

/// A trust of a subscription's own.
pub struct Trusted {
    /// Two of the same one believe the same.
    fingerprint: [u8; 32],
    tls: TlsConnector,
}

impl Trusted {
    /// `None` for the public authorities, whom every client knows.
    pub fn new(trust: &Trust) -> Result<Option<Arc<Self>>, Error> {
        let (tag, bytes, tls) = match trust {
            Trust::Public => return Ok(None),
            Trust::Authority(pem) => {
                let unusable = |e: &dyn fmt::Display| Error::Authority(e.to_string());
                let mut roots = RootCertStore::empty();
                for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let root = root.map_err(|e| unusable(&e))?;
                    roots.add(root).map_err(|e| unusable(&e))?;
                }
                if roots.is_empty() {
                    return Err(Error::Authority("it holds none".into()));
                }
                let tls = of_roots(roots).map_err(|e| unusable(&e))?;
                (b'a', pem.as_bytes(), tls)
            }
            Trust::Certificate(hash) => (b'c', &hash[..], pinned(*hash)),
        };
        let fingerprint = Sha256::new_with_prefix([tag])
            .chain_update(bytes)
            .finalize()
            .into();
        Ok(Some(Arc::new(Self { fingerprint, tls })))
    }

    pub(super) fn tls(&self) -> &TlsConnector {
        &self.tls
    }
}

impl PartialEq for Trusted {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Trusted {}

impl Hash for Trusted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trusted")
    }
}

/// The public authorities and the operator's. The roots are compiled in (webpki-roots) and not read from the machine: the static binary
/// and the image without a CA directory trust what every other installation trusts, and nothing is read at start. The price is that a
/// change of roots arrives with a release; private authorities are added by the operator as `extra_roots`.
pub(super) fn public(extra_roots: &[CertificateDer<'static>]) -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra_roots {
        roots.add(root.clone())?;
    }
    of_roots(roots)
}

fn of_roots(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(ready(config))
}

fn pinned(hash: [u8; 32]) -> TlsConnector {
    let provider = provider();
    let verifier = Pinned {
        hash,
        provider: provider.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    ready(config)
}

fn ready(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![ALPN_H2.to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Believes one certificate, whatever it says of itself. That the server holds its key is checked as for every certificate.
#[derive(Debug)]
struct Pinned {
    hash: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let hash: [u8; 32] = Sha256::digest(shown).into();
        if hash == self.hash {
            return Ok(ServerCertVerified::assertion());
        }
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(rustls::Error::General(format!(
            "the certificate is not the pinned one, its SHA-256 is {hash}"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
