//! What events there are, by name.

use serde::{Deserialize, Serialize};

/// Every event type there is. A new one gets a JSON Schema in `schemas/` in the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    VerificationCreated,
    VerificationCodeReceived,
    VerificationCancelled,
    /// A rental was completed by its first code; told beside the code, once.
    VerificationCompleted,
    VerificationExpired,
    /// A message reached a rental within its time, but it told no code.
    MessageReceived,
    /// A message reached a rental after its end, within its grace, and it told no code.
    MessageLate,
    /// A message belongs to nobody; told to the operator's account alone.
    MessageUnmatched,
    /// A message that was sent left the carrier.
    OutboundSent,
    /// A message that was sent reached its handset.
    OutboundDelivered,
    /// A message that was sent will not arrive.
    OutboundFailed,
    /// A replay has ended.
    ReplayFinished,
    /// A subscription hears nothing more; what it is owed is held.
    SubscriptionDisabled,
    /// A disabled subscription is back: it answered its probe, or somebody resumed it.
    SubscriptionRecovered,
    /// A delivery was given up after its last attempt.
    DeliveryExhausted,
    /// A provider took a code, or nobody knows whether it did.
    VerifySent,
    /// A code reached its handset.
    VerifyDelivered,
    /// A code was not taken, will not arrive, or all guesses at it were wrong.
    VerifyFailed,
    /// A code was given back.
    VerifyApproved,
    /// A code's time was over.
    VerifyExpired,
    /// A code was asked for and not sent, to keep abuse away.
    VerifyBlocked,
    /// A cap on what codes cost is nearly reached.
    VerifySpendWarning,
    /// Few of the codes to a block of numbers or a country come back.
    VerifyConversionLow,
    /// Most of the codes that were given back in an hour were wrong.
    VerifyFailuresHigh,
    /// A code was taken back by its owner.
    VerifyCanceled,
}

impl Kind {
    pub const ALL: [Self; 25] = [
        Self::VerificationCreated,
        Self::VerificationCodeReceived,
        Self::VerificationCancelled,
        Self::VerificationCompleted,
        Self::VerificationExpired,
        Self::MessageReceived,
        Self::MessageLate,
        Self::MessageUnmatched,
        Self::OutboundSent,
        Self::OutboundDelivered,
        Self::OutboundFailed,
        Self::ReplayFinished,
        Self::SubscriptionDisabled,
        Self::SubscriptionRecovered,
        Self::DeliveryExhausted,
        Self::VerifySent,
        Self::VerifyDelivered,
        Self::VerifyFailed,
        Self::VerifyApproved,
        Self::VerifyExpired,
        Self::VerifyBlocked,
        Self::VerifySpendWarning,
        Self::VerifyConversionLow,
        Self::VerifyFailuresHigh,
        Self::VerifyCanceled,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// It is about the account's own deliveries.
    pub fn is_operational(self) -> bool {
        matches!(
            self,
            Self::ReplayFinished
                | Self::SubscriptionDisabled
                | Self::SubscriptionRecovered
                | Self::DeliveryExhausted
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerificationCreated => "verification.created",
            Self::VerificationCodeReceived => "verification.code_received",
            Self::VerificationCancelled => "verification.cancelled",
            Self::VerificationCompleted => "verification.completed",
            Self::VerificationExpired => "verification.expired",
            Self::MessageReceived => "message.received",
            Self::MessageLate => "message.late",
            Self::MessageUnmatched => "message.unmatched",
            Self::OutboundSent => "outbound.sent",
            Self::OutboundDelivered => "outbound.delivered",
            Self::OutboundFailed => "outbound.failed",
            Self::ReplayFinished => "replay.finished",
            Self::SubscriptionDisabled => "subscription.disabled",
            Self::SubscriptionRecovered => "subscription.recovered",
            Self::DeliveryExhausted => "delivery.exhausted",
            Self::VerifySent => "verify.sent",
            Self::VerifyDelivered => "verify.delivered",
            Self::VerifyFailed => "verify.failed",
            Self::VerifyApproved => "verify.approved",
            Self::VerifyExpired => "verify.expired",
            Self::VerifyCanceled => "verify.canceled",
            Self::VerifyBlocked => "verify.blocked",
            Self::VerifySpendWarning => "verify.spend_warning",
            Self::VerifyConversionLow => "verify.conversion_low",
            Self::VerifyFailuresHigh => "verify.failures_high",
        }
    }
}
