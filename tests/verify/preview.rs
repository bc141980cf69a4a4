//! What a code would say and cost is told before it is sent, and the caps are charged by the prices of whoever would carry it.

use serde_json::{Value, json};
use toml::Table;

use super::codes::{carried, post, taken};
use super::profiles::{ask, profile};
use crate::support::gateway::Gateway;
use crate::support::provider::Provider;

const TO: &str = "+14155550123";

/// With another provider after the scripted one, and what an SMS costs by each.
fn priced(url: &str, verify: &str, prices: [&str; 2]) -> Table {
    let mut over = carried(url, verify);
    let first = over["provider"][0].as_table().unwrap().clone();
    let each = ["main", "other"].into_iter().zip(prices).map(|(name, price)| {
        let prices = Table::from_iter([("1".to_owned(), toml::Value::from(price))]);
        let own = [("name", toml::Value::from(name)), ("prices", prices.into())];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        toml::Value::Table(first.clone().into_iter().chain(own).collect())
    });
    let each = each.collect::<Vec<_>>();
    over.insert("provider".into(), each.into());
    over
}

async fn preview(gateway: &Gateway, more: Value) -> Value {
    let mut wish = json!({ "to": TO, "channel": "sms" });
    wish.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    gateway.post("/api/verify/preview", &wish).await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_sent_is_told_with_its_cost_and_nothing_is() {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(priced(&provider.url, "", ["0.0200", "0.0100"])).await;
    let usual = preview(&gateway, json!({})).await;
    let expected = json!({ "channel": "sms", "text": "000000 is your verification code.", "encoding": "gsm7", "units": 33, "segments": 1,
        "providers": [{ "provider": "other", "cost": "0.0100" }, { "provider": "main", "cost": "0.0200" }], "reckoned": "0.0100" });
    assert_eq!(usual, expected);
    let russian = preview(
        &gateway,
        json!({ "locale": "ru", "code_length": 4, "app_name": "MyApp" }),
    )
    .await;
    assert_eq!(
        (&russian["text"], &russian["encoding"], &russian["segments"]),
        (
            &json!("MyApp: 0000 — ваш код подтверждения."),
            &json!("ucs2"),
            &json!(1)
        )
    );
    assert_eq!(
        russian["warnings"],
        json!(["A code of fewer than 6 digits is guessed too easily."])
    );
    let long = json!({ "custom_message": format!("{{{{code}}}} {}", "x".repeat(160)) });
    let long = preview(&gateway, long).await;
    assert_eq!(
        (&long["segments"], &long["reckoned"]),
        (&json!(2), &json!("0.0200"))
    );
    let marked = preview(&gateway, json!({ "web_domain": "example.com" })).await;
    assert_eq!(
        (&marked["text"], &marked["units"]),
        (
            &json!("000000 is your verification code.\n@example.com #000000"),
            &json!(54)
        )
    );
    let abroad = preview(&gateway, json!({ "to": "+4915112345678", "locale": "de" })).await;
    assert_eq!(
        (&abroad["providers"][0], &abroad["reckoned"]),
        (&json!({ "provider": "main" }), &json!("0.0500")),
        "no table says, so verify.price does"
    );
    let spoken = preview(&gateway, json!({ "channel": "voice" })).await;
    assert_eq!(
        (&spoken["segments"], &spoken["providers"], spoken.get("encoding")),
        (&json!(1), &json!([]), None)
    );
    assert!(provider.got().is_empty());
    let store = gateway.running.gateway.store();
    assert!(
        store.audit(0, 10).unwrap().lines.is_empty(),
        "nothing was asked for"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_and_templates_are_looked_at_before_they_are_used() {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(priced(&provider.url, "", ["0.0200", "0.0100"])).await;
    let sms = json!({ "app_name": "Our App", "code_length": 8 });
    let made = profile(&gateway, json!({ "name": "x", "language": "es", "sms": sms })).await;
    let of_profile = preview(&gateway, json!({ "verify_profile_id": made["id"] })).await;
    assert_eq!(
        of_profile["text"],
        "Our App: 00000000 es su código de verificación."
    );
    assert!(
        of_profile.get("warnings").is_none(),
        "eight digits are not too few"
    );
    let template = json!({ "text": format!("{{{{code}}}} {}", "ж".repeat(70)) });
    let template = ask(&gateway, "POST", "/v2/verify_profiles/templates", Some(&template)).await;
    let template = &template.expect(200)["data"];
    for of in [
        json!({ "template_id": template["id"] }),
        json!({ "template_id": template["id"], "verify_profile_id": made["id"] }),
    ] {
        let told = preview(&gateway, of).await;
        assert!(told["text"].as_str().unwrap().ends_with("жж"), "{told}");
        assert_eq!(
            (&told["encoding"], &told["segments"], &told["reckoned"]),
            (&json!("ucs2"), &json!(2), &json!("0.0200"))
        );
    }
    assert!(provider.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_start_is_refused() {
    let gateway = super::codes::gateway().await;
    for (wish, said) in [
        (json!({}), "\"channel\" is required"),
        (
            json!({ "to": TO, "channel": "sms", "locale": "e", "app_hash": "x" }),
            "\"locale\" must be a language tag, such as en or pt-BR; \"app_hash\" must be",
        ),
        (
            json!({ "to": TO, "channel": "sms", "verify_profile_id": "x" }),
            "\"verify_profile_id\" must be the id",
        ),
        (
            json!({ "to": TO, "channel": "sms", "template_id": "x" }),
            "\"template_id\" must be the id",
        ),
    ] {
        let refused = gateway.post("/api/verify/preview", &wish).await.expect(400);
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
    for name in ["verify_profile_id", "template_id"] {
        let none = json!({ "to": TO, "channel": "sms", name: "01981234-5678-7abc-8def-0123456789ab" });
        assert_eq!(
            gateway.post("/api/verify/preview", &none).await.status,
            404,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caps_are_charged_by_the_prices_of_whoever_is_asked_first() {
    let provider = Provider::start((1..=9).map(|nth| taken(&format!("SM{nth}")))).await;
    let cap = "spend_day_max = \"0.0500\"\nprice = \"0.0500\"";
    let gateway = Gateway::start_with(priced(&provider.url, cap, ["0.0300", "0.0100"])).await;
    let two_sms = format!("{{{{code}}}} {}", "x".repeat(160));
    let start = async |nth: u32| {
        let wish = json!({ "to": format!("+1415555{nth:04}"), "channel": "sms", "custom_message": two_sms });
        post(&gateway, "/v1/verify/start", &wish).await.status
    };
    // Two SMS at 0.01 each: two codes are within the cap, and by the flat price one would be.
    assert_eq!([start(1).await, start(2).await, start(3).await], [200, 200, 429]);
    let figures = gateway.get("/api/verify/figures?by=country").await.expect(200);
    assert_eq!(figures["rows"][0]["cost"], "0.0400", "{figures}");
}
