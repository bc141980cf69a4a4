//! Codes as contract 003 asks for them, shows them and takes them back.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use super::form::{Form, members, members_once};
use super::refusal::{Code as Number, Refusal};
use super::{Answer, Asked, Meta, data, page};
use crate::core::abuse::Who;
use crate::core::event::telnyx::{self, naive};
use crate::core::id::{ProfileId, VerificationId};
use crate::core::key::Key;
use crate::core::phone::PhoneNumber;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::{Own, Verification, profile};
use crate::gateway::{CallerWord, Gateway, Guess, NewestGuess, Once, ProfileError, TriggerWish, VerifyError};
use crate::http::app::Caller;
use crate::http::once::Sent;
use crate::http::problem::Problem;
use crate::http::verify::own_keys;

/// Keys that are pressed once a call is answered.
const EXTENSION_BYTES_MAX: usize = 64;
/// Longest text that names somebody, in bytes.
const WORD_BYTES_MAX: usize = 128;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    record_type: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    phone_number: &'a str,
    verify_profile_id: &'a str,
    timeout_secs: u64,
    custom_code: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> Shown<'a> {
    fn at(verification: &'a Verification, steady: UnixMs) -> Self {
        Self {
            id: verification.id.uuid().to_string(),
            record_type: "verification",
            kind: telnyx::kind(verification.channel),
            status: telnyx::status(verification, steady),
            phone_number: verification.to.as_str(),
            verify_profile_id: &verification.profile,
            timeout_secs: verification.ttl_ms / 1000,
            custom_code: verification.own.code.as_ref().map(Code::as_str),
            created_at: naive(verification.created_at),
            updated_at: naive(verification.updated_at),
        }
    }
}

/// With `Idempotency-Key` where it shall be sent once.
pub async fn trigger(asked: Asked, channel: Channel) -> Answer {
    let Asked {
        app,
        key,
        head,
        incoming,
    } = asked;
    let caller = Caller { app, key };
    let route = format!("POST /v2/verifications/{}", telnyx::kind(channel));
    let (members, first) = match members_once(&caller, (&head, incoming), &route).await? {
        Sent::New(members, first) => (members, first),
        Sent::Again(answer) => return Ok(answer),
    };
    let mut wish = wished(caller.key, channel, Form::new(members))?;
    let gateway = caller.app.gateway.clone();
    let body = move |begun: &Verification| begun_body(begun, gateway.steady());
    wish.once = first.map(|first| {
        Arc::new(Once {
            first,
            status: StatusCode::OK.as_u16(),
            body: Box::new(body),
        })
    });
    let gateway = &caller.app.gateway;
    let begun = gateway.trigger(wish).await.map_err(no_profile)?;
    data(&Shown::at(&begun, gateway.steady()))
}

fn begun_body(begun: &Verification, steady: UnixMs) -> Vec<u8> {
    json!({ "data": Shown::at(begun, steady) }).to_string().into()
}

fn wished(key: Arc<Key>, channel: Channel, mut form: Form) -> Result<TriggerWish, Refusal> {
    let (mut to, mut profile, mut own) = (None, None, Own::default());
    form.need("phone_number");
    form.need("verify_profile_id");
    let rule = (Number::NotE164, "must be in +E.164 format");
    form.made("phone_number", &mut to, (strict, rule));
    form.made("verify_profile_id", &mut profile, (profile_id, NO_PROFILE_ID));
    let (code, rule) = (
        |value: &Value| Code::parse(value.as_str()?),
        (Number::BadRequest, "must be 4 to 10 digits"),
    );
    form.made("custom_code", &mut own.code, (code, rule));
    if channel == Channel::Flashcall && own.code.take().is_some() {
        let said = "is not for flash calls: the number that calls tells the code";
        form.refuse("custom_code", (Number::BadRequest, said));
    }
    if channel == Channel::Voice {
        let rule = "must be 1 to 64 of 0-9, A-D, *, #, w and W";
        form.text("extension", &mut own.extension, (is_extension, rule));
    }
    let seconds = |value: &Value| {
        let seconds = value.as_u64().filter(|seconds| profile::is_timeout(*seconds))?;
        u32::try_from(seconds).ok()
    };
    let mut timeout_s = None;
    let rule = (Number::BadRequest, "must be an integer from 1 to 3600");
    form.made("timeout_secs", &mut timeout_s, (seconds, rule));
    let who = who(&mut form);
    form.done()?;
    let (Some(to), Some(profile)) = (to, profile) else {
        return Err(Problem::internal().into());
    };
    Ok(TriggerWish {
        key,
        profile,
        to,
        channel,
        timeout_s,
        own,
        who,
        once: None,
    })
}

