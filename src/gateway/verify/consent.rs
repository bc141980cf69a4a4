//! The operator's own check is asked before a code is charged for and sent. It is outside of us, so it may be slow, wrong or away: what
//! then holds, the configuration says.

use serde_json::{Map, json};

use crate::core::abuse::{Ask, destination};
use crate::gateway::Gateway;

impl Gateway {
    /// Whether the operator's own check lets this one out; where there is none, always.
    pub(super) async fn consents(&self, ask: &Ask<'_>) -> bool {
        let Ok(rules) = self.verify_rules() else {
            return false;
        };
        let Some(consent) = &rules.consent else {
            return true;
        };
        match consent(self.asked_of(ask)).await {
            Ok(allows) => allows,
            Err(error) => {
                let fails_open = rules.consent_fails_open;
                tracing::warn!(%error, fails_open, "verify.callback_url gave no answer");
                fails_open
            }
        }
    }

    fn asked_of(&self, ask: &Ask<'_>) -> String {
        let who = ask.who;
        let country = ask.to.number().and_then(destination::country);
        let members = [
            ("accountId", Some(ask.account.as_str().to_owned())),
            ("to", Some(ask.to.as_str().to_owned())),
            ("channel", Some(ask.channel.as_str().to_owned())),
            ("country", country.map(str::to_owned)),
            ("clientIp", who.ip.map(|ip| ip.to_string())),
            ("user", who.user.clone()),
            ("session", who.session.clone()),
        ];
        let members = members.into_iter();
        let data: Map<_, _> = members
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
            .collect();
        json!({ "type": "verify.asked", "timestamp": self.now().to_string(), "data": data }).to_string()
    }
}
