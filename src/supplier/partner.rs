//! A client of contract 001: whoever offers it, another Ringback among them, sells us numbers. The key goes where the contract wants it,
//! and as a bearer besides, for servers that would keep it out of URLs.

use std::fmt;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Bought, Page, Question, Refusal, Request, There, Wanted};
use crate::core::message::Message;
use crate::core::money::Price;
use crate::core::phone::PhoneNumber;
use crate::core::rental::Status;
use crate::core::time::UnixMs;

/// Where it is, and the key there.
pub struct Login {
    pub base: String,
    pub key: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Numbers {
    numbers: Vec<Country>,
}

#[derive(Deserialize)]
struct Country {
    country: String,
    available: u64,
    price_per_sms: f64,
}

#[derive(Deserialize)]
struct Rented {
    number: String,
    rental_id: String,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Sms>,
}

#[derive(Deserialize)]
struct Sms {
    sender: Option<String>,
    text: String,
    received_at: String,
}

#[derive(Deserialize)]
struct Cancelled {
    refund_amount: Option<f64>,
}

/// The contract names no error form; ours and its neighbours' words are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Outcome {
    status: String,
    error_code: Option<String>,
    error: Option<String>,
}

impl Login {
    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Request {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("api_key", &self.key).extend_pairs(parameters);
        Request {
            method: Method::GET,
            url: format!("{}{path}?{}", self.base, query.finish()),
            headers: vec![super::bearer(&self.key)],
            body: bytes::Bytes::new(),
        }
    }

    fn post(&self, path: &str, mut body: serde_json::Value) -> Request {
        body["api_key"] = json!(self.key);
        let (mut headers, body) = super::json_body(&body);
        headers.push(super::bearer(&self.key));
        Request {
            method: Method::POST,
            url: format!("{}{path}", self.base),
            headers,
            body,
        }
    }

    pub fn price(&self, wanted: &Wanted) -> Question<Price> {
        let country = wanted.country.clone();
        Question::new(self.get("/getNumbers", &[("country", &country)]), move |answer| {
            let Numbers { numbers } = read(answer)?;
            let there = numbers
                .into_iter()
                .find(|offer| offer.country == country && offer.available > 0)
                .ok_or(Refusal::NoNumbers)?;
            Price::from_dollars(there.price_per_sms).ok_or(Refusal::Unsound("its price is none"))
        })
    }

    pub fn buy(&self, wanted: &Wanted) -> Question<Bought> {
        let body = json!({ "country": wanted.country, "service": wanted.service });
        Question::new(self.post("/rentNumber", body), |answer| {
            let rented: Rented = read(answer)?;
            let number = PhoneNumber::parse(&rented.number);
            let ends_at = rented.expires_at.map(|text| time(&text)).transpose()?;
            Ok(Bought {
                id: super::id(&rented.rental_id)?,
                there: Some(There {
                    number: number.map_err(|_| Refusal::Unsound("its number is none"))?,
                    status: Status::Active,
                    cost: None,
                    ends_at,
                    refunded: false,
                }),
            })
        })
    }

    pub fn messages(&self, id: &str, number: &PhoneNumber) -> Question<Page<Message>> {
        let (id, number) = (id.to_owned(), number.clone());
        Question::new(self.get("/getSMS", &[("rental_id", &id)]), move |answer| {
            let Messages { messages } = read(answer)?;
            let items = messages.into_iter().map(|sms| {
                let from = sms.sender.unwrap_or_default();
                Ok(Message {
                    received_at: Some(time(&sms.received_at)?),
                    reservation_id: Some(id.clone()),
                    // The contract gives a message no id.
                    ..Message::new(&id, &from, number.as_str(), &sms.text)
                })
            });
            let items = items.collect::<Result<_, _>>()?;
            Ok(Page { items, next: None })
        })
    }

    pub fn cancel(&self, id: &str) -> Question<Option<Price>> {
        Question::new(self.post("/cancelNumber", json!({ "rental_id": id })), |answer| {
            let Cancelled { refund_amount } = read(answer)?;
            Ok(refund_amount.and_then(Price::from_dollars))
        })
    }
}

fn time(text: &str) -> Result<UnixMs, Refusal> {
    UnixMs::parse_rfc3339(text).ok_or(Refusal::Unsound("its time is none"))
}

