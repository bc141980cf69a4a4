//! Plivo messaging webhooks: V3 signs URL, query and parameters with a nonce, V2 only the URL without its query. There is no time in
//! either: replay is stopped by the message id alone.

use serde::Deserialize;

use super::form::Params;
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::path_token::PathTokens;
use super::settings::{SettingsError, rotation};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// Most signatures of one header that are tried; Plivo sends two while a token rotates.
const SIGNATURES_MAX: usize = 4;

/// The keys of a source with `carrier = "plivo"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The auth token of the account (of the main account where a subaccount owns the number); two while rotating.
    auth_tokens: Vec<String>,
    /// Which signature is expected. `v2` covers neither body nor query: use it only where Plivo sends no V3, on a URL with a long
    /// random path.
    #[serde(default)]
    scheme: Scheme,
    /// At least 128 random bits as the last segment of the URL entered at Plivo, besides the signature; two while rotating.
    path_tokens: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    #[default]
    V3,
    V2,
}

#[derive(Debug)]
pub struct Keys {
    tokens: Rotation<Secret>,
    scheme: Scheme,
    path_tokens: Option<PathTokens>,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let tokens = rotation(
            "auth_tokens",
            &settings.auth_tokens,
            "texts that are not empty",
            Secret::text,
        )?;
        Ok(Self {
            tokens,
            scheme: settings.scheme,
            path_tokens: PathTokens::beside(settings.path_tokens.as_ref())?,
        })
    }

    /// The index of the token that signed, for the account itself or (`Ma`) its main account.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        if let Some(tokens) = &self.path_tokens {
            tokens.verify(request)?;
        }
        let version = match self.scheme {
            Scheme::V3 => "v3",
            Scheme::V2 => "v2",
        };
        let header = |name: &str| request.header_opt(&format!("x-plivo-signature-{name}"));
        let lists = [header(version), header(&format!("ma-{version}"))];
        if lists == [None, None] {
            return Err(Reject::MissingSignature);
        }
        let nonce = header(&format!("{version}-nonce")).ok_or(Reject::MissingNonce)?;
        if nonce.contains('.') {
            // The last dot of the signed bytes is the joint: the end of a parameter could pass for part of the nonce.
            return Err(Reject::MalformedNonce);
        }
        let message = match self.scheme {
            Scheme::V3 => signed_bytes_v3(request, nonce)?,
            Scheme::V2 => [without_query(request.url), nonce].concat().into_bytes(),
        };
        let given = || {
            lists
                .iter()
                .flatten()
                .flat_map(|list| list.split(',').take(SIGNATURES_MAX))
                .map(str::trim)
        };
        let signed = |token: &Secret| {
            let expected = mac::hmac_base64(Hash::Sha256, token.bytes(), &[&message]);
            given().any(|signature| mac::same(&expected, signature))
        };
        self.tokens.find(signed).ok_or(Reject::BadSignature)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let query = request.query().unwrap_or_default().as_bytes();
        let params = Params::parse(if request.method == "GET" {
            query
        } else {
            request.body
        })?;
        Ok(Contents {
            reports: parse(&params)?,
            answer: Answer::Twiml,
        })
    }
}

pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// `url?sorted query.sorted parameters.nonce`; query and parameters decoded, the latter without separators.
pub(super) fn signed_bytes_v3(request: &Request<'_>, nonce: &str) -> Result<Vec<u8>, Reject> {
    let sorted = |encoded: &[u8]| {
        let mut pairs = Params::parse(encoded)?.pairs().to_vec();
        pairs.sort_unstable();
        Ok::<_, Reject>(pairs)
    };
    let query = sorted(request.query().unwrap_or_default().as_bytes())?;
    let params = if request.method == "GET" {
        Vec::new()
    } else {
        sorted(request.body)?
    };
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| [name, &b"="[..], value].concat())
        .collect();
    let params: Vec<_> = params
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .flatten()
        .collect();
    let mut message = without_query(request.url).as_bytes().to_vec();
    if !query.is_empty() || !params.is_empty() {
        message.push(b'?');
    }
    message.extend(query.join(&b"&"[..]));
    if !query.is_empty() && !params.is_empty() {
        message.push(b'.');
    }
    message.extend(params);
    message.push(b'.');
    message.extend(nonce.as_bytes());
    Ok(message)
}

/// Reads verified parameters. Names and values are signed without separators, so bytes could be moved between them: every mandatory
/// name must be there, exactly once.
pub(super) fn parse(params: &Params) -> Result<Vec<Report>, Reject> {
    let (id, from, to) = (params.id("MessageUUID")?, params.id("From")?, params.id("To")?);
    if let Some(raw_status) = params.opt("Status")? {
        let at = params
            .opt("DeliveryReportTime")?
            .and_then(|text| UnixMs::parse_rfc3339(&format!("{text}Z")));
        let network = match (params.opt("MCC")?, params.opt("MNC")?) {
            (Some(country), Some(network)) => report::network(&format!("{country}{network}")),
            _ => None,
        };
        return Ok(vec![Report::Receipt(Receipt {
            network,
            from: Some(Address::new(from)),
            to: Some(Address::new(to)),
            error_code: params
                .opt("ErrorCode")?
                .filter(|code| *code != "000")
                .map(str::to_owned),
            occurred_at: at,
            ..report::receipt(id, raw_status, status(raw_status))
        })]);
    }
    // An MMS may be a picture without a word; where Plivo puts the picture is not established.
    let text = match params.opt("Text")? {
        None if params.opt("Type")? == Some("mms") => "",
        text => text.ok_or(Reject::MissingField)?,
    };
    let parts = params.count_opt("Units")?;
    Ok(vec![Report::Message(Message {
        parts,
        ..report::message(id, from, to, text)
    })])
}

fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "queued" => ReceiptStatus::Queued,
        "sent" => ReceiptStatus::Sent,
        "delivered" | "read" => ReceiptStatus::Delivered,
        "failed" => ReceiptStatus::Failed,
        "undelivered" => ReceiptStatus::Undelivered,
        "rejected" => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}
