//! A script through the real gateway: what happens in which order, and how a step is done again after a crash, as its caller would.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use ringback::carrier::Carrier;
use ringback::carrier::simulate::{Draft, Signer, signed};
use ringback::clock::Clock;
use ringback::core::attempt::{Attempt, Timing, Trigger};
use ringback::core::delivery::{self, Outcome, Terms};
use ringback::core::health;
use ringback::core::id::{AccountId, MessageId, RentalId, SubscriptionId};
use ringback::core::money::Price;
use ringback::core::number::{Number, Sharing};
use ringback::core::otp::Engine;
use ringback::core::phone::PhoneNumber;
use ringback::core::rental::Status;
use ringback::core::retry::Policy;
use ringback::core::signature::Scheme;
use ringback::core::subscription::{Pattern, Settings};
use ringback::core::time::UnixMs;
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{Gateway, Inbound, InboundLog, NewKey, Parts, Rules, Service, Source, Supply, Wish};
use ringback::store::sim::Disk;
use ringback::store::{Commit, Committed, Reads, Store};
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};

use super::fused::{Cut, Fused};
use crate::gateway_rules::gateway_rules;

const START: UnixMs = UnixMs(1_793_534_400_000);
const LIFETIME_MS: u64 = 1_200_000;
const SOURCE_URL: &str = "https://gw.example/inbound/main";

