//! TextVerified's API v2, as its published schema has it. What its error codes are is not published: their words are gone by, and a code
//! that says nothing known is a refusal of this wish alone.

mod read;

use http::{HeaderName, HeaderValue, Method};
use serde_json::json;

use self::read::{
    BearerToken, Compact, Link, Service, Sms, Snapshot, Verification, page, refused, status, time,
};
use super::{Bought, Listed, Offered, Page, Question, Refusal, Request, There, Token, Wanted};
use crate::core::message::Message;
use crate::core::money::Price;
use crate::core::phone::{self, PhoneNumber};
use crate::core::service::Capability;

const API: &str = "/api/pub/v2";
/// The only country whose numbers it sells.
const COUNTRY: &str = "US";

/// Where it is and who we are there.
#[derive(Debug)]
pub struct Login {
    pub base: String,
    /// Both are marked sensitive, so `Debug` hides them.
    pub user: HeaderValue,
    pub key: HeaderValue,
}

impl Login {
    fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request {
            method,
            url: format!("{}{API}{path}", self.base),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        }
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Request {
        let (headers, body) = super::json_body(body);
        Request {
            headers,
            body,
            ..self.request(Method::POST, path)
        }
    }

    pub fn sign_in(&self) -> Question<Token> {
        let headers = vec![
            (HeaderName::from_static("x-api-username"), self.user.clone()),
            (HeaderName::from_static("x-api-key"), self.key.clone()),
        ];
        let request = Request {
            headers,
            ..self.request(Method::POST, "/auth")
        };
        Question::new(request, |answer| {
            super::refused(answer).map_or(Ok(()), Err)?;
            let BearerToken { token, expires_in } = super::read_json(answer)?;
            // From float to int saturates, so a strange time makes a token that is used for nothing or asked for again.
            Ok(Token {
                text: token,
                lives_ms: (expires_in * 1000.0) as u64,
            })
        })
    }

    pub fn services(&self) -> Question<Vec<Offered>> {
        let request = self.get("/services?numberType=mobile&reservationType=verification");
        Question::new(request, |answer| {
            super::refused(answer).map_or(Ok(()), Err)?;
            let services: Vec<Service> = super::read_json(answer)?;
            let offered = services.into_iter().map(|service| Offered {
                service: service.service_name,
                capability: match service.capability.as_str() {
                    "voice" => Capability::Voice,
                    "smsAndVoiceCombo" => Capability::SmsAndVoice,
                    _ => Capability::Sms,
                },
            });
            Ok(offered.collect())
        })
    }

    pub fn price(&self, wanted: &Wanted) -> Question<Price> {
        let body = json!({
            "serviceName": wanted.service,
            "areaCode": wanted.area_code.is_some(),
            "carrier": false,
            "numberType": "mobile",
            "capability": capability(wanted.capability),
        });
        let abroad = wanted.country != COUNTRY;
        Question::new(self.post("/pricing/verifications", &body), move |answer| {
            if abroad {
                return Err(Refusal::NotOffered(
                    "it has numbers of the United States alone".into(),
                ));
            }
            refused(answer).map_or(Ok(()), Err)?;
            let Snapshot { price } = super::read_json(answer)?;
            Price::from_dollars(price).ok_or(Refusal::Unsound("its price is none"))
        })
    }

    pub fn buy(&self, wanted: &Wanted, price_max: Price) -> Question<Bought> {
        let mut body = json!({
            "serviceName": wanted.service,
            "capability": capability(wanted.capability),
            "maxPrice": price_max.dollars(),
        });
        if let Some(area_code) = &wanted.area_code {
            body["areaCodeSelectOption"] = json!([area_code]);
        }
        Question::new(self.post("/verifications", &body), |answer| {
            refused(answer).map_or(Ok(()), Err)?;
            let linked = super::read_json::<Link>(answer).ok().and_then(|link| link.href);
            let place = linked.or_else(|| answer.location.clone()).unwrap_or_default();
            let path = place.split(['?', '#']).next().unwrap_or_default();
            let id = super::id(path.rsplit('/').next().unwrap_or_default())?;
            Ok(Bought { id, there: None })
        })
    }

    pub fn look(&self, id: &str) -> Question<There> {
        Question::new(self.get(&format!("/verifications/{id}")), |answer| {
            super::refused(answer).map_or(Ok(()), Err)?;
            let there: Verification = super::read_json(answer)?;
            let number = PhoneNumber::parse(&phone::american(&there.number));
            Ok(There {
                number: number.map_err(|_| Refusal::Unsound("its number is none"))?,
                status: status(&there.state)?,
                cost: Some(
                    Price::from_dollars(there.total_cost).ok_or(Refusal::Unsound("its cost is none"))?,
                ),
                ends_at: Some(time(&there.ends_at)?),
                refunded: there.state == "verificationRefunded",
            })
        })
    }

