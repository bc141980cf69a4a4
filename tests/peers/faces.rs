//! The API as others see it: the snippets of contract 000's page, run as they stand there, and schemathesis on `schemas/openapi.yaml`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::{HOME, SCRIPTS, python};

/// Seconds that schemathesis may take before the test says that it hangs.
const SCHEMATHESIS_MAX_S: u64 = 600;
/// What its dice are thrown with unless `RINGBACK_SEED` says otherwise: a change is judged by what it changed, not by its luck.
const SEED: &str = "3";
/// A number that gets no message, whose code is 123456.
const PHONE: &str = "+15005550006";

/// The document for a gateway that holds nothing for longer than this.
fn document_with_wait_s(max_s: u64) -> String {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/openapi.yaml");
    let document = std::fs::read_to_string(document).unwrap();
    let wait = "minimum: 0, maximum: 60 }";
    assert_eq!(
        document.matches(wait).count(),
        2,
        "the parameter of our own routes, and getSMS's"
    );
    let path = format!("{HOME}/openapi.yaml");
    let wait_here = format!("minimum: 0, maximum: {max_s} }}");
    std::fs::write(&path, document.replace(wait, &wait_here)).unwrap();
    path
}

/// Operations that take an id which no answer hands to them in time, so that they get some of what exists; of each a 200 must be seen.
const LOOKED_UP: [&str; 4] = ["getSMS", "cancelNumber", "checkVerify", "getVerify"];

/// For each of them where its ids go, and ids of what exists.
async fn known(gateway: &Gateway) -> Value {
    let mut rentals = Vec::new();
    for n in 0..12 {
        let rental = gateway.rent("google").await;
        if n == 0 {
            let sms = draft("m-1", &rental.number, "Your code is 482913");
            carrier::post(gateway.address, TELNYX, &sms).await;
        }
        rentals.push(format!("rent_{}", rental.id));
    }
    let (heard, cancelled) = rentals.split_at(2);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let wish = json!({ "to": PHONE, "channel": "sms" });
        let call = Call::post("/v1/verify/start", &wish).key(&gateway.key);
        let begun = call.header("x-tenant-id", "acme").send(gateway.address).await;
        codes.push(begun.expect(200)["data"]["verification_id"].clone());
    }
    let tenant = json!({ "X-Tenant-Id": ["acme"] });
    json!({
        "getSMS": { "query": { "rental_id": heard } },
        "cancelNumber": { "body": { "rental_id": cancelled } },
        "checkVerify": { "body": { "verification_id": codes, "code": ["123456"] }, "headers": tenant },
        "getVerify": { "path_parameters": { "id": codes }, "headers": tenant },
        "startVerify": { "headers": tenant },
    })
}

