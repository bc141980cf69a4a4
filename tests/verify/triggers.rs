//! Contract 003's codes: sent as a profile says, looked at, checked by number and by id; every answer is held to the published schema.

use serde_json::{Value, json};

use super::codes::{carried, gateway, other_than, over, taken};
use super::profiles::{ask, fault, profile};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::openapi;
use crate::support::provider::{Act, Provider};

const TO: &str = "+14155550123";

pub fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// Asks for a code by this profile, with more members.
pub async fn trigger(gateway: &Gateway, kind: &str, (to, profile): (&str, &Value), more: Value) -> Reply {
    let mut wish = json!({ "phone_number": to, "verify_profile_id": profile["id"] });
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    ask(gateway, "POST", &format!("/v2/verifications/{kind}"), Some(&wish)).await
}

pub async fn check_number(gateway: &Gateway, (to, profile): (&str, &Value), code: &str) -> Reply {
    let path = format!("/v2/verifications/by_phone_number/{to}/actions/verify");
    let body = json!({ "code": code, "verify_profile_id": profile["id"] });
    ask(gateway, "POST", &path, Some(&body)).await
}

async fn is_accepted(gateway: &Gateway, of: (&str, &Value), code: &str) -> bool {
    let answer = check_number(gateway, of, code).await.expect(200);
    assert_eq!(answer["data"]["phone_number"], of.0);
    answer["data"]["response_code"] == "accepted"
}

async fn check_id(gateway: &Gateway, verification: &Value, body: Value) -> Reply {
    let path = format!("/v2/verifications/{}/actions/verify", id(verification));
    ask(gateway, "POST", &path, Some(&body)).await
}

async fn status(gateway: &Gateway, verification: &Value) -> String {
    let path = format!("/v2/verifications/{}", id(verification));
    let found = ask(gateway, "GET", &path, None).await.expect(200);
    found["data"]["status"].as_str().unwrap().to_owned()
}

async fn listed(gateway: &Gateway, to: &str) -> Vec<Value> {
    let path = format!("/v2/verifications/by_phone_number/{to}");
    let list = ask(gateway, "GET", &path, None).await.expect(200);
    let data = list["data"].as_array().unwrap().clone();
    assert_eq!(list["meta"]["total_results"], data.len());
    data
}

/// A number of our own, which is rented: what is sent to it comes in.
pub async fn rented(gateway: &Gateway) -> (String, String) {
    let rental = gateway.rent("google").await;
    (rental.path("/messages"), rental.number)
}

