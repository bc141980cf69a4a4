//! Contract 003 as request and response pairs in `fixtures/api/003`; what they cannot show is in tests/verify.

use super::pairs::{self, Known};
use crate::support::gateway::Gateway;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_contract_003_is_answered_exactly() {
    let over = toml::toml! { verify = { test_numbers = ["+13035551234=17686"] } };
    let gateway = Gateway::start_with(over).await;
    let mut known = Known::new();
    for (name, fixture) in pairs::fixtures("003") {
        pairs::play(&gateway, &name, &fixture, &mut known).await;
    }
}
