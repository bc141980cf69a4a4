//! How the scripted TextVerified answers, scenario by scenario; every body is held to the published schema.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use ringback::clock::Clock;
use serde_json::{Value, json};

use super::schema::hold;
use super::upstream::{API, Books, KEY, LASTS_MS, Sold, USER};

pub fn reply(status: u16, body: Option<(&str, Value)>) -> Response<Full<Bytes>> {
    let text = body.map(|(schema, value)| {
        hold(schema, &value);
        value.to_string()
    });
    let mut response = Response::new(Full::new(Bytes::from(text.unwrap_or_default())));
    *response.status_mut() = StatusCode::from_u16(status).expect("a test names a status");
    response
}

fn refused(code: &str) -> Response<Full<Bytes>> {
    let error = json!({ "errorCode": code, "errorDescription": "As the scenario wants it." });
    reply(400, Some(("Error", error)))
}

/// The scenarios that fail, and the words of ours for their errors: the provider publishes none.
const FAILING: [(&str, &str); 3] = [
    ("test_no_numbers", "OutOfStock"),
    ("test_insufficient_balance", "InsufficientBalance"),
    (
        "test_too_many_unfinished_verifications",
        "TooManyUnfinishedVerifications",
    ),
];
const SERVICES: [&str; 9] = [
    "google",
    "telegram",
    "test_success",
    "test_delayed_success",
    "test_pending",
    "test_timeout",
    "test_no_numbers",
    "test_insufficient_balance",
    "test_too_many_unfinished_verifications",
];