/// The body of a success. Neighbours of the contract answer 200 to errors too, so its word counts before the status.
fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Refusal> {
    let outcome: Outcome = super::read_json(answer).unwrap_or_default();
    let code = outcome.error_code.or(outcome.error).unwrap_or_default();
    let told = match code.to_ascii_uppercase().as_str() {
        "NO_NUMBERS" => Some(Refusal::NoNumbers),
        "BAD_KEY" | "INSUFFICIENT_SCOPE" => Some(Refusal::Unauthorized),
        "NO_BALANCE" => Some(Refusal::NoBalance),
        "TOO_MANY_RENTALS" => Some(Refusal::TooManyOpen),
        "BAD_SERVICE" | "BAD_COUNTRY" => Some(Refusal::NotOffered(super::word(&code))),
        "RENTAL_NOT_FOUND" => Some(Refusal::Unknown),
        "ALREADY_CANCELLED" => Some(Refusal::Over(Status::Cancelled)),
        "ALREADY_EXPIRED" => Some(Refusal::Over(Status::Expired)),
        "ALREADY_COMPLETED" => Some(Refusal::Over(Status::Completed)),
        _ => None,
    };
    if let Some(refusal) = told.or_else(|| super::refused(answer)) {
        return Err(refusal);
    }
    if outcome.status != "success" {
        return Err(Refusal::NotOffered(super::word(&code)));
    }
    super::read_json(answer)
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::super::tests::{answer, wanted};
    use super::*;

    fn dialect() -> Dialect {
        Dialect::new("partner", "https://p.example", ("", "k&y")).unwrap()
    }

    fn refused(status: u16, code: &str) -> Refusal {
        let body = json!({ "status": "error", "error_code": code, "message": "x" }).to_string();
        dialect()
            .cancel("rent_1")
            .read(&answer(status, &body))
            .unwrap_err()
    }

    #[test]
    fn its_words_count_before_its_status() {
        assert_eq!(refused(200, "NO_NUMBERS"), Refusal::NoNumbers);
        assert_eq!(refused(404, "NO_NUMBERS"), Refusal::NoNumbers);
        assert_eq!(refused(404, "RENTAL_NOT_FOUND"), Refusal::Unknown);
        assert_eq!(
            refused(409, "ALREADY_CANCELLED"),
            Refusal::Over(Status::Cancelled)
        );
        assert_eq!(refused(401, "BAD_KEY"), Refusal::Unauthorized);
        assert_eq!(refused(200, "STRANGE"), Refusal::NotOffered("STRANGE".into()));
        assert_eq!(refused(503, "STRANGE"), Refusal::Failed(503));
        assert_eq!(refused(429, "STRANGE"), Refusal::TooMany { after_s: None });
    }

    #[test]
    fn the_key_goes_where_the_contract_wants_it() {
        let price = dialect().price(&wanted());
        assert_eq!(
            price.request.url,
            "https://p.example/getNumbers?api_key=k%26y&country=US"
        );
        let buy = dialect().buy(&wanted(), Price(1));
        let body: serde_json::Value = serde_json::from_slice(&buy.request.body).unwrap();
        assert_eq!(
            body,
            json!({ "country": "US", "service": "google", "api_key": "k&y" })
        );
    }

    #[test]
    fn the_examples_of_the_contract_are_read() {
        let numbers = r#"{"status":"success","numbers":[{"country":"GB","country_name":"United Kingdom","available":3200,"price_per_sms":0.06},
            {"country":"US","country_name":"United States","available":5000,"price_per_sms":0.05}]}"#;
        assert_eq!(
            dialect().price(&wanted()).read(&answer(200, numbers)),
            Ok(Price(500))
        );
        let rented = r#"{"status":"success","number":"+14155552671","rental_id":"rent_12345","expires_at":"2023-06-15T15:30:45Z","country":"US"}"#;
        let bought = dialect()
            .buy(&wanted(), Price(1))
            .read(&answer(200, rented))
            .unwrap();
        let there = bought.there.unwrap();
        assert_eq!(
            (bought.id.as_str(), there.number.as_str()),
            ("rent_12345", "+14155552671")
        );
        let messages = r#"{"status":"success","messages":[{"sender":"Facebook","text":"Your verification code is: 123456",
            "received_at":"2023-06-15T15:25:30Z"}],"number":"+14155552671"}"#;
        let page = dialect()
            .messages("rent_12345", &there.number, None)
            .read(&answer(200, messages))
            .unwrap();
        assert_eq!(page.items[0].from.as_str(), "Facebook");
        let cancelled = r#"{"status":"success","message":"x","rental_id":"rent_12345","refund_amount":0.00}"#;
        assert_eq!(
            dialect().cancel("rent_12345").read(&answer(200, cancelled)),
            Ok(Some(Price(0)))
        );
    }
}
