//! How many of the codes that were sent came back: by an account, for a block of numbers or a country. Codes that nobody gives back were
//! sent for the fee alone, so such a block is closed, for longer each time.

use serde::{Deserialize, Serialize};

use super::gate::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::core::time::UnixMs;

const SLOT_MS: u64 = 5 * MINUTE_MS;
/// How many of them are kept: a day's.
const SLOTS: u64 = DAY_MS / SLOT_MS;
/// 95 %, two-sided.
const Z: f64 = 1.96;
/// How long a block lasts, the first time, the second, and so on; after the last one it stays until somebody lifts it.
const BLOCKS_MS: [u64; 4] = [HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS];
/// After a block so many are let through, and so many of them must come back.
const PROBES: u32 = 5;
const PROBES_CONVERTED_MIN: u32 = 2;
/// Hours of silence after which nothing of the usual rate is left.
const SILENT_HOURS_MAX: u64 = 48;

/// When the guard steps in. Rates are per cent, and compared with the upper bound of what the true rate may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Its account is told.
    pub warn_below_pct: u32,
    pub block_below_pct: u32,
    pub block_matured_min: u32,
    pub challenge_below_pct: u32,
    pub challenge_matured_min: u32,
    /// Codes under way at once, unless three times the usual number an hour is more; 0: any number.
    pub outstanding_max: u32,
    /// Codes in an hour, unless five times the usual number is more; 0: any number.
    pub hour_min: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    number: u64,
    sent: u32,
    /// Of those: given back, or over.
    matured: u32,
    converted: u32,
}

/// A closed time, and what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    /// How many there were before.
    level: u8,
    until: UnixMs,
    /// It is tried out whether it can be lifted.
    is_probed: bool,
}

/// The last day's codes by when they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Conversion {
    slots: Vec<Slot>,
    hour: u64,
    in_hour: u32,
    /// The usual number in an hour, in thousandths.
    usual_milli: u64,
    block: Option<Block>,
    /// Its account knows that few come back.
    pub(super) is_warned: bool,
}

/// What the guard says of one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    /// The caller has to show that a person asks.
    Challenge,
    /// More in this hour than is usual; again in so long.
    Fast(u64),
    /// Closed for so long; forever: `u64::MAX`.
    Blocked(u64),
}

impl Conversion {
    /// By a clock that went back it is still the newest slot's time.
    fn slot_of(&self, at: UnixMs) -> u64 {
        let newest = self.slots.last().map_or(0, |slot| slot.number);
        (at.0 / SLOT_MS).max(newest)
    }

    fn kept(&self, now: UnixMs) -> impl Iterator<Item = &Slot> {
        let newest = self.slot_of(now);
        self.slots.iter().filter(move |slot| slot.number + SLOTS > newest)
    }

    /// Matured and converted, and how many are neither yet.
    fn sums(&self, now: UnixMs) -> (u32, u32, u32) {
        self.kept(now)
            .fold((0, 0, 0), |(matured, converted, open), slot| {
                let outstanding = slot.sent.saturating_sub(slot.matured);
                (
                    matured + slot.matured,
                    converted + slot.converted,
                    open + outstanding,
                )
            })
    }

    /// The usual number in an hour by now, and the count of the hour that is.
    fn hourly(&self, now: UnixMs) -> (u64, u32) {
        let hour = (now.0 / HOUR_MS).max(self.hour);
        let gone = (hour - self.hour).min(SILENT_HOURS_MAX);
        let mut usual_milli = self.usual_milli;
        for nth in 0..gone {
            let count = if nth == 0 { u64::from(self.in_hour) } else { 0 };
            usual_milli = (usual_milli * 7 + count * 1000 * 3) / 10;
        }
        (usual_milli, if gone == 0 { self.in_hour } else { 0 })
    }

    /// One more was sent.
    pub fn sent(&self, now: UnixMs) -> Self {
        let number = self.slot_of(now);
        let (usual_milli, in_hour) = self.hourly(now);
        let mut slots: Vec<Slot> = self.kept(now).copied().collect();
        match slots.last_mut().filter(|slot| slot.number == number) {
            Some(slot) => slot.sent += 1,
            None => slots.push(Slot {
                number,
                sent: 1,
                matured: 0,
                converted: 0,
            }),
        }
        Self {
            slots,
            hour: (now.0 / HOUR_MS).max(self.hour),
            in_hour: in_hour + 1,
            usual_milli,
            ..self.clone()
        }
    }

    /// One of them was given back, or is over. What was sent before a block counts no more.
    pub fn matured(&self, sent_at: UnixMs, converted: bool) -> Self {
        let mut next = self.clone();
        let number = sent_at.0 / SLOT_MS;
        // Where a clock went back, it was counted in a slot after its time.
        let slot = next
            .slots
            .iter_mut()
            .find(|slot| slot.number >= number && slot.sent > slot.matured);
        if let Some(slot) = slot {
            slot.matured += 1;
            slot.converted += u32::from(converted);
        }
        next
    }

    /// A clock that went back makes no block longer than it was made; it has to be kept.
    pub fn healed(&self, now: UnixMs) -> Self {
        let block = self.block.map(|block| Block {
            until: now.plus_ms(left_ms(block, now)),
            ..block
        });
        let block = block
            .filter(|healed| self.block.is_some_and(|block| healed.until < block.until))
            .or(self.block);
        Self {
            block,
            ..self.clone()
        }
    }

