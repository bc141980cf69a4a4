//! What the admin listener of a running gateway tells of its health.

use serde_json::Value;

use super::super::Failure;
use super::super::call::{Gateway, Reply};
use super::{ANSWER_WITHIN, Findings};
use crate::clock::Clock;
use crate::core::time::UnixMs;

const APART_MS_MAX: u64 = 1000;
const OLDEST_DUE_S_MAX: f64 = 60.0;
/// A request refused within this time before now is a warning.
const REFUSED_LATELY_MS: u64 = 3_600_000;

/// What a gateway said of itself, and when by our clock it was asked and it answered.
pub struct Answered {
    status: Value,
    asked: UnixMs,
    answered: UnixMs,
}

impl Answered {
    /// Nothing where no gateway is there.
    pub async fn of(gateway: &Gateway) -> Option<Self> {
        let asked = Clock::System.now();
        let status = get(gateway, "/status.json").await.ok()?;
        status["version"].is_string().then(|| Self {
            status,
            asked,
            answered: Clock::System.now(),
        })
    }

    /// The gateway's time.
    fn now(&self) -> Option<UnixMs> {
        UnixMs::parse_rfc3339(self.status["now"].as_str()?)
    }
}

pub async fn look(gateway: &Gateway, answered: &Answered, findings: &mut Findings) {
    readiness(gateway, findings).await;
    version(&answered.status, findings);
    clocks(answered, findings);
    deliveries(&answered.status, findings);
    subscriptions(get(gateway, "/admin/subscriptions").await, findings);
    let now = answered.now().unwrap_or(answered.answered);
    sources(get(gateway, "/admin/sources").await, now, findings);
}

async fn get(gateway: &Gateway, path: &str) -> Result<Value, Failure> {
    gateway.get_within(path, ANSWER_WITHIN).await.and_then(Reply::ok)
}

async fn readiness(gateway: &Gateway, findings: &mut Findings) {
    let (of, url) = ("gateway", gateway.base());
    let ready = match gateway.get_within("/readyz", ANSWER_WITHIN).await {
        Ok(reply) => reply.body,
        Err(failure) => return findings.bad(of, failure, "read its log and restart it"),
    };
    if ready["ready"] == true {
        return findings.ok(of, format!("ready at {url}"));
    }
    let failed = |name: &&str| ready[*name].as_str().is_some_and(|said| said != "ok");
    let mut why: Vec<String> = ["store", "deliveries"]
        .into_iter()
        .filter(failed)
        .map(|name| format!("{name} {}", text(&ready[name])))
        .collect();
    if ready["draining"] == true {
        why.push("it is stopping".to_owned());
    }
    let found = format!("not ready at {url}: {}", why.join(", "));
    findings.bad(of, found, "read its log; restart it if it does not come back");
}

fn version(status: &Value, findings: &mut Findings) {
    let (theirs, ours) = (text(&status["version"]), env!("CARGO_PKG_VERSION"));
    if theirs == ours {
        findings.ok("version", ours);
    } else {
        let found = format!("the gateway runs {theirs}, this is {ours}");
        findings.warn(
            "version",
            found,
            "restart the gateway with the version that is installed, or ask it with its own",
        );
    }
}

fn clocks(answered: &Answered, findings: &mut Findings) {
    // One that tells no time is of another version, which is told already.
    let Some(theirs) = answered.now() else {
        return;
    };
    let (ahead, behind) = (theirs.since(answered.answered), answered.asked.since(theirs));
    if ahead.max(behind) <= APART_MS_MAX {
        return findings.ok("clock", "the gateway's and this machine's agree");
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let found = format!("the gateway's is {} ms {way} this machine's", ahead.max(behind));
    findings.warn(
        "clock",
        found,
        "set both by NTP: signatures and expiry are judged by them",
    );
}

fn deliveries(status: &Value, findings: &mut Findings) {
    let gauge = |name: &str| status["gauges"][name].as_f64().unwrap_or(0.0);
    let oldest_s = gauge("ringback_delivery_oldest_due_age_seconds");
    let found = format!(
        "{} are owed, the oldest is due for {oldest_s:.0} s",
        gauge("ringback_delivery_due")
    );
    if oldest_s > OLDEST_DUE_S_MAX {
        let next = "see below who fails; if nobody does, raise outbound.concurrency_max";
        findings.warn("deliveries", found, next);
    } else {
        findings.ok("deliveries", found);
    }
}

fn subscriptions(answer: Result<Value, Failure>, findings: &mut Findings) {
    let of = "subscriptions";
    let Some(answer) = told(of, answer, findings) else {
        return;
    };
    let listed = answer["subscriptions"].as_array().map_or(&[][..], Vec::as_slice);
    for one in listed {
        let (id, status) = (text(&one["id"]), text(&one["status"]));
        let because = match one["because"].as_str() {
            Some("gone") => " (it answered 410)",
            Some("asked") => " (it asked to hear nothing)",
            Some("failing") => " (nothing succeeded for too long)",
            _ => "",
        };
        let found = format!(
            "{status} since {}{because}, {} failures",
            text(&one["since"]),
            one["failures"]
        );
        let resume = format!("POST /api/webhooks/{id}/resume");
        let look = format!("`ringback deliveries ls --subscription {id}` tells what it is owed");
        let next = match status {
            "failing" => format!("{look}; mend its receiver, retries go on by themselves"),
            "paused" => format!("{look}; {resume} when its owner wants it again"),
            _ => format!("{look}; mend its receiver, then {resume}"),
        };
        findings.warn(
            &format!("subscription {id} of {}", text(&one["account"])),
            found,
            &next,
        );
    }
    let more = answer["troubled"]
        .as_u64()
        .unwrap_or(0)
        .saturating_sub(listed.len() as u64);
    if more > 0 {
        findings.warn(
            of,
            format!("{more} more are disabled, paused or failing"),
            "begin with those above",
        );
    }
    if listed.is_empty() {
        findings.ok(of, "none is disabled, paused or failing");
    }
}

fn sources(answer: Result<Value, Failure>, now: UnixMs, findings: &mut Findings) {
    let of = "sources";
    let Some(answer) = told(of, answer, findings) else {
        return;
    };
    let mut well = 0;
    for source in answer["sources"].as_array().into_iter().flatten() {
        let name = text(&source["name"]);
        let last = source["lastRefusedAt"].as_str().and_then(UnixMs::parse_rfc3339);
        if last.is_none_or(|at| now.since(at) > REFUSED_LATELY_MS) {
            well += 1;
            continue;
        }
        let found = format!(
            "{} requests were refused since the start, the last at {} ({})",
            source["refused"],
            text(&source["lastRefusedAt"]),
            text(&source["lastRefusedReason"])
        );
        let next = format!(
            "`ringback inbound ls --source {name} --verdict reject` lists them, `ringback sources test {name}` tries its URL"
        );
        findings.warn(&format!("source {name}"), found, &next);
    }
    if well > 0 {
        findings.ok(of, format!("{well} refused nothing in the last hour"));
    }
}

/// The answer, or the finding that there is none.
fn told(of: &str, answer: Result<Value, Failure>, findings: &mut Findings) -> Option<Value> {
    answer
        .map_err(|failure| {
            let next =
                "is it this folder's gateway, of this version? Name others with --data and --admin-url";
            findings.bad(of, failure, next);
        })
        .ok()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
