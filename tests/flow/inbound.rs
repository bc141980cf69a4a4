//! In: every carrier's request is believed once and only when it is signed, and what the poll hears is on the disk already.

use std::time::Duration;

use ringback::app::master_key;
use ringback::core::id::AccountId;
use ringback::core::rental::Status;
use ringback::store::sled::{Durability, Options, Sled};
use ringback::store::{Reads, Store};

use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};
use crate::support::subscriber::Subscriber;
use crate::support::within;

const TEXT: &str = "G-482913 is your Google verification code.";
const FAST: &str = "google";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_request_is_refused_and_the_real_one_answers_the_held_poll() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let secret = gateway.subscribe(&subscriber.url, &["*"]).await["secret"].clone();
    let rental = gateway.rent(FAST).await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;

    let sms = draft("m-1", &rental.number, TEXT);
    let forged = carrier::forged(TELNYX, &sms, "G-000000 is your Google verification code.");
    let refused = forged.send(gateway.address).await;
    assert_eq!(refused.expect(401)["type"], "urn:ringback:problem:unauthorized");
    assert!(!poll.is_finished(), "a forged message ends no poll");

    let started = ringback::clock::monotonic();
    let accepted = carrier::post(gateway.address, TELNYX, &sms).await;
    assert_eq!((accepted.status, accepted.body.as_slice()), (204, &b""[..]));
    let answer = within("the poll's answer", poll).await.unwrap();
    let waited = ringback::clock::monotonic() - started;
    assert!(
        waited < Duration::from_secs(30),
        "answered by the code and not by the end of its 60 s: {waited:?}"
    );
    let expected = serde_json::json!({ "status": "completed", "otpCode": "482913", "smsContent": TEXT });
    assert_eq!(answer.expect(200), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        answer
            .header("server-timing")
            .is_some_and(|timing| timing.starts_with("wait;dur="))
    );

    let mut kinds = Vec::new();
    for _ in 0..3 {
        let delivery = subscriber.next().await;
        assert_eq!(delivery.verified(secret.as_str().unwrap()), Ok(()));
        kinds.push(delivery.kind());
    }
    // The two of one commit are sent at once.
    kinds[1..].sort();
    let expected = [
        "verification.created",
        "verification.code_received",
        "verification.completed",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(gateway.total("ringback_inbound_rejected_total"), 1);
    assert_eq!(gateway.running.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_poll_hears_is_on_the_disk() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent(FAST).await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    // Nobody waits for the carrier's answer here: the poll's alone must be enough.
    let posted = carrier::call(
        STANDARD,
        &carrier::request(STANDARD, &draft("m-1", &rental.number, TEXT)),
    );
    let socket = posted.begin(gateway.address).await;
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().json()["otpCode"],
        "482913"
    );

    // What a crash in this moment would leave behind.
    let copy = tempfile::TempDir::new().unwrap();
    copy_folder(&gateway.data(), copy.path());
    drop(socket);
    let found = tokio::task::spawn_blocking(move || {
        let options = Options {
            folder: copy.path().to_owned(),
            durability: Durability::Process,
            queue_max: 16,
            group_max: 16,
            disk_reserve_bytes: 0,
            cache_bytes: 1 << 20,
        };
        let store = Sled::open(&options, &master_key(copy.path(), "").unwrap()).unwrap();
        let found = store
            .rental(&AccountId::parse("acme").unwrap(), rental.id.parse().unwrap())
            .unwrap()
            .unwrap();
        let messages = store.messages(&found.messages).unwrap();
        store.close();
        (found, messages)
    });
    let (found, messages) = found.await.unwrap();
    assert_eq!(
        (found.status, found.code.unwrap().code.as_str()),
        (Status::Completed, "482913")
    );
    assert_eq!(messages[0].text, TEXT);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_carrier_goes_through_and_a_repetition_changes_nothing() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway
        .subscribe(&subscriber.url, &["verification.code_received"])
        .await;
    for (at, way) in [TELNYX, TWILIO, STANDARD, "twilio by GET"]
        .into_iter()
        .enumerate()
    {
        let rental = gateway.rent(FAST).await;
        let code = format!("5550{at}7");
        let sms = draft(
            &format!("m-{at}"),
            &rental.number,
            &format!("Your code is {code}."),
        );
        let call = match way {
            "twilio by GET" => carrier::twilio_get(&sms),
            source => carrier::call(source, &carrier::request(source, &sms)),
        };
        let first = call.send(gateway.address).await;
        assert_in_the_carriers_form(way, &first);
        assert_eq!(
            gateway.get(&rental.path("/code?wait=0")).await.json()["otpCode"],
            code.as_str(),
            "{way}"
        );
        assert_eq!(
            subscriber.next().await.json()["data"]["otpCode"],
            code.as_str(),
            "{way}"
        );
        repeat(&gateway, &call, (&first, &rental)).await;
    }
    subscriber.hears_nothing_for(Duration::from_secs(1)).await;
    assert_eq!(gateway.total("ringback_inbound_duplicates_total"), 8);
    assert_eq!(gateway.total("ringback_messages_total"), 4);
}

/// Twilio would send what stands in another answer's body to the sender of the SMS.
fn assert_in_the_carriers_form(way: &str, reply: &Reply) {
    let shown = (reply.status, reply.header("content-type"), reply.text());
    if way.starts_with(TWILIO) {
        assert_eq!(
            shown,
            (200, Some("text/xml"), "<Response></Response>".to_owned()),
            "{way}"
        );
    } else {
        assert_eq!(shown, (204, None, String::new()), "{way}");
    }
}

async fn repeat(gateway: &Gateway, call: &Call, (first, rental): (&Reply, &Rental)) {
    let before = gateway.get(&rental.path("")).await.json();
    for _ in 0..2 {
        let again = call.send(gateway.address).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
    }
    assert_eq!(gateway.get(&rental.path("")).await.json(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_is_known_after_a_restart_too() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent(FAST).await;
    let call = carrier::call(
        TELNYX,
        &carrier::request(TELNYX, &draft("m-1", &rental.number, TEXT)),
    );
    assert_eq!(call.send(gateway.address).await.status, 204);
    let gateway = gateway.restart(toml::Table::new()).await;
    assert_eq!(call.send(gateway.address).await.status, 204);
    assert_eq!(gateway.total("ringback_inbound_duplicates_total"), 1);
    assert_eq!(gateway.total("ringback_messages_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_hangs_up_does_not_halve_its_message() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent(FAST).await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    let call = carrier::call(
        TELNYX,
        &carrier::request(TELNYX, &draft("m-1", &rental.number, TEXT)),
    );
    drop(call.begin(gateway.address).await);
    // Whether the gateway had read it before the hang-up is the network's doing; the carrier sends it again.
    assert_eq!(call.send(gateway.address).await.status, 204);
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().json()["otpCode"],
        "482913"
    );
    assert_eq!(gateway.total("ringback_messages_total"), 1);
}
