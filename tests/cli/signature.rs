//! `sign` and `verify-signature`, offline: both versions, rotation, files and standard input, and a reason for each refusal.

use ringback::core::signature::{Scheme, SigningKey};

use super::process::{Ended, Home};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The vector of the Standard Webhooks libraries.
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY: &str = "{\"test\": 2432232314}";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn headers(signed: &Ended) -> &str {
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    &signed.out
}

#[tokio::test]
async fn the_published_vector_is_signed_and_believed() {
    let home = Home::new();
    let body = home.write("body", BODY);
    let at = ["--id", ID, "--timestamp", "1614265330"];
    let expected =
        format!("webhook-id: {ID}\nwebhook-timestamp: 1614265330\nwebhook-signature: {SIGNATURE}\n");
    let by_file = home
        .run(&[&["sign", "--secret", SECRET, &body][..], &at].concat())
        .await;
    assert_eq!(headers(&by_file), expected);
    let by_stdin = home
        .run_with(
            &[&["sign", "--secret", "env:KEY"][..], &at].concat(),
            BODY,
            &[("KEY", SECRET)],
        )
        .await;
    assert_eq!(headers(&by_stdin), expected);
    let verify = [
        "verify-signature",
        "--key",
        SECRET,
        "--signature",
        SIGNATURE,
        "--at",
        "1614265400",
    ];
    let believed = home.run(&[&verify[..], &at, &[&body]].concat()).await;
    assert!(
        believed.code == Some(0) && believed.out.starts_with("ok"),
        "{believed:?}"
    );
}

#[tokio::test]
async fn both_versions_rotate_in_one_header_and_each_key_believes_it() {
    let home = Home::new();
    let asymmetric = SigningKey::from_random(Scheme::V1a, [5; 32]);
    let public = asymmetric.public().unwrap().to_string();
    let old = SigningKey::from_random(Scheme::V1, [6; 32]).to_string();
    let asymmetric = home.write("key", &asymmetric.to_string());
    let sign = [
        "sign",
        "--secret",
        SECRET,
        "--secret",
        &format!("file:{asymmetric}"),
        "--secret",
        &old,
    ];
    let signed = home.run_with(&sign, BODY, &[]).await;
    let signatures = headers(&signed).lines().last().unwrap().matches(',').count();
    assert_eq!(signatures, 3, "{}", signed.out);
    let received = home.write(
        "headers",
        &format!(
            "HTTP/1.1 200 OK\r\nhost: x\r\n{}",
            signed.out.replace("webhook-", "Webhook-")
        ),
    );
    for key in [SECRET, &public, &old] {
        let believed = home
            .run_with(
                &["verify-signature", "--key", key, "--headers", &received, "-"],
                BODY,
                &[],
            )
            .await;
        assert_eq!(believed.code, Some(0), "{}", believed.err);
    }
}

#[tokio::test]
async fn every_refusal_has_its_reason() {
    let home = Home::new();
    let stranger = SigningKey::from_random(Scheme::V1a, [9; 32])
        .public()
        .unwrap()
        .to_string();
    let good = [
        "--key",
        SECRET,
        "--id",
        ID,
        "--timestamp",
        "1614265330",
        "--signature",
        SIGNATURE,
        "--at",
        "1614265330",
    ];
    let with = |name: &str, value: &str| {
        let mut arguments: Vec<String> = good.iter().map(|text| (*text).to_owned()).collect();
        let place = arguments.iter().position(|text| text == name).unwrap();
        arguments[place + 1] = value.to_owned();
        arguments
    };
    let cases = [
        (with("--at", "1614265631"), BODY, 5, "more than 300 s from now"),
        (with("--signature", "v1,AAAA"), BODY, 5, "no signature matches"),
        (with("--signature", ""), BODY, 5, "webhook-signature is missing"),
        (with("--id", "a.b"), BODY, 5, "contains a dot"),
        (with("--timestamp", "soon"), BODY, 5, "not a whole number"),
        (with("--key", &stranger), BODY, 5, "no signature matches"),
        (
            with("--at", "1614265330"),
            "{\"test\": 1}",
            5,
            "no signature matches",
        ),
        (with("--key", "whsec_AAAA"), BODY, 2, "24 to 64"),
        (with("--key", "secret"), BODY, 2, "no known prefix"),
        (with("--key", "env:NOT_THERE"), BODY, 2, "NOT_THERE"),
    ];
    for (arguments, body, code, says) in cases {
        let arguments: Vec<&str> = std::iter::once("verify-signature")
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let refused = home.run_with(&arguments, body, &[]).await;
        assert_eq!(refused.code, Some(code), "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(says), "{arguments:?}: {}", refused.err);
        assert!(!refused.err.contains("MfKQ9r8GKY"), "no key is repeated");
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused_with_what_to_do() {
    let home = Home::new();
    let dotted = home.run(&["sign", "--secret", SECRET, "--id", "a.b"]).await;
    assert!(
        dotted.code == Some(2) && dotted.err.contains("without a dot"),
        "{}",
        dotted.err
    );
    let missing = home.run(&["sign", "--secret", SECRET, "/nowhere"]).await;
    assert!(
        missing.code == Some(2) && missing.err.contains("/nowhere"),
        "{}",
        missing.err
    );
}
