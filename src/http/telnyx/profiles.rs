//! Profiles and templates as contract 003 reads and shows them. What was not said is left out, never null.

use serde::Serialize;
use serde_json::{Map, Value};

use super::fallback;
use super::form::{Form, members};
use super::refusal::{Code, Fault, Refusal, Source};
use super::{Answer, Asked, Meta, data, page};
use crate::core::abuse::destination;
use crate::core::event::telnyx::naive;
use crate::core::id::{ProfileId, TemplateId};
use crate::core::money::Price;
use crate::core::verification::autofill;
use crate::core::verification::profile::{
    self, COUNTRIES_MAX, ChannelSettings, DIGITS_USUAL, FOREIGN_BYTES_MAX, Profile, Settings, TIMEOUT_USUAL_S,
};
use crate::gateway::{ProfileError, ProfilesWish};
use crate::http::app::query;

/// Profiles of one page unless the request says, and at most.
const PAGE_SIZE_USUAL: usize = 25;
const PAGE_SIZE_MAX: usize = 250;
/// Longest URL, in bytes; what else it must be is decided by the guard on whom webhooks may call.
const URL_BYTES_MAX: usize = 2048;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    record_type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_failover_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_spend_limit: Option<f64>,
    daily_spend_limit_enabled: bool,
    /// These two are our own: contract 003 has the day's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    hourly_spend_limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_spend_limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms: Option<ShownChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<ShownChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flashcall: Option<ShownChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whatsapp: Option<ShownChannel<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fallback: Vec<fallback::Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy: Option<&'static str>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct ShownChannel<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_length: Option<u8>,
    default_verification_timeout_secs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whitelisted_destinations: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha_sender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waba_id: Option<&'a str>,
}

impl<'a> From<&'a ChannelSettings> for ShownChannel<'a> {
    fn from(channel: &'a ChannelSettings) -> Self {
        let elsewhere = &channel.elsewhere;
        Self {
            app_name: channel.app_name.as_deref(),
            code_length: Some(channel.digits),
            default_verification_timeout_secs: channel.timeout_s,
            messaging_template_id: channel.template.map(|id| id.to_string()),
            whitelisted_destinations: channel.countries.as_deref(),
            app_hash: channel.autofill.app_hash.as_deref(),
            web_domain: channel.autofill.web_domain.as_deref(),
            alpha_sender: elsewhere.alpha_sender.as_deref(),
            sender_phone_number: elsewhere.sender_phone_number.as_deref(),
            template_id: elsewhere.template_id.as_deref(),
            waba_id: elsewhere.waba_id.as_deref(),
        }
    }
}

impl<'a> From<&'a Profile> for Shown<'a> {
    fn from(profile: &'a Profile) -> Self {
        let settings = &profile.settings;
        let channel = |channel: &'a Option<ChannelSettings>| channel.as_ref().map(ShownChannel::from);
        Self {
            id: profile.id.to_string(),
            record_type: "verification_profile",
            name: &settings.name,
            language: settings.language.as_deref(),
            webhook_url: settings.webhook_url.as_deref(),
            webhook_failover_url: settings.webhook_failover_url.as_deref(),
            daily_spend_limit: settings.daily_spend_limit.map(Price::dollars),
            daily_spend_limit_enabled: settings.daily_spend_limit_enabled,
            hourly_spend_limit: settings.hourly_spend_limit.map(Price::dollars),
            monthly_spend_limit: settings.monthly_spend_limit.map(Price::dollars),
            sms: channel(&settings.sms),
            call: channel(&settings.call),
            flashcall: channel(&settings.flashcall).map(|shown| ShownChannel {
                // The published answer has neither.
                code_length: None,
                whitelisted_destinations: None,
                ..shown
            }),
            whatsapp: channel(&settings.whatsapp),
            fallback: settings.fallback.iter().map(fallback::Shown::from).collect(),
            privacy: settings
                .strict_privacy
                .map(|is_strict| if is_strict { STRICT } else { OPEN }),
            created_at: naive(profile.created_at),
            updated_at: naive(profile.updated_at),
        }
    }
}

/// Members of our own: whether a refusal is told that says something of a number.
const OPEN: &str = "open";
const STRICT: &str = "strict";

fn is_strict(value: &Value) -> Option<bool> {
    match value.as_str()? {
        OPEN => Some(false),
        STRICT => Some(true),
        _ => None,
    }
}

const ANY_URL: &str = "must be a URL";

