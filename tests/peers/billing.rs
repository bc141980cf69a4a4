//! The metering export as a billing system takes it: by the CloudEvents SDK of PyPI, page by page, a page twice, and as one list.

use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::{python, run, script};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn the_export_is_read_and_billed_by_the_cloud_events_sdk() {
    let gateway = Gateway::start().await;
    let keys = [&gateway.key, &gateway.key, &gateway.key, &gateway.other_key];
    for (n, key) in keys.into_iter().enumerate() {
        let rent = Call::post("/api/verifications", &json!({ "serviceName": "google" })).key(key);
        let rented = rent.send(gateway.address).await.expect(201);
        let number = rented["number"].as_str().unwrap();
        let sms = draft(&format!("m-{n}"), number, "Your code is 221100.");
        assert_eq!(carrier::post(gateway.address, TELNYX, &sms).await.status, 204);
    }
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let export = async |query: &str| {
        let call = Call::get(&format!("/admin/usage/export{query}")).key(token.trim());
        call.send(gateway.running.admin_address).await
    };
    let (mut query, mut pages) = ("?limit=3".to_owned(), Vec::new());
    loop {
        let page = export(&query).await;
        assert_eq!(page.status, 200);
        pages.push(page.text());
        let cursor = page.header("ringback-next-cursor").unwrap();
        query = format!("?limit=3&cursor={cursor}");
        if page.header("ringback-more") == Some("false") {
            break;
        }
    }
    assert_eq!(pages.len(), 2, "{pages:?}");
    // Whoever lost the answer asks again.
    pages.push(pages[0].clone());
    let work = json!({ "lines": pages, "batch": export("?format=cloudevents-batch").await.text() });
    let billed = tokio::task::spawn_blocking(move || run(&python(), &[&script("billing.py")], &work));
    let billed: Value = serde_json::from_str(&billed.await.unwrap()).unwrap();
    let owed =
        json!({ "acme": { "quantity": 3, "USD": "1.5000" }, "globex": { "quantity": 1, "USD": "0.5000" } });
    let expected = json!({ "counted": 4, "owed": owed });
    assert_eq!((&billed["lines"], &billed["batch"]), (&expected, &expected));
    println!("==> 4 usage events of two accounts are read and billed once by cloudevents (PyPI)");
}
