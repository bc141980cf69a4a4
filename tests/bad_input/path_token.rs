//! Carriers that neither sign nor give credentials: their requests bring a secret behind the source's name, or they are nobody's.

use ringback::app::check;
use ringback::carrier::simulate::{Signer, signed};
use ringback::clock::Clock;
use toml::Table;

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::carrier::draft;
use crate::support::client::Call;
use crate::support::gateway::{Gateway, config};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://gw.example.com/inbound/smpp";

fn source(public_url: Option<&str>) -> Table {
    let mut table =
        toml::toml! { name = "smpp" carrier = "jasmin" path_tokens = ["0123456789abcdef0123456789abcdef"] };
    if let Some(url) = public_url {
        table.insert("public_url".into(), url.into());
    }
    Table::from_iter([("source".to_owned(), toml::Value::Array(vec![table.into()]))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_in_the_path_lets_a_carrier_in_and_nothing_else_does() {
    for public_url in [None, Some(URL), Some("https://gw.example.com/inbound/smpp/")] {
        let gateway = Gateway::start_with(source(public_url)).await;
        let rental = gateway.rent("google").await;
        let held = Holdings::of(&gateway);
        let signer = Signer::Jasmin {
            path_token: TOKEN.into(),
        };
        let request = signed(
            &signer,
            &draft("1", &rental.number, "Your code is 100200."),
            URL,
            Clock::System.now(),
        );
        let post = |tail: &str| {
            let call = Call::new("POST", &format!("/inbound/smpp{tail}")).body(request.body.clone());
            request
                .headers
                .iter()
                .fold(call, |call, (name, value)| call.header(name, value))
        };
        for tail in [
            "",
            "/",
            "/x",
            "/0123456789abcdef0123456789abcdee",
            &format!("?{TOKEN}"),
            &format!("?x=/{TOKEN}"),
        ] {
            let reply = post(tail).send(gateway.address).await;
            assert_refused(
                tail,
                &reply,
                refusal(401, "unauthorized", "not signed by a key of this source"),
            );
            held.assert_untouched(&gateway, tail).await;
        }
        let reply = post(&format!("/x/{TOKEN}")).send(gateway.address).await;
        assert_refused("deeper", &reply, refusal(404, "not-found", "no such route"));
        let reply = post(&format!("/{TOKEN}")).send(gateway.address).await;
        assert_eq!((reply.status, reply.text()), (200, "ACK/Jasmin".to_owned()));
        assert_eq!(
            gateway.get(&rental.path("/code")).await.json()["otpCode"],
            "100200"
        );
    }
}

#[test]
fn a_public_url_that_holds_the_token_would_let_everybody_in_and_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let open = config(folder.path(), source(Some(&format!("{URL}/{TOKEN}"))));
    let refused = check(&open).unwrap_err().to_string();
    assert!(
        refused.contains("source smpp: `public_url` ends with the path token"),
        "{refused}"
    );
    assert!(!refused.contains(TOKEN));
    assert!(check(&config(folder.path(), source(Some(URL)))).is_ok());
}
