//! Everything that an account hears of codes that it had sent.

use ringback::core::id::{AccountId, VerificationId};
use ringback::core::outbound::{Accepted, Sending};
use ringback::core::phone::Address;
use ringback::core::verification::Status;
use serde_json::{Value, json};

use crate::support::carrier::{self, TWILIO};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::until_async;

async fn post(gateway: &Gateway, path: &str, body: &Value) -> u16 {
    let call = Call::post(path, body)
        .key(&gateway.key)
        .header("x-tenant-id", "acme");
    call.send(gateway.address).await.status
}

async fn start(gateway: &Gateway, to: &str) -> u16 {
    post(
        gateway,
        "/v1/verify/start",
        &json!({ "to": to, "channel": "sms" }),
    )
    .await
}

/// The id of the verification that was begun for this number.
async fn begun(gateway: &Gateway, to: &str) -> VerificationId {
    let call = Call::post("/v1/verify/start", &json!({ "to": to, "channel": "sms" }));
    let call = call.key(&gateway.key).header("x-tenant-id", "acme");
    let answer = call.send(gateway.address).await.expect(200);
    answer["data"]["verification_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Lets a code arrive and be over, one be given back, one be taken back, one not be taken, and one not be sent; answers how many events that makes.
pub async fn live_every_shape(gateway: &Gateway) -> usize {
    let account = AccountId::parse("acme").unwrap();
    let looped = begun(gateway, "+12025550149").await;
    let accepted = Accepted {
        source: TWILIO.into(),
        carrier_message_id: "o-4".into(),
        account: account.clone(),
        to: Address::new("+12025550149"),
        code: Some(Sending {
            verification: looped,
            nth: 1,
            provider: "main".into(),
        }),
    };
    gateway.running.gateway.accepted(&accepted).await.unwrap();
    let reply = carrier::twilio_status("o-4", "delivered")
        .send(gateway.address)
        .await;
    assert_eq!(reply.status, 200);
    let tested = begun(gateway, "+15005550006").await;
    for (code, status) in [("654321", 400), ("654321", 400), ("123456", 200)] {
        let guess = json!({ "verification_id": tested.to_string(), "code": code });
        assert_eq!(post(gateway, "/v1/verify/check", &guess).await, status);
    }
    let canceled = begun(gateway, "+15005550006").await;
    let path = format!("/api/verify/{canceled}/cancel");
    assert_eq!(post(gateway, &path, &json!({})).await, 200);
    assert_eq!(start(gateway, "+14155550123").await, 502);
    until_async("its end is counted", async || {
        let known = gateway
            .running
            .gateway
            .verification(&account, looped)
            .await
            .unwrap();
        (known.status == Status::Expired).then_some(())
    })
    .await;
    assert_eq!(start(gateway, "+12025550148").await, 429);
    // Sent, of nobody's number, delivered; most are wrong, approved; canceled; a cap nearly reached, failed; over; few come back, blocked.
    3 + 2 + 1 + 2 + 1 + 2
}
