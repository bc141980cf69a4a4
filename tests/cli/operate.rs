//! What an operator does to a running gateway: keys; and the gateway that these tests share.

use super::process::{Ended, Home, Running};
use crate::support::client::Call;

pub struct Gateway {
    pub home: Home,
    running: Running,
    pub address: std::net::SocketAddr,
    pub admin: String,
    data: String,
}

impl Gateway {
    pub async fn start() -> Self {
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
        self.home.run(&self.here(arguments)).await
    }

    /// As `run`, where somebody looks.
    pub async fn run_seen(&self, arguments: &[&str]) -> Ended {
        self.home.run_seen(&self.here(arguments)).await
    }

    fn here<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--admin-url", &self.admin, "--data", &self.data]].concat()
    }

    /// What it leaves behind.
    pub async fn stop(self) -> Home {
        self.running.terminate().await;
        assert_eq!(self.running.end().await.0, Some(0));
        self.home
    }
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

/// What is freed goes back to the system within about a second: built in by `.cargo/config.toml`, without which a burst stays in memory.
#[test]
fn the_allocator_gives_back_what_is_free() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringback"));
    let told = command
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "confirm_conf:true")
        .output()
        .unwrap();
    let settings = String::from_utf8(told.stderr).unwrap();
    assert!(settings.contains("\"dirty_decay_ms:1000\""), "{settings}");
}
