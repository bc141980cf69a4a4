//! Replays of an account: made, listed, shown, cancelled. A commit that was handed in is made although nobody hears of it.

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::{self, Answer, App, Caller};
use super::once::{self, Sent};
use super::problem::Problem;
use crate::core::id::{DeliveryId, ReplayId};
use crate::core::replay::Replay;
use crate::core::standing::Status;
use crate::core::subscription::Pattern;
use crate::core::time::UnixMs;
use crate::gateway::{Error, Once, ReplayWish};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Form {
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    subscription: Option<String>,
    #[serde(default)]
    missing_only: bool,
    rate_per_s: Option<u32>,
    #[serde(default)]
    dry_run: bool,
}

impl Form {
    fn wish(self) -> Result<ReplayWish, Problem> {
        let refused = |why: String| Problem::bad_request(why);
        let time = |name: &str, text: Option<String>| {
            let parsed = text.map(|text| UnixMs::parse_rfc3339(&text));
            let refused = || refused(format!("\"{name}\" is a time like 2026-11-21T19:00:00Z."));
            parsed.map(|at| at.ok_or_else(refused)).transpose()
        };
        let statuses = self.status.iter().map(|word| Status::parse(word));
        let known = || Status::ALL.map(Status::as_str).join(", ");
        let statuses = statuses
            .collect::<Option<_>>()
            .ok_or_else(|| refused(format!("\"status\" is a list of some of {}.", known())))?;
        let patterns = self.types.iter().map(|text| Pattern::parse(text));
        let patterns = patterns
            .collect::<Result<_, _>>()
            .map_err(|e| refused(format!("\"types\": {e}.")))?;
        let subscription = self.subscription.map(|id| id.parse()).transpose();
        Ok(ReplayWish {
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            statuses,
            patterns,
            subscription: subscription.map_err(|_| Problem::from(Error::NotFound))?,
            missing_only: self.missing_only,
            per_second: self.rate_per_s,
            dry_run: self.dry_run,
        })
    }
}

/// `POST /api/replays` `{"since"?,"until"?,"status"?,"types"?,"subscription"?,"missingOnly"?,"ratePerS"?,"dryRun"?}`: 202; with
/// `Idempotency-Key` where it shall be made once.
pub async fn create(caller: Caller, head: Parts, body: Incoming) -> Answer {
    let (form, first) = match once::read::<Form>(&caller, (&head, body), "POST /api/replays").await? {
        Sent::New(form, first) => (form, first),
        Sent::Again(answer) => return Ok(answer),
    };
    let Caller { app, key } = caller;
    let by = app.clone();
    let once = first.map(|first| Once {
        first,
        status: StatusCode::ACCEPTED.as_u16(),
        body: Box::new(move |replay| created(&by, replay)),
    });
    let made = app
        .gateway
        .replay(&key.account, form.wish()?, once.as_ref())
        .await;
    once::answer(made.map(|made| created(&app, &made)), StatusCode::ACCEPTED)
}

/// What is answered to a new replay.
fn created(app: &App, replay: &Replay) -> Vec<u8> {
    shown(app, replay).to_string().into()
}

/// `GET /api/replays`: newest first, the running ones and the latest that ended.
pub fn list(Caller { app, key }: &Caller) -> Answer {
    let all = app.gateway.replays(&key.account);
    let all: Vec<Value> = all.iter().map(|replay| shown(app, replay)).collect();
    app::json(StatusCode::OK, &json!({ "replays": all }))
}

/// `GET /api/replays/{id}`.
pub fn show(Caller { app, key }: &Caller, id: Option<ReplayId>) -> Answer {
    let found = app.gateway.replay_of(&key.account, id.ok_or(Error::NotFound)?)?;
    app::json(StatusCode::OK, &shown(app, &found))
}

/// `POST /api/replays/{id}/cancel`.
pub async fn cancel(Caller { app, key }: Caller, id: Option<ReplayId>) -> Answer {
    let id = id.ok_or(Error::NotFound)?;
    let cancelled = app.gateway.cancel_replay(&key.account, id).await?;
    app::json(StatusCode::OK, &shown(&app, &cancelled))
}

fn shown(app: &App, replay: &Replay) -> Value {
    let selection = &replay.selection;
    let waits_for = app.gateway.replay_waits_for(replay);
    let texts = |list: &[Status]| list.iter().map(|status| status.as_str()).collect::<Vec<_>>();
    let mut shown = json!({
        "id": replay.id.to_string(),
        "status": replay.status(),
        "dryRun": replay.dry_run,
        "selection": {
            "since": selection.since.to_string(),
            "until": selection.until.to_string(),
            "status": texts(&selection.statuses),
            "types": selection.patterns,
            "subscriptions": selection.subscriptions.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "missingOnly": selection.missing_only,
        },
        "ratePerS": replay.per_second,
        "createdAt": replay.created_at.to_string(),
        "readTo": replay.read_to.written_at().to_string(),
        "progress": (replay.progress() * 1000.0).round() / 1000.0,
        "events": replay.counts.events,
        "deliveries": replay.counts.deliveries,
        "waitingFor": waits_for.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "endedAt": replay.end.map(|(at, _)| at.to_string()),
    });
    if replay.dry_run {
        let sample = replay.sample.iter();
        let sample = sample.map(|(subscription, event)| {
            json!({
                "id": DeliveryId::new(*event, *subscription).to_string(),
                "subscription": subscription.to_string(),
                "createdAt": event.written_at().to_string(),
            })
        });
        shown["sample"] = sample.collect();
    }
    shown
}
