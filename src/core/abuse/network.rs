//! Which network a number is of: what carriers' reports told of its block; else, by which provider its codes go. Where neither is known,
//! nothing is counted.

use serde::{Deserialize, Serialize};

use super::counter::{self, Counter, Counters, Name};
use super::gate::DAY_MS;
use crate::core::id::AccountId;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;

/// After so long without another report it is told no more, for blocks of numbers change hands.
const KEPT_MS: u64 = 90 * DAY_MS;
/// A report that says what is known already is written down once in so long.
const RENEWED_MS: u64 = DAY_MS;

const NETWORK: &str = "network/";
const PROVIDER: &str = "provider/";

/// What a report told: the mobile country code and network code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    code: String,
    at: UnixMs,
}

impl Network {
    pub fn is_over(&self, now: UnixMs) -> bool {
        now.since(self.at) >= KEPT_MS
    }
}

/// The record of what is known of this address's block of numbers.
pub fn name(account: &AccountId, to: &To) -> Option<Name> {
    Some(Name::network_of(account, to.block_of_10000()?))
}

/// What codes to it are counted under: its network, else this provider.
pub fn route(known: &Counters, name: &Name, provider: Option<&str>) -> Option<String> {
    let network = counter::network_known(known, name);
    match (network.code.as_str(), provider) {
        ("", provider) => provider.map(|provider| format!("{PROVIDER}{provider}")),
        (code, _) => Some(format!("{NETWORK}{code}")),
    }
}

/// A report told that the number is of this network; `None`: that is known.
pub fn told(known: &Counters, name: &Name, code: &str, now: UnixMs) -> Option<Counters> {
    let was = counter::network_known(known, name);
    if was.code == code && now.since(was.at) < RENEWED_MS {
        return None;
    }
    let code = code.to_owned();
    Some(Counters::from([(
        name.clone(),
        Counter::Network(Network { code, at: now }),
    )]))
}

/// What a record of codes that come back is about, as it is told: the kind, and which one.
pub fn shown(about: &str) -> (&'static str, &str) {
    if let Some(code) = about.strip_prefix(NETWORK) {
        return ("network", code);
    }
    if let Some(name) = about.strip_prefix(PROVIDER) {
        return ("provider", name);
    }
    let kind = if about.starts_with('+') {
        "prefix"
    } else {
        "country"
    };
    (kind, about)
}

/// As `shown` has it, read back; `None` for what is none of them.
pub fn about(kind: &str, what: &str) -> Option<String> {
    let is_code = || (5..=6).contains(&what.len()) && what.bytes().all(|b| b.is_ascii_digit());
    match kind {
        "network" if is_code() => Some(format!("{NETWORK}{what}")),
        "provider" => Some(format!("{PROVIDER}{what}")),
        "prefix" if what.starts_with('+') => Some(what.to_owned()),
        "country" if what.len() == 2 && super::destination::is_country(what) => Some(what.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::pending;
    use super::*;

    #[test]
    fn a_block_is_of_the_network_that_a_report_told_and_else_of_its_provider() {
        let of = pending("+12025550143", 0);
        let (name, now) = (name(&of.account, &of.to).unwrap(), UnixMs(1 << 40));
        let mut known = Counters::new();
        assert_eq!(route(&known, &name, None), None);
        assert_eq!(
            route(&known, &name, Some("main")).as_deref(),
            Some("provider/main")
        );
        known.extend(told(&known, &name, "310260", now).unwrap());
        assert_eq!(
            route(&known, &name, Some("main")).as_deref(),
            Some("network/310260")
        );
        assert_eq!(told(&known, &name, "310260", now.plus_ms(DAY_MS - 1)), None);
        assert!(told(&known, &name, "310260", now.plus_ms(DAY_MS)).is_some());
        known.extend(told(&known, &name, "310410", now).unwrap());
        assert_eq!(route(&known, &name, None).as_deref(), Some("network/310410"));
        let counter = &known[&name];
        assert!(!counter.is_over(now.plus_ms(KEPT_MS - 1)) && counter.is_over(now.plus_ms(KEPT_MS)));
    }

    #[test]
    fn what_is_shown_is_read_back_as_the_same() {
        for about_this in ["network/23410", "provider/main", "+1202555", "US"] {
            let (kind, what) = shown(about_this);
            assert_eq!(about(kind, what).as_deref(), Some(about_this));
        }
        for (kind, what) in [
            ("network", "234"),
            ("network", "23x10"),
            ("country", "usa"),
            ("prefix", "1202"),
            ("to", "+1"),
        ] {
            assert_eq!(about(kind, what), None, "{kind} {what}");
        }
    }
}
