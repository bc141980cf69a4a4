//! Who carries messages out in `ringback dev` where nobody else does: they are shown on the standard error.

use crate::app::{Carry, Provider};
use crate::core::sending::{Channel, Order, Recipient, Sent, Taken};

/// One for each channel.
pub fn providers() -> Vec<Provider> {
    let each = Channel::ALL.map(|channel| {
        let carry: Carry = Box::new(move |order| {
            let sent = shown(channel, &order);
            Box::pin(async move { sent })
        });
        Provider::new(
            &format!("console-{}", channel.as_str()),
            "console",
            channel,
            carry,
        )
    });
    each.into()
}

fn shown(channel: Channel, order: &Order) -> Sent {
    let to = match &order.to {
        Recipient::Phone(number) => number.as_str(),
        Recipient::Email(address) => address,
    };
    eprintln!("[{} to {to}] {}", channel.as_str(), order.text);
    Sent::Accepted(Taken {
        carrier_message_id: order.key.clone(),
        ..Taken::default()
    })
}