/// One step and its time, in seconds after the start.
pub enum Step {
    Subscribe(&'static str),
    AddNumbers,
    /// A service, and the area code whose only number it gets.
    Rent(&'static str, &'static str),
    /// Carrier's id, area code of the number, text.
    Message(&'static str, &'static str, &'static str),
    /// Three messages at once.
    Burst([(&'static str, &'static str, &'static str); 3]),
    Cancel(&'static str),
    /// Attempts all that is due; the second subscription refuses every first attempt.
    Deliver,
    Sweep,
}

pub const SCRIPT: &[(u64, Step)] = &[
    (0, Step::Subscribe("https://one.example/")),
    (1, Step::Subscribe("https://two.example/")),
    (2, Step::AddNumbers),
    (3, Step::Rent("google", "202")),
    (4, Step::Rent("telegram", "212")),
    (5, Step::Rent("whatsapp", "305")),
    (6, Step::Deliver),
    (
        7,
        Step::Message("m1", "202", "G-482913 is your Google verification code."),
    ),
    (
        8,
        Step::Message("m1", "202", "G-482913 is your Google verification code."),
    ),
    (9, Step::Message("m2", "212", "Welcome to Telegram!")),
    (10, Step::Message("m3", "212", "")),
    (
        11,
        Step::Burst([
            ("m4", "305", "Your WhatsApp code: 111-222"),
            ("m4", "305", "Your WhatsApp code: 111-222"),
            ("m5", "305", "Your WhatsApp code: 333-444"),
        ]),
    ),
    (12, Step::Message("m6", "999", "Your code is 555666")),
    (13, Step::Deliver),
    (14, Step::Cancel("telegram")),
    (15, Step::Message("m7", "212", "Telegram code 77777")),
    (
        16,
        Step::Message("m1", "202", "G-482913 is your Google verification code."),
    ),
    // Two have one number, and both are over by the next sweep.
    (17, Step::Rent("whatsapp", SHARED_AREA)),
    (18, Step::Rent("telegram", SHARED_AREA)),
    (
        19,
        Step::Message("m8", SHARED_AREA, "Your WhatsApp code: 444-555"),
    ),
    (20, Step::Message("m9", SHARED_AREA, "Telegram code 88888")),
    (140, Step::Sweep),
    (141, Step::Rent("google", "310")),
    (142, Step::Deliver),
    (143, Step::Message("m2", "212", "Welcome to Telegram!")),
    (1400, Step::Sweep),
    (1401, Step::Deliver),
    (1500, Step::Deliver),
];

pub const SUBSCRIBERS: [&str; 2] = ["https://one.example/", "https://two.example/"];

/// When the script first brings each message, its area code with it.
pub fn messages() -> BTreeMap<MessageId, (UnixMs, &'static str)> {
    let mut found = BTreeMap::new();
    for (at, step) in SCRIPT {
        let brought: &[(&str, &str, &str)] = match step {
            Step::Message(id, area, text) => &[(*id, *area, *text)],
            Step::Burst(three) => three,
            _ => &[],
        };
        for (id, area, _) in brought {
            let place = (
                START.plus_ms(at * 1000),
                SCRIPT_AREAS.iter().find(|a| *a == area).copied().unwrap_or(""),
            );
            found.entry(MessageId::derive("main", id)).or_insert(place);
        }
    }
    found
}

const SHARED_AREA: &str = "415";
const SCRIPT_AREAS: [&str; 5] = ["202", "212", "305", "310", SHARED_AREA];

/// What was acknowledged to whoever asked for it.
#[derive(Debug, Default, Clone)]
pub struct Acknowledged {
    pub subscriptions: BTreeSet<SubscriptionId>,
    pub rentals: BTreeSet<RentalId>,
    pub cancelled: BTreeSet<RentalId>,
    pub messages: BTreeSet<MessageId>,
    /// What each subscriber heard, by event id: the body, always the same.
    pub heard: BTreeMap<(String, String), String>,
}

pub struct World {
    pub store: Arc<Fused>,
    pub account: AccountId,
    pub gateway: Gateway,
    pub clock: Clock,
    signer: Signer,
    _draining: watch::Sender<bool>,
}

fn number(area: &str) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1{area}5550143")).unwrap()
}

impl World {
    pub fn open(disk: Disk, cut: Option<Cut>) -> Self {
        let store = Arc::new(Fused::open(disk, cut));
        let clock = Clock::manual(START);
        let signer = Signer::generate("standard_webhooks", &[5; 64]).unwrap();
        let carrier = Carrier::from_settings("standard_webhooks", signer.settings()).unwrap();
        let service = |name: &str| Service {
            name: name.into(),
            description: name.into(),
            capability: Default::default(),
            price: Price(5000),
            lifetime_ms: LIFETIME_MS,
            filter: Default::default(),
            brands: vec![name.into()],
        };
        let (draining, drained) = watch::channel(false);
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            sources: HashMap::from([("main".to_owned(), Source::new(carrier, SOURCE_URL.into()))]),
            services: ["google", "telegram", "whatsapp"].map(service).to_vec(),
            supply: Supply::none(),
            rules: rules(),
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
            store,
            account: AccountId::parse("acc").unwrap(),
            gateway,
            clock,
            signer,
            _draining: draining,
        }
    }

    /// Plays the script from this step on; the step at which the power went, if it did.
    pub async fn play(&self, from: usize, acknowledged: &mut Acknowledged) -> Option<usize> {
        for (n, (at, step)) in SCRIPT.iter().enumerate().skip(from) {
            self.clock.pass(START.plus_ms(at * 1000).since(self.clock.now()));
            tokio::select! {
                biased;
                () = self.store.blown.notified() => return Some(n),
                () = self.step(step, acknowledged) => {}
            }
        }
        None
    }

    async fn step(&self, step: &Step, acknowledged: &mut Acknowledged) {
        match step {
            Step::Subscribe(url) => {
                acknowledged.subscriptions.insert(self.subscribe(url).await);
            }
            Step::AddNumbers => {
                let sharing = |area: &str| match area {
                    SHARED_AREA => Sharing::Next,
                    _ => Sharing::Off,
                };
                let new = |area: &&str| Number {
                    sharing: sharing(area),
                    ..Number::new(number(area), "US".into(), Price(0))
                };
                self.gateway
                    .add_numbers(SCRIPT_AREAS.iter().map(new).collect())
                    .await
                    .unwrap();
            }
            Step::Rent(service, area) => {
                acknowledged.rentals.insert(self.rent(service, area).await);
            }
            Step::Message(id, area, text) => {
                acknowledged.messages.insert(self.message(id, area, text).await);
            }
            Step::Burst(three) => {
                let all = three.iter().map(|(id, area, text)| self.message(id, area, text));
                acknowledged
                    .messages
                    .extend(futures_util::future::join_all(all).await);
            }
            Step::Cancel(service) => {
                let id = self.rented(service, None).await.unwrap();
                self.gateway.cancel(&self.account, id).await.unwrap();
                acknowledged.cancelled.insert(id);
            }
            Step::Deliver => self.deliver(acknowledged).await,
            Step::Sweep => while self.gateway.sweep().await.unwrap() > 0 {},
        }
    }

    /// As a client without an answer: looks whether it is there first.
    async fn subscribe(&self, url: &str) -> SubscriptionId {
        if let Some(known) = self
            .gateway
            .subscriptions(&self.account)
            .iter()
            .find(|s| s.subscription.settings.url == url)
        {
            return known.subscription.id;
        }
        let settings = Settings::new(url.into(), vec![Pattern::parse("*").unwrap()]);
        let key = NewKey {
            scheme: Scheme::V1,
            key: None,
        };
        let made = self.gateway.subscribe(&self.account, settings, key).await;
        made.unwrap().id
    }

    async fn rented(&self, service: &str, area: Option<&str>) -> Option<RentalId> {
        let all = self.gateway.rentals(&self.account, None, 100).await.unwrap();
        let fits = |r: &&_| rented_for(r, service, area);
        all.iter().find(fits).map(|r| r.id)
    }

    async fn rent(&self, service: &str, area: &str) -> RentalId {
        if let Some(known) = self.rented(service, Some(area)).await {
            return known;
        }
        let rental = self
            .gateway
            .rent(
                &self.account,
                &Wish {
                    service: service.to_owned(),
                    area_code: Some(area.to_owned()),
                    ..Wish::default()
                },
            )
            .await
            .unwrap();
        assert_eq!((rental.number, rental.status), (number(area), Status::Active));
        rental.id
    }

    async fn message(&self, id: &str, area: &str, text: &str) -> MessageId {
        let now = self.clock.now();
        let to = number(area).as_str().to_owned();
        let draft = Draft {
            id: id.into(),
            from: "Google".into(),
            to,
            text: text.into(),
            sent_at: now,
        };
        let request = signed(&self.signer, &draft, SOURCE_URL, now);
        let mut headers = http::HeaderMap::new();
        for (name, value) in &request.headers {
            headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.gateway
            .receive(Inbound {
                path_token: None,
                source: "main".into(),
                method: http::Method::POST,
                query: None,
                headers,
                body: request.body.into(),
            })
            .await
            .unwrap();
        MessageId::derive("main", id)
    }

    /// What dispatch does, without its sockets: due, attempt, judge, record.
    pub async fn deliver(&self, acknowledged: &mut Acknowledged) {
        let (now, live) = (self.clock.now(), self.store.live());
        for id in live.owed(now) {
            let url = live.subscription(id).unwrap().settings.url.clone();
            for due in live.due(id, now, 1000) {
                let event = self.store.event(due.event).unwrap().unwrap();
                let body = acknowledged
                    .heard
                    .entry((url.clone(), event.id.to_string()))
                    .or_insert(event.body.clone());
                assert_eq!(*body, event.body, "a repetition is the same, byte for byte");
                let refused = url == SUBSCRIBERS[1] && due.attempts == 0;
                let outcome = Outcome::Answered {
                    status: if refused { 503 } else { 204 },
                    retry_after_ms: None,
                    control: None,
                };
                let terms = Terms {
                    retry: &Policy::standard(),
                    expires_at: None,
                    obeys_control: false,
                    is_probe: false,
                };
                let next = delivery::after(&outcome, &due, &terms, now.into(), 0.0);
                let attempt = Attempt {
                    due,
                    trigger: Trigger::Automatic,
                    event: event.id,
                    kind: event.kind.as_str().into(),
                    started_at: now,
                    timing: Timing::default(),
                    outcome,
                    next,
                    class: String::new(),
                    advice: String::new(),
                    response: None,
                    signed_with: Vec::new(),
                    expires_at: None,
                };
                let recorded = self
                    .store
                    .commit(
                        Commit::Record(Box::new(attempt), health::Rules::default()),
                        now.into(),
                    )
                    .await
                    .unwrap();
                assert_eq!(recorded, Committed::New(None));
            }
        }
    }
}

fn rented_for(rental: &ringback::core::rental::Rental, service: &str, area: Option<&str>) -> bool {
    rental.service == service && area.is_none_or(|area| rental.number == number(area))
}

fn rules() -> Rules {
    Rules {
        sets_per_sender_max: 16,
        sets_max: 10_000,
        ..gateway_rules()
    }
}

fn engine() -> Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::with_rules(&[]).unwrap()));
    ENGINE.clone()
}
