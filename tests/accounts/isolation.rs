//! The isolation of accounts as a matrix, generated from `schemas/openapi.yaml`: each operation, and in each place where it takes an id, one of
//! another account, one that never was and one that is none; byte for byte the same answer, and the owner's is another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::openapi::document;
use crate::support::until_async;

/// The schemas that are ids, and of each what the owner has and what nobody has.
type Kinds = BTreeMap<&'static str, [String; 2]>;

/// A place of a request that takes an id.
#[derive(Debug, Clone)]
struct Place {
    /// `path`, `query` or `body`.
    at: &'static str,
    name: String,
    kind: &'static str,
}

struct Operation {
    method: String,
    path: String,
    places: Vec<Place>,
    /// Whoever may read it reads on.
    is_stream: bool,
    has_wait: bool,
    media: Option<String>,
}

fn followed(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => document()
            .pointer(reference.trim_start_matches('#'))
            .expect(reference),
        None => value,
    }
}

/// The kind of id that a schema asks for, also where it may be null.
fn kind(schema: &Value, kinds: &Kinds) -> Option<&'static str> {
    let alternative = &schema["anyOf"][0]["$ref"];
    let reference = schema["$ref"].as_str().or_else(|| alternative.as_str())?;
    let name = reference.rsplit('/').next()?;
    kinds.keys().copied().find(|kind| *kind == name)
}

fn operations(kinds: &Kinds) -> Vec<Operation> {
    let paths = document()["paths"].as_object().expect("it has paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("a path has operations") {
            if method == "parameters" {
                continue;
            }
            let list = |value: &'static Value| value["parameters"].as_array().into_iter().flatten();
            let parameters: Vec<_> = list(item).chain(list(operation)).map(followed).collect();
            let mut places: Vec<Place> = parameters
                .iter()
                .filter_map(|parameter| {
                    let at = ["path", "query"].into_iter().find(|at| parameter["in"] == *at)?;
                    let name = parameter["name"].as_str()?.to_owned();
                    let kind = kind(&parameter["schema"], kinds)?;
                    Some(Place { at, name, kind })
                })
                .collect();
            let content = followed(&operation["requestBody"])["content"].as_object();
            let media = content.and_then(|content| content.keys().next().cloned());
            let schema = content.and_then(|content| content.values().next());
            let properties =
                schema.and_then(|content| followed(&content["schema"])["properties"].as_object());
            for (name, schema) in properties.into_iter().flatten() {
                if let Some(kind) = kind(schema, kinds) {
                    let name = name.clone();
                    places.push(Place {
                        at: "body",
                        name,
                        kind,
                    });
                }
            }
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                places,
                is_stream: followed(&operation["responses"]["200"])["content"]["text/event-stream"]
                    .is_object(),
                has_wait: parameters.iter().any(|parameter| parameter["name"] == "wait"),
                media,
            });
        }
    }
    found
}

impl Operation {
    /// The request with these ids in its places; what else the path wants is something.
    fn call(&self, ids: &[(Place, String)]) -> Call {
        let (mut path, mut query, mut body) = (self.path.clone(), Vec::new(), json!({}));
        for (place, id) in ids {
            match place.at {
                "path" => path = path.replace(&format!("{{{}}}", place.name), id),
                "query" => query.push(format!("{}={id}", place.name)),
                _ => body[&place.name] = json!(id),
            }
        }
        if self.has_wait {
            query.push("wait=0".into());
        }
        let path = path
            .replace("{number}", "1")
            .replace("{phone}", "+15005550006")
            .replace("{source}", "none")
            .replace("{token}", "none");
        let call = Call::new(&self.method, &format!("{path}?{}", query.join("&")));
        match &self.media {
            Some(media) => call.header("content-type", media).body(body.to_string()),
            None => call,
        }
    }
}

/// What `acme` has, and what nobody has.
async fn kinds(gateway: &Gateway) -> Kinds {
    let rental = gateway.rent("google").await;
    let subscription = gateway.subscribe("http://127.0.0.1:9/hook", &["*"]).await;
    let subscription = subscription["id"].as_str().unwrap().to_owned();
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "no code in here"),
    )
    .await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-2", "+12125550199", "to nobody"),
    )
    .await;
    let other = gateway.rent("google").await;
    let list = format!("/api/webhooks/{subscription}/logs");
    let delivery = until_async("an attempt", async || {
        let logs = gateway.get(&list).await.json();
        Some((
            logs["logs"][0]["id"].as_str()?.to_owned(),
            logs["logs"][0]["eventId"].as_str()?.to_owned(),
        ))
    });
    let (delivery, event) = delivery.await;
    let replay = gateway
        .post("/api/replays", &json!({ "dryRun": true }))
        .await
        .expect(202);
    let unmatched = gateway.get("/api/unmatched").await.expect(200)["messages"][0].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let hex = "0123456789abcdef0123456789abcdef";
    let unknown = "01981234-5678-7abc-8def-0123456789ab";
    let mut kinds = of_codes(gateway, unknown).await;
    kinds.extend([
        ("AnyUuid", [rental.id, unknown.to_owned()]),
        ("WebhookId", [subscription, format!("whk_{hex}")]),
        ("DeliveryId", [delivery, format!("dlv_{hex}")]),
        ("EventId", [event, format!("evt_{hex}")]),
        ("ReplayId", [text(&replay["id"]), format!("rpl_{hex}")]),
        ("MessageId", [text(&unmatched["id"]), format!("msg_{hex}")]),
        (
            "AnyPartnerRentalId",
            [format!("rent_{}", other.id), format!("rent_{unknown}")],
        ),
    ]);
    kinds
}

