//! AWS SNS over real sockets: certificates are fetched from SNS itself and from nowhere else, subscriptions are confirmed only after the
//! signature held, and what may be our own fault is answered so that SNS sends it again.

use ringback::carrier::simulate::{Draft, SignedRequest, Signer, SnsKey, aws_sns_confirmation, signed};
use ringback::clock::Clock;
use toml::{Table, Value};

use super::aws::{Act, Aws, TOPIC, key, signer, url};
use crate::support::carrier::draft;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

const URL: &str = "https://gw.example.com/inbound/sns";

/// A source that trusts the topic and pins no certificate.
fn source() -> Table {
    let table = toml::toml! {
        name = "sns"
        carrier = "aws_sns"
        topic_arns = ["arn:aws:sns:us-east-1:123456789012:inbound-sms"]
        public_url = "https://gw.example.com/inbound/sns"
    };
    Table::from_iter([("source".to_owned(), Value::Array(vec![table.into()]))])
}

async fn start(aws: &Aws) -> Gateway {
    Gateway::start_fetching(source(), aws.fetch(true)).await
}

async fn post(gateway: &Gateway, request: &SignedRequest) -> Reply {
    let call = Call::new("POST", "/inbound/sns").body(request.body.clone());
    let call = request
        .headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value));
    call.send(gateway.address).await
}

async fn sms(gateway: &Gateway, signer: &Signer, draft: &Draft) -> Reply {
    post(gateway, &signed(signer, draft, URL, Clock::System.now())).await
}

