//! TLS from PEM files, and the same files read again when they changed. Client certificates and ACME are absent: a
//! reverse proxy does both better.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

/// Why a certificate cannot be served. The one in use stays in use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or unreadable.
    #[error("cannot read {}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds no PEM of the kind.
    #[error("no {what} in {}; it must be PEM", path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Where it broke.
        source: pem::Error,
    },
    /// The key is of an unknown kind, or belongs to another certificate.
    #[error("certificate and key do not fit together; give the key that the certificate was made for")]
    Mismatch(#[source] rustls::Error),
}

/// The certificate of one listener. It may be exchanged while connections are open; they keep theirs.
pub struct Certificates {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    hash: [u8; 32],
    key: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads both files: the chain with the server's certificate first, and its key (PKCS 8, PKCS 1 or SEC 1).
    pub fn open(certificate_file: &Path, key_file: &Path) -> Result<Arc<Self>, Error> {
        let (certificates, key) = (read(certificate_file)?, read(key_file)?);
        let current = Current {
            hash: hash(&certificates, &key),
            key: Arc::new(certified((certificate_file, &certificates), (key_file, &key))?),
        };
        let (certificate_file, key_file) = (certificate_file.to_owned(), key_file.to_owned());
        Ok(Arc::new(Self {
            certificate_file,
            key_file,
            current: RwLock::new(current),
        }))
    }

    /// Reads the files again; `true` if they differ and are in use from the next handshake on. A pair that is being
    /// renewed and does not fit yet is an error, and the old one stays.
    pub fn reload(&self) -> Result<bool, Error> {
        let (certificates, key) = (read(&self.certificate_file)?, read(&self.key_file)?);
        let hash = hash(&certificates, &key);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).hash == hash {
            return Ok(false);
        }
        let key = Arc::new(certified(
            (&self.certificate_file, &certificates),
            (&self.key_file, &key),
        )?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { hash, key };
        Ok(true)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.current.read().unwrap_or_else(PoisonError::into_inner).key,
        ))
    }
}

/// Shows the files, not what is in them.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// TLS 1.2 and 1.3 with ring; ALPN offers h2, then http/1.1.
pub fn config(certificates: Arc<Certificates>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn hash(certificates: &[u8], key: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(certificates)
        .chain_update([0])
        .chain_update(key)
        .finalize()
        .into()
}

fn certified(certificates: (&Path, &[u8]), key: (&Path, &[u8])) -> Result<CertifiedKey, Error> {
    let no_pem = |path: &Path, what, source| Error::NoPem {
        path: path.to_owned(),
        what,
        source,
    };
    let chain = CertificateDer::pem_slice_iter(certificates.1)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|chain| {
            if chain.is_empty() {
                Err(pem::Error::NoItemsFound)
            } else {
                Ok(chain)
            }
        })
        .map_err(|source| no_pem(certificates.0, "certificate", source))?;
    let key = PrivateKeyDer::from_pem_slice(key.1).map_err(|source| no_pem(key.0, "private key", source))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(Error::Mismatch)
}
