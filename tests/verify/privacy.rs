//! Strict privacy: whether a number is blocked, in no allowed country, or none that its provider reaches shows in no byte of an answer; the
//! audit log and the events tell it.

use serde_json::{Value, json};

use super::codes::{carried, check, id, over, post, start, taken};
use super::profiles::{ask, path_of, profile};
use super::triggers::{check_number, trigger};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};

/// One that gets its codes, and those that do not: abroad, a premium number, a denied prefix, and one that its provider says is none.
const REACHED: &str = "+14155550123";
const ABROAD: &str = "+919876543210";
const PREMIUM: &str = "+19005550143";
const DENIED: &str = "+12125550143";
const LANDLINE: &str = "+13125550199";

const STRICT: &str = "privacy = \"strict\"\ndeny_prefixes = [\"+1212\"]\naccount_per_second_max = 0";

fn landline() -> Act {
    Act::Answer(
        400,
        "",
        r#"{"code":21614,"message":"not a mobile number"}"#.into(),
    )
}

/// Status, names of headers, and the body.
type Shape = (u16, Vec<String>, String);

/// An answer without what differs between any two codes: ids, numbers and times.
fn shape(reply: &Reply, number: &str) -> Shape {
    let names = reply.headers.iter().map(|(name, _)| name.clone());
    let text = reply.text().replace(number, "NUMBER");
    let is_id = |word: &str| word.starts_with("ver_") || word.len() == 36 && word.matches('-').count() == 4;
    let is_time = |word: &str| word.len() >= 19 && &word[10..11] == "T" && word.matches(':').count() == 2;
    let same = |word: &str| match () {
        () if is_id(word) => "ID".to_owned(),
        () if is_time(word) => "TIME".to_owned(),
        () => word.to_owned(),
    };
    let words: Vec<_> = text.split('"').map(same).collect();
    (reply.status, names.collect(), words.join("\""))
}

async fn told(gateway: &Gateway, kind: &str) -> Vec<Value> {
    let path = format!("/api/events?types={kind}");
    let page = gateway.get(&path).await.expect(200);
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| event["payload"]["data"].clone()).collect()
}

async fn looked_at(gateway: &Gateway, id: &str) -> Reply {
    let call = super::codes::call(gateway, "GET", &format!("/v1/verify/{id}"));
    call.send(gateway.address).await
}

