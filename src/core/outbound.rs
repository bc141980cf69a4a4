//! A message that was sent: what its carrier says has become of it. Its state only grows, so reports may come in any order, several times,
//! and before the answer to the sending itself.

use serde::{Deserialize, Serialize};

use super::event::{self, Event};
use super::id::{AccountId, OutboundId, VerificationId};
use super::message::{Receipt, ReceiptStatus};
use super::phone::Address;
use super::time::UnixMs;

/// How far a message came. A later one is never left for an earlier one, and of the two ends the handset's word counts more than the
/// carrier's: a message that was reported as failed and then arrived has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// The carrier took it.
    Accepted,
    /// It left the carrier.
    Sent,
    Failed,
    Delivered,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
        }
    }

    /// `None` for a report that says nothing of it.
    fn of(status: ReceiptStatus) -> Option<Self> {
        match status {
            ReceiptStatus::Accepted | ReceiptStatus::Queued => Some(Self::Accepted),
            ReceiptStatus::Sent => Some(Self::Sent),
            ReceiptStatus::Delivered => Some(Self::Delivered),
            ReceiptStatus::Failed
            | ReceiptStatus::Undelivered
            | ReceiptStatus::Expired
            | ReceiptStatus::Rejected => Some(Self::Failed),
            ReceiptStatus::Unknown => None,
        }
    }
}

/// Which sending of which code a message was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    pub verification: VerificationId,
    /// Counted from 1.
    pub nth: u8,
    pub provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    pub id: OutboundId,
    /// The source by which its carrier reports.
    pub source: String,
    pub carrier_message_id: String,
    /// Who sent it, and to whom; `None` as long as only reports of it have come.
    pub sender: Option<(AccountId, Address)>,
    /// The code that it carries: then its account hears of the code and not of the message.
    pub code: Option<Sending>,
    pub state: State,
    /// The carrier's own code, of a message that failed.
    pub error_code: Option<String>,
    /// The network that the number is of, where a report told.
    pub network: Option<String>,
    /// When it was first heard of; the day's log of this time holds it.
    pub created_at: UnixMs,
    pub changed_at: UnixMs,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// What the carrier answered to a sending that it took.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub source: String,
    pub carrier_message_id: String,
    pub account: AccountId,
    pub to: Address,
    pub code: Option<Sending>,
}

impl Outbound {
    fn new(source: &str, carrier_message_id: &str, state: State, now: UnixMs) -> Self {
        Self {
            id: OutboundId::derive(source, carrier_message_id),
            source: source.to_owned(),
            carrier_message_id: carrier_message_id.to_owned(),
            sender: None,
            code: None,
            state,
            error_code: None,
            network: None,
            created_at: now,
            changed_at: now,
            version: 0,
        }
    }

