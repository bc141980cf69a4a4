//! A gateway over any store, with a clock that the test sets, one carrier, and so many numbers.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use ringback::carrier::simulate::{Draft, Signer, signed};
use ringback::carrier::{Carrier, Reject};
use ringback::clock::Clock;
use ringback::core::id::AccountId;
use ringback::core::money::Price;
use ringback::core::number::{self, Number, State};
use ringback::core::otp::Engine;
use ringback::core::phone::PhoneNumber;
use ringback::core::rental::Rental;
use ringback::core::time::UnixMs;
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{
    AcquireRules, Error, Gateway, Inbound, InboundLog, Parts, Rules, Service, Source, Supply, Wish,
};
use ringback::store::Store;
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};

use crate::gateway_rules::gateway_rules;

pub const START: UnixMs = UnixMs(1_793_534_400_000);
pub const LIFETIME_MS: u64 = 1_200_000;
pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 3_600_000;
const SOURCE_URL: &str = "https://gw.example/inbound/main";
pub const SERVICES: [&str; 3] = ["google", "telegram", "other"];

pub struct Rig {
    pub gateway: Arc<Gateway>,
    pub clock: Clock,
    pub draining: watch::Sender<bool>,
    signer: Signer,
}

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

/// Number `n` has the area code 202, or 212 where `n` is odd.
pub fn phone(n: usize) -> PhoneNumber {
    let area = if n.is_multiple_of(2) { 202 } else { 212 };
    PhoneNumber::parse(&format!("+1{area}555{n:04}")).unwrap()
}

pub fn simulated(disk: Disk) -> Arc<Simulated> {
    Arc::new(Simulated::open(disk, Vault::new(&[7; 32]), Sync::AtOnce).unwrap())
}

pub fn rules(numbers: number::Rules) -> Rules {
    Rules {
        acquire: AcquireRules {
            max_s: 86_400,
            waiters_max: 8,
            waiters_per_account_max: 5,
        },
        numbers,
        ..gateway_rules()
    }
}

fn service(name: &str) -> Service {
    Service {
        name: name.into(),
        description: name.into(),
        capability: Default::default(),
        price: Price(5000),
        lifetime_ms: LIFETIME_MS,
        filter: Default::default(),
        // `other` has none, and shares nothing.
        brands: if name == "other" {
            Vec::new()
        } else {
            vec![name.into()]
        },
    }
}

/// Built once: it reads all languages.
fn engine() -> Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::with_rules(&[]).unwrap()));
    ENGINE.clone()
}

impl Rig {
    pub fn over(store: Arc<dyn Store>, at: UnixMs, rules: Rules) -> Self {
        let clock = Clock::seeded(at, 1);
        let (draining, drained) = watch::channel(false);
        let signer = Signer::generate("standard_webhooks", &[5; 64]).unwrap();
        let carrier = Carrier::from_settings("standard_webhooks", signer.settings()).unwrap();
        let gateway = Gateway::new(Parts {
            store,
            sources: HashMap::from([("main".to_owned(), Source::new(carrier, SOURCE_URL.into()))]),
            services: SERVICES.map(service).to_vec(),
            supply: Supply::none(),
            rules,
            inbound_log: InboundLog::off(),
            engine: engine(),
            clock: clock.clone(),
            metrics: Arc::new(Metrics::default()),
            waiters: Waiters::new(10, 10),
            target_check: Box::new(|_| Ok(())),
            fetch: Box::new(|_| Box::pin(async { Err("nothing is fetched here".to_owned()) })),
            trial: Box::new(|_, _| unreachable!("nobody tries a subscription here")),
            dev_signing_key: None,
            doorbell: Arc::new(Notify::new()),
            draining: drained,
        });
        Self {
            gateway: Arc::new(gateway),
            clock,
            draining,
            signer,
        }
    }

    /// On the simulated store, with so many numbers and the built-in rules.
    pub async fn new(numbers: usize) -> Self {
        Self::with(numbers, number::Rules::standard()).await
    }

    pub async fn with(numbers: usize, resting: number::Rules) -> Self {
        let rig = Self::over(simulated(Disk::default()), START, rules(resting));
        rig.add(0..numbers).await;
        rig
    }

    pub async fn add(&self, numbers: std::ops::Range<usize>) {
        let new = |n| Number::new(phone(n), "US".into(), Price(0));
        self.gateway
            .add_numbers(numbers.map(new).collect())
            .await
            .unwrap();
    }

    pub async fn add_shared(&self, numbers: std::ops::Range<usize>) {
        let new = |n| Number::new(phone(n), "US".into(), Price(0)).shared(true);
        let numbers = numbers.map(|n| Number { version: 0, ..new(n) });
        self.gateway.add_numbers(numbers.collect()).await.unwrap();
    }

    pub fn pass(&self, ms: u64) {
        self.clock.set(self.clock.now().plus_ms(ms));
    }

    /// As `pass`, and ends what is over then.
    pub async fn pass_and_sweep(&self, ms: u64) {
        self.pass(ms);
        while self.gateway.sweep().await.unwrap() > 0 {}
    }

    pub async fn try_rent(&self, service: &str) -> Result<Rental, Error> {
        let wish = Wish {
            service: service.into(),
            ..Wish::default()
        };
        self.gateway.rent(&account("acme"), &wish).await
    }

    pub async fn rent(&self, service: &str) -> Rental {
        self.try_rent(service).await.unwrap()
    }

    pub async fn cancel(&self, rental: &Rental) {
        self.gateway.cancel(&rental.account, rental.id).await.unwrap();
    }

    pub fn state(&self, n: usize) -> State {
        self.gateway.number(&phone(n)).unwrap().1
    }

    /// An SMS with a code to this number.
    pub async fn code(&self, id: &str, to: &PhoneNumber) {
        let text = "G-482913 is your Google verification code.";
        self.say(id, ("Google", to), text).await;
    }

    /// An SMS. Where the clock ran on for minutes while it was on its way, the carrier signs and sends it again.
    pub async fn say(&self, id: &str, (from, to): (&str, &PhoneNumber), text: &str) {
        let draft = Draft {
            id: id.into(),
            from: from.into(),
            to: to.as_str().into(),
            text: text.into(),
            sent_at: self.clock.now(),
        };
        loop {
            match self.gateway.receive(self.inbound(&draft)).await {
                Err(Error::Refused(Reject::StaleTimestamp)) => {}
                received => return drop(received.unwrap()),
            }
        }
    }

    /// The carrier's request, signed now.
    fn inbound(&self, draft: &Draft) -> Inbound {
        let request = signed(&self.signer, draft, SOURCE_URL, self.clock.now());
        let mut headers = http::HeaderMap::new();
        for (name, value) in &request.headers {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        Inbound {
            path_token: None,
            source: "main".into(),
            method: http::Method::POST,
            query: None,
            headers,
            body: request.body.into(),
        }
    }
}
