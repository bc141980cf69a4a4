//! JSON Web Tokens signed with HMAC, as some carriers put them into a header. The algorithms are the caller's; a token can only agree.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::{Reject, Request};
use crate::core::time::UnixMs;

/// How many seconds the carrier's clock may differ when it gives `nbf` and `exp`.
const LEEWAY_S: u64 = 5;

/// The token of `Authorization: Bearer ..`.
pub fn bearer<'a>(request: &Request<'a>) -> Result<&'a str, Reject> {
    let value = request.header("authorization", Reject::MissingSignature)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Reject::MissingSignature),
    }
}

/// The index of the key that signed `token` and its claims. Claims are not judged in here.
pub fn verify(
    token: &str,
    algorithms: &[(&str, Hash)],
    keys: &Rotation<Secret>,
) -> Result<(usize, Value), Reject> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Reject::MalformedSignature)?;
    let (head, claims) = signed.split_once('.').ok_or(Reject::MalformedSignature)?;
    let head = decode(head)?;
    let stated = Node(&head).text("/alg").map_err(|_| Reject::MalformedSignature)?;
    let (_, hash) = algorithms
        .iter()
        .find(|(name, _)| *name == stated)
        .ok_or(Reject::UnsupportedAlgorithm)?;
    let index = keys.find(|key| {
        let expected = BASE64_URL_SAFE_NO_PAD.encode(mac::hmac(*hash, key.bytes(), &[signed.as_bytes()]));
        mac::same(&expected, signature)
    });
    Ok((index.ok_or(Reject::BadSignature)?, decode(claims)?))
}

fn decode(part: &str) -> Result<Value, Reject> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Reject::MalformedSignature)?;
    json::parse(&bytes).map_err(|_| Reject::MalformedSignature)
}

/// A time claim in whole seconds.
pub fn time(claims: Node<'_>, pointer: &str) -> Result<UnixMs, Reject> {
    let claim = claims.at(pointer).ok_or(Reject::MissingTimestamp)?;
    claim
        .0
        .as_u64()
        .map(UnixMs::from_secs)
        .ok_or(Reject::MalformedTimestamp)
}

/// Whether `now` lies between the mandatory `nbf` and `exp`.
pub fn check_lifetime(claims: Node<'_>, now: UnixMs) -> Result<(), Reject> {
    let (from, until) = (time(claims, "/nbf")?.secs(), time(claims, "/exp")?.secs());
    let alive = now.secs().saturating_add(LEEWAY_S) >= from && now.secs() < until.saturating_add(LEEWAY_S);
    if alive {
        Ok(())
    } else {
        Err(Reject::StaleTimestamp)
    }
}

/// Whether `iss` is the one expected.
pub fn check_issuer(claims: Node<'_>, issuer: &str) -> Result<(), Reject> {
    if claims.text_opt("/iss") == Some(issuer) {
        Ok(())
    } else {
        Err(Reject::IssuerMismatch)
    }
}

/// Whether `aud`, one text or a list of them, names this receiver.
pub fn check_audience(claims: Node<'_>, audience: &str) -> Result<(), Reject> {
    let listed = claims
        .items_opt("/aud")
        .any(|item| item.text_opt("") == Some(audience));
    if listed || claims.text_opt("/aud") == Some(audience) {
        Ok(())
    } else {
        Err(Reject::AudienceMismatch)
    }
}

/// Compares a claim that holds the lower-case hex SHA-256 of `bytes`.
pub fn check_hash(claims: Node<'_>, pointer: &str, bytes: &[u8], mismatch: Reject) -> Result<(), Reject> {
    let stated = claims.text_opt(pointer).ok_or(mismatch)?;
    if mac::same(&mac::sha256_hex(bytes), stated) {
        Ok(())
    } else {
        Err(mismatch)
    }
}

/// A token with these claims, signed with HS256.
pub fn hs256(secret: &[u8], claims: &Value) -> String {
    let head = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = mac::hmac(Hash::Sha256, secret, &[signed.as_bytes()]);
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
