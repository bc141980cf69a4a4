//! The dialects over real sockets: TextVerified's against the scripted server, contract 001's against a gateway of our own.

use ringback::app::{ClientOptions, Policy, asker};
use ringback::clock::Clock;
use ringback::core::money::Price;
use ringback::core::phone::PhoneNumber;
use ringback::core::rental::Status;
use ringback::core::service::Capability;
use ringback::supplier::{Ask, Bought, Dialect, Question, Refusal, Token, Wanted};

use super::upstream::{KEY, Trouble, USER, Upstream};
use crate::support::gateway::Gateway;

pub fn ask() -> Ask {
    let policy = Policy {
        allow_loopback: true,
        ..Policy::strict()
    };
    asker(ClientOptions::new(policy), Clock::System).unwrap()
}

fn wanted(service: &str) -> Wanted {
    Wanted {
        service: service.into(),
        country: "US".into(),
        area_code: None,
        capability: Capability::Sms,
    }
}

/// A dialect and who performs its questions.
struct Talk {
    ask: Ask,
    dialect: Dialect,
    token: Option<Token>,
}

impl Talk {
    async fn to(upstream: &Upstream) -> Self {
        let dialect = Dialect::new("textverified", &upstream.url, (USER, KEY)).unwrap();
        let mut talk = Self {
            ask: ask(),
            dialect,
            token: None,
        };
        let sign_in = talk.dialect.sign_in().unwrap();
        talk.token = Some(talk.put(sign_in).await.unwrap());
        talk
    }

    async fn put<T>(&self, question: Question<T>) -> Result<T, Refusal> {
        self.within(question, 5000).await
    }

    async fn within<T>(&self, question: Question<T>, timeout_ms: u64) -> Result<T, Refusal> {
        let question = match &self.token {
            Some(token) => question.bearing(token),
            None => question,
        };
        question.put(&self.ask, timeout_ms).await
    }

    async fn buy(&self, service: &str) -> Result<Bought, Refusal> {
        self.put(self.dialect.buy(&wanted(service), Price(10_000))).await
    }

    async fn look(&self, id: &str) -> Status {
        self.put(self.dialect.look(id).unwrap()).await.unwrap().status
    }

    /// What came: texts and the codes that the provider saw.
    async fn messages(&self, id: &str) -> Vec<(String, Option<String>)> {
        let number = PhoneNumber::parse("+17755550100").unwrap();
        let page = self.put(self.dialect.messages(id, &number, None)).await.unwrap();
        page.items.into_iter().map(|m| (m.text, m.parsed_code)).collect()
    }
}

#[tokio::test]
async fn a_rental_from_its_price_to_its_end() {
    let upstream = Upstream::start().await;
    let talk = Talk::to(&upstream).await;
    assert_eq!(
        talk.put(talk.dialect.price(&wanted("google"))).await,
        Ok(Price(9500))
    );
    let services = talk.put(talk.dialect.services().unwrap()).await.unwrap();
    assert!(
        services
            .iter()
            .any(|s| s.service == "google" && s.capability == Capability::Sms)
    );
    let bought = talk.buy("google").await.unwrap();
    let there = talk.put(talk.dialect.look(&bought.id).unwrap()).await.unwrap();
    assert_eq!(
        (there.number.as_str(), there.status, there.cost),
        ("+17755550100", Status::Active, Some(Price(9500)))
    );
    assert!(there.ends_at.unwrap() > Clock::System.now() && !there.refunded);
    assert_eq!(talk.put(talk.dialect.cancel(&bought.id)).await, Ok(None));
    assert_eq!(talk.look(&bought.id).await, Status::Cancelled);
    assert_eq!(
        talk.put(talk.dialect.cancel(&bought.id)).await,
        Err(Refusal::NotCancellable)
    );
    assert_eq!(
        talk.put(talk.dialect.cancel("lr_99")).await,
        Err(Refusal::Unknown)
    );
}

#[tokio::test]
async fn an_area_code_and_a_cap_are_asked_for() {
    let upstream = Upstream::start().await;
    let talk = Talk::to(&upstream).await;
    let here = Wanted {
        area_code: Some("212".into()),
        ..wanted("google")
    };
    let bought = talk.put(talk.dialect.buy(&here, Price(9500))).await.unwrap();
    let there = talk.put(talk.dialect.look(&bought.id).unwrap()).await.unwrap();
    assert_eq!(there.number.as_str(), "+12125550100");
    let dear = talk.put(talk.dialect.buy(&here, Price(9499))).await;
    assert_eq!(dear, Err(Refusal::TooDear));
}

