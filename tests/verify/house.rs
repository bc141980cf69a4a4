//! A gateway that sends codes by providers who answer as they are told, on a clock that stands still until it is moved.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use ringback::clock::Clock;
use ringback::core::abuse::Who;
use ringback::core::abuse::conversion::Conversion;
use ringback::core::abuse::counter::{Counter, Name};
use ringback::core::id::AccountId;
use ringback::core::key::Key;
use ringback::core::otp::Engine;
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::{Channel, Order, Sent, Taken};
use ringback::core::signature::Scheme as Signs;
use ringback::core::subscription::{Pattern, Settings};
use ringback::core::time::UnixMs;
use ringback::core::verification::address::To;
use ringback::core::verification::code::Code;
use ringback::core::verification::fallback::Words;
use ringback::core::verification::{self, Own, Verification};
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{
    Consent, Gateway, Guess, InboundLog, NewKey, Parts, Provider, Providers, Supply, VerifyError,
    VerifyRules, VerifyWish,
};
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Committed, CounterChange, Reads, Store, VerifyStep};
use ringback::telemetry::Metrics;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::gateway_rules::gateway_rules;
use crate::support::{until, until_async};

use super::choice::rules_of;
pub use super::choice::{Choice, PRICE, START, TTL_MS, no, step, unknown};

/// The operator's own check, which keeps in mind what it was asked.
fn consent(choice: &Choice, line: &Arc<Mutex<Line>>) -> Consent {
    let (denies, takes, line) = (choice.denies.clone(), choice.consent_takes, line.clone());
    Box::new(move |body| {
        let asked: Value = serde_json::from_str(&body).unwrap();
        let channel = Channel::parse(asked["data"]["channel"].as_str().unwrap()).unwrap();
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        line.asked.push(channel);
        let allows = !denies.contains(&channel);
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            Ok(allows)
        })
    })
}

/// What providers say in turn, and then yes; and what they were given.
#[derive(Default)]
struct Line {
    says: VecDeque<Sent>,
    got: Vec<(Channel, String)>,
    /// What the operator's own check was asked.
    asked: Vec<Channel>,
}

pub struct House {
    pub gateway: Arc<Gateway>,
    pub clock: Clock,
    store: Arc<Simulated>,
    line: Arc<Mutex<Line>>,
    key: Arc<Key>,
    _draining: watch::Sender<bool>,
}

/// Built once: it reads all languages.
static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::with_rules(&[]).unwrap()));

/// A gateway on this store and clock, with a provider for each channel.
fn gateway(
    (store, clock): (Arc<dyn Store>, Clock),
    choice: &Choice,
    line: &Arc<Mutex<Line>>,
) -> (Gateway, watch::Sender<bool>) {
    let (draining, drained) = watch::channel(false);
    let parts = Parts {
        store,
        sources: HashMap::new(),
        services: Vec::new(),
        supply: Supply::none(),
        rules: gateway_rules(),
        inbound_log: InboundLog::off(),
        engine: ENGINE.clone(),
        clock,
        metrics: Arc::new(Metrics::default()),
        waiters: Waiters::new(10, 10),
        target_check: Box::new(|_| Ok(())),
        fetch: Box::new(|_| Box::pin(async { Err("nothing is fetched here".to_owned()) })),
        trial: Box::new(|_, _| unreachable!("nobody tries a subscription here")),
        dev_signing_key: None,
        doorbell: Arc::new(Notify::new()),
        draining: drained,
    };
    let channels = [Channel::Sms, Channel::Voice, Channel::Whatsapp];
    let providers = Providers {
        all: channels
            .map(|channel| provider(channel, choice.provider_takes, line))
            .into(),
        ..Providers::default()
    };
    let gateway = Gateway::new(parts)
        .with_providers(providers)
        .with_verify(VerifyRules {
            consent: Some(consent(choice, line)),
            ..rules_of(choice)
        });
    (gateway, draining)
}

