//! Who is asked: the cheapest that works, the next one where nothing went out, and nobody else where something may have.

use std::time::Duration;

use ringback::core::sending::Sent;
use serde_json::json;

use super::rig::{admin, refused, send, send_through, start, taken, twilio};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};

/// Two providers, of which the second is cheaper.
async fn pair() -> (Gateway, Provider, Provider) {
    let (dear, cheap) = (Provider::start([]).await, Provider::start([]).await);
    let (mut first, mut second) = (twilio("dear", &dear.url), twilio("cheap", &cheap.url));
    first.insert("prices".into(), toml::toml! { "1" = "0.0100" }.into());
    second.insert("prices".into(), toml::toml! { "1" = "0.0079" "*" = "9" }.into());
    (start(vec![first, second]).await, dear, cheap)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_is_asked_only_where_nothing_went_out() {
    let (gateway, dear, cheap) = pair().await;
    for (act, asked_too) in [
        (taken("SM1"), false),
        (Act::Answer(503, "", String::new()), true),
        (refused(401, 20003), true),
        (refused(400, 21408), true),
        // The person is the reason.
        (refused(400, 21610), false),
        (refused(400, 21211), false),
        // It may be on its way.
        (Act::Hang, false),
        (Act::HangUp, false),
        (Act::Answer(502, "", String::new()), false),
    ] {
        let before = dear.got().len();
        cheap.then(act.clone());
        dear.then(taken("SM2"));
        let handover = send(&gateway).await;
        assert_eq!(dear.got().len() > before, asked_too, "{act:?}");
        assert_eq!(handover.provider == "dear", asked_too, "{act:?}");
        let price = if asked_too { 100 } else { 79 };
        assert_eq!((handover.segments, handover.cost.map(|c| c.0)), (1, Some(price)));
        if !asked_too {
            // What was put there for it is not for the next round.
            let _ = send_through(&gateway, "dear").await;
        }
        // A success in between: no rest begins here.
        cheap.then(taken("SM3"));
        assert!(matches!(send_through(&gateway, "cheap").await, Sent::Accepted(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_with_faults_rests_and_is_tried_again() {
    let (gateway, dear, cheap) = pair().await;
    for _ in 0..3 {
        cheap.then(Act::Answer(503, "", String::new()));
        dear.then(taken("SM1"));
        send(&gateway).await;
    }
    let providers = admin(&gateway, Call::get("/admin/providers")).await.expect(200);
    let standing: Vec<_> = providers["providers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["standing"].clone())
        .collect();
    assert_eq!(standing, [json!("well"), json!("resting")]);
    dear.then(taken("SM2"));
    assert_eq!(send(&gateway).await.provider, "dear");
    assert_eq!(cheap.got().len(), 3, "it rests");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    cheap.then(taken("SM3"));
    assert_eq!(send(&gateway).await.provider, "cheap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_of_a_provider_is_kept() {
    let provider = Provider::start(std::iter::repeat_n(taken("SM1"), 12)).await;
    let mut table = twilio("main", &provider.url);
    table.insert("per_second_max".into(), 5.into());
    let gateway = start(vec![table]).await;
    let began = tokio::time::Instant::now();
    let all = (0..12).map(|_| send(&gateway));
    let sent = futures_util::future::join_all(all).await;
    assert!(
        sent.iter()
            .all(|handover| matches!(handover.sent, Sent::Accepted(_)))
    );
    // Five at once, and seven more at five a second.
    assert!(
        began.elapsed() >= Duration::from_millis(1_350),
        "{:?}",
        began.elapsed()
    );
}
