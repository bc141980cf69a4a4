//! How codes are kept: under bcrypt unless the operator says otherwise, hashed by few at a time, and who finds the line full is told to wait.

use ringback::core::id::{AccountId, VerificationId};
use toml::Table;

use super::codes::{call, id, over, start};
use crate::support::gateway::Gateway;

fn verify(text: &str) -> Table {
    let mut over = over();
    let more: Table = toml::from_str(text).unwrap();
    over["verify"].as_table_mut().unwrap().extend(more);
    over
}

/// What stands in the store of a code that was just sent.
async fn kept(gateway: &Gateway) -> String {
    let rental = gateway.rent("google").await;
    let begun: VerificationId = id(&start(gateway, &rental.number).await.expect(200))
        .parse()
        .unwrap();
    let account = AccountId::parse("acme").unwrap();
    let store = gateway.running.gateway.store();
    let known = store.verification(&account, begun).unwrap().unwrap();
    format!("{:?}", known.hash)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_kept_under_bcrypt_unless_the_mac_alone_is_wished() {
    let as_it_comes = toml::toml! { verify = { loopback = true } };
    let gateway = Gateway::start_with(as_it_comes).await;
    assert_eq!(kept(&gateway).await, "<bcrypt>");
    let gateway = gateway.restart(verify("code_hash = \"hmac\"")).await;
    assert_eq!(kept(&gateway).await, "<hmac>");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_are_hashed_at_a_time_and_more_than_may_wait_are_told_to() {
    let few = "bcrypt_cost = 10\nhashing_max = 1\nhashing_queue_max = 1\nperson_per_hour_max = 1\n\
        block_of_10000_per_10min_max = 0\nblock_of_1000_per_10min_max = 0\nprefix_outstanding_max = 0";
    let gateway = Gateway::start_with(verify(few)).await;
    let numbers: Vec<String> = (0..8).map(|nth| format!("+120255501{nth:02}")).collect();
    let starts = numbers.iter().map(|number| start(&gateway, number));
    let replies = futures_util::future::join_all(starts).await;
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((1..8).contains(&taken), "{taken}");
    let full = replies.iter().find(|reply| reply.status != 200).unwrap();
    let said = full.expect(503);
    assert_eq!(said["error"]["code"], "INTERNAL_ERROR");
    assert!(full.header("retry-after").is_some());
    // To look at a code needs no hash.
    let begun = replies.iter().find(|reply| reply.status == 200).unwrap();
    let path = format!("/v1/verify/{}", id(&begun.json()));
    call(&gateway, "GET", &path)
        .send(gateway.address)
        .await
        .expect(200);
    // Whoever was sent away has used up nothing, and nothing is held for ever.
    for (number, reply) in numbers.iter().zip(&replies) {
        let again = start(&gateway, number).await;
        let expected = if reply.status == 503 { 200 } else { 429 };
        assert_eq!(again.status, expected, "{}", again.text());
    }
}
