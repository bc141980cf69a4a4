//! What a durable commit changed, as the tables in memory take it over.

use std::sync::Arc;

use crate::core::delivery::Due;
use crate::core::event::Event;
use crate::core::health::Health;
use crate::core::id::{Seq, SetId, SubscriptionId};
use crate::core::key::Key;
use crate::core::multipart::Set;
use crate::core::number::Number;
use crate::core::rental::Rental;
use crate::core::subscription::Subscription;

/// What a durable commit changed.
#[derive(Debug, Clone)]
pub enum Fact {
    Rental(Arc<Rental>),
    Number(Arc<Number>),
    Parts(Arc<Set>),
    PartsGone(SetId),
    Subscription(Arc<Subscription>),
    Unsubscribed(SubscriptionId),
    Key(Arc<Key>),
    Event(Seq, Arc<Event>),
    Health(SubscriptionId, Health),
    Due(Due),
    Settled(Due),
    /// One more delivery to it that stands behind another in line, or one fewer.
    Waits(SubscriptionId),
    WaitsNoMore(SubscriptionId),
}
