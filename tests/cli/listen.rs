//! `listen` and `trigger` against a running gateway: what is shown, what is forwarded, and how both fail and come back.

use serde_json::{Value, json};

use super::dev::address;
use super::process::{Home, Running};
use crate::support::client::Call;
use crate::support::subscriber::Subscriber;

/// A gateway that can be stopped and started on the same port and data.
struct House {
    home: Home,
    key: String,
    gateway: Option<Running>,
    base: String,
}

impl House {
    async fn new() -> Self {
        let home = Home::new();
        let (gateway, facts) = home
            .dev(&["--data", &home.path().join("data").display().to_string()])
            .await;
        let text = |name: &str| facts[name].as_str().unwrap().to_owned();
        Self {
            key: text("api_key"),
            base: text("base_url"),
            home,
            gateway: Some(gateway),
        }
    }

    async fn stop(&mut self) {
        let gateway = self.gateway.take().unwrap();
        gateway.terminate().await;
        assert_eq!(gateway.end().await.0, Some(0));
    }

    async fn start(&mut self) {
        let data = self.home.path().join("data").display().to_string();
        let listen = self.base.trim_start_matches("http://").to_owned();
        let arguments = [
            "dev",
            "--json",
            "--listen",
            &listen,
            "--api-key",
            &self.key,
            "--data",
            &data,
        ];
        let mut running = self.home.start(&arguments, &[]);
        running.line().await;
        self.gateway = Some(running);
    }

    fn listen(&self, more: &[&str]) -> Running {
        self.home.start(
            &[&["listen", "--gateway", &self.base, "--api-key", &self.key], more].concat(),
            &[],
        )
    }

    async fn trigger(&self, kind: &str) -> String {
        let ended = self
            .home
            .run(&["trigger", kind, "--gateway", &self.base, "--api-key", &self.key])
            .await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let (told, id) = ended.out.trim().split_once(' ').unwrap();
        assert_eq!(told, kind);
        id.to_owned()
    }
}

/// The secret of the line that says that it hears.
async fn secret(listen: &mut Running) -> String {
    let ready = listen.line().await;
    let rest = ready
        .strip_prefix("Ready! Your webhook signing secret is ")
        .expect("the first line");
    rest.strip_suffix(" (^C to quit)")
        .expect("how to end it")
        .to_owned()
}

