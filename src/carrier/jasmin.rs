//! Jasmin SMPP gateway: HTTP throwers, known by the secret in the path, for they sign nothing. The text is read from the raw bytes of
//! the SMS, and Jasmin repeats itself unless it hears `ACK/Jasmin`.

use super::form::Params;
use super::path_token::PathTokens;
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, mac, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::time::UnixMs;
use crate::core::{charset, udh};

/// The keys of a source with `carrier = "jasmin"`.
pub use super::path_token::Settings;

#[derive(Debug)]
pub struct Keys(PathTokens);

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        PathTokens::new(&settings).map(Self)
    }

    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        self.0.verify(request)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let query = request.query().unwrap_or_default().as_bytes();
        let params = Params::parse(if request.method == "GET" {
            query
        } else {
            request.body
        })?;
        Ok(Contents {
            reports: vec![parse(&params)?],
            answer: Answer::Text("ACK/Jasmin".to_owned()),
        })
    }
}

pub(super) fn parse(params: &Params) -> Result<Report, Reject> {
    let id = params.id("id")?;
    if let Some(raw_status) = params.opt("message_status")? {
        return Ok(Report::Receipt(Receipt {
            error_code: params
                .opt("err")?
                .filter(|code| !matches!(*code, "" | "000"))
                .map(str::to_owned),
            ..report::receipt(id, raw_status, status(raw_status))
        }));
    }
    let (from, to) = (params.id("from")?, params.id("to")?);
    // `content` holds the same bytes, but its own encoding has been got wrong before; `binary` is their hex.
    let bytes = match params.bytes_opt("binary")? {
        Some(hex) => mac::unhex(hex).ok_or(Reject::MalformedBody)?,
        None => params.bytes_opt("content")?.ok_or(Reject::MissingField)?.to_vec(),
    };
    // Jasmin joins parts with a reference of 8 bits, unless that is turned off; of others it leaves the header before the text.
    let (concat, udh, rest) = match udh::split(&bytes) {
        Some((concat, header, rest)) => (Some(concat), Some(header.to_vec()), rest),
        None => (None, None, &bytes[..]),
    };
    let (encoding, text) = match params.opt("coding")?.unwrap_or("0") {
        "0" => ("gsm7", charset::gsm(rest)),
        "1" | "3" => ("latin1", Some(charset::latin1(rest))),
        "8" => ("ucs2", charset::ucs2(rest)),
        _ => ("binary", None),
    };
    let encoding = Some(encoding.to_owned());
    Ok(Report::Message(match text {
        Some(text) => Message {
            encoding,
            concat,
            udh,
            ..report::message(id, from, to, &text)
        },
        None => Message {
            encoding,
            binary: Some(bytes),
            ..report::message(id, from, to, "")
        },
    }))
}

/// The words of an SMPP receipt, or of the SMSC's first answer (level 1).
fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "ACCEPTD" => ReceiptStatus::Accepted,
        "ENROUTE" | "ESME_ROK" => ReceiptStatus::Sent,
        "DELIVRD" => ReceiptStatus::Delivered,
        "UNDELIV" => ReceiptStatus::Undelivered,
        "EXPIRED" => ReceiptStatus::Expired,
        "REJECTD" => ReceiptStatus::Rejected,
        "DELETED" => ReceiptStatus::Failed,
        _ if raw.starts_with("ESME_") => ReceiptStatus::Failed,
        _ => ReceiptStatus::Unknown,
    }
}
