//! A clean stop: held polls answer, requests in work finish, and the store opens again with everything that was acknowledged.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Reply, exchange, read};
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::{until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_polls_finishes_requests_and_loses_nothing() {
    let gateway = Gateway::start().await;
    let down = Subscriber::start(&[503; 64]).await;
    let made = gateway.subscribe(&down.url, &["*"]).await;
    let (waiting, done) = (gateway.rent("google").await, gateway.rent("google").await);
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &done.number, "Your code is 221100."),
    )
    .await;
    let poll = gateway.poll(&waiting, 60);
    gateway.holds(1).await;
    let half_sent = half_sent(&gateway).await;

    let (address, draining) = (gateway.address, gateway.running.gateway.clone());
    let finishing = tokio::spawn(async move {
        until("the drain to begin", || draining.is_draining()).await;
        finish(half_sent).await
    });
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    assert_eq!(
        within("the held poll", poll).await.unwrap().expect(200),
        json!({ "status": "pending" })
    );
    let rented = within("the request in work", finishing)
        .await
        .unwrap()
        .expect(201);
    assert!(
        gateway.address == address || TcpStream::connect(address).await.is_err(),
        "the old listener is closed"
    );

    let rented = format!("/api/verifications/{}", rented["id"].as_str().unwrap());
    assert_eq!(gateway.get(&rented).await.expect(200)["status"], "active");
    assert_eq!(
        gateway.get(&waiting.path("")).await.expect(200)["status"],
        "active"
    );
    assert_eq!(
        gateway.get(&done.path("/code")).await.expect(200)["otpCode"],
        "221100"
    );
    assert_eq!(
        gateway.get("/api/webhooks").await.json()["webhooks"][0]["id"],
        made["id"]
    );
    assert_eq!(gateway.running.gateway.store().live().counts().numbers, 50);
}

const RENT: &str = r#"{"serviceName":"google"}"#;

/// A request that the gateway has begun to work on, and whose body is still to come.
async fn half_sent(gateway: &Gateway) -> TcpStream {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!(
        "POST /api/verifications HTTP/1.1\r\nhost: gw\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        gateway.key,
        RENT.len(),
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    within("the interim answer", socket.read_exact(&mut interim))
        .await
        .unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

async fn finish(mut socket: TcpStream) -> Reply {
    socket.write_all(RENT.as_bytes()).await.unwrap();
    read(&mut socket).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_is_delivered_after_a_restart() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    gateway.rent("google").await;
    let first = subscriber.next().await;
    let _gateway = gateway.restart(toml::Table::new()).await;
    let second = subscriber.next().await;
    assert_eq!(second.answered, 204);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(second.verified(made["secret"].as_str().unwrap()), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_in_the_middle_of_a_stop_is_kept() {
    let gateway = Gateway::start().await;
    let mut polls = Vec::new();
    let mut posts = Vec::new();
    for at in 0..20 {
        let rental = gateway.rent("google").await;
        polls.push(gateway.poll(&rental, 60));
        let sms = draft(
            &format!("m-{at}"),
            &rental.number,
            &format!("Your code is 4400{at:02}."),
        );
        posts.push((rental, carrier::call(TELNYX, &carrier::request(TELNYX, &sms))));
    }
    gateway.holds(20).await;
    let address = gateway.address;
    let posting = posts.into_iter().map(|(rental, call)| {
        tokio::spawn(async move {
            (
                rental,
                exchange(address, &call.bytes()).await.map(|reply| reply.status),
            )
        })
    });
    let posting: Vec<_> = posting.collect();
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    for poll in polls {
        let status = within("a poll's answer", poll).await.unwrap().expect(200)["status"].clone();
        assert!(status == "pending" || status == "completed", "{status}");
    }
    for post in posting {
        // A socket that was not accepted any more is refused, and its carrier comes again.
        let Ok((rental, answered)) = post.await else {
            continue;
        };
        let status = gateway.get(&rental.path("")).await.expect(200)["status"].clone();
        assert!(
            answered != Some(204) || status == "completed",
            "what was acknowledged is there"
        );
    }
}
