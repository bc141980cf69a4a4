//! Numbers that several rent at once: over sockets, two accounts each get their own code alone; below them, the ways in which one could get
//! another's.

use ringback::carrier::simulate::Draft;
use ringback::core::number::{Rules, State, Unmatched};
use ringback::core::rental::{Rental, Status};
use ringback::gateway::{Assignment, Error, UnmatchedWish};
use serde_json::{Value, json};

use super::admin::{ask, get};
use super::rig::{LIFETIME_MS, MINUTE_MS, Rig, account, phone, rules, simulated};
use crate::support::carrier::{self, STANDARD, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

const GOOGLE: &str = "482913 is your Google verification code.";
const TELEGRAM: &str = "Your Telegram code: 731925";
const UNCLEAR: &str = "Your code is 204866.";

/// One shared number, and services whose messages can be told.
async fn gateway() -> Gateway {
    let over = toml::toml! {
        number = [{ number = "+12025550100", country = "US", shared = true }]
        [rental]
        shared_rentals_max = 2
        [inbound]
        operator_account = "globex"
        [[service]]
        name = "google"
        description = "Google"
        price = "0.5000"
        lifetime_s = 1200
        brands = ["Google", "G-"]
        [[service]]
        name = "telegram"
        description = "Telegram"
        price = "0.5000"
        lifetime_s = 1200
        code = { sender = "Telegram" }
        [[service]]
        name = "whatsapp"
        description = "WhatsApp"
        price = "0.5000"
        lifetime_s = 1200
        brands = ["WhatsApp"]
        [[service]]
        name = "other"
        description = "Any other service"
        price = "0.5000"
        lifetime_s = 1200
    };
    Gateway::start_with(over).await
}

async fn rent(gateway: &Gateway, key: &str, service: &str) -> Reply {
    let call = Call::post("/api/verifications", &json!({ "serviceName": service }));
    call.key(key).send(gateway.address).await
}

async fn texts(gateway: &Gateway, key: &str, rental: &Value) -> Vec<String> {
    let path = format!("/api/verifications/{}/messages", rental["id"].as_str().unwrap());
    let page = Call::get(&path).key(key).send(gateway.address).await.expect(200);
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["smsContent"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_on_one_number_get_each_its_own_code_and_what_is_unclear_nobody() {
    let gateway = gateway().await;
    let (acme, globex) = (&gateway.key, &gateway.other_key);
    let google = rent(&gateway, acme, "google").await.expect(201);
    rent(&gateway, globex, "google").await.expect(503);
    rent(&gateway, globex, "other").await.expect(503);
    let telegram = rent(&gateway, globex, "telegram").await.expect(201);
    assert_eq!(google["number"], telegram["number"]);
    rent(&gateway, globex, "whatsapp").await.expect(503);
    let number = google["number"].as_str().unwrap();
    for (id, from, text) in [
        ("m-1", "+12025550199", UNCLEAR),
        ("m-2", "Telegram", TELEGRAM),
        ("m-3", "+12025550199", GOOGLE),
        // Of a service that expects a sender anybody can write the name.
        ("m-4", "+12025550199", TELEGRAM),
    ] {
        let message = Draft {
            from: from.into(),
            ..draft(id, number, text)
        };
        assert_eq!(
            carrier::post(gateway.address, STANDARD, &message).await.status,
            204
        );
    }
    assert_eq!(texts(&gateway, acme, &google).await, [GOOGLE]);
    assert_eq!(texts(&gateway, globex, &telegram).await, [TELEGRAM]);
    for (key, rental, code) in [(acme, &google, "482913"), (globex, &telegram, "731925")] {
        let path = format!("/api/verifications/{}/code", rental["id"].as_str().unwrap());
        let told = Call::get(&path).key(key).send(gateway.address).await.expect(200);
        assert_eq!(told["otpCode"], code);
    }
    let strays = Call::get("/api/unmatched?reason=ambiguous").key(globex);
    let strays = strays.send(gateway.address).await.expect(200);
    let strays: Vec<&Value> = strays["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["smsContent"])
        .collect();
    assert_eq!(strays, [TELEGRAM, UNCLEAR]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_sees_and_switches_sharing() {
    let gateway = gateway().await;
    let google = rent(&gateway, &gateway.key, "google").await.expect(201);
    rent(&gateway, &gateway.key, "telegram").await.expect(201);
    let path = "/admin/numbers/+12025550100";
    let shown = get(&gateway, path).await;
    assert_eq!((&shown["shared"], &shown["rentals"]), (&json!(true), &json!(2)));
    assert_eq!(shown["leases"].as_array().unwrap().len(), 2);
    let listed = get(&gateway, "/admin/numbers?state=active").await;
    assert_eq!(listed["numbers"][0]["rentals"], 2);
    let off = ask(
        &gateway,
        "POST",
        &format!("{path}/share"),
        Some(json!({ "shared": false })),
    )
    .await;
    let off = off.expect(200);
    assert_eq!(
        (off.get("shared"), &off["rentals"]),
        (None, &json!(2)),
        "they keep it"
    );
    let cancel = format!("/api/verifications/{}/cancel", google["id"].as_str().unwrap());
    gateway.post(&cancel, &json!({})).await.expect(200);
    rent(&gateway, &gateway.key, "whatsapp").await.expect(503);
    ask(&gateway, "POST", &format!("{path}/share"), Some(json!({})))
        .await
        .expect(400);
    let added = json!([{ "number": "+12025550101", "country": "US", "shared": true }, { "number": "+12025550102", "country": "US" }]);
    ask(&gateway, "POST", "/admin/numbers", Some(added))
        .await
        .expect(200);
    assert_eq!(get(&gateway, "/admin/numbers/+12025550101").await["shared"], true);
    assert_eq!(
        get(&gateway, "/admin/numbers/+12025550102").await.get("shared"),
        None
    );
    let kept = gateway
        .restart(toml::toml! { number = [{ number = "+12025550100", country = "US", shared = true }] })
        .await;
    assert_eq!(
        get(&kept, path).await.get("shared"),
        None,
        "what it was set to counts"
    );
}

async fn shared(numbers: usize) -> Rig {
    let rig = Rig::over(
        simulated(Default::default()),
        super::rig::START,
        rules(Rules::standard()),
    );
    rig.add_shared(0..numbers).await;
    rig
}

async fn texts_of(rig: &Rig, rental: &Rental) -> usize {
    rig.gateway
        .rental(&rental.account, rental.id)
        .await
        .unwrap()
        .messages
        .len()
}

async fn reasons(rig: &Rig) -> Vec<Unmatched> {
    let wish = UnmatchedWish {
        limit: 100,
        ..UnmatchedWish::default()
    };
    let page = rig.gateway.unmatched(wish).await.unwrap();
    page.messages
        .iter()
        .filter_map(|message| message.owner.err())
        .collect()
}

#[tokio::test]
async fn a_rental_that_is_alone_gets_what_comes_and_one_that_was_not_only_its_own() {
    let rig = shared(1).await;
    let google = rig.rent("google").await;
    rig.say("a", ("+15550001", &phone(0)), UNCLEAR).await;
    assert_eq!(texts_of(&rig, &google).await, 1);
    let telegram = rig.rent("telegram").await;
    rig.say("b", ("+15550001", &phone(0)), UNCLEAR).await;
    rig.gateway.finish(&google.account, google.id).await.unwrap();
    rig.say("c", ("+15550001", &phone(0)), GOOGLE).await;
    rig.pass(3 * MINUTE_MS);
    // Its grace is over, and nobody else gets what is for it.
    rig.say("d", ("+15550001", &phone(0)), GOOGLE).await;
    rig.say("e", ("+15550001", &phone(0)), UNCLEAR).await;
    rig.say("f", ("+15550001", &phone(0)), "Welcome to Telegram!")
        .await;
    assert_eq!(
        (texts_of(&rig, &google).await, texts_of(&rig, &telegram).await),
        (2, 1)
    );
    assert_eq!(
        reasons(&rig).await,
        [Unmatched::Ambiguous, Unmatched::Expired, Unmatched::Ambiguous]
    );
    rig.pass(13 * MINUTE_MS);
    rig.say("g", ("+15550001", &phone(0)), UNCLEAR).await;
    assert_eq!(texts_of(&rig, &telegram).await, 2, "alone again");
}

/// What the renter says of the sender is the renter's own word.
#[tokio::test]
async fn no_wish_of_a_renter_takes_anothers_messages() {
    let rig = shared(1).await;
    let google = rig.rent("google").await;
    let greedy = ringback::gateway::Wish {
        service: "telegram".into(),
        filter: ringback::core::otp::Filter {
            sender: Some("*".into()),
            ..Default::default()
        },
        ..Default::default()
    };
    let greedy = rig.gateway.rent(&account("globex"), &greedy).await.unwrap();
    rig.say("a", ("Google", &phone(0)), UNCLEAR).await;
    assert_eq!(
        (texts_of(&rig, &google).await, texts_of(&rig, &greedy).await),
        (1, 0)
    );
}

#[tokio::test]
async fn an_unclear_message_is_given_to_its_rental_by_the_operator() {
    let rig = shared(1).await;
    let google = rig.rent("google").await;
    rig.rent("telegram").await;
    rig.say("a", ("+15550001", &phone(0)), UNCLEAR).await;
    let wish = Assignment {
        message: ringback::core::id::MessageId::derive("main", "a"),
        account: google.account.clone(),
        rental: google.id,
    };
    rig.gateway.assign(&wish).await.unwrap();
    let google = rig.gateway.rental(&google.account, google.id).await.unwrap();
    assert_eq!(
        (google.status, google.code.unwrap().code.as_str()),
        (Status::Completed, "204866")
    );
}

#[tokio::test]
async fn a_restart_keeps_all_who_share() {
    let store = simulated(Default::default());
    let rig = Rig::over(store.clone(), super::rig::START, rules(Rules::standard()));
    rig.add_shared(0..1).await;
    let (google, telegram) = (rig.rent("google").await, rig.rent("telegram").await);
    let reopened = ringback::store::sim::Simulated::open(
        store.cut_power(),
        ringback::store::vault::Vault::new(&[7; 32]),
        ringback::store::sim::Sync::AtOnce,
    );
    let rig = Rig::over(
        std::sync::Arc::new(reopened.unwrap()),
        rig.clock.now(),
        rules(Rules::standard()),
    );
    assert!(matches!(rig.try_rent("google").await, Err(Error::NoNumber)));
    rig.say("a", ("+15550001", &phone(0)), TELEGRAM).await;
    assert_eq!(
        (texts_of(&rig, &google).await, texts_of(&rig, &telegram).await),
        (0, 1)
    );
    // Both end by themselves, in one sweep.
    rig.pass(LIFETIME_MS);
    assert_eq!(rig.gateway.sweep().await.unwrap(), 2);
    assert_eq!(rig.state(0), State::Free);
}
