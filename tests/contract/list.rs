//! The list of verifications, page by page: each one once, newest first, the account's own alone, whatever is rented meanwhile.

use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::gateway::Gateway;

fn ids(page: &Value) -> Vec<String> {
    let all = page["verifications"].as_array().unwrap().iter();
    all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// Follows `nextCursor` to the end; `meanwhile` is done after each page.
async fn paged(gateway: &Gateway, limit: usize, meanwhile: impl AsyncFn()) -> Vec<Vec<String>> {
    let (mut path, mut pages) = (format!("/api/verifications?limit={limit}"), Vec::new());
    loop {
        let page = gateway.get(&path).await.expect(200);
        pages.push(ids(&page));
        meanwhile().await;
        match page["nextCursor"].as_str() {
            Some(next) => path = format!("/api/verifications?limit={limit}&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_followed_page_by_page_to_its_end() {
    let gateway = Gateway::start().await;
    let mut own = Vec::new();
    for n in 0..7 {
        own.insert(0, gateway.rent("google").await.id);
        if n % 3 == 0 {
            let foreign = Call::post("/api/verifications", &json!({ "serviceName": "google" }));
            let foreign = foreign.key(&gateway.other_key).send(gateway.address).await;
            foreign.expect(201);
        }
    }
    for limit in [1, 2, 3, 7, 8, 100] {
        let pages = paged(&gateway, limit, async || {}).await;
        assert_eq!(pages.concat(), own, "pages of {limit}");
        assert!(
            pages[..pages.len() - 1].iter().all(|page| page.len() == limit),
            "{pages:?}"
        );
        assert_eq!(pages.len(), own.len() / limit + 1, "pages of {limit}");
    }
    let rented = async || drop(gateway.rent("google").await);
    let pages = paged(&gateway, 3, rented).await;
    assert_eq!(pages.concat(), own, "a newer one stands before the first page");
}
