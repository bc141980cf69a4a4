//! The catalogue: the configuration, its file, and what the operator says on the way; one list for all contracts.

use serde_json::{Value, json};

use crate::support::carrier::{TELNYX, draft, post};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};

async fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let call = match body {
        Some(body) => Call::with_json(method, path, &body),
        None => Call::new(method, path),
    };
    call.key(token.trim()).send(gateway.running.admin_address).await
}

async fn names(gateway: &Gateway) -> Vec<String> {
    let told = gateway.get("/api/services").await.expect(200);
    assert_eq!(told, gateway.get("/api/verifications/services").await.expect(200));
    let services = told["services"].as_array().unwrap().clone();
    services
        .iter()
        .map(|s| s["serviceName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_says_counts_for_all_and_is_kept() {
    let gateway = Gateway::start().await;
    assert_eq!(names(&gateway).await, ["google", "short"]);
    let wish = json!({ "description": "Signal", "price": "1.2500", "lifetime_s": 600, "code": { "length_min": 6, "length_max": 6, "sender": "Signal*" } });
    let made = ask(&gateway, "PUT", "/admin/services/signal", Some(wish))
        .await
        .expect(200);
    assert_eq!(
        made,
        json!({ "name": "signal", "description": "Signal", "capability": "Sms", "price": "1.2500", "lifetime_s": 600, "code": { "length_min": 6, "length_max": 6, "sender": "Signal*" } })
    );
    let dearer = json!({ "description": "Google", "price": "2", "lifetime_s": 1200 });
    ask(&gateway, "PUT", "/admin/services/google", Some(dearer))
        .await
        .expect(200);
    ask(&gateway, "DELETE", "/admin/services/short", None)
        .await
        .expect(204);
    for gateway in [gateway.restart(toml::Table::new()).await] {
        assert_eq!(names(&gateway).await, ["google", "signal"]);
        let rented = gateway
            .post("/api/verifications", &json!({ "serviceName": "google" }))
            .await;
        assert_eq!(rented.expect(201)["cost"], "2.0000");
        let gone = gateway
            .post("/api/verifications", &json!({ "serviceName": "short" }))
            .await;
        gone.expect(422);
        ask(&gateway, "DELETE", "/admin/services/short", None)
            .await
            .expect(404);
        let all = ask(&gateway, "GET", "/admin/services", None).await.expect(200);
        assert_eq!(all["services"].as_array().unwrap().len(), 2);
        let voice = json!({ "description": "Call", "price": "1", "lifetime_s": 60, "capability": "Voice" });
        ask(&gateway, "PUT", "/admin/services/call", Some(voice))
            .await
            .expect(200);
        let none = gateway
            .post("/api/verifications", &json!({ "serviceName": "call" }))
            .await;
        none.expect(503);
    }
}

/// One from the file takes the place of a configured one and is taken out or changed by what the operator says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_adds_services_and_wins_over_the_configuration_and_the_operator_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("services.toml");
    let service = |name: &str, price: &str| {
        format!(
            "[[service]]\nname = \"{name}\"\ndescription = \"{name} of the file\"\nprice = \"{price}\"\nlifetime_s = 60\n"
        )
    };
    let text = [("signal", "1.2500"), ("google", "3.0000"), ("viber", "0.1000")];
    let text: Vec<String> = text.map(|(name, price)| service(name, price)).into();
    std::fs::write(&file, text.join("\n")).unwrap();
    let over = || {
        let mut over = toml::toml! { catalogue = { file = "" } };
        over["catalogue"]["file"] = file.display().to_string().into();
        over
    };
    let cost = async |gateway: &Gateway, service: &str| {
        let wish = json!({ "serviceName": service });
        let rented = gateway.post("/api/verifications", &wish).await.expect(201);
        rented["cost"].clone()
    };
    let gateway = Gateway::start_with(over()).await;
    assert_eq!(names(&gateway).await, ["google", "short", "signal", "viber"]);
    let told = gateway.get("/api/services").await.expect(200);
    assert_eq!(told["services"][0]["description"], "google of the file");
    assert_eq!(cost(&gateway, "google").await, "3.0000", "0.5000 is configured");
    assert_eq!(cost(&gateway, "signal").await, "1.2500");
    assert_eq!(cost(&gateway, "short").await, "0.7500");

    let said = json!({ "description": "Google", "price": "4", "lifetime_s": 1200 });
    let put = ask(&gateway, "PUT", "/admin/services/google", Some(said)).await;
    put.expect(200);
    let deleted = ask(&gateway, "DELETE", "/admin/services/viber", None).await;
    deleted.expect(204);
    let gateway = gateway.restart(over()).await;
    assert_eq!(names(&gateway).await, ["google", "short", "signal"]);
    assert_eq!(cost(&gateway, "google").await, "4.0000");
}

/// The code rules of the catalogue are what the extractor goes by, from the next message on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_code_rules_feed_the_extractor() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let send = async |id: &str, text: &str| {
        let reply = post(gateway.address, TELNYX, &draft(id, &rental.number, text)).await;
        assert!(reply.status < 300, "{}", reply.text());
    };
    let rule = |length: u8| json!({ "description": "Google", "price": "1", "lifetime_s": 1200, "code": { "length_min": length, "length_max": length } });
    ask(&gateway, "PUT", "/admin/services/google", Some(rule(8)))
        .await
        .expect(200);
    send("m1", "Your code is 123456").await;
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["status"],
        "active"
    );
    ask(&gateway, "PUT", "/admin/services/google", Some(rule(6)))
        .await
        .expect(200);
    send("m2", "Your code is 654321").await;
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["otpCode"],
        "654321"
    );
}

