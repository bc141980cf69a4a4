//! A code to a number of our own goes no way around: it comes in as the SMS that it would have become, so that both halves try each other.

use crate::core::id::MessageId;
use crate::core::message::{Message, Report};
use crate::core::phone::PhoneNumber;
use crate::core::sending::{Class, Order, Refusal, Sent, Taken};
use crate::gateway::Gateway;

/// The source that such messages are of, and who they are from.
const SOURCE: &str = "loopback";
const FROM: &str = "Verify";

impl Gateway {
    pub(super) async fn loop_back(&self, number: &PhoneNumber, order: &Order) -> Sent {
        let id = MessageId::derive(SOURCE, &order.key).to_string();
        let message = Message::new(&id, FROM, number.as_str(), &order.text);
        match self.settle(SOURCE, vec![Report::Message(message)]).await {
            Ok(_) => Sent::Accepted(Taken {
                carrier_message_id: id,
                ..Taken::default()
            }),
            Err(error) => Sent::Refused(Refusal::new(Class::CarrierDown, error.to_string())),
        }
    }
}
