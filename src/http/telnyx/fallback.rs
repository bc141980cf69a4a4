//! How a profile's codes go on where they do not arrive: a member of our own, which contract 003 lacks. It is shown where it was said.

use serde::Serialize;
use serde_json::Value;

use crate::core::event::telnyx;
use crate::core::sending::Channel;
use crate::core::verification::fallback::{self, Step};

pub const RULE: &str = "must be a list of at most 5 steps such as {\"channel\": \"sms\", \"wait_secs\": 30}: a channel (sms, call, flashcall, whatsapp), and, if you like, a provider and 1 to 3600 seconds";

#[derive(Serialize)]
pub struct Shown<'a> {
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_secs: Option<u32>,
}

impl<'a> From<&'a Step> for Shown<'a> {
    fn from(step: &'a Step) -> Self {
        Self {
            channel: telnyx::kind(step.channel),
            provider: step.provider.as_deref(),
            wait_secs: step.wait_s,
        }
    }
}

/// The steps of a body; `None` where they break the rule.
pub fn steps(value: &Value) -> Option<Vec<Step>> {
    let steps: Option<Vec<Step>> = value.as_array()?.iter().map(step).collect();
    steps.filter(|steps| fallback::check(steps).is_ok())
}

fn step(value: &Value) -> Option<Step> {
    let members = value.as_object()?;
    let (mut channel, mut provider, mut wait_s) = (None, None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("channel", Value::String(word)) => {
                channel = Channel::ALL
                    .into_iter()
                    .find(|known| telnyx::kind(*known) == word);
            }
            ("provider", Value::String(name)) => provider = Some(name.clone()),
            ("wait_secs", Value::Number(seconds)) => {
                wait_s = Some(u32::try_from(seconds.as_u64()?).ok()?);
            }
            ("provider" | "wait_secs", Value::Null) => {}
            _ => return None,
        }
    }
    Some(Step {
        channel: channel?,
        provider,
        wait_s,
    })
}
