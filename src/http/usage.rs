//! What was used: sums and items for an account to look at, and CloudEvents (1.0) for whoever bills it; on the admin listener those of all
//! accounts. Everything here is read with the same cursor, in spans that do not overlap.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::admin::{Admin, authorize};
use super::app::{self, Answer, App, Caller, query};
use super::problem::Problem;
use crate::core::id::{AccountId, Seq};
use crate::core::money::Price;
use crate::core::time::UnixMs;
use crate::core::usage::{Cursor, KIND, Usage};

/// Where the admin listener has it.
pub const ADMIN_PATH: &str = "/admin/usage/export";
/// Items of one page of an export.
const EXPORT_MAX: usize = 1000;
/// How far back is looked where nobody says, in milliseconds.
const SINCE_DEFAULT_MS: u64 = 30 * 86_400_000;
/// Where the events come from; with the id it names one for ever.
const SOURCE: &str = "urn:ringback:verifications";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    id: String,
    r#type: &'static str,
    verification_id: String,
    service_name: &'a str,
    quantity: u32,
    cost: String,
    created_at: String,
    completed_at: String,
}

fn item((place, usage): &(Seq, Usage)) -> Item<'_> {
    Item {
        id: usage.id().to_string(),
        r#type: KIND,
        verification_id: usage.rental.to_string(),
        service_name: &usage.service,
        quantity: 1,
        cost: usage.cost.to_string(),
        created_at: usage.created_at.to_string(),
        completed_at: place.written_at().to_string(),
    }
}

/// A usage event as CloudEvents writes it.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    r#type: &'static str,
    source: &'static str,
    id: String,
    time: String,
    /// Who used it.
    subject: &'a str,
    datacontenttype: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    verification_id: String,
    service_name: &'a str,
    quantity: u32,
    cost: String,
    currency: &'static str,
    created_at: String,
}

fn cloud_event((place, usage): &(Seq, Usage)) -> CloudEvent<'_> {
    CloudEvent {
        specversion: "1.0",
        r#type: KIND,
        source: SOURCE,
        id: usage.id().to_string(),
        time: place.written_at().to_string(),
        subject: usage.account.as_str(),
        datacontenttype: "application/json",
        data: Data {
            verification_id: usage.rental.to_string(),
            service_name: &usage.service,
            quantity: 1,
            cost: usage.cost.to_string(),
            currency: "USD",
            created_at: usage.created_at.to_string(),
        },
    }
}

/// `GET /api/usage?since=&until=&limit=&cursor=`, oldest first; the first page with the sums of the whole span. Stops on a hang-up.
pub async fn show(Caller { app, key }: Caller, head: Parts) -> Answer {
    let limit = app::list_limit(&head)?;
    let (span, is_first) = span(&app, &head)?;
    let page = app.gateway.usage(Some(&key.account), span.clone(), limit).await?;
    let mut answer = json!({});
    if is_first {
        let sums = app.gateway.usage_sums(&key.account, span).await?;
        let cost = Price(sums.iter().map(|sum| sum.cost.0).sum());
        let count: u64 = sums.iter().map(|sum| sum.count).sum();
        let shown = sums.iter().map(|sum| {
            let date = sum.day.to_string();
            json!({
                "date": date.split('T').next(),
                "serviceName": sum.service,
                "count": sum.count,
                "cost": sum.cost.to_string(),
            })
        });
        answer["total"] = json!({ "count": count, "cost": cost.to_string() });
        answer["sums"] = shown.collect();
    }
    answer["usage"] = json!(page.items.iter().map(item).collect::<Vec<_>>());
    answer["nextCursor"] = json!(page.next.to_string());
    answer["more"] = json!(page.more);
    app::json(StatusCode::OK, &answer)
}

/// `GET /api/usage/export?since=&until=&limit=&cursor=&format=`: the account's own. Stops on a hang-up.
pub async fn export(Caller { app, key }: Caller, head: Parts) -> Answer {
    let (span, _) = span(&app, &head)?;
    exported(&app, &head, Some(&key.account), span).await
}