    fn changed(&self, now: UnixMs) -> Self {
        Self {
            changed_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// The carrier took the message. What was reported before is told now; `None` if all of it is known.
    pub fn accepted(known: Option<&Self>, accepted: &Accepted, now: UnixMs) -> Option<(Self, Option<Event>)> {
        let mut next = match known {
            Some(known) if known.sender.is_some() => return None,
            Some(known) => known.changed(now),
            None => Self::new(
                &accepted.source,
                &accepted.carrier_message_id,
                State::Accepted,
                now,
            ),
        };
        next.sender = Some((accepted.account.clone(), accepted.to.clone()));
        next.code.clone_from(&accepted.code);
        let event = event::of_outbound(&next);
        Some((next, event))
    }

    /// The carrier reports. `None` if that is known, or less than what is known.
    pub fn reported(
        known: Option<&Self>,
        source: &str,
        receipt: &Receipt,
        now: UnixMs,
    ) -> Option<(Self, Option<Event>)> {
        let state = State::of(receipt.status)?;
        let mut next = match known {
            Some(known) if known.state >= state => return None,
            Some(known) => known.changed(now),
            None => Self::new(source, &receipt.carrier_message_id, state, now),
        };
        next.state = state;
        next.error_code = receipt.error_code.clone().filter(|_| state == State::Failed);
        if receipt.network.is_some() {
            next.network.clone_from(&receipt.network);
        }
        let event = event::of_outbound(&next);
        Some((next, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::event::Kind;
    use proptest::prelude::*;

    const STATUSES: [ReceiptStatus; 9] = [
        ReceiptStatus::Accepted,
        ReceiptStatus::Queued,
        ReceiptStatus::Sent,
        ReceiptStatus::Delivered,
        ReceiptStatus::Failed,
        ReceiptStatus::Undelivered,
        ReceiptStatus::Expired,
        ReceiptStatus::Rejected,
        ReceiptStatus::Unknown,
    ];

    fn receipt(status: ReceiptStatus) -> Receipt {
        Receipt {
            carrier_event_id: None,
            carrier_message_id: "m1".into(),
            dedupe_key: "m1".into(),
            from: None,
            to: None,
            status,
            raw_status: String::new(),
            error_code: Some("30003".into()),
            occurred_at: None,
            network: None,
        }
    }

    fn accepted() -> Accepted {
        Accepted {
            source: "main".into(),
            carrier_message_id: "m1".into(),
            account: AccountId::parse("acme").unwrap(),
            to: Address::new("+12025550143"),
            code: None,
        }
    }

    /// What comes of these reports, the sending's answer among them at its place, and which events are told.
    fn play(statuses: &[usize], accepted_at: usize) -> (Outbound, Vec<Kind>) {
        let (mut known, mut told): (Option<Outbound>, Vec<Kind>) = (None, Vec::new());
        for step in 0..=statuses.len() {
            let now = UnixMs(step as u64);
            let mut outcomes = Vec::new();
            if step == accepted_at {
                outcomes.push(Outbound::accepted(known.as_ref(), &accepted(), now));
                known = outcomes
                    .iter()
                    .flatten()
                    .next()
                    .map(|(next, _)| next.clone())
                    .or(known);
            }
            if let Some(status) = statuses.get(step) {
                outcomes.push(Outbound::reported(
                    known.as_ref(),
                    "main",
                    &receipt(STATUSES[*status]),
                    now,
                ));
            }
            for (next, event) in outcomes.into_iter().flatten() {
                told.extend(event.map(|event| event.kind));
                known = Some(next);
            }
        }
        (known.unwrap(), told)
    }

    #[test]
    fn a_late_report_never_takes_a_later_state_back() {
        let delivered = play(&[3, 2, 0, 4], 0);
        assert_eq!(delivered.0.state, State::Delivered);
        assert_eq!(delivered.1, [Kind::OutboundDelivered]);
        assert_eq!(
            play(&[2, 2, 5, 5], 0).1,
            [Kind::OutboundSent, Kind::OutboundFailed]
        );
        let failed = play(&[6], 0).0;
        assert_eq!(
            (failed.state, failed.error_code.as_deref()),
            (State::Failed, Some("30003"))
        );
        assert_eq!(play(&[8, 8], 0).0.state, State::Accepted);
    }

    #[test]
    fn reports_before_the_answer_are_told_with_it() {
        assert_eq!(play(&[2, 3], 2).1, [Kind::OutboundDelivered]);
        assert_eq!(play(&[0], 1).1, []);
        let (early, none) =
            Outbound::reported(None, "main", &receipt(ReceiptStatus::Sent), UnixMs(1)).unwrap();
        assert_eq!((early.sender, none), (None, None));
    }

    proptest! {
        /// The order of the reports, their number and the time of the answer change nothing in the end; events only go forward.
        #[test]
        fn the_end_is_the_furthest_that_was_reported(
            statuses in proptest::collection::vec(0usize..9, 0..12), accepted_at in 0usize..13,
        ) {
            let (outbound, told) = play(&statuses, accepted_at.min(statuses.len()));
            let furthest = statuses.iter().filter_map(|n| State::of(STATUSES[*n])).max();
            prop_assert_eq!(outbound.state, furthest.unwrap_or(State::Accepted).max(State::Accepted));
            prop_assert!(outbound.sender.is_some());
            let order = [Kind::OutboundSent, Kind::OutboundFailed, Kind::OutboundDelivered];
            let places: Vec<usize> = told.iter().map(|kind| order.iter().position(|k| k == kind).unwrap()).collect();
            prop_assert!(places.windows(2).all(|two| two[0] < two[1]), "{:?}", told);
            prop_assert_eq!(told.is_empty(), outbound.state == State::Accepted);
        }
    }
}
