//! Messages out: which provider is asked, at what pace, and what is kept of its answer. How one is asked, `app` gives.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::{Error, Gateway};
use crate::core::id::{AccountId, OutboundId, VerificationId};
use crate::core::limit::Bucket;
use crate::core::money::Price;
use crate::core::outbound::{Accepted, Sending};
use crate::core::phone::{Address, PhoneNumber};
use crate::core::provider::{self, Health, Rules, Standing, Tariff};
use crate::core::segments;
use crate::core::sending::{Channel, Class, Order, Recipient, Refusal, Sent};
use crate::core::subscription::policy::Rate;
use crate::core::time::UnixMs;

/// Gives one order to one provider, once. Always ends.
pub type Carry = Box<dyn Fn(Order) -> Carrying + Send + Sync>;
pub type Carrying = Pin<Box<dyn Future<Output = Sent> + Send>>;

/// How long an order waits for a provider whose pace is used up. A person looks at the screen: later is too late.
const PACE_WAIT_MS: u64 = 3_000;

/// Those who carry messages out, in the order of the configuration, and when one of them is left alone.
pub struct Providers {
    pub all: Vec<Provider>,
    pub rules: Rules,
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            rules: Rules::standard(),
        }
    }
}

/// Somebody who carries messages out.
pub struct Provider {
    pub name: String,
    pub kind: String,
    pub channel: Channel,
    /// The source by which it reports.
    pub source: String,
    pub tariff: Tariff,
    /// It does not charge for what by its report did not arrive.
    pub bills_delivered: bool,
    pub rate: Option<Rate>,
    pub carry: Carry,
    health: Mutex<Health>,
    bucket: Mutex<Option<Bucket>>,
}

impl Provider {
    /// Without prices and a pace; its reports come by the source of its name.
    pub fn new(name: &str, kind: &str, channel: Channel, carry: Carry) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            channel,
            source: name.to_owned(),
            tariff: Tariff::default(),
            bills_delivered: false,
            rate: None,
            carry,
            health: Mutex::default(),
            bucket: Mutex::default(),
        }
    }

    fn health<T>(&self, act: impl FnOnce(&mut Health) -> T) -> T {
        act(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When its pace allows one more, `None` for now; then it is counted.
    fn turn_at(&self, now: UnixMs) -> Option<UnixMs> {
        let rate = self.rate?;
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = bucket.get_or_insert_with(|| Bucket::full(rate, now));
        let ready_at = bucket.ready_at(rate, now);
        if ready_at.is_none() {
            bucket.take();
        }
        ready_at
    }

    /// How many messages a text becomes here: SMS are counted, all else is one.
    fn segments(&self, text: &str) -> u32 {
        match self.channel {
            Channel::Sms => segments::encode(text).segments(),
            Channel::Voice | Channel::Flashcall | Channel::Whatsapp | Channel::Email => 1,
        }
    }

    fn price(&self, order: &Order) -> Option<Price> {
        match &order.to {
            Recipient::Phone(number) => self.tariff.cost(number, self.segments(&order.text)),
            Recipient::Email(_) => None,
        }
    }
}

/// Who sends, and hears what becomes of it.
#[derive(Debug, Clone)]
pub struct Behalf {
    pub account: AccountId,
    /// The code that is sent, and the how manyth time.
    pub code: Option<(VerificationId, u8)>,
}

impl From<AccountId> for Behalf {
    fn from(account: AccountId) -> Self {
        Self { account, code: None }
    }
}

/// What a text would cost by a provider; `None` where its table does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub provider: String,
    pub cost: Option<Price>,
}

/// What came of an order, and by whom.
#[derive(Debug)]
pub struct Handover {
    pub provider: String,
    pub sent: Sent,
    /// How many SMS it is by our count, and what that costs by the provider's table.
    pub segments: u32,
    pub cost: Option<Price>,
    /// Under what the account hears of it; where it was accepted for one.
    pub outbound: Option<OutboundId>,
}

/// A provider as its operator sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownProvider<'a> {
    name: &'a str,
    kind: &'a str,
    channel: Channel,
    source: &'a str,
    /// `well`, `tried` or `resting`.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rests_ms: Option<u64>,
}