/// A gateway that has just begun, on this store and clock.
pub fn begun(store: Arc<dyn Store>, clock: Clock) -> (Gateway, watch::Sender<bool>) {
    gateway((store, clock), &Choice::default(), &Arc::default())
}

impl House {
    pub async fn new(choice: &Choice) -> Self {
        let house = Self::open(Disk::default(), START, choice, Arc::default());
        let settings = Settings::new(
            "https://acme.example/".into(),
            vec![Pattern::parse("verify.*").unwrap()],
        );
        let key = NewKey {
            scheme: Signs::V1,
            key: None,
        };
        house
            .gateway
            .subscribe(&house.key.account, settings, key)
            .await
            .unwrap();
        house
    }

    fn open(disk: Disk, at: UnixMs, choice: &Choice, line: Arc<Mutex<Line>>) -> Self {
        let store = Arc::new(Simulated::open(disk, Vault::new(&[7; 32]), Sync::AtOnce).unwrap());
        let clock = Clock::seeded(at, at.0);
        let (gateway, draining) = gateway((store.clone(), clock.clone()), choice, &line);
        let account = AccountId::parse("acme").unwrap();
        Self {
            gateway: Arc::new(gateway),
            clock,
            store,
            line,
            key: Arc::new(Key::new("rb_live_0", account, at)),
            _draining: draining,
        }
    }

    /// After a power cut, on what was on the disk.
    pub fn restarted(&self, choice: &Choice) -> Self {
        self.restarted_at(self.clock.now(), choice)
    }

    /// The same, where the clock says this by then.
    pub fn restarted_at(&self, at: UnixMs, choice: &Choice) -> Self {
        Self::open(self.store.cut_power(), at, choice, self.line.clone())
    }