fn metric(gateway: &Gateway, line: &str) -> bool {
    gateway.running.gateway.metrics().render(&[]).contains(line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_fetched_once_and_the_code_arrives() {
    let aws = Aws::start().await;
    let gateway = start(&aws).await;
    let rental = gateway.rent("google").await;
    let text = "Your code is 100200.";
    for id in ["m-1", "m-2", "m-1"] {
        let reply = sms(&gateway, &signer(), &draft(id, &rental.number, text)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_eq!(aws.paths(), ["/a.pem"], "held after the first");
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "100200"
    );
    assert!(metric(
        &gateway,
        r#"ringback_inbound_fetches_total{source="sns",what="certificate",result="ok"} 1"#
    ));
    assert!(metric(
        &gateway,
        r#"ringback_inbound_accepted_total{source="sns",key="0"} 3"#
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_fetch_once() {
    let aws = Aws::start().await;
    let gateway = start(&aws).await;
    let rental = gateway.rent("google").await;
    let drafts: Vec<Draft> = (0..12)
        .map(|n| draft(&format!("m-{n}"), &rental.number, "hello"))
        .collect();
    let signer = signer();
    let posted = drafts.iter().map(|draft| sms(&gateway, &signer, draft));
    let replies = futures_util::future::join_all(posted).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(aws.paths(), ["/a.pem"]);
}

/// Each of these may be our fault or pass, so SNS hears 503 and sends the message again; it is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_come_is_answered_with_503() {
    let aws = Aws::start().await;
    for (n, act) in [
        Act::Status(500),
        Act::Status(404),
        Act::Redirect,
        Act::Long,
        Act::Noise,
        Act::HangUp,
        Act::Silence,
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = start(&aws).await;
        let signer = Signer::AwsSns(key(&url(&format!("{n}.pem")), TOPIC));
        let sms_in = draft("m-1", "+12025550100", "x");
        aws.next(&[act]);
        let reply = sms(&gateway, &signer, &sms_in).await;
        assert_eq!(reply.status, 503, "{act:?}");
        assert!(reply.header("retry-after").is_some());
        assert_eq!(gateway.total("ringback_messages_total"), 0, "{act:?}");
        let asked = aws.paths().len();
        assert_eq!(sms(&gateway, &signer, &sms_in).await.status, 503);
        assert_eq!(
            aws.paths().len(),
            asked,
            "{act:?}: not asked again within a minute"
        );
        assert!(metric(
            &gateway,
            r#"ringback_inbound_rejected_total{source="sns",reason="missing_certificate"} 2"#
        ));
        assert!(metric(
            &gateway,
            r#"ringback_inbound_fetches_total{source="sns",what="certificate",result="failed"} 1"#
        ));
    }
    let names: Vec<String> = (0..7).map(|n| format!("/{n}.pem")).collect();
    assert_eq!(aws.paths(), names, "no redirect was followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_aws_gives_no_certificate() {
    let aws = Aws::start().await;
    let gateway = Gateway::start_fetching(source(), aws.fetch(false)).await;
    let reply = sms(&gateway, &signer(), &draft("m-1", "+12025550100", "x")).await;
    assert_eq!(reply.status, 503);
    assert_eq!(aws.paths(), [""; 0], "the handshake failed before any request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_make_the_gateway_fetch_nothing() {
    let aws = Aws::start().await;
    let gateway = start(&aws).await;
    for (what, key) in [
        (
            "another topic",
            key(&url("a.pem"), "arn:aws:sns:us-east-1:666666666666:theirs"),
        ),
        (
            "a bucket named sns",
            key("https://sns.s3-us-west-2.amazonaws.com/a.pem", TOPIC),
        ),
        ("another host", key("https://evil.example/a.pem", TOPIC)),
        (
            "a port",
            key("https://sns.us-east-1.amazonaws.com:8443/a.pem", TOPIC),
        ),
        (
            "plain http",
            key("http://sns.us-east-1.amazonaws.com/a.pem", TOPIC),
        ),
        ("no certificate's name", key(&url("a.txt"), TOPIC)),
    ] {
        let reply = sms(&gateway, &Signer::AwsSns(key), &draft("m-1", "+12025550100", "x")).await;
        assert_eq!(reply.status, 503, "{what}");
        assert_eq!(aws.paths(), [""; 0], "{what}");
    }
    assert_eq!(gateway.total("ringback_messages_total"), 0);
}

/// Whatever a name leads to: what `serve` fetches with calls no private address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_home_is_not_called() {
    let aws = Aws::start().await;
    let refused = aws.fetch_guarded()(url("a.pem")).await.unwrap_err();
    assert!(refused.contains("127.0.0.1 is loopback"), "{refused}");
    assert_eq!(aws.paths(), [""; 0]);
}

fn confirmation(key: &SnsKey, subscribe_url: &str) -> SignedRequest {
    aws_sns_confirmation(key, subscribe_url, URL, Clock::System.now())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_confirmed_once_its_signature_held() {
    let aws = Aws::start().await;
    let gateway = start(&aws).await;
    let key = key(&url("a.pem"), TOPIC);
    let subscribe = url("?Action=ConfirmSubscription&Token=t");
    aws.next(&[Act::Certificate, Act::Status(500)]);
    let failed = post(&gateway, &confirmation(&key, &subscribe)).await;
    assert_eq!(failed.status, 503, "SNS posts it again");
    aws.next(&[Act::Status(200)]);
    let done = post(&gateway, &confirmation(&key, &subscribe)).await;
    assert_eq!(done.status, 200);
    let path = "/?Action=ConfirmSubscription&Token=t";
    assert_eq!(aws.paths(), ["/a.pem", path, path]);
    assert!(metric(
        &gateway,
        r#"ringback_inbound_fetches_total{source="sns",what="confirmation",result="ok"} 1"#
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_subscription_is_confirmed() {
    let aws = Aws::start().await;
    let gateway = start(&aws).await;
    let right = key(&url("a.pem"), TOPIC);
    let subscribe = url("?Action=ConfirmSubscription&Token=t");
    // The certificate is held from here on.
    assert_eq!(
        sms(&gateway, &signer(), &draft("m-1", "+12025550100", "x"))
            .await
            .status,
        200
    );
    let honest = confirmation(&right, &subscribe);
    let other_token = String::from_utf8(honest.body.clone())
        .unwrap()
        .replace("Token=t", "Token=u");
    let tampered = SignedRequest {
        body: other_token.into_bytes(),
        ..honest
    };
    let foreign = key(&url("a.pem"), "arn:aws:sns:us-east-1:666666666666:theirs");
    for (what, request) in [
        ("changed after it was signed", tampered),
        ("another topic", confirmation(&foreign, &subscribe)),
        (
            "another host",
            confirmation(&right, "https://evil.example/?Token=t"),
        ),
        (
            "a bucket named sns",
            confirmation(&right, "https://sns.s3-us-west-2.amazonaws.com/?Token=t"),
        ),
        ("this machine", confirmation(&right, "https://127.0.0.1/?Token=t")),
    ] {
        assert_eq!(post(&gateway, &request).await.status, 503, "{what}");
        assert_eq!(aws.paths(), ["/a.pem"], "{what}: nothing more was fetched");
    }
}
