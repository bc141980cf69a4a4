//! Requests to `/inbound/{source}` that no carrier of ours made, and messages that nobody waits for.

use ringback::carrier::simulate::{Draft, SignedRequest, Signer};
use ringback::clock::Clock;
use ringback::core::signature::{self, SigningKey};
use ringback::core::time::UnixMs;

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, call, draft, request, request_at};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

const TEXT: &str = "Your code is 100200.";
const ALL: [&str; 3] = [TELNYX, TWILIO, STANDARD];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_not_signed_now_by_this_source_are_refused_alike() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    let sms = draft("m-1", &rental.number, TEXT);
    let mut answers = Vec::new();
    for (what, call) in unsigned(&sms) {
        let reply = call.send(gateway.address).await;
        assert_refused(
            &what,
            &reply,
            refusal(401, "unauthorized", "not signed by a key of this source"),
        );
        held.assert_untouched(&gateway, &what).await;
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "every reason looks the same from outside");
    assert_eq!(
        gateway.get(&rental.path("/code?wait=0")).await.json()["status"],
        "pending"
    );
    assert_eq!(carrier::post(gateway.address, TELNYX, &sms).await.status, 204);
}

fn unsigned(sms: &Draft) -> Vec<(String, Call)> {
    let mut all = Vec::new();
    for source in ALL {
        let honest = request(source, sms);
        let bare = SignedRequest {
            headers: honest.headers[..1].to_vec(),
            ..honest.clone()
        };
        all.push((format!("{source}: no signature"), call(source, &bare)));
        all.push((
            format!("{source}: another text"),
            carrier::forged(source, sms, "Your code is 999999."),
        ));
        let wrong = honest
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), spoiled(name, value)));
        let wrong = SignedRequest {
            headers: wrong.collect(),
            ..honest.clone()
        };
        all.push((format!("{source}: a wrong signature"), call(source, &wrong)));
        let other = if source == TELNYX { STANDARD } else { TELNYX };
        all.push((
            format!("{source}: signed by {other}"),
            call(source, &request(other, sms)),
        ));
        let doubled = honest
            .headers
            .iter()
            .skip(1)
            .fold(call(source, &honest), |call, (n, v)| call.header(n, v));
        all.push((format!("{source}: the fields twice"), doubled));
    }
    let now = Clock::System.now();
    for (what, at) in [
        ("old", now.minus_ms(330_000)),
        ("early", now.plus_ms(330_000)),
        ("ancient", UnixMs(0)),
    ] {
        for source in [TELNYX, STANDARD] {
            all.push((
                format!("{source}: {what}"),
                call(source, &request_at(source, sms, at)),
            ));
        }
    }
    all.push(("twilio: posted as JSON".into(), as_json(sms)));
    all.push(("telnyx: a GET".into(), Call::get("/inbound/telnyx")));
    all
}

/// The value with one letter of its signature changed.
fn spoiled(name: &str, value: &str) -> String {
    if !name.contains("signature") {
        return value.to_owned();
    }
    let (head, tail) = value.split_at(value.len() - 8);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    format!("{head}{other}{}", &tail[1..])
}

fn as_json(sms: &Draft) -> Call {
    let honest = request(TWILIO, sms);
    let headers = honest.headers.iter().map(|(name, value)| match name.as_str() {
        "content-type" => (name.clone(), "application/json".to_owned()),
        _ => (name.clone(), value.clone()),
    });
    call(
        TWILIO,
        &SignedRequest {
            headers: headers.collect(),
            ..honest
        },
    )
}

/// Any bytes, signed as the standard source's carrier would.
fn signed_body(body: &[u8]) -> Call {
    let Signer::StandardWebhooks { secret } = carrier::signer(STANDARD) else {
        unreachable!("it was made so")
    };
    let key: SigningKey = secret.parse().unwrap();
    let now_s = i64::try_from(Clock::System.now().secs()).unwrap();
    let signature = signature::sign(&[key], "msg_1", now_s, body);
    Call::new("POST", "/inbound/standard")
        .header("content-type", "application/json")
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", &now_s.to_string())
        .header("webhook-signature", &signature)
        .body(body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_request_that_is_no_message_is_refused_whole() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    let good = format!(
        r#"{{"type":"sms.received","data":{{"id":"1","from":"+12025550199","to":"{}","text":"code 123456"}}}}"#,
        rental.number
    );
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("malformed", b"{\"type\":".to_vec()),
        ("cut off", good.as_bytes()[..good.len() - 5].to_vec()),
        (
            "not UTF-8",
            [b"{\"type\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat(),
        ),
        ("too deep", deep.into_bytes()),
        (
            "a member twice",
            good.replace(r#""from""#, r#""to":"+12025550100","from""#)
                .into_bytes(),
        ),
        (
            "no text",
            good.replace(r#","text":"code 123456""#, "").into_bytes(),
        ),
        (
            "a number as the text",
            good.replace(r#""code 123456""#, "123456").into_bytes(),
        ),
        ("more after the end", format!("{good}{{}}").into_bytes()),
    ];
    for (what, body) in bodies {
        let reply = signed_body(&body).send(gateway.address).await;
        assert_refused(
            what,
            &reply,
            refusal(422, "unprocessable", "signed, but it is no message"),
        );
        held.assert_untouched(&gateway, what).await;
    }
    assert_eq!(
        signed_body(good.as_bytes()).send(gateway.address).await.status,
        204,
        "the good one passes"
    );
    assert_eq!(
        gateway.get(&rental.path("/code?wait=0")).await.json()["otpCode"],
        "123456"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_source_and_a_wrong_method_are_told_apart() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let sms = draft("m-1", "+12025550100", TEXT);
    for source in ["nobody", "Telnyx", "telnyx%00", "..", ""] {
        let call = call(source, &request(TELNYX, &sms));
        let reply = call.send(gateway.address).await;
        assert_refused(
            source,
            &reply,
            refusal(404, "not-found", "No source of this name"),
        );
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = Call::new(method, "/inbound/telnyx").send(gateway.address).await;
        assert_refused(method, &reply, refusal(405, "method-not-allowed", "GET, POST"));
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    }
    held.assert_untouched(&gateway, "unknown sources").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_waits_for_is_accepted_and_kept_apart() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let before = Holdings::of(&gateway);
    let strange = [
        "+14045550100",
        "+12025550149",
        "not a number",
        "0",
        "+1202555014900000000",
        "\u{202e}12",
    ];
    for (at, to) in strange.iter().enumerate() {
        let reply = carrier::post(gateway.address, STANDARD, &draft(&format!("m-{at}"), to, TEXT)).await;
        assert_eq!(reply.status, 204, "{to:?}: a carrier would only send it again");
    }
    let kept = gateway.running.gateway.store().unmatched(None, 100).unwrap();
    assert_eq!(kept.len(), strange.len());
    assert!(
        kept.iter()
            .all(|message| message.text == TEXT && message.code.is_none())
    );
    assert_eq!(
        gateway.get(&rental.path("/code?wait=0")).await.json()["status"],
        "pending"
    );
    let after = Holdings::of(&gateway);
    assert_ne!(before, after);
    after.assert_untouched(&gateway, "unknown numbers").await;
}
