//! Kannel's sms-service, known by the secret in the path, for it signs nothing. Kannel sends whatever its operator wrote into
//! `get-url`; ours is `?id=%I&from=%p&to=%P&ts=%T&coding=%c&charset=%C&udh=%u&text=%b`, and for `dlr-url`
//! `?id=<your id>&from=%p&to=%P&ts=%T&dlr=%d`.

use super::check::timestamp;
use super::form::Params;
use super::path_token::PathTokens;
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;
use crate::core::{charset, udh};

/// The keys of a source with `carrier = "kannel"`.
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

    /// The answer is empty, because Kannel would send any text back as an SMS.
    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let params = Params::parse(request.query().unwrap_or_default().as_bytes())?;
        Ok(Contents {
            reports: vec![parse(&params)?],
            answer: Answer::OK,
        })
    }
}

pub(super) fn parse(params: &Params) -> Result<Report, Reject> {
    let id = params.id("id")?;
    let at = params.opt("ts")?.and_then(|text| timestamp(text).ok());
    if let Some(mask) = params.opt("dlr")? {
        return Ok(Report::Receipt(Receipt {
            from: params.opt("from")?.map(Address::new),
            to: params.opt("to")?.map(Address::new),
            occurred_at: at,
            ..report::receipt(id, mask, status(mask))
        }));
    }
    let (from, to) = (params.id("from")?, params.id("to")?);
    let bytes = params.bytes_opt("text")?.ok_or(Reject::MissingField)?;
    let header = params
        .bytes_opt("udh")?
        .filter(|udh| !udh.is_empty())
        .map(<[u8]>::to_vec);
    let plain = match text(params, bytes)? {
        Some(text) => report::message(id, from, to, &text),
        None => Message {
            binary: Some(bytes.to_vec()),
            ..report::message(id, from, to, "")
        },
    };
    Ok(Report::Message(Message {
        received_at: at,
        concat: header
            .as_deref()
            .filter(|_| plain.binary.is_none())
            .and_then(udh::concat),
        udh: header,
        ..plain
    }))
}

/// `None` for data that is no text.
fn text(params: &Params, bytes: &[u8]) -> Result<Option<String>, Reject> {
    if params.opt("coding")? == Some("1") {
        return Ok(None);
    }
    let charset = params.opt("charset")?.unwrap_or("UTF-8").to_ascii_uppercase();
    let text = match charset.as_str() {
        "UTF-8" | "" => String::from_utf8(bytes.to_vec()).ok(),
        "UTF-16BE" => charset::ucs2(bytes),
        "GSM" => charset::gsm(bytes),
        "ISO-8859-1" | "LATIN1" => Some(charset::latin1(bytes)),
        _ => return Ok(None),
    };
    text.map(Some).ok_or(Reject::MalformedBody)
}

/// One bit of Kannel's `%d`.
fn status(mask: &str) -> ReceiptStatus {
    match mask {
        "1" => ReceiptStatus::Delivered,
        "2" => ReceiptStatus::Undelivered,
        "4" => ReceiptStatus::Queued,
        "8" => ReceiptStatus::Sent,
        "16" => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}
