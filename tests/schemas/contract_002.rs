//! Contract 002 as request and response pairs in `fixtures/api/002`; its limits, races and wrong bodies are in tests/verify.

use super::pairs::{self, Known};
use crate::support::gateway::Gateway;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_contract_002_is_answered_exactly() {
    let over = toml::toml! {
        [verify]
        bcrypt_cost = 4
        test_numbers = ["+14155550123=123456"]
    };
    let (gateway, mut known) = (Gateway::start_with(over).await, Known::new());
    for (name, fixture) in pairs::fixtures("002") {
        pairs::play(&gateway, &name, &fixture, &mut known).await;
    }
}
