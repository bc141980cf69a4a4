//! The guard against server-side request forgery: which URLs may be stored and which addresses may be called.
//!
//! Pure: no socket and no name look-up. [`check_url`] is asked when a subscription is written, [`check_addresses`]
//! each time a name was resolved and before anything is dialled, [`check_connected`] once the socket stands. There
//! is no switch that turns it off: private targets are named one by one in `allow_cidrs`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderValue, Uri};
use url::{Host, Url};

use super::trust::Trusted;
use super::{ranges, trust};
use crate::core::cidr::Cidr;

/// Longest URL that is accepted, in bytes, before and after it is brought to its ASCII form.
pub const URL_BYTES_MAX: usize = 2048;

/// Ports that may be called unless the operator names more.
pub const PORTS_DEFAULT: [u16; 4] = [443, 80, 8443, 8080];

/// Why a URL or an address is not called. Messages are shown to the customer who wrote the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the URL is longer than {URL_BYTES_MAX} bytes: shorten it")]
    TooLong,
    #[error("this is not an absolute URL ({0}): write https://host/path")]
    Unreadable(&'static str),
    #[error("the scheme is not called: use https, or set outbound.allow_http if plain http is meant")]
    Scheme,
    #[error("the URL holds a user name or password: send the credential in a header of the subscription")]
    UserInfo,
    #[error("the URL holds an IPv6 zone: write the address without %..")]
    ZoneId,
    #[error("port {0} is not called: use 443, 80, 8443 or 8080, or add it to outbound.ports")]
    Port(u16),
    #[error("localhost is this gateway's own machine: set outbound.allow_loopback if you are developing")]
    Localhost,
    #[error("the address {address} is {range}: add it to outbound.allow_cidrs if it is yours")]
    Address { address: IpAddr, range: &'static str },
    #[error("{0} is this gateway's own listener: name the service that shall receive the webhook")]
    Own(SocketAddr),
    #[error("the connection went to {0}, which was not the address checked: look for a transparent proxy")]
    Elsewhere(SocketAddr),
    #[error("the name has no address: check its A and AAAA records")]
    NoAddress,
}

impl Error {
    /// A stable word for metrics and stored attempts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLong => "url_too_long",
            Self::Unreadable(_) => "url_unreadable",
            Self::Scheme => "scheme",
            Self::UserInfo => "user_info",
            Self::ZoneId => "zone_id",
            Self::Port(_) => "port",
            Self::Localhost => "localhost",
            Self::Address { .. } => "address",
            Self::Own(_) => "own_listener",
            Self::Elsewhere(_) => "elsewhere",
            Self::NoAddress => "no_address",
        }
    }
}

/// What the operator allows. One policy holds for a whole process; a changed one means a new client.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Plain http may be called.
    pub allow_http: bool,
    /// For development: loopback may be called, on any port and over plain http.
    pub allow_loopback: bool,
    /// Networks that may be called although they are not public.
    pub allow_cidrs: Vec<Cidr>,
    pub ports: Vec<u16>,
    /// Where this process listens, and any public address that leads back to it. Refused whatever else is allowed.
    pub own_listeners: Vec<SocketAddr>,
}

impl Policy {
    /// https to the public internet on the usual ports: what a fresh installation does.
    pub fn strict() -> Self {
        Self {
            allow_http: false,
            allow_loopback: false,
            allow_cidrs: Vec::new(),
            ports: PORTS_DEFAULT.to_vec(),
            own_listeners: Vec::new(),
        }
    }

    fn judge(&self, address: IpAddr) -> Result<(), Error> {
        let address = address.to_canonical();
        if self.allow_loopback && address.is_loopback() {
            return Ok(());
        }
        let Some(range) = ranges::forbidden(address) else {
            return Ok(());
        };
        if !self.allow_cidrs.iter().any(|cidr| cidr.contains(address)) {
            return Err(Error::Address { address, range });
        }
        // Whoever allows the NAT64 prefix means the public hosts behind it, not the private ones.
        ranges::nat64(address).map_or(Ok(()), |behind| self.judge(behind))
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let local = ip.is_loopback() || ip.is_unspecified();
        self.own_listeners.iter().any(|own| {
            let listens = own.ip().to_canonical();
            own.port() == address.port() && (listens == ip || (listens.is_unspecified() && local))
        })
    }
}

/// Scheme, host, port and whose certificate is believed: what connections are pooled by, so that one made under another trust is
/// never used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    pub tls: bool,
    pub host: Host<String>,
    pub port: u16,
    /// `None`: the public authorities'.
    pub trust: Option<Arc<Trusted>>,
}

/// A URL that passed [`check_url`]; there is no other way to make one. Cheap to clone, and worth keeping per
/// subscription. `Debug` hides path and query, where customers put tokens.
#[derive(Clone)]
pub struct Target(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    origin: Origin,
    absolute: Uri,
    path: Uri,
    host_header: HeaderValue,
}

impl Target {
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The same target, believed in by this trust alone.
    pub fn trusting(mut self, trust: Option<Arc<Trusted>>) -> Result<Self, trust::Error> {
        if trust.is_some() && !self.0.origin.tls {
            return Err(trust::Error::Plain);
        }
        Arc::make_mut(&mut self.0).origin.trust = trust;
        Ok(self)
    }

