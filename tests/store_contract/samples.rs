//! Commits as the gateway makes them, out of the real decisions of `core`, with every id and time given.

use ringback::core::attempt::{Attempt, Timing, Trigger};
use ringback::core::delivery::{Due, Next, Outcome};
use ringback::core::event;
use ringback::core::health;
use ringback::core::id::{AccountId, EventId, RentalId, SubscriptionId};
use ringback::core::ingest::{self, Arrival, StoredMessage, Telling};
use ringback::core::key::Key;
use ringback::core::message::Message;
use ringback::core::money::Price;
use ringback::core::number::{Number, Rules, Unmatched};
use ringback::core::otp::{Engine, Filter};
use ringback::core::phone::{Address, PhoneNumber};
use ringback::core::rental::{MessageRef, Rental, Status};
use ringback::core::subscription::keys::HeldKey;
use ringback::core::subscription::{Pattern, Settings, Subscription};
use ringback::core::tags::Tags;
use ringback::core::time::UnixMs;
use ringback::store::{Batch, Change, Commit, Filed, Heard, Kept, Novelty};

pub const HOUR_MS: u64 = 3_600_000;
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// 2026-11-01, noon.
pub const NOON: UnixMs = UnixMs(1_793_534_400_000);
/// How long what is dated is kept.
pub const KEPT: Kept = Kept {
    log_days: 4,
    usage_days: 400,
};

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub fn phone(n: u16) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1202555{n:04}")).unwrap()
}

pub fn number(n: u16) -> Number {
    Number::new(phone(n), "US".into(), Price(5000))
}

pub fn subscription(n: u8) -> Subscription {
    Subscription {
        id: SubscriptionId([n; 16]),
        account: account("acc_a"),
        settings: Settings::new(
            format!("https://hooks.example/{n}"),
            vec![Pattern::parse("*").unwrap()],
        ),
        signing_keys: vec![HeldKey {
            secret: format!("whsec_secret-of-{n}"),
            created_at: NOON,
            expires_at: None,
        }],
        created_at: NOON,
        paused_at: None,
        version: 0,
    }
}

pub fn key(n: u32) -> Key {
    Key::new(&format!("key-{n}"), account("acc_a"), NOON)
}

/// A rental of `acc_a` that begins at `now`; `n` makes its id.
pub fn rental(number: &Number, n: u8, now: UnixMs) -> Rental {
    Rental {
        id: RentalId::new(now, [n; 10]),
        account: account("acc_a"),
        maker: None,
        service: "google".into(),
        number: number.number.clone(),
        cost: number.price,
        status: Status::Active,
        filter: Filter::default(),
        tags: Tags::default(),
        created_at: now,
        ends_at: now.plus_ms(1_200_000),
        closed: false,
        reported: false,
        supplied: None,
        code: None,
        messages: Vec::new(),
        version: 0,
    }
}

pub fn rent(rental: &Rental, number: &Number, targets: &[SubscriptionId]) -> (Commit, Number) {
    let number = number.leased(rental);
    let event = event::of_rental(rental, rental.created_at);
    let change = Change {
        rental: rental.clone(),
        event,
        targets: targets.to_vec(),
    };
    (
        Commit::Rent {
            change: Box::new(change),
            number: number.clone(),
        },
        number,
    )
}

pub fn message(id: &str, to: &PhoneNumber, text: &str) -> Message {
    Message {
        carrier_event_id: None,
        carrier_message_id: id.into(),
        dedupe_key: id.into(),
        from: Address::new("Google"),
        to: Address::new(to.as_str()),
        text: text.into(),
        received_at: None,
        parts: None,
        encoding: None,
        media: Vec::new(),
        concat: None,
        binary: None,
        udh: None,
        parsed_code: None,
        reservation_id: None,
    }
}

/// A message that reaches this rental.
pub struct Received {
    pub commit: Commit,
    pub rental: Rental,
    pub message: StoredMessage,
}

