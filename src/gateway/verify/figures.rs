//! Figures of an account's codes, counted from the codes as they stand.

use super::VerifyError;
use crate::core::id::{AccountId, VerificationId};
use crate::core::time::UnixMs;
use crate::core::verification::figures::{By, Table};
use crate::gateway::Gateway;

/// Codes that are read at a time, so that other queries come in between.
const PAGE: usize = 1000;
/// Codes that one answer counts at most.
const COUNTED_MAX: usize = 200_000;

/// Which codes are counted: asked for from `since` on and before `until`.
#[derive(Debug, Clone)]
pub struct FiguresWish {
    pub since: UnixMs,
    pub until: UnixMs,
    pub by: Vec<By>,
}

impl Gateway {
    /// The figures, and from when on they are whole: later than was wished where there are too many codes.
    pub async fn verify_figures(
        &self,
        account: &AccountId,
        wish: FiguresWish,
    ) -> Result<(Table, UnixMs), VerifyError> {
        self.verifying()?;
        let (mut table, mut before, mut counted) = (Table::new(wish.by), None, 0);
        loop {
            let (of, below): (_, Option<VerificationId>) = (account.clone(), before);
            let page = self
                .read(move |store| store.verifications(&of, below, PAGE))
                .await?;
            for verification in &page {
                let at = verification.id.created_at();
                if at < wish.since {
                    return Ok((table, wish.since));
                }
                if at < wish.until {
                    table.add(verification);
                }
            }
            counted += page.len();
            before = page.last().map(|last| last.id);
            match before {
                Some(last) if counted >= COUNTED_MAX => return Ok((table, last.created_at())),
                Some(_) if page.len() == PAGE => {}
                _ => return Ok((table, wish.since)),
            }
        }
    }
}
