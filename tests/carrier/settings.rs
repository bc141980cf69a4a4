//! What may stand in the settings of a source, and what an error about them may say.

use ringback::carrier::{Carrier, NAMES, SettingsError};

fn error(name: &str, settings: &str) -> String {
    Carrier::from_settings(name, toml::from_str(settings).unwrap())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_unknown_carrier_names_the_known_ones() {
    let message = error("telnix", "");
    assert!(NAMES.iter().all(|name| message.contains(name)), "{message}");
}

#[test]
fn an_unknown_key_names_the_known_ones() {
    let message = error("telnyx", "public_key = 'x'");
    assert!(
        message.contains("`public_key`")
            && message.contains("`public_keys`")
            && message.contains("`window_s`")
    );
    assert!(
        NAMES
            .iter()
            .all(|name| error(name, "no_such_key = 1").contains("`no_such_key`"))
    );
}

#[test]
fn a_wrong_shape_never_shows_the_value() {
    let message = error("twilio", "account_sid = 'AC1'\nauth_tokens = 'hunter2'");
    assert!(
        !message.contains("hunter2") && message.contains("a sequence"),
        "{message}"
    );
    let message = error("standard_webhooks", "secrets = ['whsec_hunter2']");
    assert!(
        !message.contains("hunter2") && message.contains("`secrets`"),
        "{message}"
    );
}

#[test]
fn one_or_two_keys_and_no_third() {
    let token = |tokens: &str| {
        let settings = format!("account_sid = 'AC1'\nauth_tokens = {tokens}");
        Carrier::from_settings("twilio", toml::from_str(&settings).unwrap()).map(|_| ())
    };
    assert_eq!(token("['a']"), Ok(()));
    assert_eq!(token("['a', 'b']"), Ok(()));
    for tokens in ["[]", "['a', 'b', 'c']"] {
        assert_eq!(
            token(tokens),
            Err(SettingsError::KeyCount { key: "auth_tokens" }),
            "{tokens}"
        );
    }
    assert!(matches!(token("['']"), Err(SettingsError::Value { .. })));
}

#[test]
fn the_window_is_bounded() {
    for (window_s, right) in [
        ("300", true),
        ("900", true),
        ("901", false),
        ("0", false),
        ("-1", false),
    ] {
        let settings = format!("secrets = ['NOrOkw5wum5F7mhsRkB8ElC6dB+LHYDu']\nwindow_s = {window_s}");
        let built = Carrier::from_settings("standard_webhooks", toml::from_str(&settings).unwrap());
        assert_eq!(built.is_ok(), right, "{window_s}");
    }
}

#[test]
fn keys_hide_themselves() {
    let settings = "account_sid = 'AC1'\nauth_tokens = ['hunter2']";
    let carrier = Carrier::from_settings("twilio", toml::from_str(settings).unwrap()).unwrap();
    let shown = format!("{carrier:?}");
    assert!(
        shown.contains("<secret>") && !shown.contains("hunter2") && !shown.contains("104, 117"),
        "{shown}"
    );
}
