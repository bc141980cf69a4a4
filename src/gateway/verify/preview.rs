//! What a code would say, and what it would cost by whom, before any is sent. Nothing is counted, kept or asked.

use super::{ProfileError, TriggerWish, VerifyWish};
use crate::core::id::TemplateId;
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::Words;
use crate::gateway::Gateway;
use crate::gateway::sending::Quote;

/// A code as it would go out.
#[derive(Debug, Clone)]
pub struct Preview {
    pub channel: Channel,
    /// With zeros for a code.
    pub text: String,
    pub digits: u8,
    /// Who would be asked to carry it, the first one first.
    pub quotes: Vec<Quote>,
    /// What the caps would be charged for it.
    pub reckoned: Price,
}

impl VerifyWish {
    /// What its person would read, with zeros for a code: no digit is longer than another.
    pub(super) fn told(&self, usual_ttl_ms: u64) -> String {
        self.told_in(&self.words, self.channel, usual_ttl_ms)
    }

    /// The same in these words, by this channel.
    pub(super) fn told_in(&self, words: &Words, channel: Channel, usual_ttl_ms: u64) -> String {
        let zeros = Code::drawn(self.digits, || 0);
        let ttl_ms = self.ttl_ms.unwrap_or(usual_ttl_ms);
        words.told(channel, &zeros, ttl_ms)
    }
}

impl Gateway {
    /// Of a code as it is wished, in the words of this template where one is named.
    pub fn preview(
        &self,
        mut wish: VerifyWish,
        template: Option<TemplateId>,
    ) -> Result<Preview, ProfileError> {
        if let Some(id) = template {
            wish.words.text = Some(self.template(&wish.key.account, id)?.text.clone());
        }
        let text = wish.told(self.verify_rules()?.ttl_ms);
        let (step, _) = self.way(&wish)?;
        let by = (wish.channel, step.provider.as_deref());
        let quotes = match &wish.to {
            To::Number(number) => self.quotes(by, number, &text),
            To::Email(_) => Vec::new(),
        };
        Ok(Preview {
            channel: wish.channel,
            digits: wish.digits,
            quotes,
            reckoned: self.price_of(&wish.to, by, &text),
            text,
        })
    }

    /// The same, of what a profile would have sent.
    pub fn preview_trigger(
        &self,
        wish: TriggerWish,
        template: Option<TemplateId>,
    ) -> Result<Preview, ProfileError> {
        self.preview(self.wished_by_profile(wish)?, template)
    }
}
