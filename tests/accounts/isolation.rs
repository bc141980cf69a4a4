//! The isolation of accounts as a matrix, generated from `schemas/openapi.yaml`: each operation, and in each place where it takes an id, one of
//! another account, one that never was and one that is none; byte for byte the same answer, and the owner's to its own is another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::places::{Operation, Place, operations};
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::stream::Stream;
use crate::support::until_async;

/// The schemas that are ids, and of each what the owner has and what nobody has; a number that codes were sent to stands among them as `phone`.
type Kinds = BTreeMap<&'static str, [String; 2]>;

const UNKNOWN: &str = "01981234-5678-7abc-8def-0123456789ab";
/// A number of `verify.test_numbers`.
const PHONE: &str = "+15005550006";

/// What `acme` has, and what nobody has.
async fn kinds(gateway: &Gateway) -> Kinds {
    let rental = gateway.rent("google").await;
    let subscription = gateway.subscribe("http://127.0.0.1:9/hook", &["*"]).await;
    let subscription = subscription["id"].as_str().unwrap().to_owned();
    for (id, to) in [("m-1", rental.number.as_str()), ("m-2", "+12125550199")] {
        carrier::post(gateway.address, TELNYX, &draft(id, to, "no code in here")).await;
    }
    // The newest one, so that a list goes on behind it.
    let newest = gateway.rent("google").await;
    let list = format!("/api/webhooks/{subscription}/logs");
    let delivery = until_async("two attempts", async || {
        let logs = gateway.get(&list).await.json();
        let last = &logs["logs"].as_array().filter(|logs| logs.len() >= 2)?[0];
        Some((
            last["id"].as_str()?.to_owned(),
            last["eventId"].as_str()?.to_owned(),
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
    let mut kinds = of_codes(gateway).await;
    kinds.extend([
        ("AnyUuid", [newest.id, UNKNOWN.to_owned()]),
        ("WebhookId", [subscription, format!("whk_{hex}")]),
        ("DeliveryId", [delivery, format!("dlv_{hex}")]),
        ("EventId", [event, format!("evt_{hex}")]),
        ("ReplayId", [text(&replay["id"]), format!("rpl_{hex}")]),
        ("MessageId", [text(&unmatched["id"]), format!("msg_{hex}")]),
        (
            "AnyPartnerRentalId",
            [format!("rent_{}", rental.id), format!("rent_{UNKNOWN}")],
        ),
    ]);
    kinds
}

/// The same of codes that are sent.
async fn of_codes(gateway: &Gateway) -> Kinds {
    let made = async |path: &str, body: Value, id: &str| made(gateway, &gateway.key, (path, body), id).await;
    let to = json!({ "to": PHONE, "channel": "sms" });
    let started = made("/v1/verify/start", to, "verification_id").await;
    let [profile, template] = of_profiles(gateway, &gateway.key).await;
    let wish = json!({ "phone_number": PHONE, "verify_profile_id": profile });
    let triggered = made("/v2/verifications/sms", wish, "id").await;
    BTreeMap::from([
        ("VerifyId", [started, format!("ver_{}", UNKNOWN.replace('-', ""))]),
        ("TelnyxVerificationId", [triggered, UNKNOWN.to_owned()]),
        ("ProfileId", [profile, UNKNOWN.to_owned()]),
        ("TemplateId", [template, UNKNOWN.to_owned()]),
        ("phone", [PHONE.to_owned(), "+15005550007".to_owned()]),
    ])
}

/// A profile and a template of whoever has this key.
async fn of_profiles(gateway: &Gateway, key: &str) -> [String; 2] {
    let made = async |path: &str, body: Value| made(gateway, key, (path, body), "id").await;
    let profile = made("/v2/verify_profiles", json!({ "name": "x" })).await;
    let text = json!({ "text": "{{code}}" });
    [profile, made("/v2/verify_profiles/templates", text).await]
}

async fn made(gateway: &Gateway, key: &str, (path, body): (&str, Value), id: &str) -> String {
    let call = Call::post(path, &body).key(key);
    let call = call.header("x-tenant-id", tenant(gateway, key));
    let made = call.send(gateway.address).await.expect(200);
    made["data"][id].as_str().unwrap().to_owned()
}

/// The account of this key, as contract 002 wants it named.
fn tenant(gateway: &Gateway, key: &str) -> &'static str {
    if key == gateway.key { "acme" } else { "globex" }
}

fn without_date(reply: Reply) -> Reply {
    let headers = reply.headers.into_iter().filter(|(name, _)| name != "date");
    Reply {
        headers: headers.filter(|(name, _)| name != "server-timing").collect(),
        ..reply
    }
}

/// Who asks: `acme`, which has what is asked for, or `globex`, which has some of its own.
struct Asker<'a> {
    key: &'a str,
    own: BTreeMap<&'static str, String>,
}

/// Both sides of the matrix.
struct Matrix<'a> {
    gateway: &'a Gateway,
    kinds: Kinds,
    owner: Asker<'a>,
    stranger: Asker<'a>,
}

impl<'a> Matrix<'a> {
    async fn new(gateway: &'a Gateway) -> Self {
        let kinds = kinds(gateway).await;
        let wish = json!({ "url": "http://127.0.0.1:9/", "events": ["message.late"] });
        let hook = Call::post("/api/webhooks", &wish).key(&gateway.other_key);
        let hook = hook.send(gateway.address).await.expect(201)["id"].clone();
        let hook = hook.as_str().unwrap().to_owned();
        let [profile, template] = of_profiles(gateway, &gateway.other_key).await;
        let own = [
            ("WebhookId", hook),
            ("ProfileId", profile),
            ("TemplateId", template),
            // The owner's, where one of its profiles is asked about.
            ("phone", PHONE.to_owned()),
        ];
        let owned = kinds.iter().map(|(kind, [own, _])| (*kind, own.clone()));
        Self {
            owner: Asker {
                key: &gateway.key,
                own: owned.collect(),
            },
            stranger: Asker {
                key: &gateway.other_key,
                own: own.into(),
            },
            gateway,
            kinds,
        }
    }

    /// The request with this id in one place, and what is the asker's own, or nobody's, in the others of path and body. Those of the query stay
    /// empty, so that this one decides.
    fn call(&self, operation: &Operation, place: &Place, (asker, id): (&Asker, &str)) -> Call {
        let others = operation.places.iter();
        let others = others.filter(|other| other.at != "query" && other.name != place.name);
        let others = others.map(|other| {
            let own = asker.own.get(other.kind);
            (other.clone(), own.unwrap_or(&self.kinds[other.kind][1]).clone())
        });
        let ids: Vec<_> = others.chain([(place.clone(), id.to_owned())]).collect();
        let tenant = tenant(self.gateway, asker.key);
        let call = operation.call(&ids);
        call.key(asker.key).header("x-tenant-id", tenant)
    }

    async fn asked(&self, operation: &Operation, place: &Place, asked: (&Asker<'_>, &str)) -> Reply {
        let call = self.call(operation, place, asked);
        let mut reply = without_date(call.send(self.gateway.address).await);
        if place.kind == "phone" {
            // It is said back to whoever asks.
            reply.body = reply.text().replace(asked.1, "").into();
        }
        reply
    }

    /// Compares what a stranger hears of foreign and malformed ids with what it hears of unknown ones; how many answers.
    async fn compare(&self, operation: &Operation, place: &Place) -> usize {
        let what = operation.what(place);
        let [foreign, unknown] = &self.kinds[place.kind];
        let expected = self.asked(operation, place, (&self.stranger, unknown)).await;
        let text = expected.text();
        assert!(![401, 405].contains(&expected.status), "{what}: {text}");
        let malformed = (place.at == "path" && place.kind != "phone").then_some("not-an-id");
        let ids: Vec<&str> = [foreign.as_str()].into_iter().chain(malformed).collect();
        for id in &ids {
            let reply = self.asked(operation, place, (&self.stranger, id)).await;
            let heard = reply.text();
            assert!(reply == expected, "{what} with {id}: {heard} instead of {text}");
        }
        ids.len()
    }

    /// The owner's own id is looked up: what it hears of it is not what it hears of an unknown one.
    async fn look(&self, operation: &Operation, place: &Place) {
        let what = operation.what(place);
        let [own, unknown] = &self.kinds[place.kind];
        let of_unknown = self.asked(operation, place, (&self.owner, unknown)).await;
        if operation.is_stream {
            assert_eq!(of_unknown.status, 404, "{what}: {}", of_unknown.text());
            Stream::open(
                &self.call(operation, place, (&self.owner, own)),
                self.gateway.address,
            )
            .await;
            return;
        }
        let of_own = self.asked(operation, place, (&self.owner, own)).await;
        // Only a key pair has public keys; a subscription that signs with a secret looks as unknown to all.
        let is_hidden = operation.path.starts_with("/.well-known/");
        let text = of_own.text();
        assert_eq!(of_own == of_unknown, is_hidden, "{what}: the owner sees {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_id_answers_as_an_unknown_one_in_every_place_that_takes_an_id() {
    let over = toml::toml! {
        inbound = { operator_account = "acme" }
        outbound = { retry = { schedule_s = [0, 3600] } }
        verify = { test_numbers = ["+15005550006=123456"] }
    };
    let gateway = Gateway::start_with(over).await;
    let matrix = Matrix::new(&gateway).await;
    let kinds: Vec<_> = matrix.kinds.keys().copied().collect();
    let mut operations = operations(&kinds);
    let mut compared = 0;
    for operation in &operations {
        for place in &operation.places {
            compared += matrix.compare(operation, place).await;
        }
    }
    let own = async |path: String| gateway.get(&path).await.expect(200);
    let rental = own(format!("/api/verifications/{}", matrix.kinds["AnyUuid"][0])).await;
    assert_eq!(rental["status"], "active", "nothing of it was touched");
    let subscription = own(format!("/api/webhooks/{}", matrix.kinds["WebhookId"][0])).await;
    assert_eq!(subscription["active"], true);

    // What is over may be looked for no more, and what is deleted is not.
    operations.sort_by_key(|operation| (operation.method == "DELETE", operation.path.contains("cancel")));
    let mut looks = 0;
    for operation in &operations {
        for place in &operation.places {
            matrix.look(operation, place).await;
            looks += 1;
        }
    }
    assert!(compared >= 90 && looks >= 57, "{compared} {looks}");
    println!(
        "==> {compared} answers to foreign and malformed ids are those to unknown ones; the owner's differ in {looks} places"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_gives_a_message_to_no_rental_of_another_account_than_it_names() {
    let over = toml::toml! { inbound = { operator_account = "acme" } };
    let gateway = Gateway::start_with(over).await;
    let rental = gateway.rent("google").await;
    let refused = async |account: &str, rental: &str| {
        let wish = json!({ "account": account, "verificationId": rental });
        let message = gateway.get("/api/unmatched").await.expect(200)["messages"][0]["id"].clone();
        let path = format!("/api/unmatched/{}/assign", message.as_str().unwrap());
        without_date(gateway.post(&path, &wish).await)
    };
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", "+12125550199", "to nobody"),
    )
    .await;
    let unknown = refused("globex", UNKNOWN).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(refused("globex", &rental.id).await, unknown, "it is acme's");
    assert_eq!(refused("acme", &rental.id).await.status, 422, "of another number");
}