/// The texts that a rented number got.
async fn texts(gateway: &Gateway, messages: &str) -> Vec<String> {
    let got = gateway.get(messages).await.expect(200);
    let texts = got["messages"].as_array().unwrap().iter();
    texts
        .map(|message| message["smsContent"].as_str().unwrap().to_owned())
        .collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_sent_as_its_profile_says_and_checked_by_its_number() {
    let gateway = gateway().await;
    let template =
        json!({ "text": "{{app_name}} says {{code}}, for {{default_verification_timeout_secs}} minutes" });
    let template = ask(&gateway, "POST", "/v2/verify_profiles/templates", Some(&template)).await;
    let sms = json!({ "app_name": "Our App", "code_length": 7, "default_verification_timeout_secs": 120,
        "messaging_template_id": template.expect(200)["data"]["id"] });
    let made = profile(&gateway, json!({ "name": "x", "sms": sms })).await;
    let (messages, number) = rented(&gateway).await;
    let begun = trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    let expected = json!({ "id": begun["id"], "record_type": "verification", "type": "sms", "status": "pending", "phone_number": number,
        "verify_profile_id": made["id"], "timeout_secs": 120, "custom_code": null, "created_at": begun["created_at"],
        "updated_at": begun["updated_at"] });
    assert_eq!(begun, expected);
    let text = texts(&gateway, &messages).await.remove(0);
    let code = text["Our App says ".len()..][..7].to_owned();
    assert_eq!(text, format!("Our App says {code}, for 2 minutes"));

    let encoded = number.replace('+', "%2B");
    assert_eq!(listed(&gateway, &number).await, listed(&gateway, &encoded).await);
    assert!(!is_accepted(&gateway, (&number, &made), &other_than(&code)).await);
    assert_eq!(status(&gateway, &begun).await, "pending");
    assert!(is_accepted(&gateway, (&number, &made), &code).await);
    assert!(!is_accepted(&gateway, (&number, &made), &code).await, "once");
    assert_eq!(status(&gateway, &begun).await, "accepted");
    assert_eq!(listed(&gateway, &number).await[0]["status"], "accepted");
    assert!(listed(&gateway, "+12025550199").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_codes_make_it_invalid_and_a_new_trigger_takes_its_place() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x", "call": { "code_length": 4 } })).await;
    let (messages, number) = rented(&gateway).await;
    let first = trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    let code = digits(&texts(&gateway, &messages).await[0]);
    assert_eq!(code.len(), 5, "as by default");
    let other = profile(&gateway, json!({ "name": "y" })).await;
    assert!(
        !is_accepted(&gateway, (&number, &other), &code).await,
        "another profile's"
    );
    for _ in 0..5 {
        let wrong = check_id(&gateway, &first, json!({ "code": other_than(&code) })).await;
        assert_eq!(wrong.expect(200)["data"]["response_code"], "rejected");
    }
    assert_eq!(status(&gateway, &first).await, "invalid");
    assert!(!is_accepted(&gateway, (&number, &made), &code).await);
    let second = trigger(&gateway, "call", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    assert_eq!(second["type"], "call");
    let third = trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    assert_eq!(
        status(&gateway, &second).await,
        "expired",
        "a newer one took its place"
    );
    let ids: Vec<Value> = listed(&gateway, &number)
        .await
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    let expected = [&third, &second, &first].map(|one| one["id"].clone());
    assert_eq!(ids, expected);
    let code = digits(&texts(&gateway, &messages).await.pop().unwrap());
    assert!(is_accepted(&gateway, (&number, &made), &code).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_the_callers_own_is_told_again_and_judged_by_its_word() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (messages, number) = rented(&gateway).await;
    let own = json!({ "custom_code": "0043612", "timeout_secs": 60 });
    let begun = trigger(&gateway, "sms", (&number, &made), own).await.expect(200)["data"].clone();
    assert_eq!(
        (&begun["custom_code"], &begun["timeout_secs"]),
        (&json!("0043612"), &json!(60))
    );
    assert_eq!(listed(&gateway, &number).await[0]["custom_code"], "0043612");
    assert!(texts(&gateway, &messages).await[0].contains("0043612"));
    let word = check_id(&gateway, &begun, json!({ "status": "rejected" })).await;
    assert_eq!(word.expect(200)["data"]["response_code"], "rejected");
    assert_eq!(status(&gateway, &begun).await, "invalid");
    let own = json!({ "custom_code": "1234" });
    let begun = trigger(&gateway, "sms", (&number, &made), own).await.expect(200)["data"].clone();
    for (said, status) in [("accepted", "accepted"), ("accepted", "rejected")] {
        let word = check_id(&gateway, &begun, json!({ "status": said })).await;
        assert_eq!(word.expect(200)["data"]["response_code"], status, "once");
    }
    assert_eq!(status(&gateway, &begun).await, "accepted");
    let drawn = trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    for (body, expected) in [
        (json!({ "status": "accepted" }), ("10015", "/status")),
        (json!({}), ("10004", "/code")),
        (json!({ "status": "maybe" }), ("10015", "/status")),
        (json!({ "code": "1", "status": "accepted" }), ("10015", "/status")),
        (json!({ "code": 1 }), ("10015", "/code")),
    ] {
        let refused = check_id(&gateway, &drawn, body).await;
        assert_eq!(
            (refused.status, fault(&refused)),
            (400, (expected.0.into(), expected.1.into()))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_wish_again_is_the_one_before() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (messages, number) = rented(&gateway).await;
    let wishes = (0..8).map(|_| trigger(&gateway, "sms", (&number, &made), json!({})));
    let answers = futures_util::future::join_all(wishes).await;
    let first = answers[0].json()["data"]["id"].clone();
    assert!(
        answers
            .iter()
            .all(|answer| answer.expect(200)["data"]["id"] == first)
    );
    assert_eq!(texts(&gateway, &messages).await.len(), 1, "sent once");
    for more in [json!({ "custom_code": "1234" }), json!({ "custom_code": "1235" })] {
        let other = trigger(&gateway, "sms", (&number, &made), more).await.expect(200);
        assert_ne!(other["data"]["id"], first);
    }
    let mut over = over();
    over["verify"]
        .as_table_mut()
        .unwrap()
        .insert("repeated_s".into(), 0.into());
    let gateway = gateway.restart(over).await;
    let again = [(); 2].map(|()| trigger(&gateway, "sms", (&number, &made), json!({})));
    let ids = futures_util::future::join_all(again).await;
    assert_ne!(ids[0].expect(200)["data"]["id"], ids[1].expect(200)["data"]["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profiles_destinations_and_its_spend_limit_hold() {
    let provider = Provider::start([taken("SM1"), taken("SM2"), taken("SM3")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "repeated_s = 0\nprice = \"0.0500\"")).await;
    let wish = json!({ "name": "x", "daily_spend_limit": 0.1, "daily_spend_limit_enabled": true,
        "sms": { "whitelisted_destinations": ["US"] }, "call": { "whitelisted_destinations": ["CA"] } });
    let made = profile(&gateway, wish).await;
    let abroad = trigger(&gateway, "call", (TO, &made), json!({})).await;
    assert_eq!((abroad.status, fault(&abroad).0.as_str()), (403, "10010"));
    for _ in 0..2 {
        trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200);
    }
    let third = trigger(&gateway, "sms", (TO, &made), json!({})).await;
    assert_eq!((third.status, fault(&third).0.as_str()), (429, "10011"));
    assert_eq!(third.header("x-should-retry"), Some("false"));
    assert!(third.header("retry-after").is_some());
    assert_eq!(provider.got().len(), 2, "nothing more was sent");
    let path = super::profiles::path_of(&made);
    let free = json!({ "daily_spend_limit_enabled": false });
    ask(&gateway, "PATCH", &path, Some(&free)).await.expect(200);
    trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200);
    assert_eq!(provider.got().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_provider_takes_is_an_answer_and_costs_nothing() {
    let refused = || Act::Answer(400, "", r#"{"code":21211,"message":"no such number"}"#.into());
    let provider = Provider::start([refused(), refused(), taken("SM1")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "repeated_s = 0\nprice = \"0.0500\"")).await;
    let wish = json!({ "name": "x", "daily_spend_limit": 0.05, "daily_spend_limit_enabled": true });
    let made = profile(&gateway, wish).await;
    for expected in ["error", "error", "pending"] {
        let begun = trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200);
        assert_eq!(begun["data"]["status"], expected);
    }
    for kind in ["flashcall", "whatsapp", "call"] {
        let nobody = trigger(&gateway, kind, ("+14155550124", &made), json!({})).await;
        assert_eq!(
            nobody.status,
            429,
            "{kind}: the limit is reached: {}",
            nobody.text()
        );
    }
}

/// What is said to this by a verification's id, beyond what Telnyx publishes.
async fn said_by_id(gateway: &Gateway, verification: &Value, body: Value) -> Value {
    let path = format!("/v2/verifications/{}/actions/verify", id(verification));
    let reply = Call::post(&path, &body)
        .key(&gateway.key)
        .send(gateway.address)
        .await;
    assert_eq!(openapi::wrong("POST", &path, &reply), Vec::<String>::new());
    reply.expect(200)["data"]["response_code"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_nothing_was_compared_is_told_by_id_where_it_may_be_and_never_by_number() {
    let mut over = over();
    let four = toml::toml! { response_codes = "four" };
    over["verify"].as_table_mut().unwrap().extend(four);
    let gateway = Gateway::start_with(over).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (_, number) = rented(&gateway).await;
    let by_number = async |code: &'static str| {
        let answer = check_number(&gateway, (&number, &made), code).await.expect(200);
        answer["data"]["response_code"].clone()
    };
    let begun = async |code: &str| {
        let own = json!({ "custom_code": code });
        trigger(&gateway, "sms", (&number, &made), own).await.expect(200)["data"].clone()
    };
    assert_eq!(by_number("12345").await, "rejected", "none was sent");
    let (replaced, guessed) = (begun("12345").await, begun("54321").await);
    for body in [
        json!({ "code": "12345" }),
        json!({ "code": "no" }),
        json!({ "status": "accepted" }),
    ] {
        assert_eq!(said_by_id(&gateway, &replaced, body).await, "expired");
    }
    let no = json!({ "status": "rejected" });
    assert_eq!(
        said_by_id(&gateway, &replaced, no).await,
        "rejected",
        "by the caller's own word"
    );
    for _ in 0..5 {
        let wrong = said_by_id(&gateway, &guessed, json!({ "code": "11111" })).await;
        assert_eq!(wrong, "rejected", "it was compared");
    }
    let late = said_by_id(&gateway, &guessed, json!({ "code": "54321" })).await;
    assert_eq!(late, "max_attempts_exceeded");
    assert_eq!(by_number("54321").await, "rejected");

    let right = begun("99999").await;
    let code = || json!({ "code": "99999" });
    assert_eq!(
        said_by_id(&gateway, &right, json!({ "code": "no" })).await,
        "rejected",
        "it is pending"
    );
    assert_eq!(said_by_id(&gateway, &right, code()).await, "accepted");
    assert_eq!(
        said_by_id(&gateway, &right, code()).await,
        "rejected",
        "it is used, and not over in time"
    );
    assert_eq!(by_number("99999").await, "rejected");
    let judged = begun("77777").await;
    said_by_id(&gateway, &judged, json!({ "status": "rejected" })).await;
    assert_eq!(
        said_by_id(&gateway, &judged, json!({ "code": "77777" })).await,
        "rejected",
        "nobody guessed"
    );
}