impl Gateway {
    /// The configured providers and how they fare.
    pub fn providers(&self) -> Vec<KnownProvider<'_>> {
        let now = self.parts.clock.moment().steady;
        let known = |provider: &'_ Provider| match provider
            .health(|health| health.standing(self.providers.rules, now))
        {
            Standing::Well => ("well", None),
            Standing::Try => ("tried", None),
            Standing::Rests(until) => ("resting", Some(until.since(now))),
        };
        let all = self.providers.all.iter().map(|provider| {
            let (standing, rests_ms) = known(provider);
            KnownProvider {
                name: &provider.name,
                kind: &provider.kind,
                channel: provider.channel,
                source: &provider.source,
                standing,
                rests_ms,
            }
        });
        all.collect()
    }

    /// By which channel a provider carries.
    pub fn channel_of(&self, provider: &str) -> Result<Channel, Error> {
        let known = self.providers.all.iter().find(|known| known.name == provider);
        known
            .map(|known| known.channel)
            .ok_or_else(|| Error::NoProvider(provider.to_owned()))
    }

    /// Whether a provider charges for what arrived alone. One that is configured no more counts as charging for all.
    pub(super) fn bills_delivered(&self, provider: &str) -> bool {
        let known = self.providers.all.iter().find(|known| known.name == provider);
        known.is_some_and(|known| known.bills_delivered)
    }

    /// Whether anybody carries by this channel.
    pub(super) fn serves(&self, channel: Channel) -> bool {
        self.providers
            .all
            .iter()
            .any(|provider| provider.channel == channel)
    }

    /// Those who carry by this channel, or this one of them.
    fn able(&self, (channel, by): (Channel, Option<&str>)) -> Vec<usize> {
        let is_able = |(_, provider): &(usize, &Provider)| {
            provider.channel == channel && by.is_none_or(|by| provider.name == by)
        };
        let able = self.providers.all.iter().enumerate().filter(is_able);
        able.map(|(at, _)| at).collect()
    }

    /// Who would be asked to carry this text now, the first one first, and what that costs by his table.
    pub fn quotes(&self, by: (Channel, Option<&str>), to: &PhoneNumber, text: &str) -> Vec<Quote> {
        let (now, rules) = (self.parts.clock.moment().steady, self.providers.rules);
        let of = |at: usize| {
            let provider = &self.providers.all[at];
            let cost = provider.tariff.cost(to, provider.segments(text));
            let standing = provider.health(|health| health.standing(rules, now));
            (provider.name.clone(), cost, standing)
        };
        let able: Vec<_> = self.able(by).into_iter().map(of).collect();
        let asked = provider::order(able.iter().map(|(_, cost, standing)| (*cost, *standing)));
        let quote = |at: usize| Quote {
            provider: able[at].0.clone(),
            cost: able[at].1,
        };
        asked.into_iter().map(quote).collect()
    }

    /// Sends by this channel: the cheapest provider that works is asked first, and the next one only where nothing went out and the
    /// person is not the reason; or by this one provider of it. Goes on to its end if the caller goes away. `behalf` hears of what was
    /// accepted.
    pub async fn send(
        self: &Arc<Self>,
        (channel, by): (Channel, Option<&str>),
        behalf: Option<Behalf>,
        order: Order,
    ) -> Result<Handover, Error> {
        let able = self.able((channel, by));
        if able.is_empty() {
            let missing = || Error::NoChannel(channel.as_str());
            return Err(by.map_or_else(missing, |by| Error::NoProvider(by.to_owned())));
        }
        self.detached(able, behalf, order).await
    }

    /// As `send`, by this provider alone, however it fares.
    pub async fn send_through(
        self: &Arc<Self>,
        provider: &str,
        behalf: Option<Behalf>,
        order: Order,
    ) -> Result<Handover, Error> {
        let at = self.providers.all.iter().position(|known| known.name == provider);
        let at = at.ok_or_else(|| Error::NoProvider(provider.to_owned()))?;
        let this = self.clone();
        let sending = tokio::spawn(async move { this.hand_over(at, behalf.as_ref(), order).await });
        sending.await.map_err(|_| Error::Contended)
    }

    async fn detached(
        self: &Arc<Self>,
        able: Vec<usize>,
        behalf: Option<Behalf>,
        order: Order,
    ) -> Result<Handover, Error> {
        let this = self.clone();
        let sending = tokio::spawn(async move { this.send_by_one_of(&able, behalf.as_ref(), order).await });
        sending.await.map_err(|_| Error::Contended)
    }

    async fn send_by_one_of(&self, able: &[usize], behalf: Option<&Behalf>, order: Order) -> Handover {
        let now = self.parts.clock.moment().steady;
        let all = &self.providers.all;
        let standing = |at: usize| all[at].health(|health| health.standing(self.providers.rules, now));
        let asked = provider::order(able.iter().map(|at| (all[*at].price(&order), standing(*at))));
        let mut last = None;
        for at in asked {
            let handover = self.hand_over(able[at], behalf, order.clone()).await;
            match &handover.sent {
                Sent::Refused(refusal) if refusal.class.another_may_try() => last = Some(handover),
                _ => return handover,
            }
        }
        let rests_ms = able.iter().filter_map(|at| match standing(*at) {
            Standing::Rests(until) => Some(until.since(now)),
            Standing::Well | Standing::Try => None,
        });
        let retry_after_s = rests_ms.min().map(|ms| ms.div_ceil(1000));
        last.unwrap_or_else(|| Handover {
            provider: all[able[0]].name.clone(),
            sent: Sent::Refused(Refusal {
                retry_after_s,
                ..Refusal::new(
                    Class::CarrierDown,
                    "every provider of this channel rests after faults of its own; `ringback send ls` shows them",
                )
            }),
            segments: all[able[0]].segments(&order.text),
            cost: None,
            outbound: None,
        })
    }

    /// One order to one provider, with all that is kept of it.
    async fn hand_over(&self, at: usize, behalf: Option<&Behalf>, order: Order) -> Handover {
        let (provider, rules) = (&self.providers.all[at], self.providers.rules);
        let (segments, cost, to) = (
            provider.segments(&order.text),
            provider.price(&order),
            order.to.clone(),
        );
        let sent = match self.turn(provider).await {
            Err(refusal) => Sent::Refused(refusal),
            Ok(()) => {
                let steady = || self.parts.clock.moment().steady;
                provider.health(|health| health.begins(rules, steady()));
                let sent = (provider.carry)(order).await;
                provider.health(|health| health.ended(&sent, rules, steady()));
                sent
            }
        };
        self.tell(provider, &sent);
        let outbound = match (&sent, behalf) {
            (Sent::Accepted(taken), Some(behalf)) => {
                let accepted = Accepted {
                    source: provider.source.clone(),
                    carrier_message_id: taken.carrier_message_id.clone(),
                    account: behalf.account.clone(),
                    to: match &to {
                        Recipient::Phone(number) => Address::new(number.as_str()),
                        Recipient::Email(address) => Address::new(address),
                    },
                    code: behalf.code.map(|(verification, nth)| Sending {
                        verification,
                        nth,
                        provider: provider.name.clone(),
                    }),
                };
                self.keep(&provider.name, &accepted).await
            }
            _ => None,
        };
        Handover {
            provider: provider.name.clone(),
            sent,
            segments,
            cost,
            outbound,
        }
    }

    /// Waits for a place in the provider's pace.
    async fn turn(&self, provider: &Provider) -> Result<(), Refusal> {
        let steady = || self.parts.clock.moment().steady;
        let deadline = steady().plus_ms(PACE_WAIT_MS);
        while let Some(ready_at) = provider.turn_at(steady()) {
            if ready_at > deadline {
                let reason = "more messages wait for this provider than its per_second_max lets out";
                return Err(Refusal {
                    retry_after_s: Some(PACE_WAIT_MS / 1000),
                    ..Refusal::new(Class::RateLimited, reason)
                });
            }
            sleep(Duration::from_millis(ready_at.since(steady()).max(1))).await;
        }
        Ok(())
    }

    /// A message that is out is not taken back because it could not be noted: then its reports reach nobody, and the log says so.
    async fn keep(&self, provider: &str, accepted: &Accepted) -> Option<OutboundId> {
        let kept = self.accepted(accepted).await;
        if let Err(error) = &kept {
            tracing::error!(%provider, %error, "a message went out and could not be noted: reports on it will reach nobody");
        }
        kept.ok()
    }

    fn tell(&self, provider: &Provider, sent: &Sent) {
        let name = &provider.name;
        let outcome = match sent {
            Sent::Accepted(_) => "accepted",
            Sent::Refused(refusal) => refusal.class.as_str(),
            Sent::Unknown(_) => "unknown",
        };
        self.parts.metrics.sent(name, outcome);
        match sent {
            Sent::Accepted(_) => tracing::debug!(provider = %name, "a message was accepted"),
            Sent::Refused(refusal) => {
                let code = refusal.code.as_deref().unwrap_or_default();
                tracing::warn!(provider = %name, outcome, code, reason = %refusal.reason, "a message was refused");
            }
            Sent::Unknown(reason) => {
                tracing::warn!(provider = %name, %reason, "whether a message went out is not known: it is not sent again");
            }
        }
    }
}