/// All that a caller of contract 002 can ask of a number and its code.
async fn life_of(gateway: &Gateway, number: &str) -> Vec<Shape> {
    let mut seen = Vec::new();
    let first = start(gateway, number).await;
    seen.push(shape(&first, number));
    let first = id(&first.expect(200));
    seen.push(shape(&looked_at(gateway, &first).await, number));
    seen.push(shape(&check(gateway, &first, "0000").await, number));
    let second = start(gateway, number).await;
    seen.push(shape(&check(gateway, &first, "0000").await, number));
    let second = id(&second.expect(200));
    for _ in 0..6 {
        seen.push(shape(&check(gateway, &second, "0000").await, number));
    }
    seen.push(shape(&looked_at(gateway, &second).await, number));
    for _ in 0..4 {
        seen.push(shape(&start(gateway, number).await, number));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_contract_002_tells_why_a_number_gets_no_code() {
    let provider = Provider::start((1..=5).map(|nth| taken(&format!("SM{nth}")))).await;
    let gateway = Gateway::start_with(carried(&provider.url, STRICT)).await;
    let reached = life_of(&gateway, REACHED).await;
    assert_eq!(provider.got().len(), 5);
    let statuses: Vec<u16> = reached.iter().map(|(status, ..)| *status).collect();
    assert_eq!(
        statuses,
        [
            200, 200, 400, 404, 400, 400, 400, 400, 400, 429, 200, 200, 200, 200, 429
        ],
        "a code, a wrong guess, a newer one, five wrong guesses, and no sixth code in an hour"
    );
    for number in [ABROAD, PREMIUM, DENIED] {
        assert_eq!(life_of(&gateway, number).await, reached, "{number}");
    }
    assert_eq!(provider.got().len(), 5, "nothing was sent");
    (0..5).for_each(|_| provider.then(landline()));
    assert_eq!(life_of(&gateway, LANDLINE).await, reached);
    assert_eq!(provider.got().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_truth_is_told_to_the_account_and_no_code_is_right() {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(carried(&provider.url, STRICT)).await;
    let concealed = id(&start(&gateway, ABROAD).await.expect(200));
    provider.then(landline());
    let refused = id(&start(&gateway, LANDLINE).await.expect(200));
    let blocked = told(&gateway, "verify.blocked").await;
    assert_eq!(
        (&blocked[0]["id"], &blocked[0]["verdict"], &blocked[0]["reasons"]),
        (
            &json!(concealed),
            &json!("blocked"),
            &json!(["country_not_allowed"])
        )
    );
    let failed = told(&gateway, "verify.failed").await;
    assert_eq!(
        (&failed[0]["id"], &failed[0]["reason"]),
        (&json!(refused), &json!("invalid_recipient"))
    );
    let lines = gateway
        .running
        .gateway
        .audit(0, 100)
        .await
        .unwrap()
        .lines
        .join("\n");
    assert!(
        lines.contains(&concealed) && lines.contains("\"blocked\",\"reasons\":[\"country_not_allowed\"]"),
        "{lines}"
    );
    assert!(
        lines.contains("invalid_recipient") && !lines.contains("5550199"),
        "{lines}"
    );
    // Even the very code that would have gone out is wrong.
    let body = provider.got()[0].body.clone();
    let code: String = body.split("Body=").nth(1).unwrap().chars().take(6).collect();
    let wrong = check(&gateway, &refused, &code).await.expect(400);
    assert_eq!(wrong["error"]["code"], "VERIFICATION_FAILED");
    let figures = gateway.get("/api/verify/figures?by=country").await.expect(200);
    let sent: Vec<&Value> = figures["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["sent"])
        .collect();
    assert_eq!(sent, [&json!(0)], "{figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_key_meets_the_same_answer() {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(carried(&provider.url, STRICT)).await;
    let wish = json!({ "to": ABROAD, "channel": "sms" }).to_string();
    let ask = async || {
        let call = super::codes::call(&gateway, "POST", "/v1/verify/start")
            .header("content-type", "application/json")
            .header("idempotency-key", "k1");
        call.body(wish.clone()).send(gateway.address).await.expect(200)
    };
    assert_eq!(ask().await, ask().await);
    assert_eq!(told(&gateway, "verify.blocked").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_may_be_strict_where_the_operator_is_not_and_the_other_way_round() {
    let provider = Provider::start([taken("SM1"), landline()]).await;
    let mut open = carried(&provider.url, "repeated_s = 0");
    let gateway = Gateway::start_with(open.clone()).await;
    let made = profile(&gateway, json!({ "name": "x", "privacy": "strict" })).await;
    assert_eq!(made["privacy"], "strict");
    let mut seen = Vec::new();
    for number in [REACHED, LANDLINE, ABROAD] {
        let begun = trigger(&gateway, "sms", (number, &made), json!({})).await;
        let guess = check_number(&gateway, (number, &made), "00000").await;
        let path = format!("/v2/verifications/by_phone_number/{}", number.replace('+', "%2B"));
        let listed = ask(&gateway, "GET", &path, None).await;
        let own = json!({ "custom_code": "12345" });
        seen.push([begun, guess, listed].map(|reply| shape(&reply, number)));
        if number == ABROAD {
            let begun = trigger(&gateway, "sms", (number, &made), own).await.expect(200);
            let path = format!(
                "/v2/verifications/{}/actions/verify",
                begun["data"]["id"].as_str().unwrap()
            );
            let word = json!({ "status": "accepted" });
            let judged = ask(&gateway, "POST", &path, Some(&word)).await.expect(200);
            assert_eq!(judged["data"]["response_code"], "rejected");
        }
    }
    assert_eq!((&seen[1], &seen[2]), (&seen[0], &seen[0]));
    let path = path_of(&made);
    let told = ask(&gateway, "PATCH", &path, Some(&json!({ "privacy": "open" }))).await;
    assert_eq!(told.expect(200)["data"]["privacy"], "open");
    let wrong = ask(&gateway, "PATCH", &path, Some(&json!({ "privacy": "none" }))).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        trigger(&gateway, "sms", (ABROAD, &made), json!({})).await.status,
        403
    );
    assert_eq!(
        start(&gateway, ABROAD).await.status,
        403,
        "contract 002 is as the operator says"
    );
    open["verify"]
        .as_table_mut()
        .unwrap()
        .insert("privacy".into(), "strict".into());
    let gateway = gateway.restart(open).await;
    assert_eq!(
        trigger(&gateway, "sms", (ABROAD, &made), json!({})).await.status,
        403
    );
    assert_eq!(start(&gateway, ABROAD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_goes_out_again_as_it_is_hides_nothing_and_opens_nothing() {
    let provider = Provider::start([]).await;
    let same = "privacy = \"strict\"\nresend = \"same\"";
    let gateway = Gateway::start_with(carried(&provider.url, same)).await;
    let first = id(&start(&gateway, ABROAD).await.expect(200));
    let again = id(&start(&gateway, ABROAD).await.expect(200));
    assert_eq!(first, again, "as of a number that gets its code twice");
    // Once its country is allowed, it goes out, and counts.
    let mut allowed = over();
    allowed["verify"]
        .as_table_mut()
        .unwrap()
        .extend(toml::from_str::<toml::Table>("resend = \"same\"\ncountries = [\"IN\"]").unwrap());
    let carried = carried(&provider.url, "");
    allowed.insert("provider".into(), carried["provider"].clone());
    let gateway = gateway.restart(allowed).await;
    provider.then(taken("SM1"));
    let third = id(&start(&gateway, ABROAD).await.expect(200));
    assert_eq!(third, first);
    let body = provider.got()[0].body.clone();
    let code: String = body.split("Body=").nth(1).unwrap().chars().take(6).collect();
    check(&gateway, &third, &code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_ones_secret_is_told_as_ever() {
    let provider = Provider::start([taken("SM1"), Act::Answer(401, "", "{\"code\":20003}".into())]).await;
    let strict = "privacy = \"strict\"\nspend_day_max = \"0.1000\"\nprice = \"0.0500\"";
    let gateway = Gateway::start_with(carried(&provider.url, strict)).await;
    start(&gateway, REACHED).await.expect(200);
    let down = start(&gateway, LANDLINE).await;
    assert_eq!(down.status, 502, "its provider's fault is no word on a number");
    let wish = json!({ "to": "+1415", "channel": "sms" });
    assert_eq!(post(&gateway, "/v1/verify/start", &wish).await.status, 400);
    let stranger = Call::get("/v1/verify/ver_00000000000000000000000000000000");
    assert_eq!(stranger.send(gateway.address).await.status, 401);
}
