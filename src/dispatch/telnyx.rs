//! What a verify profile's webhook is sent: contract 003's form of an event, with its verification as it stands by then.

use super::deliver::Dispatch;
use super::prepare::Prepared;
use super::sender::Sender;
use crate::core::event::{Event, telnyx};
use crate::store;

impl<S: Sender> Dispatch<S> {
    /// The body of this attempt; `None` where the subscription is no profile's. What is about no verification goes out as it is.
    pub(super) async fn as_telnyx(
        &self,
        event: &Event,
        prepared: &Prepared,
        attempt: (u16, &str),
    ) -> Option<String> {
        prepared.of.settings.profile.as_ref()?;
        let own = || Some(event.body.clone());
        let Some(id) = telnyx::verification_of(event) else {
            return own();
        };
        let account = event.account.clone();
        let read = store::read(&self.parts.store, move |store| store.verification(&account, id));
        match read.await {
            Ok(Some(known)) => {
                let steady = self.parts.clock.steady();
                Some(telnyx::of_telnyx(event, &known, attempt, steady))
            }
            Ok(None) | Err(_) => own(),
        }
    }
}