const NO_PROFILE_ID: (Number, &str) = (Number::InvalidId, "must be the id of a profile");

fn strict(value: &Value) -> Option<PhoneNumber> {
    To::strict_number(value.as_str()?)
}

fn profile_id(value: &Value) -> Option<ProfileId> {
    value.as_str()?.parse().ok()
}

fn is_extension(text: &str) -> bool {
    (1..=EXTENSION_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"ABCD*#wW".contains(&b))
}

/// Whoever asked the caller; not in the contract, so absent from its clients.
fn who(form: &mut Form) -> Who {
    let mut who = Who::default();
    let is_word = |text: &str| (1..=WORD_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
    let rule = "must be 1 to 128 bytes without control characters";
    form.text("user", &mut who.user, (is_word, rule));
    form.text("session", &mut who.session, (is_word, rule));
    client_ip(form, &mut who.ip);
    form.flag("challenge_passed", &mut who.challenge_passed);
    let (mut own, keys) = (None, |value: &Value| own_keys(value.as_object()?.clone()));
    let rule = (Number::BadRequest, "must be an object of at most 8 short texts");
    form.made("limits", &mut own, (keys, rule));
    who.own = own.unwrap_or_default();
    who
}

fn client_ip(form: &mut Form, place: &mut Option<IpAddr>) {
    let ip = |value: &Value| value.as_str()?.parse().ok();
    let rule = (Number::BadRequest, "must be an IP address");
    form.made("client_ip", place, (ip, rule));
}

fn no_profile(error: ProfileError) -> Refusal {
    let said = error.to_string();
    match error {
        ProfileError::NoProfile => Refusal::no_associated("/verify_profile_id", said),
        other => other.into(),
    }
}

/// What is no id of a verification is answered as one that is unknown.
fn known(id: Option<VerificationId>) -> Result<VerificationId, Refusal> {
    id.ok_or_else(|| VerifyError::NotFound.into())
}

pub async fn show(asked: &Asked, id: Option<VerificationId>) -> Answer {
    let gateway = &asked.app.gateway;
    let found = gateway.triggered(&asked.key.account, known(id)?).await?;
    data(&Shown::at(&found, gateway.steady()))
}

/// A number in a path: its `+` stands as it is, or percent-encoded.
fn number(segment: &str) -> Result<PhoneNumber, Refusal> {
    let text = percent_decode_str(segment).decode_utf8();
    let number = text.ok().and_then(|text| To::strict_number(&text));
    number.ok_or_else(|| {
        let said = "Write the phone number in +E.164 format, such as +13035551234.";
        Refusal::new(Number::NotE164, Problem::bad_request(said))
    })
}

/// All on one page, newest first.
pub async fn list(asked: &Asked, segment: &str) -> Answer {
    let (gateway, number) = (&asked.app.gateway, number(segment)?);
    let (found, count) = gateway.triggered_to(&asked.key.account, number).await?;
    let steady = gateway.steady();
    let shown: Vec<_> = found.iter().map(|found| Shown::at(found, steady)).collect();
    let meta = Meta {
        page_number: 1,
        page_size: shown.len().max(1),
        total_pages: 1,
        total_results: count,
    };
    page(&shown, &meta)
}

const ACCEPTED: &str = "accepted";
const REJECTED: &str = "rejected";

fn judged(number: &str, word: &str) -> Answer {
    data(&json!({ "phone_number": number, "response_code": word }))
}

/// Whether there is anything to check for this number shows in nothing.
pub async fn check_number(asked: Asked, segment: &str) -> Answer {
    let to = number(segment)?;
    let mut form = Form::new(members(&asked.app, &asked.head, asked.incoming).await?);
    let (mut code, mut profile, mut ip) = (None, None, None);
    form.need("code");
    form.need("verify_profile_id");
    form.text("code", &mut code, (|_: &str| true, ""));
    form.made("verify_profile_id", &mut profile, (profile_id, NO_PROFILE_ID));
    client_ip(&mut form, &mut ip);
    form.done()?;
    let (Some(code), Some(profile)) = (code, profile) else {
        return Err(Problem::internal().into());
    };
    let gateway = &asked.app.gateway;
    let Some(code) = Code::parse(&code) else {
        // No code is like this.
        gateway.profile(&asked.key.account, profile).map_err(no_profile)?;
        return judged(to.as_str(), REJECTED);
    };
    let guess = NewestGuess {
        key: asked.key,
        profile,
        to: to.clone(),
        code,
        ip,
    };
    let is_right = gateway.check_newest(guess).await.map_err(no_profile)?;
    judged(to.as_str(), if is_right { ACCEPTED } else { REJECTED })
}

/// By its id: a code, or a caller's word on its own code.
pub async fn check(asked: Asked, id: Option<VerificationId>) -> Answer {
    let (id, gateway) = (known(id)?, asked.app.gateway.clone());
    let found = gateway.triggered(&asked.key.account, id).await?;
    let mut form = Form::new(members(&asked.app, &asked.head, asked.incoming).await?);
    let (mut code, mut word, mut ip) = (None, None, None);
    form.text("code", &mut code, (|_: &str| true, ""));
    let words = |text: &str| matches!(text, ACCEPTED | REJECTED);
    form.text("status", &mut word, (words, "must be accepted or rejected"));
    client_ip(&mut form, &mut ip);
    match (&code, &word) {
        (Some(_), Some(_)) => form.refuse("status", (Number::BadRequest, "stands beside no code")),
        (None, None) if form.is_sound() => form.need("code"),
        (None, Some(_)) if found.own.code.is_none() => {
            let said = "is for codes of your own alone: send the code instead";
            form.refuse("status", (Number::BadRequest, said));
        }
        _ => {}
    }
    form.done()?;
    let key = asked.key.clone();
    let said = match code {
        None => {
            let is_right = word.as_deref() == Some(ACCEPTED);
            let is_taken = gateway.take_word(&CallerWord { key, id, is_right }).await?;
            match is_taken {
                true => Some(ACCEPTED),
                false => (!is_right).then_some(REJECTED),
            }
        }
        Some(code) => match Code::parse(&code) {
            Some(code) => compared(gateway.check_verification(Guess { key, id, code, ip }).await)?,
            None => None,
        },
    };
    let said = match said {
        Some(said) => said,
        None => why(&gateway, &asked.key, id).await?,
    };
    judged(found.to.as_str(), said)
}

/// A wrong code is an answer and no error, and so is a right one that comes too late, which is not even compared: `None`.
fn compared(checked: Result<Verification, VerifyError>) -> Result<Option<&'static str>, VerifyError> {
    match checked {
        Ok(_) => Ok(Some(ACCEPTED)),
        Err(VerifyError::Wrong(_)) => Ok(Some(REJECTED)),
        Err(VerifyError::NotFound | VerifyError::NoAttempts) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why nothing was compared, as far as the configuration lets it be told to whoever knows the id.
async fn why(gateway: &Gateway, key: &Key, id: VerificationId) -> Result<&'static str, VerifyError> {
    if !gateway.verify_rules()?.tells_why {
        return Ok(REJECTED);
    }
    let found = gateway.triggered(&key.account, id).await?;
    Ok(match telnyx::status(&found, gateway.steady()) {
        "expired" => "expired",
        "invalid" if found.attempts >= found.attempts_max => "max_attempts_exceeded",
        _ => REJECTED,
    })
}
