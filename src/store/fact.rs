//! What a durable commit changed, as the tables in memory take it over.

use std::sync::Arc;

use super::profiles::Profiled;
use crate::core::account::Account;
use crate::core::delivery::Due;
use crate::core::event::Event;
use crate::core::health::Health;
use crate::core::id::{AccountId, RentalId, ReplayId, Seq, SetId, SubscriptionId};
use crate::core::key::{Hash, Key};
use crate::core::multipart::Set;
use crate::core::number::Number;
use crate::core::purchase::Purchase;
use crate::core::rental::Rental;
use crate::core::replay::Replay;
use crate::core::service::Service;
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;

/// What a durable commit changed.
#[derive(Debug, Clone)]
pub enum Fact {
    Rental(Arc<Rental>),
    Number(Arc<Number>),
    /// A service as the operator wants it by its name; `None`: it is withdrawn.
    Service(String, Option<Arc<Service>>),
    Parts(Arc<Set>),
    PartsGone(SetId),
    Subscription(Arc<Subscription>),
    Unsubscribed(SubscriptionId),
    Account(Arc<Account>),
    AccountGone(AccountId),
    Key(Arc<Key>),
    KeyGone(Hash),
    KeyUsed(Hash, UnixMs),
    Event(Seq, Arc<Event>),
    Health(SubscriptionId, Health),
    Due(Due),
    Settled(Due),
    Purchase(Arc<Purchase>),
    PurchaseGone(RentalId),
    /// A profile or a template of codes.
    Profiled(Profiled),
    Replay(Arc<Replay>),
    ReplayGone(ReplayId),
    /// One more delivery to it that stands behind another in line, or one fewer.
    Waits(SubscriptionId),
    WaitsNoMore(SubscriptionId),
}
