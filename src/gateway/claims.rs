//! Whose a message is that came to a number of ours: by its time, and where several have the number, by the service that it is for.

use super::Error;
use super::draft::Draft;
use crate::core::ingest::StoredMessage;
use crate::core::multipart::Owner;
use crate::core::number::{self, Claim, Rests, Sent, Unmatched};
use crate::core::phone::Address;
use crate::core::service;
use crate::core::time::UnixMs;

/// What is known of a message.
pub(super) struct Known<'a> {
    pub from: &'a Address,
    pub to: &'a Address,
    pub sent: Sent,
    /// `None`: not all of it is there yet.
    pub text: Option<&'a str>,
    /// Several had the number when it came, some of which may be forgotten by now.
    pub is_doubted: bool,
}

impl Draft<'_> {
    /// Whose message it is, and whether it is late.
    pub(super) async fn owner_on_number(&self, known: Known<'_>) -> Result<(Owner, bool), Error> {
        let Some(number) = known.to.number() else {
            return Ok((Err(Unmatched::BadNumber), false));
        };
        let Some(number) = self.gateway.parts.store.live().number(&number) else {
            return Ok((Err(Unmatched::UnknownNumber), false));
        };
        let rules = &self.gateway.parts.rules;
        let rests = Rests {
            grace_ms: rules.grace_ms,
            cool_down_ms: rules.numbers.cool_down_ms,
        };
        match number.owner_of(known.sent, rests) {
            number::Owner::Nobody(reason) => Ok((Err(reason), false)),
            number::Owner::Rental(claim) if !known.is_doubted => self.claimed(&claim).await,
            number::Owner::Rental(claim) => self.one_of(&[claim], &known).await,
            number::Owner::OneOf(claims) => self.one_of(&claims, &known).await,
        }
    }

    async fn one_of(&self, claims: &[Claim<'_>], known: &Known<'_>) -> Result<(Owner, bool), Error> {
        match self.meant(claims, known) {
            Some(claim) => self.claimed(claim).await,
            None => Ok((Err(Unmatched::Ambiguous), false)),
        }
    }

    /// The one whose service the message is for. What the renters expect of their codes says nothing: it is their own word.
    fn meant<'a, 'b>(&self, claims: &'a [Claim<'b>], known: &Known<'_>) -> Option<&'a Claim<'b>> {
        let services: Vec<_> = claims
            .iter()
            .map(|claim| self.gateway.service(&claim.lease.service))
            .collect();
        let at = service::addressee(&services, known.from.as_str(), known.text?)?;
        claims.get(at)
    }

    async fn claimed(&self, claim: &Claim<'_>) -> Result<(Owner, bool), Error> {
        if !claim.in_time {
            return Ok((Err(claim.missed()), false));
        }
        let lease = claim.lease;
        // A code shortens a rental and leaves the number's row alone; a sweep that is behind has not told it either.
        let rental = self.rental(&lease.account, lease.rental).await?;
        let grace_ms = self.gateway.parts.rules.grace_ms;
        Ok(match is_late(claim.time, rental.ends_at, grace_ms) {
            Ok(is_late) => (
                Ok((lease.account.clone(), lease.rental)),
                claim.is_late() || is_late,
            ),
            Err(reason) => (Err(reason), false),
        })
    }

    /// As `owner` says, unless it could not be told of a part, which came then: the text of this message may.
    pub(super) async fn owner_by_text(
        &self,
        owner: &Owner,
        message: &StoredMessage,
        came_at: UnixMs,
    ) -> Result<(Owner, bool), Error> {
        if *owner != Err(Unmatched::Ambiguous) {
            return Ok((owner.clone(), message.late));
        }
        let known = Known {
            from: &message.from,
            to: &message.to,
            // It is whose it was then, however long the rest took.
            sent: Sent {
                at: message.sent_at,
                now: came_at,
            },
            text: Some(&message.text),
            is_doubted: true,
        };
        self.owner_on_number(known).await
    }
}

/// Whether a message of this time came after the end of its rental; no longer its own if it came after the grace too.
pub(super) fn is_late(time: UnixMs, ends_at: UnixMs, grace_ms: u64) -> Result<bool, Unmatched> {
    if time > ends_at.plus_ms(grace_ms) {
        return Err(Unmatched::Expired);
    }
    Ok(time > ends_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_its_rentals_until_the_grace_is_over() {
        let is_late = |time| is_late(UnixMs(time), UnixMs(1000), 100);
        assert_eq!((is_late(0), is_late(1000)), (Ok(false), Ok(false)));
        assert_eq!((is_late(1001), is_late(1100)), (Ok(true), Ok(true)));
        assert_eq!(is_late(1101), Err(Unmatched::Expired));
    }
}
