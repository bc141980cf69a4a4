//! Contract 000 and what its site adds, as request and response pairs in `fixtures/api/000`.

use super::pairs::{self, Known};
use crate::support::gateway::Gateway;

async fn gateway() -> Gateway {
    let over = toml::toml! {
        number = [{ number = "+17755551234", country = "US" }]
        [[service]]
        name = "google"
        description = "Google"
        price = "0.5000"
        lifetime_s = 1200
        [[service]]
        name = "facebook"
        description = "Facebook"
        price = "0.7500"
        lifetime_s = 1200
    };
    Gateway::start_with(over).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_contract_000_is_answered_exactly() {
    let gateway = gateway().await;
    let mut known = Known::new();
    for (name, fixture) in pairs::fixtures("000") {
        pairs::play(&gateway, &name, &fixture, &mut known).await;
    }
}