/// The same of codes that are sent.
async fn of_codes(gateway: &Gateway, unknown: &str) -> Kinds {
    let made = async |path: &str, body: Value, id: &str| {
        let call = Call::post(path, &body)
            .key(&gateway.key)
            .header("x-tenant-id", "acme");
        let made = call.send(gateway.address).await.expect(200);
        made["data"][id].as_str().unwrap().to_owned()
    };
    let to = json!({ "to": "+15005550006", "channel": "sms" });
    let started = made("/v1/verify/start", to, "verification_id").await;
    let profile = made("/v2/verify_profiles", json!({ "name": "x" }), "id").await;
    let text = json!({ "text": "{{code}}" });
    let template = made("/v2/verify_profiles/templates", text, "id").await;
    let wish = json!({ "phone_number": "+15005550006", "verify_profile_id": profile });
    let triggered = made("/v2/verifications/sms", wish, "id").await;
    BTreeMap::from([
        ("VerifyId", [started, format!("ver_{}", unknown.replace('-', ""))]),
        ("TelnyxVerificationId", [triggered, unknown.to_owned()]),
        ("ProfileId", [profile, unknown.to_owned()]),
        ("TemplateId", [template, unknown.to_owned()]),
    ])
}

fn without_date(reply: Reply) -> Reply {
    let headers = reply.headers.into_iter().filter(|(name, _)| name != "date");
    Reply {
        headers: headers.filter(|(name, _)| name != "server-timing").collect(),
        ..reply
    }
}

/// The stranger's side of the matrix.
struct Matrix {
    gateway: Gateway,
    kinds: Kinds,
    /// A subscription of the stranger's own, where a second place of a request is asked about.
    own: String,
}

impl Matrix {
    async fn new() -> Self {
        let over = toml::toml! {
            inbound = { operator_account = "acme" }
            outbound = { retry = { schedule_s = [0, 3600] } }
            verify = { test_numbers = ["+15005550006=123456"] }
        };
        let gateway = Gateway::start_with(over).await;
        let kinds = kinds(&gateway).await;
        let wish = json!({ "url": "http://127.0.0.1:9/", "events": ["message.late"] });
        let own = Call::post("/api/webhooks", &wish).key(&gateway.other_key);
        let own = own.send(gateway.address).await.expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { gateway, kinds, own }
    }

    /// The answer to whoever has this key, with this id in one place and what is the stranger's, or nobody's, in the others of the path.
    /// Other places stay empty, so that this one decides.
    async fn asked(&self, operation: &Operation, place: &Place, (key, id): (&str, &str)) -> Reply {
        let others = operation
            .places
            .iter()
            .filter(|other| other.at == "path" && other.name != place.name);
        let others = others.map(|other| {
            let id = if other.kind == "WebhookId" {
                &self.own
            } else {
                &self.kinds[other.kind][1]
            };
            (other.clone(), id.clone())
        });
        let ids: Vec<_> = others.chain([(place.clone(), id.to_owned())]).collect();
        let tenant = if key == self.gateway.key { "acme" } else { "globex" };
        let call = operation.call(&ids).key(key).header("x-tenant-id", tenant);
        without_date(call.send(self.gateway.address).await)
    }

    /// Compares what a stranger hears of foreign and malformed ids with what it hears of unknown ones; how many answers.
    async fn compare(&self, operation: &Operation, place: &Place) -> usize {
        let what = format!(
            "{} {} {} {}",
            operation.method, operation.path, place.at, place.name
        );
        let [foreign, unknown] = &self.kinds[place.kind];
        let stranger = &self.gateway.other_key;
        let expected = self.asked(operation, place, (stranger, unknown)).await;
        assert!(
            ![401, 405].contains(&expected.status),
            "{what}: {}",
            expected.text()
        );
        let malformed = (place.at == "path").then_some("not-an-id");
        let ids: Vec<&str> = [foreign.as_str()].into_iter().chain(malformed).collect();
        for id in &ids {
            let reply = self.asked(operation, place, (stranger, id)).await;
            let (heard, wanted) = (reply.text(), expected.text());
            assert_eq!(reply, expected, "{what} with {id}: {heard} instead of {wanted}");
        }
        if operation.is_look() && place.at == "path" {
            let theirs = self.asked(operation, place, (&self.gateway.key, foreign)).await;
            // Only a key pair has public keys; a subscription that signs with a secret looks as unknown to all.
            let is_hidden = operation.path.starts_with("/.well-known/");
            assert_eq!(
                theirs == expected,
                is_hidden,
                "{what}: the owner sees {}",
                theirs.text()
            );
        }
        ids.len()
    }
}

impl Operation {
    /// Whether its owner may ask it without changing anything, and hears an end.
    fn is_look(&self) -> bool {
        let in_path = self.places.iter().filter(|place| place.at == "path");
        self.method == "GET" && !self.is_stream && in_path.count() == 1 && self.path.contains("{id}")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_id_answers_as_an_unknown_one_in_every_place_that_takes_an_id() {
    let matrix = Matrix::new().await;
    let (mut compared, mut looks) = (0, 0);
    for operation in operations(&matrix.kinds) {
        for place in &operation.places {
            compared += matrix.compare(&operation, place).await;
        }
        looks += usize::from(operation.is_look());
    }
    assert!(compared >= 50 && looks >= 6, "{compared} {looks}");
    println!(
        "==> {compared} answers to foreign and malformed ids are those to unknown ones; the owner's differ in {looks} operations"
    );
    let own = async |path: String| matrix.gateway.get(&path).await.expect(200);
    let rental = own(format!("/api/verifications/{}", matrix.kinds["AnyUuid"][0])).await;
    assert_eq!(rental["status"], "active", "nothing of it was touched");
    let subscription = own(format!("/api/webhooks/{}", matrix.kinds["WebhookId"][0])).await;
    assert_eq!(subscription["active"], true);
}
