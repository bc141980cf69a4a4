//! Messages that belong to nobody, for the operator alone: with a key of `inbound.operator_account` here, with the admin token on the
//! admin listener. To every other account they do not exist.

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::{self, Answer, App, Caller, query};
use super::problem::Problem;
use crate::core::id::{AccountId, MessageId, RentalId};
use crate::core::ingest::StoredMessage;
use crate::core::number::Unmatched;
use crate::core::phone::Address;
use crate::core::rental::MessageRef;
use crate::core::time::UnixMs;
use crate::gateway::{Assignment, Error, UnmatchedWish};

/// `GET /api/unmatched?number=&from=&source=&reason=&limit=&cursor=`, newest first. Stops on a hang-up.
pub async fn list(caller: Caller, head: Parts) -> Answer {
    operator(&caller)?;
    page(&caller.app, &head).await
}

/// `POST /api/unmatched/{id}/assign` `{"account","verificationId"}`. A commit that was handed in is made although nobody hears of it.
pub async fn assign(caller: Caller, head: Parts, body: Incoming, id: Option<MessageId>) -> Answer {
    operator(&caller)?;
    give(&caller.app, &head, body, id).await
}

fn operator(Caller { app, key }: &Caller) -> Result<(), Problem> {
    if app.gateway.is_operator(&key.account) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "Messages of nobody are for the operator: use a key of the account in inbound.operator_account, or the admin listener.",
        ))
    }
}

/// The list, to whoever was let in.
pub async fn page(app: &App, head: &Parts) -> Answer {
    let reason = query(head, "reason").map(|text| Unmatched::parse(&text));
    let reason = reason.map(|known| {
        let known_ones = Unmatched::ALL.map(Unmatched::as_str).join(", ");
        known.ok_or_else(|| Problem::bad_request(format!("\"reason\" is one of {known_ones}.")))
    });
    let before = query(head, "cursor").map(|text| {
        parse_cursor(&text)
            .ok_or_else(|| Problem::bad_request("\"cursor\" is the \"nextCursor\" of the page before."))
    });
    let wish = UnmatchedWish {
        number: query(head, "number").map(|text| Address::new(&text)),
        from: query(head, "from").map(|text| Address::new(&text)),
        source: query(head, "source"),
        reason: reason.transpose()?,
        before: before.transpose()?,
        limit: app::list_limit(head)?,
    };
    let page = app.gateway.unmatched(wish).await?;
    let mut answer = json!({ "messages": page.messages.iter().map(shown).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        answer["nextCursor"] = json!(format!("{}.{}", next.at.0, next.id));
    }
    app::json(StatusCode::OK, &answer)
}

fn parse_cursor(text: &str) -> Option<MessageRef> {
    let (at, id) = text.split_once('.')?;
    Some(MessageRef {
        id: id.parse().ok()?,
        at: UnixMs(at.parse().ok()?),
    })
}

fn shown(message: &StoredMessage) -> Value {
    let mut shown = json!({
        "id": message.id.to_string(),
        "reason": message.owner.err().map(Unmatched::as_str),
        "source": message.source,
        "number": message.to.as_str(),
        "from": message.from.as_str(),
        "smsContent": message.text,
        "receivedAt": message.received_at.to_string(),
    });
    if let Some(at) = message.sent_at {
        shown["sentAt"] = json!(at.to_string());
    }
    if let Some(part) = message.part {
        shown["part"] = json!(part.number);
    }
    if let Some(parts) = message.parts_told() {
        shown["parts"] = json!(parts);
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assign {
    account: AccountId,
    verification_id: String,
}

/// The assignment, by whoever was let in.
pub async fn give(app: &App, head: &Parts, body: Incoming, id: Option<MessageId>) -> Answer {
    let wish: Assign = app::read_json(app, head, body).await?;
    let (Some(message), Ok(rental)) = (id, wish.verification_id.parse::<RentalId>()) else {
        return Err(Error::NotFound.into());
    };
    let assigned = app
        .gateway
        .assign(&Assignment {
            message,
            account: wish.account,
            rental,
        })
        .await?;
    let answer = json!({
        "id": message.to_string(),
        "verificationId": rental.to_string(),
        "late": assigned.late,
        "codeFound": assigned.code.is_some(),
    });
    app::json(StatusCode::OK, &answer)
}