    /// Scheme, authority, path and query: the form HTTP/2 asks for.
    pub(super) fn absolute(&self) -> &Uri {
        &self.0.absolute
    }

    /// Path and query: the form HTTP/1.1 asks for.
    pub(super) fn path(&self) -> &Uri {
        &self.0.path
    }

    pub(super) fn host_header(&self) -> &HeaderValue {
        &self.0.host_header
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { tls, host, port, .. } = &self.0.origin;
        write!(f, "{}://{host}:{port}/***", if *tls { "https" } else { "http" })
    }
}

/// Whether this URL may be stored as a target. Hosts are read by the WHATWG rules only, so `0x7f.1` and `①②⑦.0.0.1`
/// are seen as the address they mean. A name passes here unjudged: its addresses are judged at each connect.
pub fn check_url(text: &str, policy: &Policy) -> Result<Target, Error> {
    if text.len() > URL_BYTES_MAX {
        return Err(Error::TooLong);
    }
    // The WHATWG parser drops tabs and line ends and reads a backslash as a slash; other parsers do not.
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(Error::Unreadable(
            "it holds spaces, backslashes or control characters",
        ));
    }
    if has_zone(text) {
        return Err(Error::ZoneId);
    }
    let mut url = Url::parse(text).map_err(|_| Error::Unreadable("it does not parse"))?;
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(Error::TooLong);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::UserInfo);
    }
    url.set_fragment(None);
    let origin = check_origin(&url, policy)?;
    target(&url, origin)
}

fn check_origin(url: &Url, policy: &Policy) -> Result<Origin, Error> {
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(Error::Scheme),
    };
    let host = url.host().ok_or(Error::Unreadable("it has no host"))?.to_owned();
    let port = url
        .port_or_known_default()
        .ok_or(Error::Unreadable("it has no port"))?;
    let named_local = match &host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(v4) => v4.is_loopback(),
        Host::Ipv6(v6) => v6.to_canonical().is_loopback(),
    };
    let developing = policy.allow_loopback && named_local;
    if !(tls || policy.allow_http || developing) {
        return Err(Error::Scheme);
    }
    match &host {
        Host::Domain(_) if named_local && !policy.allow_loopback => return Err(Error::Localhost),
        Host::Domain(_) if !developing && !policy.ports.contains(&port) => return Err(Error::Port(port)),
        Host::Domain(_) => {}
        Host::Ipv4(v4) => check_addresses(&[IpAddr::V4(*v4)], port, policy)?,
        Host::Ipv6(v6) => check_addresses(&[IpAddr::V6(*v6)], port, policy)?,
    }
    Ok(Origin {
        tls,
        host,
        port,
        trust: None,
    })
}

fn target(url: &Url, origin: Origin) -> Result<Target, Error> {
    let unreadable = || Error::Unreadable("it does not fit HTTP's grammar");
    let absolute: Uri = url.as_str().parse().map_err(|_| unreadable())?;
    let path: Uri = url[url::Position::BeforePath..]
        .parse()
        .map_err(|_| unreadable())?;
    let authority = &url[url::Position::BeforeHost..url::Position::BeforePath];
    let host_header = HeaderValue::from_str(authority).map_err(|_| unreadable())?;
    Ok(Target(Arc::new(Parts {
        origin,
        absolute,
        path,
        host_header,
    })))
}

/// Whether all of a name's addresses may be called on this port. One forbidden address condemns the whole answer:
/// a public address beside a private one is how a name is bent around a guard.
pub fn check_addresses(addresses: &[IpAddr], port: u16, policy: &Policy) -> Result<(), Error> {
    if addresses.is_empty() {
        return Err(Error::NoAddress);
    }
    for address in addresses {
        let target = SocketAddr::new(*address, port);
        if policy.is_own(target) {
            return Err(Error::Own(target));
        }
        policy.judge(*address)?;
        let developing = policy.allow_loopback && address.to_canonical().is_loopback();
        if !developing && !policy.ports.contains(&port) {
            return Err(Error::Port(port));
        }
    }
    Ok(())
}

/// Whether the socket leads where it was meant to. A machine that calls one of its own interfaces shows the same
/// address on both ends, which finds our listener on 0.0.0.0 without a list of the interfaces.
pub fn check_connected(
    dialled: SocketAddr,
    peer: SocketAddr,
    local: SocketAddr,
    policy: &Policy,
) -> Result<(), Error> {
    if peer.ip().to_canonical() != dialled.ip().to_canonical() || peer.port() != dialled.port() {
        return Err(Error::Elsewhere(peer));
    }
    let ours = |own: &SocketAddr| own.port() == peer.port() && own.ip().is_unspecified();
    if peer.ip() == local.ip() && policy.own_listeners.iter().any(ours) {
        return Err(Error::Own(peer));
    }
    Ok(())
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// A `%` between the brackets of the host, as in `[fe80::1%25eth0]`.
fn has_zone(text: &str) -> bool {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or(authority);
    authority
        .split_once('[')
        .is_some_and(|(_, host)| host.split(']').next().is_some_and(|h| h.contains('%')))
}
