//! The samples of docs/sinks.md as Ory Kratos and authentik would run them: through go-jsonnet and as a Python expression, by their clients'
//! own requests, to a running gateway.

use serde_json::{Value, json};

use crate::codes::{carried, taken};
use crate::support::gateway::Gateway;
use crate::support::provider::Provider;
use crate::{python, run, script};

const TO: &str = "+14155550123";
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sinks.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn what_the_samples_make_is_sent() {
    let provider = Provider::start((1..=5).map(|nth| taken(&format!("SM{nth}")))).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    let work = json!({ "document": std::fs::read_to_string(DOCUMENT).unwrap(), "url": format!("http://{}", gateway.address),
        "key": gateway.key, "to": TO, "token": "482913" });
    let posted = tokio::task::spawn_blocking(move || run(&python(), &[&script("sinks.py")], &work));
    let posted: Vec<Value> = serde_json::from_str(&posted.await.unwrap()).unwrap();
    let got = provider.got();
    assert_eq!((posted.len(), got.len()), (5, 5));
    for (posted, got) in posted.iter().zip(&got) {
        let (name, answer) = (posted["name"].as_str().unwrap(), &posted["answer"]);
        assert_eq!(posted["status"], 202, "{name}: {answer}");
        assert_eq!(answer["outcome"], "accepted", "{name}");
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(got.body.as_bytes()).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.as_str();
        assert_eq!(
            (field("To"), field("Body")),
            (TO, posted["text"].as_str().unwrap()),
            "{name}"
        );
        println!("==> docs/sinks.md: {name} is sent");
    }
}