#[tokio::test]
async fn the_scenarios_of_the_provider() {
    let upstream = Upstream::start().await;
    let talk = Talk::to(&upstream).await;
    assert_eq!(talk.buy("test_no_numbers").await, Err(Refusal::NoNumbers));
    assert_eq!(
        talk.buy("test_insufficient_balance").await,
        Err(Refusal::NoBalance)
    );
    assert_eq!(
        talk.buy("test_too_many_unfinished_verifications").await,
        Err(Refusal::TooManyOpen)
    );
    let code = |text: &str| vec![(text.to_owned(), Some("482913".to_owned()))];
    let success = talk.buy("test_success").await.unwrap().id;
    assert_eq!(talk.messages(&success).await, code("Your code is 482913."));
    assert_eq!(talk.look(&success).await, Status::Completed);
    let delayed = talk.buy("test_delayed_success").await.unwrap().id;
    assert_eq!(
        (talk.messages(&delayed).await, talk.messages(&delayed).await),
        (vec![], vec![])
    );
    assert_eq!(talk.messages(&delayed).await, code("Your code is 482913."));
    let waiting = talk.buy("test_pending").await.unwrap().id;
    assert_eq!(
        (talk.look(&waiting).await, talk.messages(&waiting).await),
        (Status::Active, vec![])
    );
    upstream.deliver(&waiting, "Hello.", None);
    assert_eq!(talk.messages(&waiting).await, vec![("Hello.".to_owned(), None)]);
    assert_eq!(upstream.asked("POST /auth"), 1);
    let late = talk.buy("test_timeout").await.unwrap().id;
    assert_eq!(
        (talk.look(&late).await, talk.look(&late).await),
        (Status::Active, Status::Expired)
    );
}

#[tokio::test]
async fn what_it_lists_is_read_page_by_page() {
    let upstream = Upstream::start().await;
    upstream.books().page = 2;
    let talk = Talk::to(&upstream).await;
    for _ in 0..3 {
        talk.buy("google").await.unwrap();
    }
    let first = talk.put(talk.dialect.list(None).unwrap()).await.unwrap();
    let rest = talk
        .put(talk.dialect.list(first.next.as_deref()).unwrap())
        .await
        .unwrap();
    let ids: Vec<String> = first
        .items
        .into_iter()
        .chain(rest.items)
        .map(|listed| listed.id)
        .collect();
    assert_eq!(ids, ["lr_03", "lr_02", "lr_01"]);
    assert_eq!(rest.next, None);
}

/// What was not asked was not done; what was asked and not answered may have been.
#[tokio::test]
async fn a_failure_says_whether_it_may_be_done() {
    let upstream = Upstream::start().await;
    let talk = Talk::to(&upstream).await;
    upstream.trouble("POST /verifications", Trouble::Silence);
    let silent = talk
        .within(talk.dialect.buy(&wanted("google"), Price(10_000)), 300)
        .await;
    assert!(silent.as_ref().is_err_and(Refusal::may_be_done), "{silent:?}");
    assert_eq!(upstream.books().sold.len(), 1);
    upstream.trouble("POST /verifications", Trouble::Status(429, Some(7)));
    assert_eq!(
        talk.buy("google").await,
        Err(Refusal::TooMany { after_s: Some(7) })
    );
    upstream.trouble("POST /verifications", Trouble::Status(503, None));
    assert_eq!(talk.buy("google").await, Err(Refusal::Failed(503)));
    upstream.trouble("POST /verifications", Trouble::TokenGone);
    assert_eq!(talk.buy("google").await, Err(Refusal::Unauthorized));
    let nobody = Dialect::new("textverified", "http://127.0.0.1:1", (USER, KEY)).unwrap();
    let unreached = talk.put(nobody.buy(&wanted("google"), Price(1))).await;
    assert!(matches!(unreached, Err(Refusal::Unreached(_))), "{unreached:?}");
    let private = Dialect::new("textverified", "http://10.0.0.1", (USER, KEY)).unwrap();
    let blocked = talk.put(private.buy(&wanted("google"), Price(1))).await;
    assert!(matches!(blocked, Err(Refusal::Unreached(_))), "{blocked:?}");
}

#[tokio::test]
async fn a_wrong_key_is_unauthorized() {
    let upstream = Upstream::start().await;
    let dialect = Dialect::new("textverified", &upstream.url, (USER, "wrong")).unwrap();
    let refused = dialect.sign_in().unwrap().put(&ask(), 5000).await;
    assert!(matches!(refused, Err(Refusal::Unauthorized)));
}

/// The supplier is a gateway of our own.
#[tokio::test]
async fn a_partner_is_another_gateway() {
    let peer = Gateway::start().await;
    let partner = |key: &str| {
        let dialect = Dialect::new("partner", &format!("http://{}", peer.address), ("", key)).unwrap();
        Talk {
            ask: ask(),
            dialect,
            token: None,
        }
    };
    let talk = partner(&peer.key);
    assert_eq!(
        talk.put(talk.dialect.price(&wanted("google"))).await,
        Ok(Price(5000))
    );
    let bought = talk.buy("google").await.unwrap();
    let there = bought.there.unwrap();
    assert!(there.ends_at.unwrap() > Clock::System.now());
    assert_eq!(talk.messages(&bought.id).await, vec![]);
    assert_eq!(
        talk.put(talk.dialect.cancel(&bought.id)).await,
        Ok(Some(Price(5000)))
    );
    assert_eq!(
        talk.put(talk.dialect.cancel(&bought.id)).await,
        Err(Refusal::Over(Status::Cancelled))
    );
    assert_eq!(
        talk.put(talk.dialect.cancel("rent_0")).await,
        Err(Refusal::Unknown)
    );
    assert_eq!(
        talk.buy("nothing").await,
        Err(Refusal::NotOffered("BAD_SERVICE".into()))
    );
    let abroad = Wanted {
        country: "GB".into(),
        ..wanted("google")
    };
    assert_eq!(
        talk.put(talk.dialect.price(&abroad)).await,
        Err(Refusal::NoNumbers)
    );
    let stranger = partner("rb_live_unknown");
    assert_eq!(stranger.buy("google").await, Err(Refusal::Unauthorized));
}
