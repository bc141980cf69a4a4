//! What the carriers' fuzz targets share: a source per parser, and a request out of a fuzzer's bytes. The keys are those of the vectors,
//! so that the corpus made of them gets past the signature.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use ringback::carrier::{Carrier, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;

/// The time at which the vectors were signed.
const NOW: UnixMs = UnixMs(1_793_534_400_000);

/// Target, carrier and settings.
const SOURCES: &[(&str, &str, &str)] = &[
    ("android_sms_gateway", "android_sms_gateway", "signing_keys = ['k3yMadeU']"),
    ("aws_sns", "aws_sns", "topic_arns = ['arn:aws:sns:us-east-1:123456789012:inbound-sms']"),
    ("bandwidth", "bandwidth", "username = 'bw-inbound'\npasswords = ['p\u{e4}ss:word-made-up']"),
    ("bird", "bird", "secrets = ['whsec_L3FfRjceZn3jVDvGUIjk0g3r4OJW5ezFS3Z9DXk902I=']"),
    ("clicksend", "clicksend", PATH_TOKEN),
    ("generic_form", "generic", "verify = { scheme = 'path_token', path_tokens = ['s3cr3t-path-token-0123456789abcdef'] }\n\
        message = { format = 'form', id = 'message_id', from = 'from', to = 'to', text = 'body', time = 'timestamp', time_format = 'unix_s' }"),
    ("generic_json", "generic", "verify = { scheme = 'hmac', hash = 'sha256', encoding = 'base64', header = 'x-sinch-webhook-signature', \
        sign = '{body}.{header:x-sinch-webhook-signature-nonce}.{timestamp}', secrets = ['made-up-sinch-webhook-secret-0123456789abcdef'] }\n\
        time = { header = 'x-sinch-webhook-signature-timestamp' }\n\
        message = { format = 'json', id = '/id', from = '/from', to = '/to', text = '/body', time = '/received_at', parts = '/parts' }"),
    ("httpsms", "httpsms", "signing_keys = ['made-up-httpsms-signing-key-0001']"),
    ("infobip", "infobip", "username = 'ib-inbound'\npasswords = ['made-up']"),
    ("jasmin", "jasmin", PATH_TOKEN),
    ("kannel", "kannel", PATH_TOKEN),
    ("messagebird", "messagebird", "signing_keys = ['made-up-messagebird-signing-key-0123456789']"),
    ("meta_whatsapp", "meta_whatsapp", "app_secrets = ['0123456789abcdef0123456789abcdef']\nverify_tokens = ['made-up-verify-token']"),
    ("plivo", "plivo", "auth_tokens = ['plivo-main-auth-token-made-up']"),
    ("signalwire", "signalwire", "signing_keys = ['PSK_testsigningkeymadeup0001']\naccount_sid = '00000000-0000-4000-8000-00000000aaaa'"),
    ("signalwire_json", "signalwire", "signing_keys = ['PSK_testsigningkeymadeup0001']\naccount_sid = '00000000-0000-4000-8000-00000000aaaa'\nscheme = 'json'"),
    ("sinch", "sinch", "secrets = ['made-up-sinch-webhook-secret-0123456789abcdef']"),
    ("standard_webhooks", "standard_webhooks", "secrets = ['NOrOkw5wum5F7mhsRkB8ElC6dB+LHYDu']"),
    ("telnyx", "telnyx", "public_keys = ['sY6B7nLxtKoRBdyr5VaRq1nElAB0wqeh33x1ARMn3sE=']"),
    ("textbee", "textbee", "secrets = ['made-up-textbee-signing-secret-0001']\nnumber = '+12025550199'"),
    ("textverified", "textverified", "secrets = ['whsec-made-up-textverified-secret']"),
    ("twilio", "twilio", "auth_tokens = ['0123456789abcdef0123456789abcdef']\naccount_sid = 'AC00000000000000000000000000000001'"),
    ("vonage", "vonage", VONAGE),
    ("vonage_sig", "vonage", "scheme = 'sha256'\nsignature_secrets = ['made-up-vonage-signature-secret-0123456789']\napi_key = 'abcd1234'"),
];
const PATH_TOKEN: &str = "path_tokens = ['s3cr3t-path-token-0123456789abcdef']";
const VONAGE: &str = "signature_secrets = ['made-up-vonage-signature-secret-0123456789']\napi_key = 'abcd1234'";

static CARRIERS: LazyLock<HashMap<&str, Carrier>> = LazyLock::new(|| {
    let built = SOURCES.iter().map(|(target, carrier, settings)| {
        let settings = toml::from_str(settings).expect("settings are TOML");
        (*target, Carrier::from_settings(carrier, settings).expect("settings of this carrier"))
    });
    built.collect()
});

/// Judges a request written as HTTP/1 has it: `METHOD URL`, lines of fields, an empty line, the body.
pub fn judge(target: &str, data: &[u8]) {
    let carrier = &CARRIERS[target];
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let head = String::from_utf8_lossy(&data[..end]);
    let body = data.get(end + 2..).unwrap_or_default();
    let mut lines = head.split('\n');
    let (method, url) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("POST", ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let request = Request { method, url, headers: &headers, body };
    let _ = carrier.verify(&request, NOW);
    let _ = carrier.wants(&request, NOW);
    let Ok(contents) = carrier.read(&request) else { return };
    let again = carrier.read(&request).expect("it could be read a moment ago");
    assert_eq!((&contents.reports, &contents.answer), (&again.reports, &again.answer));
    for report in &contents.reports {
        let (id, dedupe_key) = match report {
            Report::Message(message) => (&message.carrier_message_id, &message.dedupe_key),
            Report::Receipt(receipt) => (&receipt.carrier_message_id, &receipt.dedupe_key),
            Report::Verify(status) => (&status.carrier_message_id, &status.dedupe_key),
            Report::Confirmation(confirmation) => (&confirmation.carrier_event_id, &confirmation.dedupe_key),
        };
        assert!(!id.is_empty() && !dedupe_key.is_empty(), "an empty id would swallow the next message");
        let _ = format!("{report:?}");
    }
}
