//! From `[verify]` to the rules of codes that are sent, and the keys of what is kept of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::{BuildError, consent, files};
use crate::config::{self, CodeHash, Config, Privacy, Resend, ResponseCodes};
use crate::core::abuse::destination::{self, Policy};
use crate::core::abuse::gate::{DAY_MS, HOUR_MS, Limit, MINUTE_MS};
use crate::core::abuse::spend::Caps;
use crate::core::abuse::{Rules, checks, conversion};
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::{self, Step};
use crate::core::verification::hash::Scheme;
use crate::core::verification::pepper::{Lasting, Pepper, Peppers};
use crate::dispatch::client::Options;
use crate::gateway::VerifyRules;

/// What the configuration alone decides; a pepper that stands in the data folder is none of it.
pub fn check(config: &Config) -> Result<(), BuildError> {
    consent::key(config)?;
    let (newest, before) = files::configured_peppers(&config.verify)?;
    let peppers = files::checked_peppers(newest.unwrap_or(Pepper([0; 32])), before)?;
    rules_with(config, peppers, Lasting::of_master(&[0; 32])).map(drop)
}

/// The rules, with the peppers of the configuration or the data folder, and the operator's own check, which is called so.
pub fn rules(config: &Config, options: Options) -> Result<VerifyRules, BuildError> {
    let folder: &Path = &config.store.folder;
    let master = files::master_key(folder, &config.store.master_key)?;
    let peppers = files::peppers(folder, &config.verify)?;
    let rules = rules_with(config, peppers, Lasting::of_master(&master))?;
    Ok(VerifyRules {
        consent: consent::consent(config, options)?,
        ..rules
    })
}

fn rules_with(config: &Config, peppers: Peppers, lasting: Lasting) -> Result<VerifyRules, BuildError> {
    let verify = &config.verify;
    Ok(VerifyRules {
        abuse: abuse(config)?,
        scheme: match verify.code_hash {
            CodeHash::Bcrypt => Scheme::Bcrypt(verify.bcrypt_cost),
            CodeHash::Hmac => Scheme::Hmac,
        },
        peppers,
        lasting,
        ttl_ms: verify.ttl_s * 1000,
        attempts_max: verify.attempts_max,
        resends_same: verify.resend == Resend::Same,
        fallback: way(config)?,
        price: price("price", &verify.price)?,
        strict_privacy: verify.privacy == Privacy::Strict,
        tells_why: verify.response_codes == ResponseCodes::Four,
        test_codes: test_codes(&verify.test_numbers)?,
        loopback: verify.loopback,
        consent: None,
        consent_fails_open: verify.callback_fails_open,
        hashing_max: verify.hashing_max,
        hashing_queue_max: verify.hashing_queue_max,
        repeated_ms: verify.repeated_s * 1000,
        profiles_max: verify.profiles_max,
        templates_max: verify.templates_max,
    })
}

fn refuse(key: &str, what: &str) -> BuildError {
    BuildError::Config(format!("verify.{key}: {what}"))
}

fn price(key: &str, text: &str) -> Result<Price, BuildError> {
    Price::parse(text).map_err(|error| refuse(key, &error.to_string()))
}

fn test_codes(texts: &[String]) -> Result<BTreeMap<String, Code>, BuildError> {
    let each = texts.iter().map(|text| {
        let (number, code) = text.split_once('=')?;
        Some((To::strict_number(number)?.as_str().to_owned(), Code::parse(code)?))
    });
    let all: Option<BTreeMap<_, _>> = each.collect();
    all.ok_or_else(|| refuse("test_numbers", "write each as \"+15005550006=123456\""))
}

/// How codes without a profile go on where they do not arrive.
fn way(config: &Config) -> Result<Vec<Step>, BuildError> {
    let steps = config.verify.fallback.iter().map(|step| {
        let channel = Channel::parse(&step.channel).ok_or_else(|| {
            let said = format!(
                "{:?} is no channel: sms, voice, flashcall, whatsapp",
                step.channel
            );
            refuse("fallback", &said)
        })?;
        let is_there = |name: &String| config.provider.iter().any(|provider| provider.name == *name);
        if let Some(name) = step.provider.as_ref().filter(|name| !is_there(name)) {
            return Err(refuse("fallback", &format!("no provider {name} is configured")));
        }
        Ok(Step {
            channel,
            provider: step.provider.clone(),
            wait_s: step.wait_s,
        })
    });
    let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
    fallback::check(&steps).map_err(|wrong| refuse("fallback", wrong))?;
    Ok(steps)
}

