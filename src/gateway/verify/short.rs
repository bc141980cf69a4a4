//! Codes of fewer than six digits are as both contracts allow them, and guessed too easily: the operator is told, once for each account and
//! profile while the gateway runs.

use std::sync::PoisonError;

use crate::core::id::AccountId;
use crate::core::verification::code::DIGITS_SAFE_MIN;
use crate::core::verification::profile::Profile;
use crate::gateway::Gateway;

impl Gateway {
    /// Codes of so many digits go out, by a profile or, with an empty name of one, without.
    pub(super) fn warn_of_short(&self, account: &AccountId, profile: &str, digits: u8) {
        let Some(verifying) = self.verifying.as_ref().filter(|_| digits < DIGITS_SAFE_MIN) else {
            return;
        };
        let mut told = verifying
            .short_told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.insert((account.clone(), profile.to_owned())) {
            tracing::warn!(
                account = account.as_str(),
                profile,
                digits,
                "codes of fewer than {DIGITS_SAFE_MIN} digits are guessed too easily: ask for longer ones by code_length, or bring one of your own"
            );
        }
    }

    /// A profile is set that asks for such codes.
    pub(super) fn warn_of_short_profile(&self, profile: &Profile) {
        let settings = &profile.settings;
        // The others have no such setting.
        let channels = [&settings.sms, &settings.call];
        let digits = channels.into_iter().flatten().map(|channel| channel.digits);
        if let Some(digits) = digits.min() {
            self.warn_of_short(&profile.account, &profile.id.to_string(), digits);
        }
    }
}
