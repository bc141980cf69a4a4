//! What happens on the wire, and what the gateway makes of it: only what surely did not go out is a refusal.

use ringback::core::sending::{Class, Order, Recipient, Sent};

use super::rig::{order, refused, send_through, start, taken, twilio};
use crate::support::provider::{Act, Provider, nobody};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_request_has_its_meaning() {
    let provider = Provider::start([]).await;
    let gateway = start(vec![twilio("main", &provider.url)]).await;
    for (act, expected) in [
        (taken("SM1"), "accepted"),
        (refused(400, 21211), "invalid_recipient"),
        (refused(400, 21610), "opted_out"),
        (refused(401, 20003), "unauthorized"),
        (
            Act::Answer(429, "retry-after: 7\r\n", "{\"code\":20429}".into()),
            "rate_limited",
        ),
        (refused(500, 20500), "carrier_down"),
        (Act::Answer(503, "", String::new()), "carrier_down"),
        (
            Act::Answer(302, "location: http://127.0.0.1/\r\n", String::new()),
            "misconfigured",
        ),
        (Act::Answer(502, "", "<html>".into()), "unknown"),
        (Act::Answer(201, "", "{}".into()), "unknown"),
        (Act::Hang, "unknown"),
        (Act::HangUp, "unknown"),
        (Act::Half, "unknown"),
        (Act::Noise, "unknown"),
    ] {
        let before = provider.got().len();
        provider.then(act.clone());
        let sent = send_through(&gateway, "main").await;
        let word = match &sent {
            Sent::Accepted(taken) => {
                assert_eq!(taken.carrier_message_id, "SM1");
                "accepted"
            }
            Sent::Refused(refusal) => {
                let asked = matches!(refusal.class, Class::RateLimited).then_some(7);
                assert_eq!(refusal.retry_after_s, asked, "{act:?}");
                refusal.class.as_str()
            }
            Sent::Unknown(_) => "unknown",
        };
        assert_eq!(word, expected, "{act:?} {sent:?}");
        assert_eq!(
            provider.got().len(),
            before + 1,
            "{act:?}: it is asked once, whatever it answers"
        );
    }
    let got = provider.got();
    assert!(
        got[0].head.starts_with(
            "POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json HTTP/1.1"
        )
    );
    assert!(
        got.iter()
            .all(|got| got.body.contains("Body=Your+code+is+123456."))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_left_is_a_refusal() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls = format!("https://{}", silent.local_addr().unwrap());
    let nobody = nobody().await;
    let gateway = start(vec![
        twilio("nobody", &nobody),
        twilio("no-tls", &no_tls),
        twilio("private", "http://192.0.2.1"),
        twilio("nowhere", "http://no-such-host.invalid"),
    ])
    .await;
    for (provider, code) in [
        ("nobody", Some("connect")),
        ("no-tls", None),
        ("private", None),
        ("nowhere", None),
    ] {
        let sent = send_through(&gateway, provider).await;
        let Sent::Refused(refusal) = sent else {
            panic!("{provider}: {sent:?}")
        };
        assert_eq!(
            refusal.class.as_str(),
            if provider == "private" {
                "misconfigured"
            } else {
                "carrier_down"
            }
        );
        assert!(code.is_none() || refusal.code.as_deref() == code, "{refusal:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_and_a_letter_that_reach_nobody_are_refusals() {
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<i64>().unwrap();
    let mut smpp = toml::toml! { name = "smsc" kind = "smpp" host = "127.0.0.1" system_id = "a" password = "b" from = "Acme" };
    let mut smtp = toml::toml! { name = "mail" kind = "smtp" host = "localhost" username = "a" password = "b" from = "a@b.example" };
    for table in [&mut smpp, &mut smtp] {
        table.insert("port".into(), port(&nobody().await).into());
        table.insert("timeout_ms".into(), 400.into());
    }
    let gateway = start(vec![smpp, smtp]).await;
    let letter = Order {
        to: Recipient::email("ann@example.com").unwrap(),
        ..order()
    };
    for (provider, order) in [("smsc", order()), ("mail", letter)] {
        let handover = gateway.running.gateway.send_through(provider, None, order).await;
        let sent = handover.unwrap().sent;
        assert!(
            matches!(&sent, Sent::Refused(refusal) if refusal.class == Class::CarrierDown),
            "{provider}: {sent:?}"
        );
    }
}