/// Of two messages, both with a code, each rule takes the one that fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_rules_for_sender_alphabet_and_confidence_decide_between_two_messages() {
    let gateway = Gateway::start().await;
    let (theirs, other) = ("+12025550199", "+12025550200");
    let (plain, letters) = ("Your code is 482913", "Your verification code: K7QX2P");
    let unsure = "482155 is what you need to finish signing in";
    let rules = [
        (
            json!({ "sender": "+1202555019*" }),
            [(other, "Your code is 471100"), (theirs, plain)],
        ),
        (
            json!({ "alphabet": "digits" }),
            [(theirs, letters), (theirs, plain)],
        ),
        (
            json!({ "min_confidence": 0.97 }),
            [(theirs, unsure), (theirs, plain)],
        ),
    ];
    for (code, messages) in rules {
        let found = async |rental: &Rental, place: usize| {
            let (from, text) = messages[place];
            let mut sms = draft(&format!("{}-{place}", rental.id), &rental.number, text);
            sms.from = from.into();
            assert!(post(gateway.address, TELNYX, &sms).await.status < 300);
            let told = gateway.get(&rental.path("")).await.expect(200);
            told["otpCode"].clone()
        };
        let service =
            |code: &Value| json!({ "description": "Google", "price": "1", "lifetime_s": 1200, "code": code });
        let put = async |code: &Value| {
            let put = ask(&gateway, "PUT", "/admin/services/google", Some(service(code))).await;
            put.expect(200);
        };
        put(&json!({})).await;
        let open = gateway.rent("google").await;
        assert_ne!(found(&open, 0).await, Value::Null, "without {code} it is a code");
        put(&code).await;
        let ruled = gateway.rent("google").await;
        assert_eq!(found(&ruled, 0).await, Value::Null, "{code}");
        assert_eq!(found(&ruled, 1).await, "482913", "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let good = json!({ "description": "X", "price": "1", "lifetime_s": 60 });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, says) in [
        (with("price", json!("free")), "`price`"),
        (with("lifetime_s", json!(5)), "10 to 86400"),
        (
            with("code", json!({ "length_min": 9, "length_max": 4 })),
            "length_min",
        ),
        (with("cost", json!("1")), "unknown field"),
        (json!({}), "missing field"),
    ] {
        let refused = ask(&gateway, "PUT", "/admin/services/x", Some(body))
            .await
            .expect(422);
        assert!(
            refused["detail"].as_str().unwrap().contains(says),
            "{says}: {refused}"
        );
    }
    ask(&gateway, "PUT", "/admin/services/a%20b", Some(good.clone()))
        .await
        .expect(422);
    ask(&gateway, "GET", "/admin/services/x", None).await.expect(404);
    ask(&gateway, "POST", "/admin/services", Some(good.clone()))
        .await
        .expect(405);
    let stranger = Call::with_json("PUT", "/admin/services/x", &good).key(&gateway.key);
    stranger.send(gateway.running.admin_address).await.expect(401);
    assert_eq!(names(&gateway).await, ["google", "short"]);
}
