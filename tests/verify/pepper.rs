//! A pepper is replaced while codes that were made with it are under way: they are checked and told again by it, new ones are made with the
//! newer, and limits, names and webhooks' keys stay. Once it is taken away, what was made with it is over.

use std::fs;

use ringback::core::sending::Channel;
use ringback::core::verification::Status;
use serde_json::{Value, json};
use toml::Table;

use super::codes::{check, id, over, start, status};
use super::house::{Choice, House, step};
use super::profiles::{ask, profile};
use super::triggers::{check_number, rented, trigger};
use crate::support::gateway::Gateway;

/// Codes by these peppers; of the data folder where it names none.
fn peppered(newest: &str, before: &str) -> Table {
    let mut over = over();
    let verify = over["verify"].as_table_mut().unwrap();
    verify.insert("pepper".into(), newest.repeat(32).into());
    verify.insert("pepper_before".into(), before.repeat(32).into());
    over
}

async fn code(gateway: &Gateway, messages: &str) -> String {
    let got = gateway.get(messages).await.expect(200);
    let text = got["messages"][0]["smsContent"].as_str().unwrap();
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A code is sent to a number that is rented for it: its verification, and the code.
async fn sent(gateway: &Gateway) -> (String, String, String) {
    let (messages, number) = rented(gateway).await;
    let begun = id(&start(gateway, &number).await.expect(200));
    (begun, code(gateway, &messages).await, number)
}

async fn audited(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.running.gateway.audit(0, 1000).await.unwrap();
    let read = page.lines.iter().map(|line| serde_json::from_str(line).unwrap());
    read.collect()
}

async fn public_key(gateway: &Gateway) -> Value {
    gateway.get("/v2/public_key").await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_rotation_an_old_code_and_a_new_one_are_right() {
    let gateway = Gateway::start_with(peppered("07", "")).await;
    let (old, old_code, number) = sent(&gateway).await;
    let key = public_key(&gateway).await;
    let gateway = gateway.restart(peppered("08", "07")).await;
    let (new, new_code, _) = sent(&gateway).await;
    // Two started, none of them with the other's pepper.
    assert_eq!(status(&gateway, &old).await["status"], "pending");
    check(&gateway, &old, &new_code).await.expect(400);
    check(&gateway, &old, &old_code).await.expect(200);
    check(&gateway, &new, &new_code).await.expect(200);
    check(&gateway, &old, &old_code).await.expect(404);
    assert_eq!(public_key(&gateway).await, key, "webhooks' key stays");
    let again = id(&start(&gateway, &number).await.expect(200));
    let lines = audited(&gateway).await;
    let person = |of: &str| {
        let mut lines = lines.iter().filter(|line| line["verification"] == of);
        lines.next().unwrap()["person"].clone()
    };
    assert_eq!(person(&again), person(&old), "who it is stays");
    assert_ne!(person(&new), person(&old));
    // The newer one alone is enough for what was made with it.
    let (left, left_code, _) = sent(&gateway).await;
    let gateway = gateway.restart(peppered("08", "")).await;
    check(&gateway, &left, &left_code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_count_on_over_a_rotation() {
    let gateway = Gateway::start_with(peppered("07", "")).await;
    let (_, number) = rented(&gateway).await;
    for _ in 0..3 {
        start(&gateway, &number).await.expect(200);
    }
    let gateway = gateway.restart(peppered("08", "07")).await;
    for _ in 0..2 {
        start(&gateway, &number).await.expect(200);
    }
    start(&gateway, &number).await.expect(429);
    let gateway = gateway.restart(peppered("08", "")).await;
    start(&gateway, &number).await.expect(429);
    let gateway = gateway.restart(peppered("09", "08")).await;
    start(&gateway, &number).await.expect(429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_count_on_over_a_rotation() {
    let gateway = Gateway::start_with(peppered("07", "")).await;
    let (begun, right, _) = sent(&gateway).await;
    let wrong = super::codes::other_than(&right);
    for _ in 0..3 {
        check(&gateway, &begun, &wrong).await.expect(400);
    }
    let gateway = gateway.restart(peppered("08", "07")).await;
    for _ in 0..2 {
        check(&gateway, &begun, &wrong).await.expect(400);
    }
    check(&gateway, &begun, &right).await.expect(429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_pepper_a_code_is_over_and_says_so_once() {
    let gateway = Gateway::start_with(peppered("07", "")).await;
    let (old, old_code, _) = sent(&gateway).await;
    let gateway = gateway.restart(peppered("08", "")).await;
    assert_eq!(status(&gateway, &old).await["status"], "pending");
    for _ in 0..2 {
        let answer = check(&gateway, &old, &old_code).await.expect(404);
        assert_eq!(answer["error"]["code"], "NOT_FOUND");
    }
    let seen = status(&gateway, &old).await;
    assert_eq!(
        (&seen["status"], &seen["attempts"]),
        (&json!("expired"), &json!(0))
    );
    let lines = audited(&gateway).await;
    let gone = lines
        .iter()
        .filter(|line| line["reasons"] == json!(["pepper_gone"]));
    let told: Vec<_> = gone
        .map(|line| (&line["action"], &line["verdict"], &line["verification"]))
        .collect();
    assert_eq!(told, [(&json!("expire"), &json!("expired"), &json!(old))]);
    let (new, new_code, _) = sent(&gateway).await;
    check(&gateway, &new, &new_code).await.expect(200);
}

/// On a phone-addressed route it is answered as one that never was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_pepper_a_code_is_nothing_by_its_number() {
    let gateway = Gateway::start_with(peppered("07", "")).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (messages, number) = rented(&gateway).await;
    trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200);
    let code = code(&gateway, &messages).await;
    let gateway = gateway.restart(peppered("08", "")).await;
    let path = format!("/v2/verifications/by_phone_number/{number}");
    for status in ["pending", "expired"] {
        let list = ask(&gateway, "GET", &path, None).await.expect(200);
        assert_eq!(list["data"][0]["status"], status);
        let answer = check_number(&gateway, (&number, &made), &code).await;
        let nothing = check_number(&gateway, ("+12025550199", &made), &code).await;
        let answer = answer.expect(200)["data"]["response_code"].clone();
        assert_eq!(answer, nothing.expect(200)["data"]["response_code"]);
        assert_eq!(answer, "rejected");
    }
}

/// As docs/pepper.md says: the file is given another name, and the next start makes a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pepper_of_the_data_folder_is_replaced_by_renaming_it() {
    let gateway = Gateway::start_with(over()).await;
    let (old, old_code, _) = sent(&gateway).await;
    let [newest, before] = ["verify.pepper", "verify.pepper.before"].map(|name| gateway.data().join(name));
    let first = fs::read_to_string(&newest).unwrap();
    fs::rename(&newest, &before).unwrap();
    let gateway = gateway.restart(over()).await;
    assert_ne!(fs::read_to_string(&newest).unwrap(), first);
    let (new, new_code, _) = sent(&gateway).await;
    check(&gateway, &old, &old_code).await.expect(200);
    fs::remove_file(&before).unwrap();
    let gateway = gateway.restart(over()).await;
    check(&gateway, &new, &new_code).await.expect(200);
}

/// Codes that go on, or out once more, are the same codes.
#[tokio::test]
async fn a_code_goes_on_as_the_same_over_a_rotation() {
    let way = |pepper, pepper_before| Choice {
        fallback: vec![step(Channel::Sms, Some(30)), step(Channel::Voice, None)],
        pepper,
        pepper_before,
        ..Choice::default()
    };
    let house = House::new(&way(7, None)).await;
    let begun = house.start("+12025550143").await.unwrap();
    let house = house.restarted(&way(8, Some(7)));
    house.pass(30_000).await;
    assert_eq!(house.channels(), [Channel::Sms, Channel::Voice]);
    let approved = house.check(&begun, house.code()).await.unwrap();
    assert_eq!(approved.status, Status::Approved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_out_again_as_the_same_over_a_rotation() {
    let same = |newest, before| {
        let mut over = peppered(newest, before);
        let verify = over["verify"].as_table_mut().unwrap();
        verify.insert("resend".into(), "same".into());
        over
    };
    let gateway = Gateway::start_with(same("07", "")).await;
    let (begun, code, number) = sent(&gateway).await;
    let gateway = gateway.restart(same("08", "07")).await;
    assert_eq!(id(&start(&gateway, &number).await.expect(200)), begun);
    check(&gateway, &begun, &code).await.expect(200);
    // Where its pepper is gone, it is another verification with another code.
    let (begun, _, number) = sent(&gateway).await;
    let gateway = gateway.restart(same("09", "")).await;
    assert_ne!(id(&start(&gateway, &number).await.expect(200)), begun);
    assert_eq!(status(&gateway, &begun).await["status"], "expired");
}