    pub fn then(&self, says: Sent) {
        self.lock().says.push_back(says);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By which channels codes went, in order.
    pub fn channels(&self) -> Vec<Channel> {
        self.lock().got.iter().map(|(channel, _)| *channel).collect()
    }

    /// For which channels the operator's own check was asked, in order.
    pub fn asked(&self) -> Vec<Channel> {
        self.lock().asked.clone()
    }

    /// So many codes went to numbers with this beginning by this channel, and nobody gave them back.
    pub async fn lost(&self, (channel, about): (Channel, &str), count: usize) {
        let now = self.gateway.steady();
        let lost = (0..count).fold(Conversion::default(), |known, _| {
            known.sent(now).matured(now, false)
        });
        let change = CounterChange {
            name: Name::conversion(&self.key.account, channel, about),
            was: 0,
            next: Some(Counter::Conversion(lost)),
        };
        let step = VerifyStep {
            counters: vec![change],
            ..VerifyStep::default()
        };
        let committed = self
            .store
            .commit(Commit::Verify(Box::new(step)), self.clock.moment());
        assert_eq!(committed.await.unwrap(), Committed::New(None));
    }

    /// What is remembered of codes that went to numbers with this beginning, in this country, or by this route: sent, over, given back.
    pub fn figures(&self, channel: Channel, about: &str) -> (u32, u32, u32) {
        let name = Name::conversion(&self.key.account, channel, about);
        let found = self.store.counters(&[name]).unwrap();
        match found.first().map(|found| &found.counter) {
            Some(Counter::Conversion(known)) => known.figures(self.gateway.steady()),
            _ => (0, 0, 0),
        }
    }

    /// The code that was told last.
    pub fn last_code(&self) -> Code {
        let line = self.lock();
        let (_, code) = line.got.last().unwrap();
        Code::parse(code).unwrap()
    }

    /// The one code that all of them told.
    pub fn code(&self) -> Code {
        let line = self.lock();
        let (_, first) = &line.got[0];
        assert!(line.got.iter().all(|(_, code)| code == first), "one code");
        Code::parse(first).unwrap()
    }

    pub async fn start(&self, number: &str) -> Result<Verification, VerifyError> {
        let wish = VerifyWish {
            key: self.key.clone(),
            profile: None,
            to: To::Number(PhoneNumber::parse(number).unwrap()),
            channel: Channel::Sms,
            digits: 6,
            words: Words {
                language: "en".into(),
                ..Words::default()
            },
            who: Who::default(),
            own: Own::default(),
            ttl_ms: None,
            once: None,
        };
        self.gateway.start_verification(wish).await
    }

    pub async fn check(&self, of: &Verification, code: Code) -> Result<Verification, VerifyError> {
        let guess = Guess {
            key: self.key.clone(),
            id: of.id,
            code,
            ip: None,
        };
        self.gateway.check_verification(guess).await
    }

    /// What was begun last.
    pub fn newest(&self) -> Option<Verification> {
        let newest = self.store.verifications(&self.key.account, None, 1).unwrap();
        newest.into_iter().next()
    }

    pub async fn cancel(&self, of: &Verification) -> Result<Verification, VerifyError> {
        self.gateway.cancel_verification(&self.key, of.id).await
    }

    /// It as it stands, once nothing is being sent.
    pub async fn now_of(&self, of: &Verification) -> Verification {
        until_async("its provider answers", async || {
            let known = self.gateway.verification(&of.account, of.id).await.unwrap();
            (known.sent != verification::Sent::Asked).then_some(known)
        })
        .await
    }

    /// So much time passes, and what is due by then is done.
    pub async fn pass(&self, ms: u64) {
        self.clock.pass(ms);
        self.gateway.go_on_due().await.unwrap();
        self.gateway.sweep_verifications().await.unwrap();
        let all = || self.store.verifications(&self.key.account, None, 100).unwrap();
        let is_quiet = || all().iter().all(|known| known.sent != verification::Sent::Asked);
        until("all that went is answered", is_quiet).await;
    }

    /// What the account was told, in order: type and data.
    pub fn told(&self) -> Vec<(String, Value)> {
        let subscription = self.gateway.subscriptions(&self.key.account)[0].subscription.id;
        let mut due = self.store.live().due(subscription, UnixMs(u64::MAX), usize::MAX);
        due.sort_by_key(|due| due.event);
        let event = |seq| self.store.event(seq).unwrap().unwrap();
        let told = due.iter().map(|due| event(due.event)).map(|event| {
            let body: Value = serde_json::from_str(&event.body).unwrap();
            (event.kind.as_str().to_owned(), body["data"].clone())
        });
        told.collect()
    }

    /// Their types and channels.
    pub fn heard(&self) -> Vec<String> {
        let shown = |(kind, data): (String, Value)| {
            format!("{kind} {}", data["channel"].as_str().unwrap_or_default())
        };
        self.told().into_iter().map(shown).collect()
    }

    /// Words of the audit log: action, verdict and reasons.
    pub async fn audited(&self) -> Vec<String> {
        let page = self.gateway.audit(0, 1000).await.unwrap();
        let lines = page.lines.iter().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let word = |name: &str| line[name].as_str().unwrap().to_owned();
            let reasons = line["reasons"].as_array().unwrap().iter();
            let reasons: Vec<_> = reasons.map(|reason| reason.as_str().unwrap()).collect();
            format!("{} {} {}", word("action"), word("verdict"), reasons.join(","))
                .trim_end()
                .to_owned()
        });
        lines.collect()
    }
}

fn provider(channel: Channel, takes: Duration, line: &Arc<Mutex<Line>>) -> Provider {
    let line = line.clone();
    let carry = move |order: Order| {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        line.got.push((channel, order.code.unwrap_or_default()));
        let says = line.says.pop_front().unwrap_or_else(|| {
            Sent::Accepted(Taken {
                carrier_message_id: order.key,
                ..Taken::default()
            })
        });
        let answer: ringback::gateway::Carrying = Box::pin(async move {
            tokio::time::sleep(takes).await;
            says
        });
        answer
    };
    Provider::new(channel.as_str(), "test", channel, Box::new(carry))
}
