//! `ringback demo verify`: a code of our own goes out by loopback, comes in as an SMS, is found in it and given back, in one timeline.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{Failure, Gateway, Timeline, dev, hold_poll, text, within};

pub async fn show(line: &Timeline, session: &dev::Session) -> Result<(), Failure> {
    let gateway = Arc::new(Gateway::new(&session.running.base_url(), &session.api_key)?);
    let rented = gateway
        .post("/api/verifications", &json!({ "serviceName": "google" }))
        .await?
        .ok()?;
    let (rental, number) = (text(&rented, "id")?, text(&rented, "number")?);
    line.step(&format!("number {number} rented: somebody who waits for a code"));
    let poll = hold_poll(session, gateway.clone(), &rental).await?;
    line.step("long-poll for the code is held");

    let wish = json!({ "to": number, "channel": "sms", "app_name": "MyApp" });
    let started = ask(&gateway, session, "/v1/verify/start", &wish).await?;
    let id = text(&started["data"], "verification_id")?;
    line.step(&format!(
        "POST /v1/verify/start: {id} is on its way by loopback, as a carrier's SMS would"
    ));
    let (at, answer) = within("the code", poll).await?.map_err(Failure::failed)?;
    let code = text(&answer?, "otpCode")?;
    line.at(
        at,
        &format!("long-poll answered with code {code}, found in the SMS"),
    );

    let guess = json!({ "verification_id": id, "code": code });
    let checked = ask(&gateway, session, "/v1/verify/check", &guess).await?;
    if checked["data"]["status"] != "approved" {
        return Err(Failure::failed("the code was not approved"));
    }
    line.step("POST /v1/verify/check: approved");
    let feed = gateway.get("/api/events?after=oldest").await?.ok()?;
    let events = feed["events"].as_array().map_or(&[][..], Vec::as_slice);
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|event| event["payload"]["type"].as_str())
        .collect();
    for kind in ["verification.code_received", "verify.sent", "verify.approved"] {
        if !kinds.contains(&kind) {
            return Err(Failure::failed(format!("the feed has no {kind}: {kinds:?}")));
        }
    }
    line.step(&format!("events: {}", kinds.join(", ")));
    Ok(())
}

/// Contract 002, which wants the account named.
async fn ask(gateway: &Gateway, session: &dev::Session, path: &str, body: &Value) -> Result<Value, Failure> {
    let account = HeaderValue::try_from(session.account.as_str()).map_err(Failure::failed)?;
    let headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-tenant-id"), account),
    ];
    let body = Bytes::from(body.to_string());
    gateway.send(Method::POST, path, headers, body).await?.ok()
}
