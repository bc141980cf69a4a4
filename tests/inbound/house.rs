//! A gateway with four carriers, two accounts that hear everything, and a number in each of some areas.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use hmac::{Hmac, Mac};
use http::{HeaderMap, Method};
use ringback::carrier::{Answer, Carrier};
use ringback::clock::Clock;
use ringback::core::id::{AccountId, SubscriptionId};
use ringback::core::message::{Dedupe, Message};
use ringback::core::money::Price;
use ringback::core::number::Number;
use ringback::core::otp::Engine;
use ringback::core::phone::{Address, PhoneNumber};
use ringback::core::rental::Rental;
use ringback::core::signature::Scheme;
use ringback::core::subscription::{Pattern, Settings};
use ringback::core::time::UnixMs;
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{
    Error, Gateway, Inbound, InboundLog, NewKey, Parts, Rules, Service, Source, Supply, Wish,
};
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Reads, Store};
use ringback::telemetry::Metrics;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{Notify, watch};

use crate::gateway_rules::gateway_rules;

pub const START: UnixMs = UnixMs(1_793_534_400_000);
pub const LIFETIME_MS: u64 = 1_200_000;
pub const ACCOUNTS: [&str; 2] = ["acme", "globex"];
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "a secret of the app";
pub const AREAS: [&str; 4] = ["202", "212", "305", "310"];

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub fn number(area: &str) -> String {
    format!("+1{area}5550143")
}

pub fn rules() -> Rules {
    Rules {
        // A number is rented again for the same service as soon as for another.
        numbers: ringback::core::number::Rules {
            same_service_ms: 900_000,
            used_before_ms: 900_000,
            ..ringback::core::number::Rules::standard()
        },
        ..gateway_rules()
    }
}

pub struct House {
    pub store: Arc<Simulated>,
    pub gateway: Arc<Gateway>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    _draining: watch::Sender<bool>,
}

fn sources(dedupe: Dedupe) -> HashMap<String, Source> {
    let settings = [
        ("kannel", format!("path_tokens = ['{TOKEN}']")),
        ("bandwidth", "username = 'u'\npasswords = ['p']".into()),
        ("infobip", "username = 'u'\npasswords = ['p']".into()),
        (
            "meta_whatsapp",
            format!("app_secrets = ['{SECRET}']\nverify_tokens = ['x']"),
        ),
    ];
    let source = |(name, settings): (&str, String)| {
        let carrier = Carrier::from_settings(name, settings.parse().unwrap()).unwrap();
        let mut source = Source::new(carrier, format!("https://gw.example/inbound/{name}"));
        source.dedupe = dedupe;
        (name.to_owned(), source)
    };
    settings.map(source).into()
}

/// Built once: it reads all languages.
fn engine() -> Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::with_rules(&[]).unwrap()));
    ENGINE.clone()
}

impl House {
    /// On what this disk holds, at this time.
    pub fn open(disk: Disk, at: UnixMs, sync: Sync, rules: Rules) -> Self {
        Self::open_with(disk, (at, sync), rules, Dedupe::Id)
    }

