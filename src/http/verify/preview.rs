//! `POST /api/verify/preview`: the body of a start, or that of a trigger's profile, answered with the text, how many SMS it is, and what
//! it would cost by whom. A template of contract 003, whose own shape has no place for that, is looked at here too.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::{Refusal, done, wished};
use crate::core::abuse::Who;
use crate::core::id::TemplateId;
use crate::core::key::Key;
use crate::core::segments::{self, Encoding};
use crate::core::sending::Channel;
use crate::core::verification::Own;
use crate::core::verification::address::To;
use crate::core::verification::code::DIGITS_SAFE_MIN;
use crate::gateway::{Preview, ProfileError, TriggerWish};
use crate::http::app::{self, Caller};
use crate::http::problem::Problem;

/// Sends and keeps nothing.
pub async fn preview(Caller { app, key }: Caller, head: Parts, body: Incoming) -> app::Answer {
    let members: Map<String, Value> = app::read_json(&app, &head, body).await?;
    let mut form = Form::of(members);
    let gateway = &app.gateway;
    let template = template(&mut form);
    let preview = match form.text("verify_profile_id") {
        Some(id) => gateway.preview_trigger(triggered(key, &id, form).map_err(problem)?, template),
        None => gateway.preview(wished(key, form).map_err(problem)?, template),
    };
    let preview = preview.map_err(|error| match error {
        ProfileError::Verify(error) => error.into(),
        other => Problem::not_found(other.to_string()),
    })?;
    app::json(StatusCode::OK, &shown(&preview))
}

/// In the words of which template, where one is named.
fn template(form: &mut Form) -> Option<TemplateId> {
    let text = form.text("template_id")?;
    let id = text.parse().ok();
    id.or_else(|| form.refuse("template_id", "must be the id of a template"))
}

fn triggered(key: Arc<Key>, id: &str, mut form: Form) -> Result<TriggerWish, Refusal> {
    let channel = form.channel();
    let to = form.to(channel);
    let profile = id.parse().ok();
    if profile.is_none() {
        form.refuse::<()>("verify_profile_id", "must be the id of a profile");
    }
    if matches!(to, Some(To::Email(_))) {
        form.refuse::<()>("channel", "must be one of sms, voice, whatsapp for a profile");
    }
    done(form)?;
    let (Some(channel), Some(To::Number(to)), Some(profile)) = (channel, to, profile) else {
        return Err(Problem::internal().into());
    };
    Ok(TriggerWish {
        key,
        profile,
        to,
        channel,
        timeout_s: None,
        own: Own::default(),
        who: Who::default(),
        once: None,
    })
}

/// On our own routes all that is wrong is one sentence.
fn problem(refusal: Refusal) -> Problem {
    let details = refusal.details.iter();
    let wrong: Vec<String> = details
        .map(|detail| format!("\"{}\" {}", detail.field, detail.reason))
        .collect();
    match wrong.as_slice() {
        [] => refusal.problem,
        wrong => Problem::bad_request(format!("{}.", wrong.join("; "))),
    }
}

fn shown(preview: &Preview) -> Value {
    let quotes = preview.quotes.iter().map(|quote| {
        let mut shown = json!({ "provider": quote.provider });
        if let Some(cost) = quote.cost {
            shown["cost"] = json!(cost.to_string());
        }
        shown
    });
    let mut shown = json!({
        "channel": preview.channel,
        "text": preview.text,
        "segments": 1,
        "providers": quotes.collect::<Vec<_>>(),
        "reckoned": preview.reckoned.to_string(),
    });
    if preview.channel == Channel::Sms {
        let encoded = segments::encode(&preview.text);
        let encoding: Encoding = encoded.encoding;
        shown["encoding"] = json!(encoding.as_str());
        shown["units"] = json!(encoded.units);
        shown["segments"] = json!(encoded.segments());
    }
    if preview.digits < DIGITS_SAFE_MIN {
        shown["warnings"] = json!([format!(
            "A code of fewer than {DIGITS_SAFE_MIN} digits is guessed too easily."
        )]);
    }
    shown
}