/// `GET /admin/usage/export?account=&since=&until=&limit=&cursor=&format=`: one account's, or those of all. Stops on a hang-up.
pub async fn of_all(admin: &Admin, head: &Parts) -> Answer {
    if head.method != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    authorize(admin, &head.headers)?;
    let account = query(head, "account").map(|text| AccountId::parse(&text));
    let account = account
        .transpose()
        .map_err(|e| Problem::bad_request(format!("\"account\": {e}.")))?;
    let (span, _) = span(&admin.app, head)?;
    exported(&admin.app, head, account.as_ref(), span).await
}

/// Where the request begins to read, and whether that is the beginning of its span.
fn span(app: &App, head: &Parts) -> Result<(Cursor, bool), Problem> {
    let time = |name: &str| {
        let text = query(head, name);
        let time = text.map(|text| UnixMs::parse_rfc3339(&text).ok_or(()));
        let refused =
            |()| Problem::bad_request(format!("\"{name}\" is a time such as 2026-11-21T19:00:00Z."));
        time.transpose().map_err(refused)
    };
    let (since, until) = (time("since")?, time("until")?);
    if let Some(text) = query(head, "cursor") {
        if since.or(until).is_some() {
            return Err(Problem::bad_request(
                "A \"cursor\" has its time in it: leave \"since\" and \"until\" out.",
            ));
        }
        let cursor = text.parse::<Cursor>();
        return Ok((
            cursor.map_err(|e| Problem::bad_request(format!("\"cursor\": {e}.")))?,
            false,
        ));
    }
    let since = since.unwrap_or_else(|| app.gateway.now().minus_ms(SINCE_DEFAULT_MS));
    Ok((app.gateway.usage_span(since, until), true))
}

async fn exported(app: &App, head: &Parts, account: Option<&AccountId>, span: Cursor) -> Answer {
    let limit = query(head, "limit").map(|text| text.parse::<usize>().ok());
    let limit = limit.map(|limit| limit.filter(|n| (1..=EXPORT_MAX).contains(n)).ok_or(()));
    let limit = limit
        .transpose()
        .map_err(|()| Problem::bad_request(format!("\"limit\" is a whole number from 1 to {EXPORT_MAX}.")))?;
    let is_batch = match query(head, "format").as_deref() {
        None | Some("cloudevents") => false,
        Some("cloudevents-batch") => true,
        Some(_) => {
            return Err(Problem::bad_request(
                "\"format\" is cloudevents or cloudevents-batch.",
            ));
        }
    };
    let page = app
        .gateway
        .usage(account, span, limit.unwrap_or(EXPORT_MAX))
        .await?;
    let events: Vec<_> = page.items.iter().map(cloud_event).collect();
    let (media_type, body) = if is_batch {
        (
            "application/cloudevents-batch+json",
            serde_json::to_vec(&events).map_err(|_| Problem::internal())?,
        )
    } else {
        ("application/x-ndjson", lines(&events)?)
    };
    let mut response = app::text(media_type, Bytes::from(body))?;
    let headers = response.headers_mut();
    let fields = [
        ("ringback-next-cursor", page.next.to_string()),
        ("ringback-more", page.more.to_string()),
    ];
    for (name, value) in fields {
        let value = HeaderValue::try_from(value).expect("digits, letters and dots are header text");
        headers.insert(HeaderName::from_static(name), value);
    }
    if page.more
        && let Ok(link) = HeaderValue::try_from(next_link(head, &page.next))
    {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

fn lines(events: &[CloudEvent<'_>]) -> Result<Vec<u8>, Problem> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event).map_err(|_| Problem::internal())?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The same request from the cursor on (RFC 8288).
fn next_link(head: &Parts, next: &Cursor) -> String {
    let asked = head.uri.query().unwrap_or_default();
    let kept = form_urlencoded::parse(asked.as_bytes())
        .filter(|(name, _)| matches!(name.as_ref(), "account" | "limit" | "format"));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair("cursor", &next.to_string());
    format!("<{}?{}>; rel=\"next\"", head.uri.path(), query.finish())
}
