//! Contract 001 as request and response pairs in `fixtures/api/001`, and what the pairs cannot show: keys in URLs, waiting, when to ask again.

use ringback::clock::Clock;
use ringback::core::id::AccountId;
use ringback::core::key::{Key, Plain};
use serde_json::json;

use super::pairs::{self, Known};
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::{self, Gateway};
use crate::support::within;

/// A gateway with numbers of two countries, and a key of `acme` that may stand in a URL.
async fn partner() -> (Gateway, String) {
    let over = toml::toml! {
        number = [
            { number = "+17755551234", country = "US", price = "0.05" },
            { number = "+447700900123", country = "GB", price = "0.06" },
            { number = "+447700900124", country = "GB", price = "0.06" },
            { number = "+33639980123", country = "FR", price = "0.09" },
            { number = "+33639980124", country = "FR", price = "0.08" },
        ]
        [[service]]
        name = "any"
        description = "Any service"
        price = "0.0400"
        lifetime_s = 1200
    };
    let gateway = Gateway::start_with(over).await;
    let key = gateway::new_key();
    let stored = Key {
        allow_query_key: true,
        ..Key::new(&key, AccountId::parse("acme").unwrap(), Clock::System.now())
    };
    gateway.running.gateway.add_key(stored).await.unwrap();
    (gateway, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_contract_001_is_answered_exactly() {
    let (gateway, key) = partner().await;
    let mut known = Known::from([("key".to_owned(), key)]);
    for (name, fixture) in pairs::fixtures("001") {
        pairs::play(&gateway, &name, &fixture, &mut known).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_own_example_is_answered() {
    let (gateway, key) = partner().await;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/api/001/page.txt");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page
        .lines()
        .find_map(|line| line.strip_prefix("GET https://api.yourservice.com"));
    let path = example.unwrap().replace("YOUR_API_KEY", &key);
    let answer = Call::get(&path).send(gateway.address).await.expect(200);
    assert_eq!(answer["status"], "success");
}

async fn rent(gateway: &Gateway, key: &str) -> String {
    let rented = Call::post("/rentNumber", &json!({ "country": "US", "api_key": key }))
        .send(gateway.address)
        .await;
    rented.expect(200)["rental_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_in_a_url_only_where_that_was_allowed() {
    let (gateway, key) = partner().await;
    let get = |key: &str| Call::get(&format!("/getNumbers?api_key={key}"));
    get(&key).send(gateway.address).await.expect(200);
    let refused = get(&gateway.key).send(gateway.address).await.expect(401);
    assert_eq!(refused["error_code"], "BAD_KEY");
    assert!(
        refused["message"].as_str().unwrap().contains("--allow-query-key"),
        "{refused}"
    );
    Call::get("/getNumbers")
        .key(&gateway.key)
        .send(gateway.address)
        .await
        .expect(200);
    let form = format!("api_key={}&country=us", gateway.key);
    Call::new("POST", "/rentNumber")
        .body(form)
        .send(gateway.address)
        .await
        .expect(200);
    let unknown = get(Plain::generate(true, &[1; 44]).as_str())
        .send(gateway.address)
        .await
        .expect(401);
    assert_eq!(unknown["message"], "Send a valid API key as \"api_key\".");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_is_answered_by_the_message_and_without_one_the_client_hears_when_to_ask() {
    let (gateway, key) = partner().await;
    let id = rent(&gateway, &key).await;
    let path = format!("/getSMS?rental_id={id}&api_key={key}");
    let waiting = Call::get(&path).send(gateway.address).await;
    assert_eq!(waiting.expect(200)["messages"], json!([]));
    let after_ms: u64 = waiting.header("x-poll-after-ms").unwrap().parse().unwrap();
    assert!((250..=5000).contains(&after_ms), "{after_ms}");
    assert_eq!(
        waiting.header("retry-after"),
        Some(after_ms.div_ceil(1000).to_string().as_str())
    );

    let held = Call::get(&format!("{path}&wait=60"));
    let address = gateway.address;
    let held = tokio::spawn(async move { held.send(address).await });
    gateway.holds(1).await;
    carrier::post(address, TELNYX, &draft("1", "+17755551234", "no code in here")).await;
    let answer = within("the held poll", held).await.unwrap();
    assert_eq!(answer.expect(200)["messages"][0]["text"], "no code in here");
    assert_eq!(answer.header("x-poll-after-ms"), None);
    let refused = Call::get(&format!("{path}&wait=61"))
        .send(address)
        .await
        .expect(400);
    assert_eq!(refused["error_code"], "BAD_REQUEST");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_accounts_rental_is_unknown() {
    let (gateway, key) = partner().await;
    let id = rent(&gateway, &key).await;
    let get = |id: &str| Call::get(&format!("/getSMS?rental_id={id}")).key(&gateway.other_key);
    let foreign = get(&id).send(gateway.address).await;
    let unknown = get("rent_00000000-0000-7000-8000-000000000000")
        .send(gateway.address)
        .await;
    assert_eq!((foreign.status, foreign.body), (unknown.status, unknown.body));
    let cancel = json!({ "rental_id": id });
    let foreign = Call::post("/cancelNumber", &cancel)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(foreign.expect(404)["error_code"], "RENTAL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateways_own_refusals_have_the_contracts_form_too() {
    let (gateway, _) = partner().await;
    let wrong = Call::new("DELETE", "/getSMS").send(gateway.address).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET")));
    assert_eq!(wrong.json()["status"], "error");
    let torn = Call::new("POST", "/rentNumber")
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(
        torn.send(gateway.address).await.expect(400)["error_code"],
        "BAD_REQUEST"
    );
}
