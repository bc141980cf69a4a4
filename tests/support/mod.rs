//! What the end-to-end tests share: a gateway on free ports, a plain client, carriers that sign, a subscriber that listens.

pub mod carrier;
pub mod client;
pub mod gateway;
pub mod openapi;
pub mod provider;
pub mod published;
pub mod schema;
pub mod stream;
pub mod subscriber;

use std::future::Future;
use std::time::Duration;

/// How long anything here may take before a test says that it hangs; far more than it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `reached` is true; `what` names it where it never is.
pub async fn until(what: &str, reached: impl Fn() -> bool) {
    let looking = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, looking).await;
}

/// Asks until there is an answer; `what` names it where there never is one.
pub async fn until_async<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, asking).await
}

/// The future's value, or a failure that names it.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {} s", PATIENCE.as_secs()),
    }
}