fn policy(config: &Config) -> Result<Policy, BuildError> {
    let verify = &config.verify;
    if let Some(country) = verify
        .countries
        .iter()
        .find(|country| !destination::is_country(country))
    {
        return Err(refuse(
            "countries",
            &format!(
                "{country:?} is no country that numbers are known of; write two capital letters, or \"*\""
            ),
        ));
    }
    if !verify.deny_prefixes.iter().all(|prefix| is_prefix(prefix)) {
        return Err(refuse(
            "deny_prefixes",
            "write each as + and digits, such as \"+1900\"",
        ));
    }
    if verify
        .only_numbers
        .iter()
        .any(|number| To::strict_number(number).is_none())
    {
        return Err(refuse(
            "only_numbers",
            "write each as E.164, such as \"+12025550143\"",
        ));
    }
    Ok(Policy {
        countries: verify.countries.clone(),
        deny_prefixes: verify.deny_prefixes.clone(),
        only: verify.only_numbers.clone(),
    })
}

fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+');
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn abuse(config: &Config) -> Result<Rules, BuildError> {
    let verify = &config.verify;
    let ten_minutes = 10 * MINUTE_MS;
    let [prefix_conversion, country_conversion, network_conversion] = guards(verify);
    Ok(Rules {
        policy: policy(config)?,
        person: [
            Limit::new(verify.person_per_10min_max, ten_minutes),
            Limit::new(verify.person_per_hour_max, HOUR_MS),
            Limit::new(verify.person_per_day_max, DAY_MS),
        ],
        pauses_ms: verify.pauses_s.iter().map(|s| s * 1000).collect(),
        everybody: Limit::new(verify.everybody_per_day_max, DAY_MS),
        network: [
            Limit::new(verify.ip_per_10min_max, ten_minutes),
            Limit::new(verify.ip_per_day_max, DAY_MS),
        ],
        user: Limit::new(verify.user_per_hour_max, HOUR_MS),
        session: Limit::new(verify.session_per_10min_max, ten_minutes),
        own: Limit::new(verify.own_per_hour_max, HOUR_MS),
        block_of_10000: [
            Limit::new(verify.block_of_10000_per_10min_max, ten_minutes),
            Limit::new(verify.block_of_10000_per_hour_max, HOUR_MS),
        ],
        block_of_1000: Limit::new(verify.block_of_1000_per_10min_max, ten_minutes),
        account: [
            Limit::new(verify.account_per_second_max, 1000),
            Limit::new(verify.account_per_day_max, DAY_MS),
        ],
        misses_of_network: Limit::new(verify.wrong_per_ip_10min_max, ten_minutes),
        checks: checks::Rules {
            above_pct: verify.wrong_alarm_pct,
            checks_min: verify.wrong_alarm_min,
        },
        locks: verify.wrong_locks,
        watches_rows: verify.rows,
        prefix_conversion,
        country_conversion,
        network_conversion,
        caps: caps([
            ("spend_hour_max", &verify.spend_hour_max),
            ("spend_day_max", &verify.spend_day_max),
            ("spend_month_max", &verify.spend_month_max),
        ])?,
        country_caps: caps([
            ("spend_country_hour_max", &verify.spend_country_hour_max),
            ("spend_country_day_max", &verify.spend_country_day_max),
            ("spend_country_month_max", &verify.spend_country_month_max),
        ])?,
    })
}

/// When a block of numbers, a country and a network are closed.
fn guards(verify: &config::Verify) -> [conversion::Rules; 3] {
    let of = |block_below_pct, matured_min| conversion::Rules {
        warn_below_pct: verify.warn_below_pct,
        block_below_pct,
        block_matured_min: matured_min,
        challenge_below_pct: block_below_pct,
        challenge_matured_min: matured_min,
        outstanding_max: 0,
        hour_min: 0,
    };
    [
        conversion::Rules {
            challenge_below_pct: verify.prefix_challenge_below_pct,
            outstanding_max: verify.prefix_outstanding_max,
            ..of(verify.prefix_block_below_pct, verify.prefix_matured_min)
        },
        conversion::Rules {
            hour_min: verify.country_per_hour_min,
            ..of(verify.country_block_below_pct, verify.country_matured_min)
        },
        of(verify.network_block_below_pct, verify.network_matured_min),
    ]
}

/// By the hour, the day and 30 days; nothing is no cap.
fn caps([hour, day, month]: [(&str, &str); 3]) -> Result<Caps, BuildError> {
    let cap = |(key, text)| price(key, text).map(|cap| Some(cap).filter(|cap| *cap != Price::default()));
    Ok(Caps([cap(hour)?, cap(day)?, cap(month)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn the_shipped_limits_are_those_that_the_worlds_of_the_tests_live_by() {
        let config = config::load(Layers::default()).unwrap();
        assert_eq!(abuse(&config).unwrap(), crate::core::abuse::tests::rules());
    }
}