async fn object(running: &mut Running) -> Value {
    let line = running.line().await;
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_shown_and_forwarded_signed_with_the_shown_secret() {
    let house = House::new().await;
    let mut target = Subscriber::start(&[204, 500]).await;
    let mut listen = house.listen(&[
        "--forward-to",
        &target.url,
        "--headers",
        "X-Trace: 7",
        "--events",
        "verification.*",
    ]);
    let secret = secret(&mut listen).await;
    let printed = house.home.run(&["listen", "--print-secret"]).await;
    assert_eq!(
        (printed.code, printed.out.trim()),
        (Some(0), &*secret),
        "the same from run to run"
    );

    house.trigger("message.received").await;
    let id = house.trigger("verification.code_received").await;
    let line = listen.line().await;
    assert!(
        line.ends_with(&format!("--> verification.code_received [{id}]")),
        "{line}"
    );
    let heard = target.next().await;
    assert_eq!(heard.verified(&secret), Ok(()));
    assert_eq!(
        (
            heard.header("webhook-id"),
            heard.header("x-trace"),
            heard.header("content-type")
        ),
        (&*id, "7", "application/json")
    );
    assert_eq!(heard.json()["data"]["otpCode"], "482913");
    let line = listen.line().await;
    assert!(
        line.contains(&format!("<-- [204] POST {} [{id}]", target.url)),
        "{line}"
    );

    let id = house.trigger("verification.created").await;
    listen.line().await;
    let line = listen.line().await;
    assert!(
        line.contains(&format!("<-- [500] POST {} [{id}]", target.url)),
        "{line}"
    );
    listen.terminate().await;
    assert_eq!(
        listen.end().await.0,
        Some(1),
        "what the target did not take is told by the exit code too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_gateway_is_come_back_to_and_nothing_is_missed() {
    let mut house = House::new().await;
    let mut target = Subscriber::start(&[]).await;
    let mut listen = house.listen(&["--format", "json", "--forward-to", &target.url]);
    assert_eq!(object(&mut listen).await["kind"], "ready");
    let first = house.trigger("verification.created").await;
    let event = object(&mut listen).await;
    assert_eq!(
        (&event["kind"], &event["id"], &event["payload"]["test"]),
        (&json!("event"), &json!(first), &json!(true))
    );
    assert!(event["lag_ms"].as_u64().unwrap() < 20_000);
    let forwarded = object(&mut listen).await;
    assert_eq!(
        (&forwarded["kind"], &forwarded["status"]),
        (&json!("forwarded"), &json!(204))
    );

    house.stop().await;
    let lost = object(&mut listen).await;
    assert_eq!(
        (&lost["kind"], &lost["cursor"].is_string()),
        (&json!("lost"), &true)
    );
    house.start().await;
    // Back, or already at the events that came while it was looking again.
    let second = house.trigger("verification.cancelled").await;
    let mut kinds = Vec::new();
    loop {
        let told = object(&mut listen).await;
        kinds.push(told["kind"].as_str().unwrap().to_owned());
        if told["kind"] == "forwarded" {
            assert_eq!(told["id"], second);
            break;
        }
    }
    assert_eq!(
        kinds,
        ["back", "event", "forwarded"],
        "and the first one does not come twice"
    );
    assert_eq!(
        (
            target.next().await.header("webhook-id"),
            target.next().await.header("webhook-id")
        ),
        (&*first, &*second)
    );
    listen.terminate().await;
    let (code, rest) = listen.end().await;
    assert_eq!(code, Some(0));
    assert!(
        rest.contains(r#""kind":"end","events":2,"taken":2,"failed":0"#),
        "{rest}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sleep_it_goes_on_and_says_how_far_behind_it_is() {
    let house = House::new().await;
    let (mut text, mut json) = (house.listen(&[]), house.listen(&["--format", "json"]));
    secret(&mut text).await;
    object(&mut json).await;
    text.sleep().await;
    json.sleep().await;
    let id = house.trigger("message.received").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    text.wake().await;
    json.wake().await;
    let event = object(&mut json).await;
    assert_eq!((&event["kind"], &event["id"]), (&json!("event"), &json!(id)));
    assert!(
        (2000..60_000).contains(&event["lag_ms"].as_u64().unwrap()),
        "{event}"
    );
    let line = text.line().await;
    assert!(
        line.contains(&format!("[{id}]  ")) && line.ends_with(" s behind"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_cursor_goes_on_where_the_last_run_ended() {
    let house = House::new().await;
    let file = house.home.path().join("cursor").display().to_string();
    let options = ["--format", "json", "--cursor-file", &file];
    let mut listen = house.listen(&options);
    object(&mut listen).await;
    let first = house.trigger("verification.created").await;
    assert_eq!(object(&mut listen).await["id"], first);
    listen.terminate().await;
    assert_eq!(listen.end().await.0, Some(0));
    let away = [
        house.trigger("verification.cancelled").await,
        house.trigger("verification.expired").await,
    ];
    let mut listen = house.listen(&options);
    object(&mut listen).await;
    for id in away {
        assert_eq!(object(&mut listen).await["id"], id);
    }
    let mut from_the_start = house.listen(&[
        "--format",
        "json",
        "--after",
        "oldest",
        "--events",
        "verification.expired,message.*",
    ]);
    object(&mut from_the_start).await;
    assert_eq!(object(&mut from_the_start).await["type"], "verification.expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_fails_loudly_and_says_what_to_do() {
    let house = House::new().await;
    let gone = "evc_000000000000000000000001".to_owned();
    let old = house.home.write("old", &gone);
    let run = async |arguments: &[&str]| house.home.run(&[&["listen"], arguments].concat()).await;
    let at = ["--gateway", &house.base, "--api-key", &house.key];
    let cases: [(&[&str], i32, &str); 8] = [
        (&[&at[..], &["--after", "yesterday"]].concat(), 2, "a cursor is"),
        (
            &[&at[..], &["--after", &gone]].concat(),
            5,
            "begin again with --after oldest",
        ),
        (
            &[&at[..], &["--cursor-file", &old]].concat(),
            5,
            &format!("after removing {old}"),
        ),
        (&["--gateway", &house.base, "--api-key", "rb_wrong"], 5, "401"),
        (
            &["--gateway", "http://127.0.0.1:9", "--api-key", &house.key],
            6,
            "check that the server listens",
        ),
        (
            &[&at[..], &["--events", "a..b"]].concat(),
            5,
            "an event pattern is",
        ),
        (
            &[&at[..], &["--forward-to", ":3000", "--headers", "webhook-id: 1"]].concat(),
            2,
            "set by listen itself",
        ),
        (
            &[&at[..], &["--secret", "whsec_x"]].concat(),
            2,
            "the signing secret",
        ),
    ];
    for (arguments, code, says) in cases {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
        assert!(!ended.out.contains("Ready"), "not ready before it can hear");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_gives_up_with_the_cursor_when_the_gateway_stays_away() {
    let mut house = House::new().await;
    let mut listen = house.listen(&["--retry-for", "1", "--format", "json"]);
    object(&mut listen).await;
    house.stop().await;
    assert_eq!(object(&mut listen).await["kind"], "lost");
    let (code, rest) = listen.end().await;
    assert_eq!(code, Some(6));
    assert!(rest.contains(r#""kind":"end""#), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_of_the_target_is_not_followed_and_a_dead_target_is_told() {
    let house = House::new().await;
    let target = Subscriber::start(&[302]).await;
    let mut listen = house.listen(&["--forward-to", &target.url]);
    listen.line().await;
    house.trigger("verification.created").await;
    listen.line().await;
    let line = listen.line().await;
    assert!(line.contains("<-- [302]"), "{line}");
    listen.terminate().await;
    assert_eq!(listen.end().await.0, Some(1));
    let mut listen = house.listen(&["--forward-to", "http://127.0.0.1:9/x"]);
    listen.line().await;
    house.trigger("verification.created").await;
    listen.line().await;
    let line = listen.line().await;
    assert!(
        line.contains("<-- [connect]") && line.contains("check that the server listens"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trigger_tries_one_subscription_and_refuses_what_is_no_event() {
    let house = House::new().await;
    let mut target = Subscriber::start(&[204, 503]).await;
    let wish = json!({ "url": target.url, "events": ["message.*"] });
    let made = Call::post("/api/webhooks", &wish)
        .key(&house.key)
        .send(address(&house.base))
        .await
        .expect(201);
    let run = async |more: &[&str]| {
        house
            .home
            .run(
                &[
                    &["trigger", "--gateway", &house.base, "--api-key", &house.key],
                    more,
                ]
                .concat(),
            )
            .await
    };
    let one = [
        "verification.created",
        "--subscription",
        made["id"].as_str().unwrap(),
    ];
    let taken = run(&one).await;
    assert!(
        taken.code == Some(0) && taken.out.contains(r#""delivered":true"#),
        "{taken:?}"
    );
    assert_eq!(target.next().await.kind(), "verification.created");
    let failed = run(&one).await;
    assert!(failed.code == Some(1) && failed.out.contains("503"), "{failed:?}");
    let unknown = run(&["verification.paid"]).await;
    assert!(
        unknown.code == Some(5) && unknown.err.contains("message.received"),
        "{unknown:?}"
    );
    let nowhere = run(&[
        "verification.created",
        "--subscription",
        "whk_00000000000000000000000000000000",
    ])
    .await;
    assert_eq!(nowhere.code, Some(3), "{}", nowhere.err);
}
