//! What becomes of a call that was made for us, as Twilio and those made after it say it.

use super::form::Params;
use super::{Reject, report};
use crate::core::message::{Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;

/// Where a call says why it failed; the first that says anything.
const REASONS: [&str; 3] = ["ErrorCode", "SipResponseCode", "HangupCause"];

/// Reads verified parameters that name a call. What tells of something else than how the call stands gives no report, nor does a call
/// that somebody made to us.
pub fn parse(params: &Params) -> Result<Vec<Report>, Reject> {
    let Some(raw_status) = params.opt("CallStatus")? else {
        return Ok(Vec::new());
    };
    if params.opt("Direction")? == Some("inbound") {
        return Ok(Vec::new());
    }
    let (id, from, to) = (params.id("CallSid")?, params.id("From")?, params.id("To")?);
    Ok(vec![Report::Receipt(Receipt {
        from: Some(Address::new(from)),
        to: Some(Address::new(to)),
        error_code: reason(params, raw_status)?,
        ..report::receipt(id, raw_status, status(raw_status))
    })])
}

/// A call that was answered to its end has said what it had to say, whoever picked it up.
fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "queued" | "initiated" => ReceiptStatus::Queued,
        "ringing" | "in-progress" => ReceiptStatus::Sent,
        "completed" => ReceiptStatus::Delivered,
        "busy" | "no-answer" => ReceiptStatus::Undelivered,
        "failed" | "canceled" => ReceiptStatus::Failed,
        _ => ReceiptStatus::Unknown,
    }
}

/// Where the status is a reason by itself, it is the best there is.
fn reason(params: &Params, raw_status: &str) -> Result<Option<String>, Reject> {
    match raw_status {
        "busy" | "no-answer" | "canceled" => return Ok(Some(raw_status.to_owned())),
        "failed" => {}
        _ => return Ok(None),
    }
    for name in REASONS {
        if let Some(word) = params.opt(name)?.filter(|word| !word.is_empty()) {
            return Ok(Some(word.to_owned()));
        }
    }
    Ok(Some(raw_status.to_owned()))
}
