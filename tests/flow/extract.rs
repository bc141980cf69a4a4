//! The code of a message: what `POST /api/extract` says of a text, and what a rental takes for its code.

use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::gateway::{Gateway, Rental};
use crate::support::subscriber::Subscriber;
use crate::support::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_read_with_its_reasons() {
    let gateway = Gateway::start().await;
    let text = "Order 99817: your Velora code is 482-913. Sign in: https://id.shop.example/verify/8h2kd93jf0";
    let found = gateway
        .post("/api/extract", &json!({ "text": text }))
        .await
        .expect(200);
    assert_eq!(
        (&found["code"], &found["raw"]),
        (&json!("482913"), &json!("482-913"))
    );
    assert_eq!(found["link"], "https://id.shop.example/verify/8h2kd93jf0");
    assert_eq!(found["rule"], "words");
    let span = |at: usize| usize::try_from(found["span"][at].as_u64().unwrap()).unwrap();
    assert_eq!(&text[span(0)..span(1)], "482-913");
    let confidence = found["confidence"].as_f64().unwrap();
    assert!((0.9..=1.0).contains(&confidence), "{confidence}");
    let best = &found["candidates"][0];
    assert_eq!(best["code"], "482913");
    let weights = best["features"].as_array().unwrap().iter();
    let sum: i64 = weights.map(|feature| feature["weight"].as_i64().unwrap()).sum();
    assert_eq!(best["score"].as_i64(), Some(sum), "{best}");
    let reasons: Vec<&Value> = found["masked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|masked| &masked["reason"])
        .collect();
    assert!(reasons.contains(&&json!("url")), "{found}");
    let nothing = gateway
        .post(
            "/api/extract",
            &json!({ "text": "See you at building 4471 tomorrow" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&nothing["code"], &nothing["confidence"]),
        (&Value::Null, &json!(0.0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_less_sure_than_the_configuration_wants_is_a_candidate() {
    let gateway = Gateway::start_with(toml::toml! { otp = { min_confidence = 1.0 } }).await;
    let wish = json!({ "text": "Your code is 482913" });
    let found = gateway.post("/api/extract", &wish).await.expect(200);
    assert_eq!(found["code"], Value::Null);
    assert_eq!(found["candidates"][0]["code"], "482913");
}

/// A rule of the operator's answers before the words do: the API, and the rental.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_answers_by_the_operators_rules() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let rule = r#"
        [[rule]]
        name = "example-bank"
        contains = ["example bank"]
        pattern = 'ref [A-Z]{3}-(?P<code>[0-9]{6})'
        example = "Example Bank: ref QXR-204418"
        code = "204418"
        counter_example = "Example Bank: loan ref LQXR-2044187"
    "#;
    std::fs::write(&file, rule).unwrap();
    let text = "Example Bank: ref WPT-771204. Your order code is 555666";
    let plain = Gateway::start().await;
    let found = plain
        .post("/api/extract", &json!({ "text": text }))
        .await
        .expect(200);
    assert_ne!(found["code"], "771204");
    let file = toml::Value::from(file.display().to_string());
    let gateway = Gateway::start_with(toml::Table::from_iter([(
        "otp".to_owned(),
        toml::Table::from_iter([("rules".to_owned(), file)]).into(),
    )]))
    .await;
    let found = gateway
        .post("/api/extract", &json!({ "text": text }))
        .await
        .expect(200);
    assert_eq!(
        (&found["code"], &found["rule"]),
        (&json!("771204"), &json!("example-bank"))
    );
    let rental = rent(&gateway, json!({})).await;
    assert_eq!(
        code_after(&gateway, &rental, &[("+12025550199", text)]).await,
        "771204"
    );
}

/// The link of a message without a code is in `message.received`, and that of one with a code in `verification.code_received`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_is_in_both_events_letter_by_letter() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let kinds = ["message.received", "verification.code_received"];
    gateway.subscribe(&subscriber.url, &kinds).await;
    let rental = gateway.rent("google").await;
    let (only, beside) = (
        "https://id.shop.example/verify/8h2kd93jf0?a=1&b=%C3%A9#top",
        "https://id.shop.example/verify/Zk7Tq29b",
    );
    let texts = [
        format!("Confirm your e-mail for Shop: {only}"),
        format!("Your code is 482913. Or tap {beside} to verify."),
    ];
    for (text, (kind, link)) in texts.iter().zip(kinds.into_iter().zip([only, beside])) {
        carrier::post(gateway.address, TELNYX, &draft(text, &rental.number, text)).await;
        let event = subscriber.next_of(kind).await.json();
        assert_eq!(event["data"]["link"], link, "{event}");
    }
}

/// Rents a number whose code is as `code` says.
async fn rent(gateway: &Gateway, code: Value) -> Rental {
    let wish = json!({ "serviceName": "google", "code": code });
    let answer = gateway.post("/api/verifications", &wish).await.expect(201);
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Rental {
        id: text("id"),
        number: text("number"),
    }
}

/// What the rental says of its code once these messages came in.
async fn code_after(gateway: &Gateway, rental: &Rental, messages: &[(&str, &str)]) -> Value {
    for (from, text) in messages {
        let mut sms = draft(&format!("{}-{text}", rental.id), &rental.number, text);
        sms.from = (*from).into();
        let taken = carrier::post(gateway.address, TELNYX, &sms).await;
        assert_eq!(taken.status, 204);
    }
    let answer = within("the code", gateway.poll(rental, 0)).await.unwrap();
    answer.expect(200)["otpCode"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_takes_only_the_code_it_expects() {
    let gateway = Gateway::start().await;
    let (shop, other) = ("Your code is 482913", "Your code is 4711");
    let by_sender = rent(&gateway, json!({ "sender": "+1202555019*" })).await;
    assert_eq!(
        code_after(&gateway, &by_sender, &[("+12025550200", other)]).await,
        Value::Null
    );
    assert_eq!(
        code_after(&gateway, &by_sender, &[("+12025550199", shop)]).await,
        "482913"
    );
    let by_length = rent(&gateway, json!({ "lengthMin": 6, "lengthMax": 6 })).await;
    assert_eq!(
        code_after(&gateway, &by_length, &[("+12025550199", other)]).await,
        Value::Null
    );
    assert_eq!(
        code_after(&gateway, &by_length, &[("+12025550199", shop)]).await,
        "482913"
    );
    let letters = "Your verification code: K7QX2P";
    let by_alphabet = rent(&gateway, json!({ "alphabet": "digits" })).await;
    assert_eq!(
        code_after(&gateway, &by_alphabet, &[("+12025550199", letters)]).await,
        Value::Null
    );
    assert_eq!(
        code_after(&gateway, &by_alphabet, &[("+12025550199", shop)]).await,
        "482913"
    );
    let unsure = "482155 is what you need to finish signing in";
    let by_confidence = rent(&gateway, json!({ "minConfidence": 0.97 })).await;
    assert_eq!(
        code_after(&gateway, &by_confidence, &[("+12025550199", unsure)]).await,
        Value::Null
    );
    let open = rent(&gateway, json!({})).await;
    assert_eq!(
        code_after(&gateway, &open, &[("+12025550199", unsure)]).await,
        "482155"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rentals_wish_goes_before_its_services_rule_and_that_before_the_configuration() {
    let unsure = "482155 is what you need to finish signing in";
    let (ours, theirs) = ("+12025550199", "+12025550200");
    let start = async |rule: toml::Table| {
        let mut over = toml::toml! {
            otp = { min_confidence = 0.97 }
            [[service]]
            name = "google"
            description = "Google"
            price = "0.5000"
            lifetime_s = 1200
        };
        over["service"][0]
            .as_table_mut()
            .unwrap()
            .insert("code".into(), rule.into());
        Gateway::start_with(over).await
    };
    let plain = start(toml::Table::new()).await;
    let rental = rent(&plain, json!({})).await;
    let found = code_after(&plain, &rental, &[(ours, unsure)]).await;
    assert_eq!(found, Value::Null, "the configuration, where nobody else says");

    let ruled = start(toml::toml! { min_confidence = 0.5 sender = "+1202555019*" }).await;
    let rental = rent(&ruled, json!({})).await;
    let found = code_after(&ruled, &rental, &[(theirs, "Your code is 471100")]).await;
    assert_eq!(found, Value::Null, "the service, by sender");
    let found = code_after(&ruled, &rental, &[(ours, unsure)]).await;
    assert_eq!(found, "482155", "the service before the configuration");

    let rental = rent(&ruled, json!({ "minConfidence": 0.97, "sender": theirs })).await;
    let found = code_after(
        &ruled,
        &rental,
        &[(ours, "Your code is 471100"), (theirs, unsure)],
    )
    .await;
    assert_eq!(found, Value::Null, "the rental before its service");
    let found = code_after(&ruled, &rental, &[(theirs, "Your code is 482913")]).await;
    assert_eq!(found, "482913");
}