/// How often each of these operations was answered 200, by the hooks' list.
fn assert_looked_up(heard: &str) {
    for operation in LOOKED_UP {
        let line = format!("{operation} 200");
        let count = heard.lines().filter(|heard| **heard == line).count();
        println!("==> schemathesis: {operation} was answered 200 {count} times");
        assert!(count > 0, "{operation} was never asked for what exists");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn schemathesis_finds_no_fault() {
    let over = toml::toml! {
        verify = { test_numbers = ["+15005550006=123456"] }
        inbound = { operator_account = "acme" }
        poll = { default_s = 0, max_s = 1, heartbeat_ms = 100 }
        mcp = { allowed_hosts = ["127.0.0.1"] }
        accounts = { rentals_max = 100_000 }
        rental = { acquire_max_s = 0 }
        outbound = { subscriptions_max = 10_000, timeout_ms = 500 }
    };
    let gateway = Gateway::start_with(over).await;
    let number = |line: u32| {
        let number = format!("+1303{line:07}").try_into().unwrap();
        ringback::core::number::Number::new(number, "US".into(), Default::default())
    };
    let numbers = (5_550_000..5_555_000).map(number).collect();
    gateway.running.gateway.add_numbers(numbers).await.unwrap();

    let path = document_with_wait_s(1);
    let heard = format!("{HOME}/schemathesis.heard");
    std::fs::write(&heard, "").unwrap();
    let seed = std::env::var("RINGBACK_SEED").unwrap_or_else(|_| SEED.to_owned());
    println!("==> schemathesis: RINGBACK_SEED={seed}");
    let log = format!("{HOME}/schemathesis.log");
    let output = std::fs::File::create(&log).unwrap();
    let mut run = Command::new(format!("{HOME}/venv/bin/schemathesis"))
        .args([
            "--config-file",
            &format!("{SCRIPTS}/faces/schemathesis.toml"),
            "run",
            &path,
            "--no-color",
        ])
        .args(["--url", &format!("http://{}", gateway.address), "--seed", &seed])
        .args(["--header", &format!("Authorization: Bearer {}", gateway.key)])
        .args(["--header", "Accept: application/json, text/event-stream"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("RINGBACK_KNOWN", known(&gateway).await.to_string())
        .env("RINGBACK_HEARD", &heard)
        .env("PYTHONPATH", format!("{SCRIPTS}/faces"))
        .current_dir(HOME)
        .stdin(Stdio::null())
        .stderr(output.try_clone().unwrap())
        .stdout(output)
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("schemathesis: {e}: `bash .ci/test` installs it"));
    let ended = tokio::time::timeout(Duration::from_secs(SCHEMATHESIS_MAX_S), run.wait()).await;
    let said = std::fs::read_to_string(&log).unwrap();
    let ended = ended.unwrap_or_else(|_| panic!("schemathesis does not end\n{said}"));
    assert!(ended.unwrap().success(), "RINGBACK_SEED={seed}\n{said}");
    assert_looked_up(&std::fs::read_to_string(&heard).unwrap());
    for line in said.lines().filter(|line| line.contains(" generated, ")) {
        println!("==> schemathesis: {}", line.trim());
    }
    gateway.get("/api/verifications").await.expect(200);
}

/// A snippet of the page: its language, and its text with our host and key in the place of the page's.
struct Snippet {
    language: &'static str,
    text: String,
}

/// By which first words a snippet is known.
const BEGINNINGS: [(&str, &str); 4] = [
    ("curl", "curl "),
    ("node", "const res = await "),
    ("python", "import requests\n"),
    ("python", "res = requests."),
];

fn first(text: &str) -> Option<(usize, &'static str)> {
    let places = BEGINNINGS.iter();
    let places = places.filter_map(|(language, words)| Some((text.find(words)?, *language)));
    places.min()
}

/// Cuts the page's examples out: they follow one another without a mark, up to where the answer is shown.
fn snippets(page: &str) -> Vec<Snippet> {
    let mut found: Vec<Snippet> = Vec::new();
    for piece in page.split("Response") {
        let mut rest = first(piece).map_or("", |(at, _)| &piece[at..]);
        while let Some((_, language)) = first(rest) {
            let import = "import requests\n";
            let skip = if rest.starts_with(import) {
                import.len() + 1
            } else {
                1
            };
            let end = first(&rest[skip..]).map_or(rest.len(), |(at, _)| at + skip);
            let text = rest[..end].to_owned();
            found.push(Snippet { language, text });
            rest = &rest[end..];
        }
    }
    found
}

/// The page was kept without its indentation, which Python needs: what follows a colon belongs to it until `else`.
fn indented(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().map(|line| {
        inside &= !line.starts_with("else");
        let shown = if inside {
            format!("    {line}\n")
        } else {
            format!("{line}\n")
        };
        inside |= line.ends_with(':');
        shown
    });
    lines.collect()
}

impl Snippet {
    /// Runs it for a reader who has this id by now: what it prints, and, as JSON in the last line, what it then holds in this variable.
    async fn run(&self, id: &str, holds: &str) -> (String, Value) {
        let (program, arguments) = match self.language {
            "curl" => ("bash".to_owned(), vec!["-ec".to_owned(), self.text.clone()]),
            "node" => {
                let before = "const id = process.env.VERIFICATION_ID;";
                let text = format!("{before}\n{}\nconsole.log(JSON.stringify({holds}));", self.text);
                (
                    "node".to_owned(),
                    vec!["--input-type=module".into(), "--eval".into(), text],
                )
            }
            _ => {
                let before = "import json, os, requests\nverification_id = os.environ['VERIFICATION_ID']";
                let text = format!("{before}\n{}\nprint(json.dumps({holds}))", indented(&self.text));
                (python(), vec!["-c".into(), text])
            }
        };
        let mut command = Command::new(&program);
        command
            .args(&arguments)
            .env("VERIFICATION_ID", id)
            .stdin(Stdio::null());
        let output = command.output().await;
        let output =
            output.unwrap_or_else(|e| panic!("{program}: {e}: `bash .ci/test` says what this needs"));
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{}\n{said}\n{errors}", self.text);
        let last = said.trim().lines().last().unwrap_or_default();
        let holds = serde_json::from_str(last).unwrap_or_else(|e| panic!("{}\n{said}: {e}", self.text));
        (said.into_owned(), holds)
    }
}

/// The page's snippets, which must be these, for this gateway.
fn page(gateway: &Gateway) -> Vec<Snippet> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/api/000/page.txt");
    let page = std::fs::read_to_string(path).unwrap();
    let ours = page.replace("https://api.trunx.ai", &format!("http://{}", gateway.address));
    let found = snippets(&ours.replace("tk_live_...", &gateway.key));
    let languages: Vec<&str> = found.iter().map(|snippet| snippet.language).collect();
    let three = ["curl", "node", "python"];
    assert_eq!(languages, [&three[..], &three, &three, &["curl"]].concat());
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn the_pages_own_snippets_run_as_they_stand_there() {
    let gateway = Gateway::start_with(toml::toml! { poll = { default_s = 1 } }).await;
    let page = page(&gateway);
    for snippet in &page[..3] {
        let (_, holds) = snippet.run("", "services").await;
        let services = holds.get("services").unwrap_or(&holds);
        let google = json!({ "serviceName": "google", "description": "Google", "capability": "Sms" });
        assert_eq!(services[0], google, "{}", snippet.language);
    }
    let mut rented = Value::Null;
    for snippet in &page[3..6] {
        rented = snippet.run("", "verification").await.1;
        assert_eq!(
            (&rented["serviceName"], &rented["status"]),
            (&json!("google"), &json!("active"))
        );
    }
    let [id, number] = ["id", "number"].map(|name| rented[name].as_str().unwrap().to_owned());
    let holds = |snippet: &Snippet| {
        if snippet.language == "node" {
            "{ status, otpCode, smsContent }"
        } else {
            "data"
        }
    };
    for snippet in &page[6..9] {
        let (said, data) = snippet.run(&id, holds(snippet)).await;
        assert!(
            data == json!({ "status": "pending" }) && !said.contains("OTP"),
            "{}: {said}",
            snippet.language
        );
    }
    let text = "G-123456 is your Google verification code.";
    carrier::post(gateway.address, TELNYX, &draft("m-1", &number, text)).await;
    for snippet in &page[6..9] {
        let (said, data) = snippet.run(&id, holds(snippet)).await;
        assert_eq!(
            data,
            json!({ "status": "completed", "otpCode": "123456", "smsContent": text })
        );
        assert_eq!(said.contains("OTP: 123456"), snippet.language != "curl", "{said}");
    }
    let other = gateway.rent("google").await;
    let (_, cancelled) = page[9].run(&other.id, "").await;
    assert_eq!(cancelled, json!({ "id": other.id, "status": "cancelled" }));
    println!(
        "==> {} snippets of contract 000's page run as they stand there: curl, fetch and requests",
        page.len()
    );
}
