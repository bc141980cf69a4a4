//! The public keys that webhooks are signed with (v1a), for receivers, who have no API key. The path holds the subscription's random id of
//! 128 bits, which only its account knows and gives on; an unknown id and one without public keys are answered alike, so nothing can be
//! found out about accounts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::app::{self, Answer, App};
use super::problem::Problem;
use crate::core::id::SubscriptionId;
use crate::core::signature::PublicKey;

/// Where a subscription's public keys are.
pub fn path(id: SubscriptionId) -> String {
    format!("/.well-known/webhook-keys/{id}")
}

/// `GET /.well-known/webhook-keys/{id}`: a JSON Web Key Set (RFC 7517, RFC 8037), each key with its `whpk_…` form beside. Stops on a hang-up.
pub fn keys(app: &App, id: Option<SubscriptionId>) -> Answer {
    let keys: Vec<Value> = id
        .map(|id| app.gateway.public_keys(id))
        .unwrap_or_default()
        .iter()
        .map(jwk)
        .collect();
    if keys.is_empty() {
        return Err(Problem::not_found(
            "There are no public keys here; a subscription of scheme v1a names its path.",
        ));
    }
    let mut response = app::json(StatusCode::OK, &json!({ "keys": keys }))?;
    // A rotation overlaps for longer than this by default.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

fn jwk(key: &PublicKey) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key.as_bytes());
    // The thumbprint of RFC 7638: the required members in this order.
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": BASE64_URL_SAFE_NO_PAD.encode(thumbprint),
        "x": x,
        "whpk": key.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::signature::SigningKey;

    #[test]
    fn a_key_has_the_thumbprint_of_rfc_8037() {
        // Appendix A.3; the pair is its seed and public key of appendix A.1 and A.2.
        let url_safe = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let pair = [
            url_safe("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
            url_safe("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
        ]
        .concat();
        let key: SigningKey = format!("whsk_{}", base64::prelude::BASE64_STANDARD.encode(pair))
            .parse()
            .unwrap();
        let jwk = jwk(&key.public().unwrap());
        assert_eq!(jwk["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }
}