/// Takes over what a body says of a profile.
fn fill(form: &mut Form, settings: &mut Settings) {
    let mut name = Some(std::mem::take(&mut settings.name));
    form.text(
        "name",
        &mut name,
        (profile::is_name, "must be one line of 1 to 255 characters"),
    );
    match name {
        Some(name) => settings.name = name,
        None => form.refuse("name", (Code::BadRequest, "must be a string")),
    }
    let language = "must be a language tag, such as en-US";
    form.text(
        "language",
        &mut settings.language,
        (profile::is_language, language),
    );
    let is_url = |text: &str| (1..=URL_BYTES_MAX).contains(&text.len());
    form.text("webhook_url", &mut settings.webhook_url, (is_url, ANY_URL));
    form.text(
        "webhook_failover_url",
        &mut settings.webhook_failover_url,
        (is_url, ANY_URL),
    );
    fill_spend_limits(form, settings);
    let mut steps = Some(std::mem::take(&mut settings.fallback));
    let rule = (Code::BadRequest, fallback::RULE);
    form.made("fallback", &mut steps, (fallback::steps, rule));
    settings.fallback = steps.unwrap_or_default();
    let rule = (Code::BadRequest, "must be open or strict");
    form.made("privacy", &mut settings.strict_privacy, (is_strict, rule));
    fill_channels(form, settings);
}

fn fill_spend_limits(form: &mut Form, settings: &mut Settings) {
    let dollars = |value: &Value| Price::from_dollars(value.as_f64()?);
    let amount = (Code::BadRequest, "must be an amount of USD, 0 or more");
    for (field, place) in [
        ("daily_spend_limit", &mut settings.daily_spend_limit),
        ("hourly_spend_limit", &mut settings.hourly_spend_limit),
        ("monthly_spend_limit", &mut settings.monthly_spend_limit),
    ] {
        form.made(field, place, (dollars, amount));
    }
    form.flag(
        "daily_spend_limit_enabled",
        &mut settings.daily_spend_limit_enabled,
    );
}

fn fill_channels(form: &mut Form, settings: &mut Settings) {
    form.object("sms", &mut settings.sms, fill_sms);
    form.object("call", &mut settings.call, fill_spoken);
    form.object("flashcall", &mut settings.flashcall, |form, channel| {
        fill_channel(form, channel);
        fill_app_name(form, channel);
    });
    form.object("whatsapp", &mut settings.whatsapp, |form, channel| {
        fill_channel(form, channel);
        let is_short = |text: &str| (1..=FOREIGN_BYTES_MAX).contains(&text.len());
        let rule = "must be null or a string of 1 to 256 bytes";
        let elsewhere = &mut channel.elsewhere;
        form.text(
            "sender_phone_number",
            &mut elsewhere.sender_phone_number,
            (is_short, rule),
        );
        form.text("template_id", &mut elsewhere.template_id, (is_short, rule));
        form.text("waba_id", &mut elsewhere.waba_id, (is_short, rule));
    });
}

/// What every channel has.
fn fill_channel(form: &mut Form, channel: &mut ChannelSettings) {
    let name = "default_verification_timeout_secs";
    // As the quickstart still calls it.
    form.alias("default_timeout_secs", name);
    let rule = "must be an integer from 1 to 3600";
    form.whole(
        name,
        &mut channel.timeout_s,
        TIMEOUT_USUAL_S,
        (profile::is_timeout, rule),
    );
    let rule = "must be a list of ISO 3166-1 alpha-2 country codes, or [\"*\"]";
    let places = &mut channel.countries;
    form.made(
        "whitelisted_destinations",
        places,
        (countries, (Code::BadRequest, rule)),
    );
}

fn fill_app_name(form: &mut Form, channel: &mut ChannelSettings) {
    let rule = "must be 1 to 30 letters, digits, spaces or hyphens";
    form.text("app_name", &mut channel.app_name, (profile::is_app_name, rule));
}

/// What channels have that tell the code in words.
fn fill_spoken(form: &mut Form, channel: &mut ChannelSettings) {
    fill_channel(form, channel);
    fill_app_name(form, channel);
    let rule = "must be an integer from 4 to 10";
    form.whole(
        "code_length",
        &mut channel.digits,
        DIGITS_USUAL,
        (profile::is_digits, rule),
    );
    let id = |value: &Value| value.as_str()?.parse::<TemplateId>().ok();
    let rule = (Code::InvalidId, "must be the id of a template");
    form.made("messaging_template_id", &mut channel.template, (id, rule));
}

