//! Contract 001 with a key that may stand in a URL: it is let in there, for all four routes, and no log tells it.

use serde_json::json;

use super::planted::Planted;
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

/// Rents, hears, cancels, and is refused, each with the key in the URL.
pub async fn travel(planted: &mut Planted) {
    let gateway = Gateway::start().await;
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).expect("made at the start");
    let wish = json!({ "account": "acme", "allowQueryKey": true });
    let made = Call::post("/admin/keys", &wish).key(token.trim());
    let made = made.send(gateway.running.admin_address).await.expect(201);
    let key = made["key"].as_str().expect("shown once");
    planted.plant("key that may stand in a URL", key);
    let ask = async |method: &str, path: &str, query: &str| {
        let call = Call::new(method, &format!("{path}?{query}&api_key={key}"));
        call.send(gateway.address).await
    };
    ask("GET", "/getNumbers", "country=US").await.expect(200);
    let rented = Call::post(&format!("/rentNumber?api_key={key}"), &json!({ "country": "US" }));
    let rented = rented.send(gateway.address).await.expect(200);
    let (id, number) = (rented["rental_id"].as_str(), rented["number"].as_str());
    let (id, number) = (id.expect("an id"), number.expect("a number"));
    planted.plant_number("number of a reseller", number);
    planted.plant("text of a reseller", "gooseberry ocelot 40718265");
    let sms = draft("p-1", number, "gooseberry ocelot 40718265");
    carrier::post(gateway.address, TELNYX, &sms).await;
    let query = format!("rental_id={id}&wait=30");
    let heard = ask("GET", "/getSMS", &query).await.expect(200);
    assert_eq!(heard["messages"][0]["text"], "gooseberry ocelot 40718265");
    let cancel = Call::post(
        &format!("/cancelNumber?api_key={key}"),
        &json!({ "rental_id": id }),
    );
    cancel.send(gateway.address).await.expect(200);
    for (path, status) in [
        ("/getNumbers?country=nowhere", 400),
        ("/getSMS?rental_id=rent_none", 404),
        // Only contract 001 takes it from there.
        ("/api/verifications?limit=1", 401),
    ] {
        let (path, query) = path.split_once('?').expect("it has one");
        ask("GET", path, query).await.expect(status);
    }
    gateway.running.stop().await;
}
