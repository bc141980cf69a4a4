//! From a name to its addresses. No cache: a pooled connection needs no look-up, and a new one wants the truth.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::lookup_host;
use tokio::sync::Semaphore;

/// The system's look-up blocks a thread and cannot be taken back; more than this at once would starve the rest of
/// the process of blocking threads when a name server is slow.
const LOOKUPS_MAX: usize = 64;

pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Resolves names. One implementation asks the system, the other is told by a test what to answer.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses in the order they should be tried. A caller that waits no longer drops the future.
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a>;
}

/// The system's resolver: hosts file, then DNS, as the machine is set up.
pub struct System {
    permits: Arc<Semaphore>,
}

impl System {
    pub fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolver for System {
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(async move {
            let permit = self
                .permits
                .clone()
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let name = name.to_owned();
            // Spawned, so that the permit is held as long as the thread, not as long as somebody waits.
            let lookup = tokio::spawn(async move {
                let _permit = permit;
                io::Result::Ok(
                    lookup_host((name, 0))
                        .await?
                        .map(|address| address.ip())
                        .collect(),
                )
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}
