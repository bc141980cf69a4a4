//! Contract 003 as Telnyx's own SDKs use it, unchanged, and as the contract's page calls it; every body is held to the published schema.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::published;
use crate::support::subscriber::{Delivery, Subscriber};
use crate::{python, run, script};

/// Codes to our own numbers come in by themselves, and one number has a code that is known.
async fn gateway() -> Gateway {
    let over = toml::toml! {
        [verify]
        loopback = true
        bcrypt_cost = 4
        test_numbers = ["+13035551234=123456"]
        person_per_hour_max = 0
        person_per_day_max = 0
        everybody_per_day_max = 0
        block_of_10000_per_10min_max = 0
        block_of_1000_per_10min_max = 0
    };
    Gateway::start_with(over).await
}

/// Runs a script while the gateway goes on.
async fn asked(program: String, name: &'static str, work: Value) -> Value {
    let answer = tokio::task::spawn_blocking(move || run(&program, &[&script(name)], &work));
    serde_json::from_str(&answer.await.unwrap()).unwrap()
}

fn shown(delivery: &Delivery) -> Value {
    let names = ["telnyx-timestamp", "telnyx-signature-ed25519"];
    let headers = names.map(|name| (name, delivery.header(name)));
    json!({
        "body": std::str::from_utf8(&delivery.body).unwrap(),
        "headers": headers.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn telnyx_own_sdks_work_unchanged() {
    let gateway = gateway().await;
    let told = Call::get("/v2/public_key").key(&gateway.key);
    let key = told.send(gateway.address).await.expect(200)["data"]["public"].clone();
    assert_eq!(BASE64_STANDARD.decode(key.as_str().unwrap()).unwrap().len(), 32);
    for (nth, (program, name)) in [(python(), "telnyx_sdk.py"), ("node".to_owned(), "telnyx_sdk.js")]
        .into_iter()
        .enumerate()
    {
        let mut subscriber = Subscriber::start(&[]).await;
        let number = gateway.rent("google").await.number;
        let work = json!({ "base_url": format!("http://{}/v2", gateway.address), "api_key": gateway.key, "number": number,
            "name": format!("SDK {nth}"), "webhook_url": subscriber.url });
        let used = asked(program.clone(), name, work).await;
        let bodies = used["bodies"].as_array().unwrap();
        for body in bodies {
            let (method, path) = (body[0].as_str().unwrap(), body[1].as_str().unwrap());
            let status = body[2].as_u64().unwrap().try_into().unwrap();
            let wrong = published::wrong(method, path, (status, &body[3]));
            assert!(wrong.is_empty(), "{name}: {body}: {wrong:#?}");
        }
        assert!(bodies.len() >= 30, "{name}: {}", bodies.len());
        let mut deliveries = Vec::new();
        for _ in 0..4 {
            deliveries.push(shown(&subscriber.next().await));
        }
        let work = json!({ "key": key, "deliveries": deliveries });
        let unwrapped = asked(program, name, work).await;
        assert_eq!(unwrapped["kinds"], json!(vec!["verify.sent"; 4]), "{name}");
        println!(
            "==> telnyx SDK ({name}): {} answers as Telnyx publishes them, 4 webhooks unwrapped",
            bodies.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn the_lines_of_the_contracts_page_run_as_they_stand_there() {
    let gateway = gateway().await;
    let made = Call::post("/v2/verify_profiles", &json!({ "name": "x" })).key(&gateway.key);
    let made = made.send(gateway.address).await.expect(200);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/api/003/page.txt");
    let page = std::fs::read_to_string(page).unwrap();
    let page = page
        .replace("https://api.telnyx.com", &format!("http://{}", gateway.address))
        .replace("YOUR_VERIFY_PROFILE_ID", made["data"]["id"].as_str().unwrap());
    let mut said = Vec::new();
    for piece in page.split("curl -X POST").skip(1) {
        let text = piece.split("\n\n").next().unwrap();
        let output = Command::new("bash")
            .args(["-ec", &format!("curl -sS -X POST{text}")])
            .env("TELNYX_API_KEY", &gateway.key)
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        said.push(answer["data"].clone());
    }
    assert_eq!(said.len(), 2);
    assert_eq!(
        (&said[0]["status"], &said[0]["phone_number"]),
        (&json!("pending"), &json!("+13035551234"))
    );
    assert_eq!(
        said[1],
        json!({ "phone_number": "+13035551234", "response_code": "accepted" })
    );
    println!("==> 2 curl lines of contract 003's page run as they stand there");
}
