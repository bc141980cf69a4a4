//! A checked connection: resolve once, judge every address, dial exactly what was judged, then TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::Host;

use super::guard::{self, Origin, Policy};
use super::progress::{Phase, Progress};
use super::resolve::Resolver;
use super::sender::Failure;
use super::trust::{self, ALPN_H2, Trusted};

/// How many of a name's addresses are dialled before the attempt is given up.
const ADDRESSES_MAX: usize = 4;

/// A byte stream, plain or TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

pub(super) struct Connected {
    pub stream: Box<dyn Stream>,
    pub remote: SocketAddr,
    /// The server chose HTTP/2 in the TLS handshake. Plain connections are always HTTP/1.1.
    pub http2: bool,
}

pub(super) struct Connector {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
    /// For those who have no trust of their own.
    public: TlsConnector,
    timeout: Duration,
}

impl Connector {
    pub fn new(
        policy: Policy,
        resolver: Arc<dyn Resolver>,
        extra_roots: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            policy,
            resolver,
            public: trust::public(extra_roots)?,
            timeout,
        })
    }

    /// One deadline holds for look-up, dialling and handshake together.
    pub async fn connect(&self, origin: &Origin, progress: &mut Progress) -> Result<Connected, Failure> {
        let deadline = Instant::now() + self.timeout;
        let addresses = match &origin.host {
            Host::Ipv4(v4) => vec![IpAddr::V4(*v4)],
            Host::Ipv6(v6) => vec![IpAddr::V6(*v6)],
            Host::Domain(name) => {
                progress.enter(Phase::Dns);
                self.resolve(name, deadline).await?
            }
        };
        guard::check_addresses(&addresses, origin.port, &self.policy)?;
        progress.enter(Phase::Connect);
        let tcp = self.dial(&addresses, origin.port, deadline).await?;
        let remote = tcp.peer_addr().map_err(|error| Failure::Connect(error.kind()))?;
        if !origin.tls {
            return Ok(Connected {
                stream: Box::new(tcp),
                remote,
                http2: false,
            });
        }
        progress.enter(Phase::Tls);
        let connector = origin.trust.as_deref().map_or(&self.public, Trusted::tls);
        let name = server_name(&origin.host)?;
        let handshake = timeout_at(deadline, connector.connect(name, tcp));
        let tls = handshake
            .await
            .map_err(|_| Failure::TlsTimeout)?
            .map_err(tls_failure)?;
        let http2 = tls.get_ref().1.alpn_protocol() == Some(ALPN_H2);
        Ok(Connected {
            stream: Box::new(tls),
            remote,
            http2,
        })
    }

    async fn resolve(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Failure> {
        let answer = timeout_at(deadline, self.resolver.lookup(name)).await;
        answer.map_err(|_| Failure::DnsTimeout)?.map_err(|_| Failure::Dns)
    }

    /// One address after the other; each gets an equal share of the time that is left, so a dead first address
    /// leaves time for the next.
    async fn dial(&self, addresses: &[IpAddr], port: u16, deadline: Instant) -> Result<TcpStream, Failure> {
        let mut failure = Failure::Blocked(guard::Error::NoAddress);
        let count = addresses.len().min(ADDRESSES_MAX);
        for (at, address) in addresses[..count].iter().enumerate() {
            let now = Instant::now();
            let others = u32::try_from(count - at).expect("at most ADDRESSES_MAX");
            let share = now + deadline.saturating_duration_since(now) / others;
            let address = SocketAddr::new(*address, port);
            match timeout_at(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return self.settle(tcp, address),
                Ok(Err(error)) => failure = Failure::Connect(error.kind()),
                Err(_) => failure = Failure::ConnectTimeout,
            }
        }
        Err(failure)
    }

    fn settle(&self, tcp: TcpStream, dialled: SocketAddr) -> Result<TcpStream, Failure> {
        let ends = || -> io::Result<_> {
            tcp.set_nodelay(true)?;
            Ok((tcp.peer_addr()?, tcp.local_addr()?))
        };
        let (peer, local) = ends().map_err(|error| Failure::Connect(error.kind()))?;
        guard::check_connected(dialled, peer, local, &self.policy)?;
        Ok(tcp)
    }
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, Failure> {
    match host {
        Host::Ipv4(v4) => Ok(ServerName::from(IpAddr::V4(*v4))),
        Host::Ipv6(v6) => Ok(ServerName::from(IpAddr::V6(*v6))),
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::Tls("the host name does not fit a certificate".to_owned())),
    }
}

/// A handshake fails by what TLS found wrong, or by the connection under it.
fn tls_failure(error: io::Error) -> Failure {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(found) => Failure::Tls(found.to_string()),
        None => Failure::Tls(error.kind().to_string()),
    }
}
