//! What is remembered of those who asked: one record for each key, whose name is hashed before it stands in a store.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::conversion::Conversion;
use super::gate::{Gate, Recent};
use super::misses::Misses;
use super::network::Network;
use super::numbers::Numbers;
use super::spend::Spend;
use crate::core::id::AccountId;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;

/// What a record is about. It may hold a number, so `Debug` shows only its kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(String);

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Name {
    /// Parts are kept apart by a byte that none of them has.
    fn new(kind: &str, parts: &[&str]) -> Self {
        let mut name = kind.to_owned();
        for part in parts {
            name.push('\0');
            name.push_str(part);
        }
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> &str {
        self.0.split('\0').next().unwrap_or_default()
    }

    /// Whose it is; `None` where it is about all accounts together.
    pub fn account(&self) -> Option<&str> {
        if self.kind() == EVERYBODY {
            None
        } else {
            self.0.split('\0').nth(1)
        }
    }

    /// What stands behind the account.
    pub fn about(&self) -> String {
        self.0.split('\0').skip(2).collect::<Vec<_>>().join(" ")
    }

    /// A person, by this account.
    pub fn person(account: &AccountId, to: &To) -> Self {
        Self::new("person", &[account.as_str(), to.as_str()])
    }

    /// A person, by all accounts together.
    pub fn everybody(to: &To) -> Self {
        Self::new(EVERYBODY, &[to.as_str()])
    }

    /// A network of this many bits.
    pub fn network(account: &AccountId, ip: IpAddr, bits: u8) -> Self {
        Self::new("network", &[account.as_str(), &network(ip, bits)])
    }

    pub fn user(account: &AccountId, user: &str) -> Self {
        Self::new("user", &[account.as_str(), user])
    }

    pub fn session(account: &AccountId, session: &str) -> Self {
        Self::new("session", &[account.as_str(), session])
    }

    /// The caller's own key.
    pub fn own(account: &AccountId, (key, value): (&str, &str)) -> Self {
        Self::new("own", &[account.as_str(), key, value])
    }

    /// Numbers that are equal up to their last digits.
    pub fn prefix(account: &AccountId, prefix: &str) -> Self {
        Self::new("prefix", &[account.as_str(), prefix])
    }

    pub fn account_rate(account: &AccountId) -> Self {
        Self::new("account", &[account.as_str()])
    }

    /// Which network numbers of one block are of.
    pub fn network_of(account: &AccountId, block: &str) -> Self {
        Self::new("network_of", &[account.as_str(), block])
    }

    /// What was given back of what was sent to a prefix, a country or a network by one channel: where one is closed, the others go on.
    pub fn conversion(account: &AccountId, channel: Channel, about: &str) -> Self {
        Self::new("conversion", &[account.as_str(), channel.as_str(), about])
    }

    pub fn spend(account: &AccountId) -> Self {
        Self::new("spend", &[account.as_str()])
    }

    /// What the account's codes to one country cost.
    pub fn spend_in_country(account: &AccountId, country: &str) -> Self {
        Self::new("spend_in_country", &[account.as_str(), country])
    }

    pub fn spend_of_profile(account: &AccountId, profile: &str) -> Self {
        Self::new("spend_of_profile", &[account.as_str(), profile])
    }

    /// The latest numbers of one user or network.
    pub fn numbers(account: &AccountId, who: &str) -> Self {
        Self::new("numbers", &[account.as_str(), who])
    }

    pub fn misses(account: &AccountId, to: &To) -> Self {
        Self::new("misses", &[account.as_str(), to.as_str()])
    }

    /// All codes that are given back.
    pub fn checks(account: &AccountId) -> Self {
        Self::new("checks", &[account.as_str()])
    }

    /// Wrong codes that come from one network.
    pub fn misses_of_network(account: &AccountId, ip: IpAddr) -> Self {
        Self::new("misses_of_network", &[account.as_str(), &usual_network(ip)])
    }
}

const EVERYBODY: &str = "everybody";

/// An IPv4 address, or the network that one customer of an IPv6 provider has.
pub fn usual_network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(_) => network(ip, 32),
        IpAddr::V6(_) => network(ip, 64),
    }
}

fn network(ip: IpAddr, bits: u8) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("{ip}"),
        IpAddr::V6(ip) => {
            let mask = u128::MAX << (128 - u32::from(bits.clamp(1, 128)));
            format!("{}/{bits}", std::net::Ipv6Addr::from(u128::from(ip) & mask))
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counter {
    /// One gate for each of the rules there are, in their order.
    Gates(Vec<Gate>),
    Recent(Recent),
    Conversion(Conversion),
    Numbers(Numbers),
    Spend(Spend),
    Misses(Misses),
    Checks(Checks),
    Network(Network),
}

impl Counter {
    /// Nothing is lost by forgetting it.
    pub fn is_over(&self, now: UnixMs) -> bool {
        match self {
            Self::Gates(gates) => gates.iter().all(|gate| gate.is_over(now)),
            Self::Recent(recent) => recent.is_over(now),
            Self::Conversion(conversion) => conversion.is_over(now),
            Self::Numbers(numbers) => numbers.is_over(now),
            Self::Spend(spend) => spend.is_over(now),
            Self::Misses(misses) => misses.is_over(now),
            Self::Checks(checks) => checks.is_over(now),
            Self::Network(network) => network.is_over(now),
        }
    }
}

/// Records by their names, as they were read or as they will be.
pub type Counters = BTreeMap<Name, Counter>;

/// Reads one kind of record; another kind under its name is as good as none.
macro_rules! read {
    ($name:ident, $variant:ident, $kind:ty) => {
        pub(super) fn $name(counters: &Counters, name: &Name) -> $kind {
            match counters.get(name) {
                Some(Counter::$variant(known)) => known.clone(),
                _ => <$kind>::default(),
            }
        }
    };
}

read!(gates, Gates, Vec<Gate>);
read!(recent, Recent, Recent);
read!(conversion, Conversion, Conversion);
read!(numbers, Numbers, Numbers);
read!(spend, Spend, Spend);
read!(misses, Misses, Misses);
read!(checks, Checks, Checks);
read!(network_known, Network, Network);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_kind_and_hides_the_rest() {
        let acme = AccountId::parse("acme").unwrap();
        let name = Name::conversion(&acme, Channel::Sms, "+1202555");
        assert_eq!(
            (name.kind(), name.account(), name.about().as_str()),
            ("conversion", Some("acme"), "sms +1202555")
        );
        assert_eq!(format!("{name:?}"), "conversion");
        let to = To::strict_number("+12025550143").map(To::Number).unwrap();
        assert_eq!(Name::everybody(&to).account(), None);
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        let text = |ip: &str| usual_network(ip.parse().unwrap());
        assert_eq!(text("2001:db8:1:2:3::4"), text("2001:db8:1:2:ffff::1"));
        assert_ne!(text("2001:db8:1:2::"), text("2001:db8:1:3::"));
        assert_eq!(text("::ffff:192.0.2.1"), text("192.0.2.1"));
        assert_eq!(network("2001:db8:1:2::9".parse().unwrap(), 48), "2001:db8:1::/48");
    }
}
