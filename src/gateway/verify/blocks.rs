//! What abuse control has closed, and how somebody opens it again.

use super::VerifyError;
use crate::core::abuse::counter::{Counter, Counters, Name};
use crate::core::audit::{Action, Entry};
use crate::core::id::AccountId;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

/// Records that are looked at in one go.
const PAGE: usize = 500;

/// A block of numbers, a country or a network that gets no codes by one channel, because few came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub account: String,
    pub channel: String,
    /// What it is about; `abuse::network::shown` tells which.
    pub about: String,
    /// `None`: until somebody lifts it.
    pub until: Option<UnixMs>,
    /// How often it was closed, this time included.
    pub times: u8,
}

/// What shall be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lift {
    /// A block of numbers by its beginning, a country, or a network.
    Place(Channel, String),
    /// A person who was locked out by wrong codes.
    Person(To),
}

impl Gateway {
    /// All that is closed, of all accounts. Looks at every record there is.
    pub async fn verify_blocks(&self) -> Result<Vec<Block>, VerifyError> {
        self.verifying()?;
        let (steady, now) = (self.steady(), self.now());
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .read(move |store| store.all_counters(after.as_deref(), PAGE))
                .await?;
            for counted in page.counters {
                let Counter::Conversion(conversion) = counted.counter else {
                    continue;
                };
                let about = counted.name.about();
                if let (Some((left_ms, times)), Some((channel, about))) =
                    (conversion.blocked(steady), about.split_once(' '))
                {
                    found.push(Block {
                        account: counted.name.account().unwrap_or_default().to_owned(),
                        channel: channel.to_owned(),
                        about: about.to_owned(),
                        until: (left_ms < u64::MAX).then(|| now.plus_ms(left_ms)),
                        times,
                    });
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Opens it, and writes down who did.
    pub async fn lift(&self, account: &AccountId, lift: &Lift, actor: &str) -> Result<(), VerifyError> {
        self.verifying()?;
        let name = match lift {
            Lift::Place(channel, about) => Name::conversion(account, *channel, about),
            Lift::Person(to) => Name::misses(account, to),
        };
        let _lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let read = self.counters(vec![name.clone()]).await?;
            let next = match read.known.get(&name) {
                Some(Counter::Conversion(known)) if known.blocked(self.steady()).is_some() => {
                    Counter::Conversion(known.lifted())
                }
                Some(Counter::Misses(known)) if !known.is_none() => Counter::Misses(Default::default()),
                _ => return Err(VerifyError::NotBlocked),
            };
            let entry = self.entry(account, Action::Unblock, "lifted");
            let entry = match lift {
                Lift::Place(channel, about) => Entry {
                    reasons: vec![channel.as_str().to_owned(), about.clone()],
                    ..entry
                },
                Lift::Person(to) => self.about(entry, to, None),
            };
            let step = VerifyStep {
                counters: read.changes(Counters::from([(name.clone(), next)])),
                audit: vec![Entry {
                    actor: actor.to_owned(),
                    ..entry
                }],
                ..VerifyStep::default()
            };
            if self.take_step(step).await? {
                return Ok(());
            }
        }
        Err(Error::Contended.into())
    }
}