impl Books {
    pub fn answer(
        &mut self,
        (method, path, query): (&Method, &str, &str),
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<Full<Bytes>> {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
        };
        if path == "/auth" {
            let known = (header("x-api-key"), header("x-api-username")) == (KEY, USER);
            return if known { self.sign_in() } else { reply(401, None) };
        }
        if header("authorization") != format!("Bearer planted-bearer-{}", self.tokens) {
            return reply(401, None);
        }
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["services"]) => services(),
            ("POST", ["pricing", "verifications"]) => self.price(body),
            ("POST", ["verifications"]) => self.sell(body),
            ("GET", ["verifications"]) => self.list(query),
            ("GET", ["verifications", id]) => self.show(id),
            ("POST", ["verifications", id, "cancel"]) => self.cancel(id),
            ("GET", ["sms"]) => self.sms(query),
            _ => panic!("{method} {path} is not of the published API"),
        }
    }

    fn sign_in(&mut self) -> Response<Full<Bytes>> {
        self.tokens += 1;
        let expires = Clock::System.now().plus_ms((self.token_lives * 1000.0) as u64);
        let token = json!({ "token": format!("planted-bearer-{}", self.tokens), "expiresIn": self.token_lives, "expiresAt": expires.to_string() });
        reply(200, Some(("BearerToken", token)))
    }

    fn price(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let wish: Value = serde_json::from_slice(body).expect("JSON");
        hold("VerificationPriceCheckRequest", &wish);
        let service = wish["serviceName"].as_str().unwrap_or_default();
        if !SERVICES.contains(&service) {
            return refused("UnknownService");
        }
        reply(
            200,
            Some((
                "PricingSnapshot",
                json!({ "serviceName": service, "price": self.cost }),
            )),
        )
    }

    fn sell(&mut self, body: &[u8]) -> Response<Full<Bytes>> {
        let wish: Value = serde_json::from_slice(body).expect("JSON");
        hold("NewVerificationRequest", &wish);
        let service = wish["serviceName"].as_str().unwrap_or_default();
        if let Some((_, code)) = FAILING.iter().find(|(failing, _)| *failing == service) {
            return refused(code);
        }
        if wish["maxPrice"].as_f64().is_some_and(|max| max < self.cost) {
            return refused("PriceExceedsMaximum");
        }
        let area = wish["areaCodeSelectOption"][0]
            .as_str()
            .unwrap_or(self.area)
            .to_owned();
        let made_up = format!("{area}555{:04}", 100 + self.sold.len());
        let number = self.numbers.pop_front().unwrap_or(made_up);
        let id = format!("lr_{:02}", self.sold.len() + 1);
        self.sold.push(Sold {
            id: id.clone(),
            number,
            service: service.to_owned(),
            state: "verificationPending",
            created_at: Clock::System.now(),
            sms: Vec::new(),
            looks: 0,
        });
        if service == "test_success" {
            self.deliver(&id, "Your code is 482913.", Some("482913"));
        }
        let mut response = reply(201, Some(("Link", link(&format!("verifications/{id}")))));
        let location = format!("https://www.textverified.com{API}/verifications/{id}");
        response
            .headers_mut()
            .insert("location", location.parse().expect("a URL"));
        response
    }

    fn find(&mut self, id: &str) -> Option<&mut Sold> {
        self.sold.iter_mut().find(|sold| sold.id == id)
    }

    pub fn deliver(&mut self, id: &str, text: &str, code: Option<&str>) -> Value {
        let sold = self.find(id).expect("a rental that was sold");
        let sms = json!({
            "id": format!("sms_{id}_{}", sold.sms.len()),
            "from": "22000",
            "to": sold.number,
            "createdAt": Clock::System.now().to_string(),
            "smsContent": text,
            "parsedCode": code,
            "encrypted": false,
        });
        sold.sms.insert(0, sms.clone());
        sold.state = "verificationCompleted";
        sms
    }

    fn show(&mut self, id: &str) -> Response<Full<Bytes>> {
        let cost = self.cost;
        let Some(sold) = self.find(id) else {
            return reply(404, None);
        };
        sold.looks += 1;
        if sold.service == "test_timeout" && sold.looks > 1 {
            sold.state = "verificationTimedOut";
        }
        let link = |what: &str| link(&format!("verifications/{id}/{what}"));
        let may_cancel = sold.state == "verificationPending";
        let shown = json!({
            "id": sold.id, "number": sold.number, "serviceName": sold.service, "state": sold.state,
            "totalCost": cost, "createdAt": sold.created_at.to_string(),
            "endsAt": sold.created_at.plus_ms(LASTS_MS).to_string(),
            "sms": link("sms"), "calls": link("calls"), "sale": link("sale"),
            "cancel": { "canCancel": may_cancel, "link": link("cancel") },
            "reactivate": { "canReactivate": false, "link": link("reactivate") },
            "report": { "canReport": may_cancel, "link": link("report") },
            "reuse": { "link": link("reuse"), "reusableUntil": null },
        });
        reply(200, Some(("VerificationExpanded", shown)))
    }

    fn cancel(&mut self, id: &str) -> Response<Full<Bytes>> {
        match self.find(id) {
            None => reply(404, None),
            Some(sold) if sold.state != "verificationPending" => reply(400, None),
            Some(sold) => {
                sold.state = "verificationCanceled";
                reply(200, None)
            }
        }
    }

    fn list(&self, query: &str) -> Response<Full<Bytes>> {
        let from: usize = query
            .strip_prefix("from=")
            .map_or(0, |from| from.parse().expect("its own link"));
        let newest_first = self.sold.iter().rev().skip(from);
        let data: Vec<Value> = newest_first
            .take(self.page)
            .map(|sold| {
                let link = |what: &str| link(&format!("verifications/{}{what}", sold.id));
                json!({
                    "id": sold.id, "number": sold.number, "serviceName": sold.service, "state": sold.state,
                    "totalCost": self.cost, "createdAt": sold.created_at.to_string(),
                    "link": link(""), "sms": link("/sms"), "calls": link("/calls"),
                })
            })
            .collect();
        let next = Some(from + self.page).filter(|next| *next < self.sold.len());
        let page = paged(data, next.map(|next| format!("verifications?from={next}")));
        reply(200, Some(("PaginatedData.VerificationCompact", page)))
    }

    fn sms(&mut self, query: &str) -> Response<Full<Bytes>> {
        let wanted = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "reservationId");
        let id = wanted.map(|(_, id)| id.into_owned()).expect("a reservation");
        let Some(sold) = self.find(&id) else {
            return reply(404, None);
        };
        sold.looks += 1;
        if sold.service == "test_delayed_success" && sold.looks > 2 && sold.sms.is_empty() {
            self.deliver(&id, "Your code is 482913.", Some("482913"));
        }
        let data = self.find(&id).map(|sold| sold.sms.clone()).unwrap_or_default();
        reply(200, Some(("PaginatedData.Sms", paged(data, None))))
    }
}

fn services() -> Response<Full<Bytes>> {
    let all: Vec<Value> = SERVICES
        .iter()
        .map(|name| json!({ "serviceName": name, "capability": "sms" }))
        .collect();
    reply(200, Some(("Service", Value::Array(all))))
}

fn link(path: &str) -> Value {
    json!({ "method": "GET", "href": format!("https://www.textverified.com{API}/{path}") })
}

fn paged(data: Vec<Value>, next: Option<String>) -> Value {
    let nowhere = json!({ "method": null, "href": null });
    json!({
        "count": data.len(),
        "data": data,
        "hasNext": next.is_some(),
        "hasPrevious": false,
        "links": { "current": link("x"), "previous": nowhere, "next": next.map_or(nowhere.clone(), |next| link(&next)) },
    })
}
