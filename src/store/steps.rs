//! Codes of which something is due: their end, which is to be counted, or their next step. A row only says where to look: whether a step
//! goes is decided by its verification, so a row that is left over does nothing.

use super::keys::{self, Tree};
use super::query::Query;
use super::rows::{Row, Rows};
use super::vault::Vault;
use super::{Error, Open};
use crate::core::id::AccountId;
use crate::core::time::UnixMs;
use crate::core::verification::Verification;
use crate::core::verification::fallback::Place;

/// The row of a verification whose next step is waited for.
pub(super) fn row(verification: &Verification, vault: &Vault) -> Result<Option<Row>, Error> {
    let Some(place) = verification.place() else {
        return Ok(None);
    };
    let key = keys::step(place);
    let sealed = vault.seal(&key, &verification.account)?;
    Ok(Some(Row::put(Tree::State, key, sealed)))
}

impl<R: Rows> Query<'_, R> {
    /// Verifications whose end is due to be counted, the earliest first.
    pub fn verifications_over(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Open)>, Error> {
        let mut over = Vec::new();
        for (key, record) in self.rows.scan(Tree::State, &[keys::OPEN_VERIFICATION], limit)? {
            let (account, open) = self.open(&key, &record)?;
            if open.ends_at > steady {
                break;
            }
            over.push((account, open));
        }
        Ok(over)
    }

    /// Verifications whose end is not counted yet, the latest first, starting below this one.
    pub fn verifications_open(
        &self,
        below: Option<Open>,
        limit: usize,
    ) -> Result<Vec<(AccountId, Open)>, Error> {
        let below = below.map(keys::open_verification);
        let rows = self
            .rows
            .scan_down(Tree::State, &[keys::OPEN_VERIFICATION], below.as_deref(), limit)?;
        rows.iter().map(|(key, record)| self.open(key, record)).collect()
    }

    fn open(&self, key: &[u8], record: &[u8]) -> Result<(AccountId, Open), Error> {
        let open = keys::parse_open_verification(key)
            .ok_or(Error::Damaged("an open verification of a wrong length"))?;
        Ok((self.vault.open(key, record)?, open))
    }

    /// Steps that are due, the earliest first.
    pub fn steps_due(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Place)>, Error> {
        let mut due = Vec::new();
        for (key, record) in self.rows.scan(Tree::State, &[keys::STEP], limit)? {
            let place = keys::parse_step(&key).ok_or(Error::Damaged("a step of a wrong length"))?;
            if place.due_at > steady {
                break;
            }
            due.push((self.vault.open(&key, &record)?, place));
        }
        Ok(due)
    }
}
