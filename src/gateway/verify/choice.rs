//! By which of its ways a code goes: each with its words, its price and the network or provider that it is counted under.

use super::{Read, VerifyError, VerifyWish};
use crate::core::abuse::{self, Ask, Choice, Verdict, Who, destination, network};
use crate::core::id::AccountId;
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;
use crate::core::verification::Verification;
use crate::core::verification::address::To;
use crate::core::verification::fallback::{Fallback, Step, Words};
use crate::core::verification::profile::Profile;
use crate::gateway::{Error, Gateway};

/// Who asks for a code, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub account: &'a AccountId,
    pub to: &'a To,
    pub who: &'a Who,
    pub profile: Option<&'a Profile>,
    /// The same code went out before.
    pub follows: bool,
}

/// One way of a code, and what follows it.
pub(super) struct Way {
    pub step: Step,
    pub rest: Vec<Step>,
    pub words: Words,
    pub cost: Price,
    pub route: Option<String>,
}

impl<'a> Asker<'a> {
    pub fn ask(&self, way: &'a Way) -> Ask<'a> {
        Ask {
            account: self.account,
            to: self.to,
            channel: way.step.channel,
            who: self.who,
            cost: way.cost,
            follows: self.follows,
            profile: self.profile.map(|profile| profile.limits(way.step.channel)),
            route: way.route.as_deref(),
        }
    }
}

impl Verification {
    /// Charged for going this way, after which this follows.
    pub(super) fn charged_by(self, way: &Way, follows: Option<Fallback>, now: UnixMs) -> Self {
        let going = Self {
            channel: way.step.channel,
            ..self
        };
        going.charged(way.cost, follows, now).over(way.route.as_deref())
    }
}

impl VerifyWish {
    pub(super) fn asker(&self) -> Asker<'_> {
        Asker {
            account: &self.key.account,
            to: &self.to,
            who: &self.who,
            profile: self.profile.as_deref(),
            follows: false,
        }
    }
}

impl Gateway {
    /// The ways of a wish, the one that it asks for first.
    pub(super) async fn ways(&self, wish: &VerifyWish) -> Result<Vec<Way>, VerifyError> {
        let (first, rest) = self.way(wish)?;
        let steps = [&[first], &rest[..]].concat();
        let usual_ttl_ms = self.verify_rules()?.ttl_ms;
        let told = |step: &Step| {
            let words = match &wish.profile {
                Some(profile) if step.channel != wish.channel => self.words(profile, step.channel),
                _ => wish.words.clone(),
            };
            let text = wish.told_in(&words, step.channel, usual_ttl_ms);
            (words, text)
        };
        self.ways_of(&wish.asker(), &steps, &told).await
    }

    /// Each of these steps as a way, with its words and what it would tell.
    pub(super) async fn ways_of(
        &self,
        asker: &Asker<'_>,
        steps: &[Step],
        told: &(dyn Fn(&Step) -> (Words, String) + Sync),
    ) -> Result<Vec<Way>, VerifyError> {
        let mut ways = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            let (words, text) = told(step);
            let by = (step.channel, step.provider.as_deref());
            ways.push(Way {
                cost: self.price_of(asker.to, by, &text),
                route: self.route((asker.account, asker.to), by, &text).await?,
                step: step.clone(),
                rest: steps[at + 1..].to_vec(),
                words,
            });
        }
        Ok(ways)
    }

    /// The network that a number is of, by what carriers reported, else the provider that would be asked first.
    pub(super) async fn route(
        &self,
        (account, to): (&AccountId, &To),
        by: (Channel, Option<&str>),
        text: &str,
    ) -> Result<Option<String>, Error> {
        let (Some(number), Some(name)) = (to.number(), network::name(account, to)) else {
            return Ok(None);
        };
        if self.goes_by_loopback(number) {
            return Ok(None);
        }
        let first = self.quotes(by, number, text).into_iter().next();
        let read = self.counters(vec![name.clone()]).await?;
        let provider = first.map(|quote| quote.provider);
        Ok(network::route(&read.known, &name, provider.as_deref()))
    }

    /// Chooses by what is known now. The other ways are looked at only where their channel is what speaks against the first.
    pub(super) async fn chosen(
        &self,
        asker: &Asker<'_>,
        ways: &[Way],
    ) -> Result<(Read, Choice), VerifyError> {
        let (rules, now) = (&self.verify_rules()?.abuse, self.steady());
        let asks: Vec<Ask<'_>> = ways.iter().map(|way| asker.ask(way)).collect();
        let (first, elsewhere) = (&asks[..1], self.has_other_channel(asker, &asks));
        let read = self.counters(abuse::names_of_choice(first, rules)).await?;
        let alone = abuse::choose(first, true, &read.known, rules, now);
        if !matches!(alone.decision.verdict, Verdict::ChannelSwitch(_)) {
            return Ok((read, alone));
        }
        let read = self.counters(abuse::names_of_choice(&asks, rules)).await?;
        let choice = abuse::choose(&asks, elsewhere, &read.known, rules, now);
        Ok((read, choice))
    }

    /// Whether another channel than those of these ways reaches a number, and its profile lets codes go there by it.
    fn has_other_channel(&self, asker: &Asker<'_>, asks: &[Ask<'_>]) -> bool {
        let Some(country) = asker.to.number().and_then(destination::country) else {
            return false;
        };
        let is_allowed = |channel: Channel| {
            let settings = asker.profile.and_then(|profile| profile.settings.of(channel));
            settings.is_none_or(|settings| settings.allows(country))
        };
        let mut others = Channel::ALL
            .into_iter()
            .filter(|channel| *channel != Channel::Email && asks.iter().all(|ask| ask.channel != *channel));
        others.any(|channel| self.serves(channel) && is_allowed(channel))
    }
}