pub fn receive(rental: &Rental, id: &str, text: &str, now: UnixMs, targets: &[SubscriptionId]) -> Received {
    let message = message(id, &rental.number, text);
    let found = Engine::built_in().extract(text, &Filter::default());
    let arrival = Arrival {
        source: "main",
        message: &message,
        now,
    };
    let message = ingest::stored(arrival, Ok(rental.id), false).with(&found);
    let attached = ingest::attach(rental, &message, Telling::of(&found), 120_000);
    let (next, event) = (attached.rental, attached.event);
    let batch = Batch {
        messages: vec![filed(&message)],
        rentals: vec![(next.clone(), rental.version)],
        events: vec![Heard {
            event,
            targets: targets.to_vec(),
        }],
        usage: attached.completion.map(|(_, usage)| usage).into_iter().collect(),
        ..Batch::default()
    };
    Received {
        commit: Commit::Receive(Box::new(batch)),
        rental: next,
        message,
    }
}

/// A message as a carrier's request brings it.
pub fn filed(message: &StoredMessage) -> Filed {
    Filed {
        message: message.clone(),
        novelty: Novelty::New,
        is_unmatched: message.owner.is_err(),
    }
}

/// A message that belongs to nobody.
pub fn stray(id: &str, now: UnixMs) -> (Commit, StoredMessage) {
    let message = message(id, &phone(9999), "Your code is 909090");
    let arrival = Arrival {
        source: "main",
        message: &message,
        now,
    };
    let message = ingest::stored(arrival, Err(Unmatched::UnknownNumber), false);
    (strays(&[&message]), message)
}

/// Messages that belong to nobody, in one request.
pub fn strays(messages: &[&StoredMessage]) -> Commit {
    let messages = messages.iter().map(|message| filed(message)).collect();
    Commit::Receive(Box::new(Batch {
        messages,
        ..Batch::default()
    }))
}

/// The rental cancelled, and its number given back.
pub fn cancel(
    rental: &Rental,
    number: &Number,
    now: UnixMs,
    targets: &[SubscriptionId],
) -> (Commit, Rental, Number) {
    let over = rental.cancel(now).unwrap().unwrap();
    let number = number.given_back(&over, &Rules::standard());
    let change = Change {
        rental: over.clone(),
        event: event::of_rental(&over, now),
        targets: targets.to_vec(),
    };
    (
        Commit::End {
            change: Box::new(change),
            number: number.clone(),
        },
        over,
        number,
    )
}

/// A completed rental whose time is up gives its number back.
pub fn release(rental: &Rental, number: &Number, now: UnixMs) -> (Commit, Rental, Number) {
    let over = rental.time_up(now).unwrap();
    let number = number.given_back(&over, &Rules::standard());
    (
        Commit::Release {
            rental: Box::new(over.clone()),
            number: number.clone(),
        },
        over,
        number,
    )
}

pub fn attempt(due: Due, next: Next, at: UnixMs) -> Attempt {
    let status = if next == Next::Delivered { 204 } else { 503 };
    Attempt {
        due,
        trigger: Trigger::Automatic,
        event: EventId([9; 16]),
        kind: "verification.created".into(),
        started_at: at,
        timing: Timing {
            total_us: 12_000,
            ..Timing::default()
        },
        outcome: Outcome::Answered {
            status,
            retry_after_ms: None,
            control: None,
        },
        next,
        class: "5xx".into(),
        advice: "try later".into(),
        response: None,
        signed_with: vec!["key_1".into()],
        expires_at: None,
    }
}

pub fn record(due: Due, next: Next, at: UnixMs) -> Commit {
    Commit::Record(Box::new(attempt(due, next, at)), health::Rules::default())
}

pub fn reference(message: &StoredMessage) -> MessageRef {
    MessageRef {
        id: message.id,
        at: message.received_at,
    }
}
