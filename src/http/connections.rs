//! Who may come in: counts open connections, in all and per address. It holds no sockets and closes none.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// The connections of all listeners that share it; `/metrics` reads the counts here.
#[derive(Debug, Default)]
pub struct Connections {
    open: AtomicUsize,
    refused: AtomicU64,
    per_ip: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    connections: Arc<Connections>,
    ip: IpAddr,
}

impl Connections {
    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that were closed at once since the start, because a limit was reached.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Takes a seat, or `None` where either limit is reached.
    pub(super) fn enter(self: &Arc<Self>, ip: IpAddr, limits: &Limits) -> Option<Seat> {
        let ip = counted_as(ip);
        let mut per_ip = self.per_ip();
        let of_this_ip = per_ip.get(&ip).copied().unwrap_or(0);
        if self.open() >= limits.connections_max || of_this_ip >= limits.connections_per_ip_max {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        per_ip.insert(ip, of_this_ip + 1);
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Seat {
            connections: Arc::clone(self),
            ip,
        })
    }

    /// The counts stay right whatever panicked elsewhere: nothing is awaited or called while the lock is held.
    fn per_ip(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.per_ip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut per_ip = self.connections.per_ip();
        match per_ip.get_mut(&self.ip) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                per_ip.remove(&self.ip);
            }
        }
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client of IPv6 owns a whole /64, so that is what is counted.
fn counted_as(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        IpAddr::V4(v4) => IpAddr::V4(v4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_seat_is_free_again_when_it_is_dropped_and_nothing_is_kept() {
        let limits = Limits {
            connections_max: 3,
            connections_per_ip_max: 2,
            ..Limits::standard()
        };
        let connections = Arc::new(Connections::default());
        let first = connections.enter(ip("192.0.2.1"), &limits).unwrap();
        let _second = connections.enter(ip("::ffff:192.0.2.1"), &limits).unwrap();
        assert!(
            connections.enter(ip("192.0.2.1"), &limits).is_none(),
            "two of one address are enough"
        );
        let _third = connections.enter(ip("192.0.2.2"), &limits).unwrap();
        assert!(
            connections.enter(ip("192.0.2.3"), &limits).is_none(),
            "three in all are enough"
        );
        assert_eq!((connections.open(), connections.refused()), (3, 2));

        drop(first);
        drop(
            connections
                .enter(ip("192.0.2.3"), &limits)
                .expect("one seat became free"),
        );
        assert_eq!(
            connections.per_ip().len(),
            2,
            "addresses without connections are forgotten"
        );
    }

    #[test]
    fn an_ipv6_network_counts_as_one_client() {
        assert_eq!(
            counted_as(ip("2001:db8:1:2:3:4:5:6")),
            counted_as(ip("2001:db8:1:2::1"))
        );
        assert_ne!(
            counted_as(ip("2001:db8:1:2::1")),
            counted_as(ip("2001:db8:1:3::1"))
        );
    }
}