    pub fn list(&self, next: Option<&str>) -> Question<Page<Listed>> {
        let request = self.get(&format!("/verifications{}", next.unwrap_or_default()));
        Question::new(request, |answer| {
            page(answer, |listed: Compact| {
                Ok(Listed {
                    status: status(&listed.state)?,
                    created_at: time(&listed.created_at)?,
                    id: super::id(&listed.id)?,
                    service: listed.service_name,
                })
            })
        })
    }

    pub fn messages(&self, id: &str, number: &PhoneNumber, next: Option<&str>) -> Question<Page<Message>> {
        let first = format!("?reservationId={id}&reservationType=verification");
        let request = self.get(&format!("/sms{}", next.unwrap_or(&first)));
        let (id, number) = (id.to_owned(), number.clone());
        Question::new(request, move |answer| {
            page(answer, |sms: Sms| {
                let code = sms.parsed_code.filter(|code| !code.is_empty());
                let text = sms.sms_content.unwrap_or_default();
                let from = sms.from.unwrap_or_default();
                Ok(Message {
                    received_at: Some(time(&sms.created_at)?),
                    parsed_code: code,
                    reservation_id: Some(id.clone()),
                    ..Message::new(&sms.id, &from, number.as_str(), &text)
                })
            })
        })
    }

    pub fn cancel(&self, id: &str) -> Question<Option<Price>> {
        let request = self.request(Method::POST, &format!("/verifications/{id}/cancel"));
        Question::new(request, |answer| match answer.status {
            400 => Err(Refusal::NotCancellable),
            // What is paid back shows in its state alone.
            _ => super::refused(answer).map_or(Ok(None), Err),
        })
    }
}

fn capability(capability: Capability) -> &'static str {
    match capability {
        Capability::Sms => "sms",
        Capability::Voice => "voice",
        Capability::SmsAndVoice => "smsAndVoiceCombo",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, wanted};
    use super::super::{Answer, Dialect};
    use super::*;

    fn login() -> Dialect {
        Dialect::new("textverified", "https://tv.example/", ("me@x", "k")).unwrap()
    }

    #[test]
    fn what_was_bought_is_found_by_its_link_or_its_location() {
        let buy = login().buy(&wanted(), Price(9500));
        assert_eq!(buy.request.url, "https://tv.example/api/pub/v2/verifications");
        let body: serde_json::Value = serde_json::from_slice(&buy.request.body).unwrap();
        assert_eq!(body["maxPrice"], 0.95);
        let linked = answer(
            201,
            r#"{"method":"GET","href":"https://other.example/x/verifications/lr_01?a=b"}"#,
        );
        assert_eq!(buy.read(&linked).unwrap().id, "lr_01");
        let located = Answer {
            location: Some("https://tv.example/api/pub/v2/verifications/lr_02".into()),
            ..answer(201, "")
        };
        assert_eq!(buy.read(&located).unwrap().id, "lr_02");
        assert!(
            buy.read(&answer(201, r#"{"method":"GET","href":null}"#))
                .unwrap_err()
                .may_be_done()
        );
    }

    #[test]
    fn the_next_page_is_asked_for_where_the_first_was() {
        let links = r#""count":2,"hasPrevious":false,"links":{"next":{"method":"GET","href":"https://evil.example/steal?page=2"}}"#;
        let body = format!(r#"{{"data":[],"hasNext":true,{links}}}"#);
        let page = login().list(None).unwrap().read(&answer(200, &body)).unwrap();
        assert_eq!(page.next.as_deref(), Some("?page=2"));
        let next = login().list(page.next.as_deref()).unwrap();
        assert_eq!(
            next.request.url,
            "https://tv.example/api/pub/v2/verifications?page=2"
        );
        let last = format!(r#"{{"data":[],"hasNext":false,{links}}}"#);
        assert_eq!(
            login()
                .list(None)
                .unwrap()
                .read(&answer(200, &last))
                .unwrap()
                .next,
            None
        );
    }

    #[test]
    fn other_countries_are_not_offered() {
        let abroad = Wanted {
            country: "GB".into(),
            ..wanted()
        };
        let refused = login()
            .price(&abroad)
            .read(&answer(200, r#"{"serviceName":"google","price":0.5}"#));
        assert!(matches!(refused, Err(Refusal::NotOffered(_))));
    }
}
