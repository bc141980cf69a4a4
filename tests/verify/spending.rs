//! Caps on what codes cost, over real sockets: of an account's codes to one country, of a profile's by the hour and the month, and what a
//! code is charged once it is known what it cost.

use serde_json::{Value, json};
use toml::Table;

use super::codes::{carried, id, post, start, taken};
use super::profiles::{ask, path_of, profile};
use super::triggers::trigger;
use crate::support::carrier::twilio_status;
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};

const TO: &str = "+14155550123";

fn takes(count: usize) -> impl IntoIterator<Item = Act> {
    (1..=count).map(|nth| taken(&format!("SM{nth}")))
}

/// What the account was told of its caps: the data of each event of this kind.
async fn told(gateway: &Gateway, kind: &str) -> Vec<Value> {
    let page = gateway
        .get(&format!("/api/events?types={kind}"))
        .await
        .expect(200);
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| event["payload"]["data"].clone()).collect()
}

async fn cost(gateway: &Gateway) -> Value {
    let figures = gateway.get("/api/verify/figures?by=channel").await.expect(200);
    figures["rows"][0]["cost"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_country_has_a_cap_of_its_own_and_others_go_on() {
    let provider = Provider::start(takes(3)).await;
    let cap = "spend_country_day_max = \"0.1000\"\nprice = \"0.0500\"\ncountries = [\"US\", \"CA\"]";
    let gateway = Gateway::start_with(carried(&provider.url, cap)).await;
    for expected in [200, 200, 429] {
        assert_eq!(start(&gateway, TO).await.status, expected);
    }
    assert_eq!(
        start(&gateway, "+14165550143").await.status,
        200,
        "Canada's is its own"
    );
    let warned = told(&gateway, "verify.spend_warning").await;
    assert_eq!(
        warned,
        [
            json!({ "accountId": "acme", "country": "US", "window": "day", "spent": "0.1000", "cap": "0.1000" })
        ]
    );
    let blocked = told(&gateway, "verify.blocked").await;
    assert_eq!(
        (&blocked[0]["reasons"], &blocked[0]["country"]),
        (&json!(["spend_cap"]), &json!("US"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_capped_by_the_hour_and_the_month_too() {
    let provider = Provider::start(takes(3)).await;
    let gateway = Gateway::start_with(carried(&provider.url, "repeated_s = 0\nprice = \"0.0500\"")).await;
    let made = profile(
        &gateway,
        json!({ "name": "x", "hourly_spend_limit": 0.05, "monthly_spend_limit": 0.1 }),
    )
    .await;
    assert_eq!(
        (&made["hourly_spend_limit"], &made["monthly_spend_limit"]),
        (&json!(0.05), &json!(0.1))
    );
    let send = async || trigger(&gateway, "sms", (TO, &made), json!({})).await.status;
    assert_eq!([send().await, send().await], [200, 429], "the hour's is spent");
    let path = path_of(&made);
    let slower = json!({ "hourly_spend_limit": null });
    let shown = ask(&gateway, "PATCH", &path, Some(&slower)).await.expect(200);
    assert_eq!(shown["data"].get("hourly_spend_limit"), None);
    assert_eq!([send().await, send().await], [200, 429], "the month's is spent");
    let windows: Vec<Value> = told(&gateway, "verify.spend_warning")
        .await
        .iter()
        .map(|data| json!([data["window"], data["profile"]]))
        .collect();
    let id = &made["id"];
    assert_eq!(windows, [json!(["hour", id]), json!(["month", id])]);
    let wrong = json!({ "hourly_spend_limit": -1 });
    assert_eq!(ask(&gateway, "PATCH", &path, Some(&wrong)).await.status, 400);
}

/// The one provider, and what it charges for.
fn billing(url: &str, bills: &str) -> Table {
    let mut over = carried(url, "spend_day_max = \"0.0500\"\nprice = \"0.0500\"");
    let provider = over["provider"][0].as_table_mut().unwrap();
    provider.insert("bills".into(), bills.into());
    over
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_report_says_did_not_arrive_costs_what_its_provider_charges_for_it() {
    for (bills, expected) in [("sent", 429), ("delivered", 200)] {
        let provider = Provider::start(takes(2)).await;
        let gateway = Gateway::start_with(billing(&provider.url, bills)).await;
        let first = start(&gateway, TO).await.expect(200);
        let second = "+14155550199";
        assert_eq!(
            start(&gateway, second).await.status,
            429,
            "{bills}: it is reserved"
        );
        for state in ["sent", "undelivered", "undelivered"] {
            let reply = twilio_status("SM1", state).send(gateway.address).await;
            assert_eq!(reply.status, 200);
        }
        assert_eq!(start(&gateway, second).await.status, expected, "{bills}");
        assert_eq!(
            told(&gateway, "verify.failed").await[0]["id"],
            id(&first),
            "{bills}"
        );
        assert_eq!(cost(&gateway).await, "0.0500", "{bills}: of one of them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_charged_what_it_costs_by_whoever_took_it_in_the_end() {
    let resting = Act::Answer(503, "", r#"{"code":20503,"message":"later"}"#.into());
    let (cheap, dear) = (Provider::start([resting]).await, Provider::start(takes(1)).await);
    let mut over = carried(&cheap.url, "spend_day_max = \"0.0400\"");
    let first = over["provider"][0].as_table().unwrap().clone();
    let each = [("cheap", &cheap.url, "0.0100"), ("dear", &dear.url, "0.0300")];
    let each = each.map(|(name, url, price)| {
        let mut provider = first.clone();
        provider.insert("name".into(), name.into());
        provider.insert("base_url".into(), url.as_str().into());
        provider.insert(
            "prices".into(),
            Table::from_iter([("*".to_owned(), price.into())]).into(),
        );
        toml::Value::Table(provider)
    });
    over.insert("provider".into(), each.to_vec().into());
    let gateway = Gateway::start_with(over).await;
    start(&gateway, TO).await.expect(200);
    assert_eq!(cost(&gateway).await, "0.0300", "reserved were 0.0100");
    let long = json!({ "to": "+14155550199", "channel": "sms", "custom_message": format!("{{{{code}}}} {}", "x".repeat(160)) });
    let refused = post(&gateway, "/v1/verify/start", &long).await;
    assert_eq!(
        refused.status, 429,
        "two SMS for 0.0100 each are more than is left"
    );
}
