//! `/api/unmatched` over real sockets: the operator's keys and the admin token open it, and to other accounts it is closed.

use serde_json::{Value, json};

use crate::support::carrier::{self, STANDARD, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, Rental};
use crate::support::within;

const TEXT: &str = "G-482913 is your Google verification code.";

/// A gateway whose operator is `globex`, a rental of `acme`, and two messages of nobody: the first of them is to another number,
/// of the second nobody can read the number.
async fn with_strays() -> (Gateway, Rental) {
    let over = toml::toml! {
        [inbound]
        operator_account = "globex"
    };
    let gateway = Gateway::start_with(over).await;
    let rental = gateway.rent("google").await;
    let strays = [
        (TELNYX, draft("m-1", "+19995550143", TEXT)),
        (STANDARD, draft("m-2", "Ringback", TEXT)),
    ];
    for (source, stray) in strays {
        let reply = carrier::post(gateway.address, source, &stray).await;
        assert_eq!(reply.status, 204);
    }
    (gateway, rental)
}

fn assign(root: &str, id: &str, rental: &Rental) -> Call {
    let wish = json!({ "account": "acme", "verificationId": rental.id });
    Call::post(&format!("{root}/unmatched/{id}/assign"), &wish)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_operators_keys_see_it() {
    let (gateway, rental) = with_strays().await;
    let list = async |more: &str| {
        let call = Call::get(&format!("/api/unmatched{more}")).key(&gateway.other_key);
        call.send(gateway.address).await
    };
    assert_eq!(
        Call::get("/api/unmatched").send(gateway.address).await.status,
        401
    );
    gateway.get("/api/unmatched").await.expect(403);
    let first = list("?limit=1").await.expect(200);
    let rest = format!("?limit=9&cursor={}", first["nextCursor"].as_str().unwrap());
    let second = list(&rest).await.expect(200);
    let (first, rest) = (&first["messages"][0], &second["messages"][0]);
    assert_eq!(
        (&first["reason"], &rest["reason"]),
        (&json!("bad_number"), &json!("unknown_number"))
    );
    assert_eq!(
        (&rest["smsContent"], &second["nextCursor"]),
        (&json!(TEXT), &Value::Null)
    );
    for wrong in ["?reason=lost", "?cursor=7", "?limit=0"] {
        list(wrong).await.expect(400);
    }
    let (first, rest) = (first["id"].as_str().unwrap(), rest["id"].as_str().unwrap());
    let as_customer = assign("/api", first, &rental).key(&gateway.key);
    as_customer.send(gateway.address).await.expect(403);
    let as_operator = async |id: &str| {
        let call = assign("/api", id, &rental).key(&gateway.other_key);
        call.send(gateway.address).await
    };
    as_operator(rest).await.expect(422);
    as_operator(first).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_token_opens_it_and_a_message_is_assigned_once() {
    let (gateway, rental) = with_strays().await;
    let admin = gateway.running.admin_address;
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let as_admin = async |call: Call| call.key(token.trim()).send(admin).await;
    assert_eq!(Call::get("/admin/unmatched").send(admin).await.status, 401);
    let listed = as_admin(Call::get("/admin/unmatched?reason=bad_number"))
        .await
        .expect(200);
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
    let id = listed["messages"][0]["id"].as_str().unwrap();
    let unknown = assign("/admin", id, &rental).key("no").send(admin).await;
    assert_eq!(unknown.status, 401);
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    let assigned = as_admin(assign("/admin", id, &rental)).await.expect(200);
    assert_eq!(
        (&assigned["codeFound"], &assigned["late"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().json()["otpCode"],
        "482913"
    );
    as_admin(assign("/admin", id, &rental)).await.expect(409);
    as_admin(assign("/admin", "msg_1", &rental)).await.expect(404);
}
