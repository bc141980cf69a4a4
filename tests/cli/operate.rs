//! What an operator does to a running gateway: numbers in, the first keys out.

use serde_json::json;

use super::dev::address;
use super::process::{Ended, Home, Running};
use crate::support::client::Call;

pub struct Gateway {
    pub home: Home,
    running: Running,
    pub address: std::net::SocketAddr,
    admin: String,
    data: String,
}

impl Gateway {
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts one with this configuration.
    pub async fn start_with(config: &str) -> Self {
        let home = Home::new();
        let config = home.write("ringback.toml", config);
        let (running, fields) = home.serve(&["--config", &config]).await;
        let address = fields["address"].as_str().unwrap().parse().unwrap();
        let admin = format!("http://{}", fields["admin"].as_str().unwrap());
        let data = home.path().join("data").display().to_string();
        Self {
            home,
            running,
            address,
            admin,
            data,
        }
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.home
            .run(&[arguments, &["--admin-url", &self.admin, "--data", &self.data]].concat())
            .await
    }

    async fn import(&self, name: &str, text: &str) -> Ended {
        let file = self.home.write(name, text);
        self.run(&["numbers", "import", &file]).await
    }

    async fn numbers(&self) -> u64 {
        let status = Call::get("/status.json")
            .send(address(&self.admin))
            .await
            .expect(200);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of a few numbers"
        )]
        let count = status["gauges"]["ringback_numbers"].as_f64().unwrap() as u64;
        count
    }

    pub async fn stop(self) {
        self.running.terminate().await;
        assert_eq!(self.running.end().await.0, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_come_in_as_csv_and_as_json() {
    let gateway = Gateway::start().await;
    let csv = "number,country,price\n+12025550143,US,0.7500\n\n +12025550144 , US ,\n";
    let imported = gateway.import("a.csv", csv).await;
    assert_eq!(
        (imported.code, imported.out.as_str()),
        (Some(0), "2 numbers added, 0 were there already\n"),
        "{}",
        imported.err
    );
    let turned = "country,number\nUS,+12025550143\nUS,+12025550145\n";
    let imported = gateway.import("b.csv", turned).await;
    assert_eq!(imported.out, "1 numbers added, 1 were there already\n");
    let json = json!([{ "number": "+12025550146", "country": "US", "price": "1" }, { "number": "+12025550143", "country": "US" }]);
    let imported = gateway.import("c.json", &json.to_string()).await;
    assert_eq!(
        imported.out, "1 numbers added, 1 were there already\n",
        "{}",
        imported.err
    );
    assert_eq!(gateway.numbers().await, 4);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_a_wrong_line_is_told_line_by_line_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let csv = "number,country,price\n+12025550143,US,\n12,US,\n+12025550144,us,\n+12025550145,US,free\n+12025550146,US,1\n,US,\n";
    let refused = gateway.import("a.csv", csv).await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(
        refused.err.contains("a.csv") && refused.err.contains("nothing was imported"),
        "{}",
        refused.err
    );
    for entry in [
        "entry 2: ",
        "entry 3: country is two capital letters",
        "entry 4: ",
        "entry 6: missing field `number`",
    ] {
        assert!(refused.err.contains(entry), "{entry}: {}", refused.err);
    }
    assert!(
        !refused.err.contains("entry 1:") && !refused.err.contains("entry 5:"),
        "{}",
        refused.err
    );
    let wrong = [
        ("empty.csv", "", "the file is empty"),
        ("headless.csv", "+12025550143,US\n", "number,country,price"),
        ("broken.json", "[{", "broken.json"),
        ("object.json", "{}", "object.json"),
        (
            "more.json",
            r#"[{"number":"+12025550143","country":"US","cost":"1"}]"#,
            "unknown field `cost`",
        ),
    ];
    for (name, text, says) in wrong {
        let refused = gateway.import(name, text).await;
        assert_eq!(refused.code, Some(2), "{name}");
        assert!(refused.err.contains(says), "{name}: {}", refused.err);
    }
    let missing = gateway.run(&["numbers", "import", "/nowhere.csv"]).await;
    assert!(
        missing.code == Some(2) && missing.err.contains("/nowhere.csv"),
        "{}",
        missing.err
    );
    assert_eq!(gateway.numbers().await, 0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_key_works_at_once_and_after_a_restart() {
    let gateway = Gateway::start().await;
    let live = gateway.run(&["keys", "create", "--account", "acme"]).await;
    assert_eq!(live.code, Some(0), "{}", live.err);
    let key = live.out.trim().to_owned();
    assert!(
        key.starts_with("rb_live_") && live.err.contains("not shown again"),
        "{}",
        live.err
    );
    Call::get("/api/verifications")
        .key(&key)
        .send(gateway.address)
        .await
        .expect(200);
    let test = gateway
        .run(&["keys", "create", "--account", "acme", "--test"])
        .await;
    assert_eq!(test.code, Some(5));
    assert!(test.err.contains("sandbox"), "{}", test.err);
    let wrong = gateway
        .run(&["keys", "create", "--account", "not an account"])
        .await;
    assert_eq!(wrong.code, Some(5), "{}", wrong.err);
    assert!(wrong.err.contains("an account id is 1 to 64"), "{}", wrong.err);

    after_a_stop(gateway, &key).await;
}

/// The commands say so while nobody listens, and the key is there again after the next start.
async fn after_a_stop(gateway: Gateway, key: &str) {
    let Gateway {
        home,
        running,
        admin,
        data,
        ..
    } = gateway;
    running.terminate().await;
    running.end().await;
    let down = home
        .run(&[
            "keys",
            "create",
            "--account",
            "acme",
            "--admin-url",
            &admin,
            "--data",
            &data,
        ])
        .await;
    assert_eq!(down.code, Some(6), "nobody listens there now: {}", down.err);
    let nothing = home
        .run(&[
            "keys",
            "create",
            "--account",
            "acme",
            "--admin-url",
            &admin,
            "--data",
            "/nowhere",
        ])
        .await;
    assert!(
        nothing.code == Some(6) && nothing.err.contains("Is the gateway running"),
        "{}",
        nothing.err
    );
    let (running, fields) = home.serve(&[]).await;
    let address = fields["address"].as_str().unwrap().parse().unwrap();
    Call::get("/api/verifications")
        .key(key)
        .send(address)
        .await
        .expect(200);
    running.terminate().await;
    running.end().await;
}
