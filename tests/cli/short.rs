//! An operator whose accounts ask for codes of fewer than six digits reads so in the log, once for each account and profile.

use serde_json::{Value, json};

use super::process::{Home, Running};
use crate::support::client::{Call, Reply};

async fn made_key(home: &Home, serving: &Value) -> String {
    let admin = format!("http://{}", serving["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let words = ["keys", "create", "--account", "acme"];
    let words = [&words[..], &["--admin-url", &admin, "--data", &data]].concat();
    home.run(&words).await.out.trim().to_owned()
}

/// Profiles that were warned of until the gateway stopped, and how short their codes are.
async fn warnings(serving: &mut Running) -> Vec<(String, u64)> {
    let mut told = Vec::new();
    loop {
        let line = serving.log_line().await;
        let (said, fields) = (line["fields"]["message"].as_str().unwrap(), &line["fields"]);
        if said.contains("fewer than 6 digits") {
            assert_eq!(
                (&line["level"], &fields["account"]),
                (&json!("WARN"), &json!("acme"))
            );
            let profile = fields["profile"].as_str().unwrap().to_owned();
            told.push((profile, fields["digits"].as_u64().unwrap()));
        }
        if said == "stopped" {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_codes_are_warned_of_once() {
    let home = Home::new();
    let (mut serving, fields) = home.serve(&[]).await;
    let key = made_key(&home, &fields).await;
    let address: std::net::SocketAddr = fields["address"].as_str().unwrap().parse().unwrap();
    let post = async |method: &str, path: &str, body: Value| -> Reply {
        let call = Call::new(method, path).key(&key).header("x-tenant-id", "acme");
        let call = call.header("content-type", "application/json");
        call.body(body.to_string()).send(address).await
    };
    let profile = |digits: u8| json!({ "name": "x", "sms": { "code_length": digits } });
    let long = post("POST", "/v2/verify_profiles", profile(6)).await.expect(200);
    let short = post("POST", "/v2/verify_profiles", profile(4)).await.expect(200);
    let ids = [&long, &short].map(|made| made["data"]["id"].as_str().unwrap().to_owned());
    let path = format!("/v2/verify_profiles/{}", ids[0]);
    post("PATCH", &path, json!({ "sms": { "code_length": 5 } }))
        .await
        .expect(200);
    let start = |number: &str, digits: u8| {
        let wish = json!({ "to": number, "channel": "sms", "code_length": digits });
        post("POST", "/v1/verify/start", wish)
    };
    // Nobody carries them: they are made all the same.
    start("+14155550120", 6).await.expect(502);
    start("+14155550121", 5).await.expect(502);
    start("+14155550122", 4).await.expect(502);
    let trigger = json!({ "phone_number": "+14155550123", "verify_profile_id": ids[1] });
    post("POST", "/v2/verifications/sms", trigger).await.expect(200);

    serving.terminate().await;
    let told = warnings(&mut serving).await;
    assert_eq!(
        told,
        [(ids[1].clone(), 4), (ids[0].clone(), 5), (String::new(), 5)]
    );
    serving.end().await;
}
