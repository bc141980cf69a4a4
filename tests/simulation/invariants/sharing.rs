//! 3, where several have a number: a message is given to the one whose service its text names, or that alone may be meant; in doubt to nobody.

use ringback::core::rental::Rental;

use super::ensure;
use super::ingest::{BACK_MS, COMMIT_MS, in_its_time};
use crate::simulation::model::{At, Kept};
use crate::simulation::process::COOL_DOWN_MS;
use crate::simulation::script;

pub fn owner_is_right(kept: &Kept) -> Result<(), String> {
    let message = &kept.message;
    let named = script::service_of(&message.text);
    let said = || format!("{} of {}", message.carrier_message_id, message.received_at);
    let Ok(owner) = message.owner else {
        let left = left_to_nobody(kept, named);
        return ensure(left.is_none(), || {
            let (rental, reason) = (left.map(|rental| rental.id), message.owner);
            format!(
                "{} was left to nobody ({reason:?}), and was of {rental:?}",
                said()
            )
        });
    };
    let rental = in_its_time(kept, owner)?;
    let is_robbed = |(other, since): &&(Rental, At)| {
        let has_it = !other.closed && is_seen(since, kept);
        has_it && named == Some(other.service.as_str()) && rental.service != other.service
    };
    let robbed = kept.holders.iter().find(is_robbed).filter(|_| !rental.closed);
    ensure(robbed.is_none(), || {
        let other = robbed.map(|(other, _)| other.id);
        format!(
            "{} names {named:?}, was given to {owner}, and is of {other:?}",
            said()
        )
    })
}

/// Its decision must have known of this rental.
fn is_seen(since: &At, kept: &Kept) -> bool {
    since.ms + COMMIT_MS < kept.at.ms
}

/// Whose a message of nobody was beyond doubt.
fn left_to_nobody<'a>(kept: &'a Kept, named: Option<&str>) -> Option<&'a Rental> {
    let message = &kept.message;
    let sent_at = message.sent_at.unwrap_or(message.received_at);
    let time = sent_at.clamp(message.received_at.minus_ms(BACK_MS), message.received_at);
    let may_be_meant = |other: &Rental| {
        let known = other.ends_at.max(other.created_at);
        !other.closed || known.plus_ms(COOL_DOWN_MS) > sent_at.min(time)
    };
    let was_its = |(rental, since): &&(Rental, At)| {
        let held = is_seen(since, kept) && since.clock_changes == kept.at.clock_changes;
        let mut others = kept.holders.iter().map(|(other, _)| other);
        let alone = !others.any(|other| other.id != rental.id && may_be_meant(other));
        let mut others = kept.holders.iter().map(|(other, _)| other);
        let named_alone = named == Some(rental.service.as_str())
            && message.part.is_none()
            && !others
                .any(|other| other.id != rental.id && other.service == rental.service && may_be_meant(other));
        held && rental.created_at <= time && time <= rental.ends_at && (alone || named_alone)
    };
    kept.holders.iter().find(was_its).map(|(rental, _)| rental)
}