    /// With whether its account is to know that few come back: told once, until they do again.
    pub fn looked_at(&self, rules: &Rules, now: UnixMs) -> Self {
        let (matured, converted, _) = self.sums(now);
        let is_low = upper_bound(converted, matured) * 100.0 < f64::from(rules.warn_below_pct);
        Self {
            is_warned: matured >= rules.challenge_matured_min && is_low,
            ..self.clone()
        }
    }

    /// One that was counted did not go out.
    pub fn unsent(&self, sent_at: UnixMs) -> Self {
        let mut next = self.clone();
        let number = sent_at.0 / SLOT_MS;
        let slot = next
            .slots
            .iter_mut()
            .find(|slot| slot.number >= number && slot.sent > slot.matured);
        if let Some(slot) = slot {
            slot.sent -= 1;
            next.in_hour = next.in_hour.saturating_sub(1);
        }
        next
    }

    /// What one more would meet, and the block that it brings about, where it does.
    pub fn judged(&self, rules: &Rules, now: UnixMs) -> (Standing, Option<Self>) {
        let (matured, converted, outstanding) = self.sums(now);
        if let Some(block) = self.block {
            let left_ms = left_ms(block, now);
            if left_ms > 0 {
                return (Standing::Blocked(left_ms), None);
            }
            if block.is_probed {
                return self.probed(block, (matured, converted, outstanding), now);
            }
        }
        let may_be_pct = upper_bound(converted, matured) * 100.0;
        let is_below = |pct: u32, min: u32| matured >= min && may_be_pct < f64::from(pct);
        if is_below(rules.block_below_pct, rules.block_matured_min) {
            let level = self.block.map_or(0, |block| block.level + 1);
            return self.closed(level, now);
        }
        let (usual_milli, in_hour) = self.hourly(now);
        let hour_max = u64::from(rules.hour_min).max(usual_milli * 5 / 1000);
        if rules.hour_min > 0 && u64::from(in_hour) >= hour_max {
            return (Standing::Fast(HOUR_MS - now.0 % HOUR_MS), None);
        }
        let outstanding_max = u64::from(rules.outstanding_max).max(usual_milli * 3 / 1000);
        let is_braked = rules.outstanding_max > 0 && u64::from(outstanding) >= outstanding_max;
        if is_braked || is_below(rules.challenge_below_pct, rules.challenge_matured_min) {
            return (Standing::Challenge, None);
        }
        (Standing::Open, None)
    }

    /// After a block: a few are let through, and what becomes of them decides.
    fn probed(
        &self,
        block: Block,
        (matured, converted, outstanding): (u32, u32, u32),
        now: UnixMs,
    ) -> (Standing, Option<Self>) {
        if converted >= PROBES_CONVERTED_MIN {
            let is_probed = false;
            let block = Some(Block { is_probed, ..block });
            return (
                Standing::Open,
                Some(Self {
                    block,
                    ..self.clone()
                }),
            );
        }
        if matured + outstanding < PROBES {
            return (Standing::Open, None);
        }
        if outstanding > 0 {
            return (Standing::Blocked(SLOT_MS), None);
        }
        self.closed(block.level + 1, now)
    }

    fn closed(&self, level: u8, now: UnixMs) -> (Standing, Option<Self>) {
        let lasts_ms = BLOCKS_MS.get(usize::from(level)).copied().unwrap_or(u64::MAX);
        let block = Block {
            level,
            until: now.plus_ms(lasts_ms),
            is_probed: true,
        };
        let next = Self {
            slots: Vec::new(),
            block: Some(block),
            ..self.clone()
        };
        (Standing::Blocked(lasts_ms), Some(next))
    }

    /// For how long it is closed, `u64::MAX` for good, and the how manyth time; `None` where it is open.
    pub fn blocked(&self, now: UnixMs) -> Option<(u64, u8)> {
        let block = self.block.filter(|block| left_ms(*block, now) > 0)?;
        let is_for_good = usize::from(block.level) >= BLOCKS_MS.len();
        let left_ms = if is_for_good {
            u64::MAX
        } else {
            left_ms(block, now)
        };
        Some((left_ms, block.level.saturating_add(1)))
    }

    /// Somebody lifts the block, and it begins anew.
    pub fn lifted(&self) -> Self {
        Self {
            slots: Vec::new(),
            block: None,
            ..self.clone()
        }
    }

    /// Codes of the last day, those of them that are over or given back, and those given back.
    pub fn figures(&self, now: UnixMs) -> (u32, u32, u32) {
        let sent = self.kept(now).map(|slot| slot.sent).sum();
        let (matured, converted, _) = self.sums(now);
        (sent, matured, converted)
    }

    pub fn is_over(&self, now: UnixMs) -> bool {
        self.block.is_none()
            && self.kept(now).next().is_none()
            && now.0 / HOUR_MS > self.hour + SILENT_HOURS_MAX
    }
}

/// How long it still is; never longer than it was made.
fn left_ms(block: Block, now: UnixMs) -> u64 {
    let lasts_ms = BLOCKS_MS
        .get(usize::from(block.level))
        .copied()
        .unwrap_or(u64::MAX);
    block.until.since(now).min(lasts_ms)
}

/// The upper end of Wilson's interval for a rate of which this was seen: few samples say little.
fn upper_bound(converted: u32, matured: u32) -> f64 {
    if matured == 0 {
        return 1.0;
    }
    let (n, p) = (f64::from(matured), f64::from(converted) / f64::from(matured));
    let (z2, spread) = (Z * Z, p * (1.0 - p) / n + Z * Z / (4.0 * n * n));
    (p + z2 / (2.0 * n) + Z * spread.sqrt()) / (1.0 + z2 / n)
}

#[cfg(test)]
mod tests;
