//! The values of the moment that the admin listener shows.

use std::sync::Arc;

use crate::clock::Clock;
use crate::core::number::State;
use crate::gateway::{Gateway, KnownSupplier};
use crate::http::connections::Connections;
use crate::store::Store;
use crate::store::sled::Sled;
use crate::telemetry::Gauge;

/// Subscriptions that have values of their own: those that are owed most. However many there are, a page of metrics stays small.
const SUBSCRIPTIONS_SHOWN: usize = 20;

/// What the values are read of.
#[derive(Clone)]
pub struct Gauges {
    pub gateway: Arc<Gateway>,
    pub store: Arc<Sled>,
    pub connections: Arc<Connections>,
}

impl Gauges {
    /// Those without labels.
    pub fn plain(&self) -> Vec<(&'static str, f64)> {
        let all = self.all().into_iter().filter(|gauge| gauge.labels.is_empty());
        all.map(|gauge| (gauge.name, gauge.value)).collect()
    }

    /// All of them and what was counted, as Prometheus reads it.
    pub fn rendered(&self) -> String {
        self.gateway.metrics().render(&self.all())
    }

    fn all(&self) -> Vec<Gauge> {
        let Self {
            gateway,
            store,
            connections,
        } = self;
        let (counts, now) = (store.live().counts(), Clock::System.steady());
        let backlogs = store.live().backlogs(SUBSCRIPTIONS_SHOWN, now);
        let states = store.live().states(Clock::System.now());
        let in_state = |state| states.get(&state).copied().unwrap_or_default() as f64;
        let age_s = |at: Option<_>| at.map_or(0.0, |at| now.since(at) as f64 / 1000.0);
        let plain = [
            ("ringback_longpoll_waiting", gateway.waiters().count() as f64),
            ("ringback_acquire_waiting", gateway.waiting_for_numbers() as f64),
            ("ringback_rentals_active", counts.rentals as f64),
            ("ringback_numbers", counts.numbers as f64),
            ("ringback_numbers_free", in_state(State::Free)),
            ("ringback_numbers_reserved", in_state(State::Reserved)),
            ("ringback_numbers_active", in_state(State::Active)),
            ("ringback_numbers_cooling", in_state(State::Cooling)),
            ("ringback_numbers_quarantined", in_state(State::Quarantined)),
            ("ringback_numbers_retired", in_state(State::Retired)),
            ("ringback_subscriptions", counts.subscriptions as f64),
            ("ringback_delivery_due", counts.due as f64),
            ("ringback_delivery_held", backlogs.held as f64),
            (
                "ringback_delivery_oldest_due_age_seconds",
                age_s(backlogs.oldest_due),
            ),
            ("ringback_connections", connections.open() as f64),
            (
                "ringback_store_sync_p50_seconds",
                store.timings().sync_p50_us() as f64 / 1e6,
            ),
            ("ringback_store_healthy", f64::from(u8::from(store.is_healthy()))),
        ];
        let mut gauges: Vec<Gauge> = plain.map(|(name, value)| Gauge::new(name, value)).into();
        let of = |name, value: fn(&_, f64) -> f64| {
            let each = backlogs.longest.iter().map(move |backlog| Gauge {
                labels: format!("subscription=\"{}\"", backlog.subscription),
                ..Gauge::new(name, value(backlog, age_s(backlog.oldest)))
            });
            each.collect::<Vec<_>>()
        };
        gauges.extend(of("ringback_subscription_delivery_due", |backlog, _| {
            backlog.count as f64
        }));
        gauges.extend(of(
            "ringback_subscription_delivery_oldest_due_age_seconds",
            |_, age_s| age_s,
        ));
        gauges.extend(of_suppliers(&gateway.suppliers()));
        gauges
    }
}

/// Whether each supplier is asked, and what is open there.
fn of_suppliers(suppliers: &[KnownSupplier]) -> Vec<Gauge> {
    let of = |name, value: fn(&KnownSupplier) -> usize| {
        let each = suppliers.iter().map(move |supplier| Gauge {
            labels: format!("supplier=\"{}\"", supplier.name),
            ..Gauge::new(name, value(supplier) as f64)
        });
        each.collect::<Vec<_>>()
    };
    let mut gauges = of("ringback_supplier_up", |supplier| {
        usize::from(supplier.state == "asked")
    });
    gauges.extend(of("ringback_supplier_rented", |supplier| supplier.rented));
    gauges.extend(of("ringback_supplier_unsettled", |supplier| supplier.unsettled));
    gauges
}
