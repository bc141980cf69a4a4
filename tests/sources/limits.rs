//! Who may post to a source and how much: addresses, proxies, bodies, and the answer to a carrier that gives up on 4xx.

use ringback::carrier::simulate::{Signer, signed};
use ringback::clock::Clock;
use toml::{Table, Value};

use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft, request};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, config};
use crate::support::within;

/// The three carriers, the first of them with these settings more.
fn with(settings: Table, server: Table) -> Table {
    let mut sources = carrier::sources();
    let first = sources[0].as_table_mut().expect("a source is a table");
    first.extend(settings);
    Table::from_iter([
        ("source".to_owned(), sources),
        ("server".to_owned(), server.into()),
    ])
}

fn telnyx(to: &str) -> Call {
    carrier::call(
        TELNYX,
        &request(TELNYX, &draft("m-1", to, "Your code is 100200.")),
    )
}

fn refused(gateway: &Gateway, reason: &str) -> bool {
    let line = format!("ringback_inbound_rejected_total{{source=\"telnyx\",reason=\"{reason}\"}}");
    gateway.running.gateway.metrics().render(&[]).contains(&line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_listed_addresses_may_post() {
    for (listed, allowed) in [
        ("127.0.0.1", true),
        ("127.0.0.0/8", true),
        ("203.0.113.0/24", false),
        ("fd00::/8", false),
    ] {
        let settings = toml::toml! { allow_ips = [listed] };
        let settings = Table::from_iter(
            settings
                .into_iter()
                .map(|(key, _)| (key, Value::Array(vec![listed.into()]))),
        );
        let gateway = Gateway::start_with(with(settings, Table::new())).await;
        let rental = gateway.rent("google").await;
        // Whatever a stranger writes into the field.
        let call = telnyx(&rental.number).header("x-forwarded-for", "203.0.113.9");
        let reply = call.send(gateway.address).await;
        assert_eq!(reply.status, if allowed { 204 } else { 401 }, "{listed}");
        assert_eq!(refused(&gateway, "address_not_allowed"), !allowed, "{listed}");
        let other = carrier::post(gateway.address, STANDARD, &draft("m-2", &rental.number, "x")).await;
        assert_eq!(other.status, 204, "the other sources are open");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_an_address_looks_as_any_other() {
    let settings = toml::toml! { allow_ips = ["203.0.113.0/24"] };
    let gateway = Gateway::start_with(with(settings, Table::new())).await;
    let elsewhere = telnyx("+12025550100").send(gateway.address).await;
    let unsigned = Call::new("POST", "/inbound/standard").send(gateway.address).await;
    assert_eq!(
        (elsewhere.status, elsewhere.body),
        (unsigned.status, unsigned.body)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_tells_the_address() {
    let settings = toml::toml! { allow_ips = ["203.0.113.0/24", "2001:db8::/32"] };
    let server = toml::toml! { trusted_proxies = ["127.0.0.1", "10.0.0.0/8"] };
    let gateway = Gateway::start_with(with(settings, server)).await;
    for (seen, status) in [
        ("203.0.113.9", 204),
        ("::ffff:203.0.113.9", 204),
        ("2001:db8::9", 204),
        ("198.51.100.1, 203.0.113.9, 10.0.0.7", 204),
        ("198.51.100.1", 401),
        // What stands left of the first stranger is the stranger's own word.
        ("203.0.113.9, 198.51.100.1", 401),
        ("203.0.113.9, unknown", 401),
        ("", 401),
    ] {
        let reply = telnyx("+12025550100")
            .header("x-forwarded-for", seen)
            .send(gateway.address)
            .await;
        assert_eq!(reply.status, status, "{seen:?}");
    }
    assert_eq!(
        telnyx("+12025550100").send(gateway.address).await.status,
        401,
        "the proxy itself"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_have_a_smaller_body() {
    let settings = toml::toml! { body_bytes_max = 1024 };
    let gateway = Gateway::start_with(with(settings, Table::new())).await;
    let long = "x".repeat(2000);
    let post = async |source: &str| -> Reply {
        let sms = draft("m-1", "+12025550100", &long);
        carrier::call(source, &request(source, &sms))
            .send(gateway.address)
            .await
    };
    let reply = post(TELNYX).await;
    assert_eq!(
        (reply.status, reply.json()["limit_bytes"].as_u64()),
        (413, Some(1024))
    );
    assert_eq!(
        post(TWILIO).await.status,
        200,
        "the other sources have the listener's limit"
    );
}

#[test]
fn wrong_limits_are_refused_at_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    for (settings, server, said) in [
        (
            toml::toml! { allow_ips = ["10.0.0.1/8"] },
            Table::new(),
            "source telnyx: allow_ips: 10.0.0.1/8",
        ),
        (
            Table::new(),
            toml::toml! { trusted_proxies = ["0.0.0.0/0"] },
            "server.trusted_proxies: 0.0.0.0/0",
        ),
    ] {
        let config = config(folder.path(), with(settings, server));
        let refused = ringback::app::check(&config).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    for carrier in ["clicksend", "jasmin", "kannel"] {
        // 31 hexadecimal digits are 124 bits.
        let mut source = toml::toml! { name = "a" path_tokens = ["0123456789abcdef0123456789abcde"] };
        source.insert("carrier".into(), carrier.into());
        let over = Table::from_iter([("source".to_owned(), Value::Array(vec![source.into()]))]);
        let refused = ringback::app::check(&config(folder.path(), over))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("source a: `path_tokens` is wrong: write 128 random bits"),
            "{refused}"
        );
    }
}

/// Stored, answered, and only then worked on: the tightest carrier gives us two seconds, a subscriber may take a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_does_not_wait_for_a_subscriber() {
    let over = toml::toml! { [outbound] timeout_ms = 60000 };
    let gateway = Gateway::start_with(over).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", silent.local_addr().unwrap());
    gateway.subscribe(&url, &["verification.code_received"]).await;
    let rental = gateway.rent("google").await;
    let reply = telnyx(&rental.number).send(gateway.address).await;
    assert_eq!(reply.status, 204);
    // The event went out, and nobody has answered it: the connection is held and silent.
    let (_held, _) = within("the delivery", silent.accept()).await.unwrap();
    assert_eq!(gateway.total("ringback_delivery_attempts_total"), 0);
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "100200"
    );
}

/// Sinch repeats on 5xx and 429 alone: with a wrong key or a wrong clock on our side its messages would be gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_gives_up_on_4xx_hears_503() {
    let signer = |byte| Signer::generate("sinch", &[byte; 64]).unwrap();
    let mut source = signer(1).settings();
    source.insert("name".into(), "sinch".into());
    source.insert("carrier".into(), "sinch".into());
    let over = Table::from_iter([("source".to_owned(), Value::Array(vec![source.into()]))]);
    let gateway = Gateway::start_with(over).await;
    let url = format!("http://{}/inbound/sinch", gateway.address);
    let now = Clock::System.now();
    let sms = draft("m-1", "+12025550100", "x");
    for (what, signer, at, status) in [
        ("another key", signer(2), now, 503),
        ("another clock", signer(1), now.minus_ms(400_000), 503),
        ("the right key", signer(1), now, 204),
    ] {
        let request = signed(&signer, &sms, &url, at);
        let call = Call::new("POST", "/inbound/sinch").body(request.body.clone());
        let call = request
            .headers
            .iter()
            .fold(call, |call, (n, v)| call.header(n, v));
        let reply = call.send(gateway.address).await;
        assert_eq!(reply.status, status, "{what}");
        assert_eq!(reply.header("retry-after").is_some(), status == 503, "{what}");
    }
}
