//! Bugs planted to see that each invariant can fail: in the simulated disk, the network, the rules or the transport of the test world,
//! never in the product.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The disk answers a commit that it has not synced.
    AnswersUnsynced,
    /// The disk takes a message that it has already.
    ForgetsIds,
    /// Late messages are taken far longer than was promised.
    LongGrace,
    /// A message that was listed under its rental is gone with the next one.
    RewritesHistory,
    /// A new message is answered as one that was there already, so that nobody is woken.
    WakesNobody,
    /// The transport keeps a poll whose client has hung up.
    KeepsTheGone,
    /// An event is owed to nobody.
    OwesNobody,
    /// Retries come without waiting.
    Hasty,
    /// The sender reports success for what the subscriber refused.
    Flatters,
    /// A subscriber's 410 is recorded as any other failure.
    IgnoresGone,
    /// More attempts to one subscriber at once than the limit.
    Crowds,
    /// Deliveries are signed with a key that the subscriber does not have.
    WrongKey,
    /// One hanging subscriber holds every place.
    OneForAll,
    /// A number is leased again at once.
    NoRest,
    /// A number that somebody has is leased to another.
    LeasesTwice,
    /// A number that has a rental of a service gets another one of it.
    ServesTwice,
    /// A number that is in quarantine is leased.
    LeasesTheQuarantined,
    /// Messages for one service are taken for the other's.
    MistakesServices,
    /// The disk keeps a clear copy of the texts.
    WritesPlain,
    /// What was held is forgotten when its subscription is resumed.
    DropsTheHeld,
    /// A pause is not heeded.
    CallsThePaused,
    /// A subscriber's hint holds for its one delivery, and not for all that it is owed.
    IgnoresHints,
    /// Replaced keys sign on after their end.
    KeepsOldKeys,
    /// What was asked for again takes the place of the automatic delivery.
    ConsumesTheAutomatic,
    /// A replay asks for deliveries, and none is owed.
    ReplaysNothing,
    /// A rental's events overtake one another although their order is wanted.
    Overtakes,
    /// What is worthless by then is sent.
    SendsTheExpired,
    /// A subscription that is back gets all that was held at once.
    NoRamp,
    /// A text stands in a line of the log.
    LogsTexts,
    /// A completion is metered twice.
    MetersTwice,
    /// A completion is not metered.
    MetersNothing,
    /// Guesses at a code are forgotten.
    ForgetsGuesses,
    /// A code that was approved is as if it were not.
    ApprovesAgain,
    /// A code lives far longer than was said.
    OutlivesItself,
    /// What was sent is counted nowhere.
    CountsNothing,
    /// An attempt never ends.
    NeverEnds,
    /// Something looks at dice that no seed repeats.
    WildDice,
}

impl Plant {
    pub const ALL: [Self; 37] = [
        Self::AnswersUnsynced,
        Self::ForgetsIds,
        Self::LongGrace,
        Self::RewritesHistory,
        Self::WakesNobody,
        Self::KeepsTheGone,
        Self::OwesNobody,
        Self::Hasty,
        Self::Flatters,
        Self::IgnoresGone,
        Self::Crowds,
        Self::WrongKey,
        Self::OneForAll,
        Self::NoRest,
        Self::LeasesTwice,
        Self::ServesTwice,
        Self::LeasesTheQuarantined,
        Self::MistakesServices,
        Self::WritesPlain,
        Self::DropsTheHeld,
        Self::CallsThePaused,
        Self::IgnoresHints,
        Self::KeepsOldKeys,
        Self::ConsumesTheAutomatic,
        Self::ReplaysNothing,
        Self::Overtakes,
        Self::SendsTheExpired,
        Self::NoRamp,
        Self::LogsTexts,
        Self::MetersTwice,
        Self::MetersNothing,
        Self::ForgetsGuesses,
        Self::ApprovesAgain,
        Self::OutlivesItself,
        Self::CountsNothing,
        Self::NeverEnds,
        Self::WildDice,
    ];

    /// The invariant that has to see it.
    pub fn breaks(self) -> u8 {
        match self {
            Self::AnswersUnsynced => 1,
            Self::ForgetsIds => 2,
            Self::LongGrace | Self::MistakesServices => 3,
            Self::RewritesHistory => 4,
            Self::WakesNobody | Self::KeepsTheGone => 5,
            Self::OwesNobody
            | Self::Hasty
            | Self::Flatters
            | Self::IgnoresGone
            | Self::Crowds
            | Self::WrongKey
            | Self::DropsTheHeld
            | Self::CallsThePaused
            | Self::IgnoresHints
            | Self::KeepsOldKeys
            | Self::ConsumesTheAutomatic
            | Self::ReplaysNothing
            | Self::Overtakes
            | Self::SendsTheExpired => 6,
            Self::OneForAll | Self::NoRamp => 7,
            Self::NoRest | Self::LeasesTwice | Self::ServesTwice | Self::LeasesTheQuarantined => 8,
            Self::ForgetsGuesses | Self::ApprovesAgain | Self::OutlivesItself | Self::CountsNothing => 9,
            Self::WritesPlain | Self::LogsTexts => 10,
            Self::NeverEnds => 11,
            Self::WildDice => 12,
            Self::MetersTwice | Self::MetersNothing => 13,
        }
    }
}