    fn open_with(disk: Disk, (at, sync): (UnixMs, Sync), rules: Rules, dedupe: Dedupe) -> Self {
        let store = Arc::new(Simulated::open(disk, Vault::new(&[7; 32]), sync).unwrap());
        let clock = Clock::seeded(at, 1);
        let metrics = Arc::new(Metrics::default());
        let (draining, drained) = watch::channel(false);
        let service = |name: &str| Service {
            name: name.into(),
            description: name.into(),
            capability: Default::default(),
            price: Price(5000),
            lifetime_ms: LIFETIME_MS,
            filter: Default::default(),
            brands: vec![name.into()],
        };
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            sources: sources(dedupe),
            services: ["google", "telegram"].map(service).to_vec(),
            supply: Supply::none(),
            rules,
            inbound_log: InboundLog::off(),
            engine: engine(),
            clock: clock.clone(),
            metrics: metrics.clone(),
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
            gateway: Arc::new(gateway),
            clock,
            metrics,
            _draining: draining,
        }
    }

    /// With the accounts subscribed and the numbers there.
    pub async fn new() -> Self {
        Self::of_sources(Dedupe::Id).await
    }

    /// As `new`, with sources that know repetitions so.
    pub async fn of_sources(dedupe: Dedupe) -> Self {
        let house = Self::open_with(Disk::default(), (START, Sync::AtOnce), rules(), dedupe);
        for name in ACCOUNTS {
            let events = vec![Pattern::parse("*").unwrap()];
            let settings = Settings::new(format!("https://{name}.example/"), events);
            let key = NewKey {
                scheme: Scheme::V1,
                key: None,
            };
            let made = house.gateway.subscribe(&account(name), settings, key).await;
            made.unwrap();
        }
        let number = |area: &&str| {
            let number = PhoneNumber::parse(&number(area)).unwrap();
            Number::new(number, "US".into(), Price(5000))
        };
        house
            .gateway
            .add_numbers(AREAS.iter().map(number).collect())
            .await
            .unwrap();
        house
    }

    /// After a power cut, on what was on the disk.
    pub fn restarted(&self, rules: Rules) -> Self {
        Self::open(self.store.cut_power(), self.clock.now(), Sync::AtOnce, rules)
    }

    pub fn pass(&self, ms: u64) {
        self.clock.pass(ms);
    }

    /// Rents the number of this area.
    pub async fn rent(&self, name: &str, area: &str) -> Rental {
        self.rent_for("google", name, area).await
    }

    pub async fn rent_for(&self, service: &str, name: &str, area: &str) -> Rental {
        let wish = Wish {
            service: service.into(),
            area_code: Some(area.into()),
            ..Wish::default()
        };
        let rental = self.gateway.rent(&account(name), &wish).await.unwrap();
        assert_eq!(rental.number.as_str(), number(area));
        rental
    }

    pub async fn now_of(&self, rental: &Rental) -> Rental {
        self.gateway.rental(&rental.account, rental.id).await.unwrap()
    }

    fn subscription(&self, name: &str) -> SubscriptionId {
        self.gateway.subscriptions(&account(name))[0].subscription.id
    }

    /// All that this account is owed of messages, in the order in which it was told: type and data.
    pub fn told(&self, name: &str) -> Vec<(String, Value)> {
        let mut due = self
            .store
            .live()
            .due(self.subscription(name), UnixMs(u64::MAX), usize::MAX);
        due.sort_by_key(|due| due.event);
        let events = due
            .iter()
            .map(|due| self.store.event(due.event).unwrap().unwrap());
        let shown = events.map(|event| {
            let body: Value = serde_json::from_str(&event.body).unwrap();
            (event.kind.as_str().to_owned(), body["data"].clone())
        });
        let of_rentals = [
            "verification.created",
            "verification.completed",
            "verification.expired",
        ];
        shown
            .filter(|(kind, _)| !of_rentals.contains(&kind.as_str()))
            .collect()
    }

    /// As `told`, each as `type text`.
    pub fn heard(&self, name: &str) -> Vec<String> {
        let shown = |(kind, data): (String, Value)| {
            format!("{kind} {}", data["smsContent"].as_str().unwrap_or_default())
        };
        self.told(name).into_iter().map(shown).collect()
    }

    pub fn total(&self, metric: &str) -> u64 {
        self.metrics.total(metric)
    }

    /// An SMS by Kannel; `udh` is its user data header, empty for a text that is whole.
    pub async fn kannel(&self, id: &str, to: &str, udh: &[u8], text: &str) {
        self.kannel_from("Google", (id, to), udh, text).await;
    }

    pub async fn kannel_from(&self, from: &str, (id, to): (&str, &str), udh: &[u8], text: &str) {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("id", id),
                ("from", from),
                ("to", to),
                ("coding", "0"),
                ("charset", "UTF-8"),
            ])
            .append_pair("text", text)
            .finish();
        let udh: String = udh.iter().map(|byte| format!("%{byte:02X}")).collect();
        let mut inbound = post("kannel", HeaderMap::new(), String::new());
        inbound.method = Method::GET;
        inbound.path_token = Some(TOKEN.into());
        inbound.query = Some(format!("{query}&udh={udh}"));
        self.gateway.receive(inbound).await.unwrap();
    }

    /// One part of a longer SMS, with a reference of 8 bits.
    pub async fn part(&self, id: &str, to: &str, [reference, total, number]: [u8; 3], text: &str) {
        self.kannel(id, to, &[5, 0, 3, reference, total, number], text)
            .await;
    }
}

fn post(source: &str, headers: HeaderMap, body: String) -> Inbound {
    Inbound {
        source: source.into(),
        path_token: None,
        method: Method::POST,
        query: None,
        headers,
        body: body.into(),
    }
}

/// A message as a dialect reports it.
pub fn message(from: &str, to: &str, text: &str) -> Message {
    Message {
        carrier_event_id: None,
        carrier_message_id: "m".into(),
        dedupe_key: "m".into(),
        from: Address::new(from),
        to: Address::new(to),
        text: text.into(),
        received_at: None,
        parts: None,
        encoding: None,
        media: Vec::new(),
        concat: None,
        binary: None,
        udh: None,
        parsed_code: None,
        reservation_id: None,
    }
}

/// The carriers that bring several messages in one request.
pub const BATCHING: [&str; 3] = ["bandwidth", "infobip", "meta_whatsapp"];

/// An item of such a request: carrier's id, receiver, text; an empty id makes it a bad one.
pub type Item<'a> = (&'a str, &'a str, &'a str);

/// One request with all of these.
pub fn request(carrier: &str, items: &[Item<'_>]) -> Inbound {
    let body = match carrier {
        "bandwidth" => json!(items.iter().map(|item| bandwidth(*item)).collect::<Vec<_>>()),
        "infobip" => json!({ "results": items.iter().map(|item| infobip(*item)).collect::<Vec<_>>() }),
        _ => {
            json!({ "object": "whatsapp_business_account", "entry": items.iter().map(|item| meta(*item)).collect::<Vec<_>>() })
        }
    };
    let body = body.to_string();
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Basic dTpw".parse().unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    headers.insert("x-hub-signature-256", format!("sha256={hex}").parse().unwrap());
    post(carrier, headers, body)
}

fn bandwidth((id, to, text): Item<'_>) -> Value {
    json!({ "type": "message-received", "to": to, "message": { "id": id, "from": "+12025550187", "text": text } })
}

fn infobip((id, to, text): Item<'_>) -> Value {
    json!({ "messageId": id, "from": "12025550187", "to": to.trim_start_matches('+'), "text": text })
}

fn meta((id, to, text): Item<'_>) -> Value {
    let message = json!({ "from": "12025550187", "id": id, "timestamp": START.secs().to_string(), "type": "text", "text": { "body": text } });
    let value = json!({ "metadata": { "display_phone_number": to }, "messages": [message] });
    json!({ "changes": [{ "field": "messages", "value": value }] })
}

/// What the gateway answers to a request.
pub async fn receive(house: &House, inbound: Inbound) -> Result<Answer, Error> {
    house.gateway.receive(inbound).await
}

/// A request of Bandwidth with these items.
pub fn bandwidth_request(items: &Value) -> Inbound {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Basic dTpw".parse().unwrap());
    post("bandwidth", headers, items.to_string())
}
