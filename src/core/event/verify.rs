//! What an account hears of codes that it had sent: how far each came, what was not sent to keep abuse away, and what is about to go wrong.
//! No code and no full number is in them: whose code it is, the account knows by its id.

use serde::Serialize;

use super::{Event, Kind, Text, event};
use crate::core::abuse::checks::Failing;
use crate::core::abuse::destination;
use crate::core::abuse::network;
use crate::core::abuse::spend::{Warning, Whose};
use crate::core::abuse::{Alarm, Ask, Decision};
use crate::core::id::{AccountId, ProfileId, VerificationId};
use crate::core::money::Price;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;
use crate::core::verification::{Status, Verification};

/// Where a code goes, as far as it may be told.
#[derive(Serialize)]
struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    /// The number without its last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(to: &'a To) -> Self {
        Self {
            country: to.number().and_then(destination::country),
            prefix: to.block_of_10000(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Life<'a> {
    id: Text<VerificationId>,
    channel: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    status: &'static str,
    delivery: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    sends: u8,
    attempts: u8,
    cost: Text<Price>,
    created_at: Text<UnixMs>,
    expires_at: Text<UnixMs>,
}

/// A verification came to this, as it stands now.
pub fn of_verification(kind: Kind, verification: &Verification, now: UnixMs) -> Event {
    let sent = &verification.sent;
    let reason = match (kind, verification.status) {
        (Kind::VerifyFailed, Status::Failed) => Some("attempts"),
        (Kind::VerifyFailed, _) => sent.reason(),
        _ => None,
    };
    let data = Life {
        id: Text(verification.id),
        channel: verification.channel.as_str(),
        place: Place::of(&verification.to),
        status: verification.status.as_str(),
        delivery: sent.as_str(),
        provider: sent.provider(),
        reason,
        sends: verification.sends,
        attempts: verification.attempts,
        cost: Text(verification.cost()),
        created_at: Text(verification.created_at),
        expires_at: Text(verification.expires_at()),
    };
    // Its code may be sent again and fail again: each change of it is told once.
    let about = [&verification.id.0[..], &verification.version.to_be_bytes()].concat();
    event(&verification.account, (kind, &about), now, &data)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blocked<'a> {
    account_id: &'a str,
    /// The verification that was answered in its place, where the refusal is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<VerificationId>>,
    channel: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    verdict: &'static str,
    reasons: Vec<&'static str>,
    /// Not there where it is for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Text<UnixMs>>,
}

/// A code was asked for and is not sent; `wait_ms` until one may be, `u64::MAX` for good.
pub fn of_refusal(
    ask: &Ask<'_>,
    (decision, answered): (&Decision, Option<VerificationId>),
    wait_ms: u64,
    (now, random): (UnixMs, [u8; 16]),
) -> Event {
    let until = (wait_ms < u64::MAX).then(|| Text(now.plus_ms(wait_ms)));
    let data = Blocked {
        account_id: ask.account.as_str(),
        id: answered.map(Text),
        channel: ask.channel.as_str(),
        place: Place::of(ask.to),
        verdict: decision.verdict.as_str(),
        reasons: decision.reasons.iter().map(|reason| reason.as_str()).collect(),
        until,
    };
    event(ask.account, (Kind::VerifyBlocked, &random), now, &data)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spent<'a> {
    account_id: &'a str,
    /// Of what it is a cap, where not of all the account's codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Text<ProfileId>>,
    window: &'static str,
    spent: Text<Price>,
    cap: Text<Price>,
}

/// A cap is nearly reached.
pub fn of_warning(account: &AccountId, warning: &Warning, (now, random): (UnixMs, [u8; 16])) -> Event {
    let (country, profile) = match warning.whose {
        Whose::Account => (None, None),
        Whose::Country(country) => (Some(country), None),
        Whose::Profile(id) => (None, Some(Text(id))),
    };
    let data = Spent {
        account_id: account.as_str(),
        country,
        profile,
        window: warning.window,
        spent: Text(warning.spent),
        cap: Text(warning.cap),
    };
    event(account, (Kind::VerifySpendWarning, &random), now, &data)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Low<'a> {
    account_id: &'a str,
    channel: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    /// Where it is neither about a country nor about a prefix: a network of numbers, or a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    sent: u32,
    matured: u32,
    converted: u32,
    /// `warned`, or `closed`.
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Text<UnixMs>>,
}

/// Few codes come back from a block of numbers, a country or a network.
pub fn of_alarm(account: &AccountId, alarm: &Alarm, (now, random): (UnixMs, [u8; 16])) -> Event {
    let (kind, what) = network::shown(&alarm.about);
    let is = |of: &str| (kind == of).then_some(what);
    let (sent, matured, converted) = alarm.figures;
    let until = alarm.closed_ms.filter(|ms| *ms < u64::MAX);
    let data = Low {
        account_id: account.as_str(),
        channel: alarm.channel.as_str(),
        place: Place {
            country: is("country"),
            prefix: is("prefix"),
        },
        network: is("network"),
        provider: is("provider"),
        sent,
        matured,
        converted,
        action: if alarm.closed_ms.is_some() {
            "closed"
        } else {
            "warned"
        },
        until: until.map(|ms| Text(now.plus_ms(ms))),
    };
    event(account, (Kind::VerifyConversionLow, &random), now, &data)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct High<'a> {
    account_id: &'a str,
    checks: u32,
    failed: u32,
}

/// Most of the codes that were given back in the last hour were wrong.
pub fn of_failing(account: &AccountId, failing: Failing, (now, random): (UnixMs, [u8; 16])) -> Event {
    let data = High {
        account_id: account.as_str(),
        checks: failing.checks,
        failed: failing.failed,
    };
    event(account, (Kind::VerifyFailuresHigh, &random), now, &data)
}