/// What an SMS has besides: who it seems to be from, and whose phone fills the code in.
fn fill_sms(form: &mut Form, channel: &mut ChannelSettings) {
    fill_spoken(form, channel);
    let rule = "must be null or 1 to 11 letters, digits or spaces";
    let place = &mut channel.elsewhere.alpha_sender;
    form.text("alpha_sender", place, (profile::is_alpha_sender, rule));
    let (hash, domain) = (&mut channel.autofill.app_hash, &mut channel.autofill.web_domain);
    form.text("app_hash", hash, (autofill::is_app_hash, autofill::APP_HASH_RULE));
    form.text(
        "web_domain",
        domain,
        (autofill::is_web_domain, autofill::WEB_DOMAIN_RULE),
    );
}

fn countries(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array().filter(|list| list.len() <= COUNTRIES_MAX)?;
    let country = |item: &Value| {
        let country = item.as_str().filter(|country| destination::is_country(country));
        country.map(str::to_owned)
    };
    list.iter().map(country).collect()
}

fn missing(error: ProfileError) -> Refusal {
    let said = error.to_string();
    match error {
        ProfileError::NoTemplate => Refusal::no_associated("/messaging_template_id", said),
        ProfileError::NoProvider(..) => Refusal::no_associated("/fallback", said),
        ProfileError::Webhook(field, said) => Refusal::of(vec![Fault {
            code: Code::InvalidUrl,
            detail: said,
            source: Source::Pointer(format!("/{field}")),
        }]),
        other => other.into(),
    }
}

pub async fn create(asked: Asked) -> Answer {
    let members = members(&asked.app, &asked.head, asked.incoming).await?;
    let (mut form, mut settings) = (Form::new(members), Settings::default());
    form.need("name");
    fill(&mut form, &mut settings);
    form.done()?;
    let made = asked.app.gateway.create_profile(&asked.key.account, settings);
    data(&Shown::from(&*made.await.map_err(missing)?))
}

/// What is in the body is merged into what is there.
pub async fn change(asked: Asked, id: Option<ProfileId>) -> Answer {
    let (id, account) = (known(id)?, &asked.key.account);
    asked.app.gateway.profile(account, id)?;
    let members: Map<String, Value> = members(&asked.app, &asked.head, asked.incoming).await?;
    let mut form = Form::new(members.clone());
    fill(&mut form, &mut Settings::default());
    form.done()?;
    let merge = |settings: &mut Settings| fill(&mut Form::new(members.clone()), settings);
    let changed = asked.app.gateway.change_profile(account, id, merge);
    data(&Shown::from(&*changed.await.map_err(missing)?))
}

pub fn show(asked: &Asked, id: Option<ProfileId>) -> Answer {
    let found = asked.app.gateway.profile(&asked.key.account, known(id)?)?;
    data(&Shown::from(&*found))
}

pub async fn delete(asked: &Asked, id: Option<ProfileId>) -> Answer {
    let deleted = asked.app.gateway.delete_profile(&asked.key.account, known(id)?);
    data(&Shown::from(&*deleted.await?))
}

fn known(id: Option<ProfileId>) -> Result<ProfileId, Refusal> {
    id.ok_or_else(|| ProfileError::NoProfile.into())
}

pub fn list(asked: &Asked) -> Answer {
    let number = parameter(asked, "page[number]", 1, usize::MAX)?;
    let size = parameter(asked, "page[size]", PAGE_SIZE_USUAL, PAGE_SIZE_MAX)?;
    let wish = ProfilesWish {
        name: query(&asked.head, "filter[name]"),
        page: number,
        size,
    };
    let (found, count) = asked.app.gateway.profiles(&asked.key.account, &wish);
    let shown: Vec<_> = found.iter().map(|profile| Shown::from(&**profile)).collect();
    let meta = Meta {
        page_number: number,
        page_size: size,
        total_pages: count.div_ceil(size).max(1),
        total_results: count,
    };
    page(&shown, &meta)
}

/// A whole number of the query from 1 on.
fn parameter(asked: &Asked, name: &'static str, usual: usize, max: usize) -> Result<usize, Refusal> {
    let Some(text) = query(&asked.head, name) else {
        return Ok(usual);
    };
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| {
        let detail = match max {
            usize::MAX => format!("{name} must be a whole number from 1 on"),
            max => format!("{name} must be a whole number from 1 to {max}"),
        };
        Refusal::of(vec![Fault {
            code: Code::BadRequest,
            detail,
            source: Source::Parameter(name),
        }])
    })
}
