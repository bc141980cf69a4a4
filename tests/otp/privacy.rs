//! What an extraction shows of itself: `Debug` hides codes, JSON and the terminal view carry them.

use ringback::core::otp::{Engine, Filter, render};

use crate::extract;

#[test]
fn debug_hides_every_secret() {
    let text = "Old code 661177 has expired. Your code is 48-29-13, or open https://id.shop.example/verify/q9w8e7r6t5";
    let got = extract(text);
    assert_eq!(got.code.as_deref(), Some("482913"));
    assert!(got.link.is_some());
    let shown = format!("{got:?} {:?}", got.candidates);
    for secret in ["482913", "48-29-13", "661177", "q9w8e7r6t5", "shop.example"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn json_carries_the_answer() {
    let json = serde_json::to_value(extract("Your code is 123-456")).unwrap();
    assert_eq!(json["code"], "123456");
    assert_eq!(json["raw"], "123-456");
    assert_eq!(json["rule"], "words");
    assert_eq!(json["span"], serde_json::json!([13, 20]));
}

#[test]
fn terminal_view_is_clean() {
    let text = "\u{1b}[31m Your code is 482913";
    let shown = render(text, &extract(text));
    assert!(shown.contains("?["), "{shown:?}");
    assert!(
        shown.contains("\x1b[1;32m482913\x1b[0m"),
        "the code stands out: {shown:?}"
    );
}

#[test]
fn threshold_turns_a_code_into_a_candidate() {
    let sure = Filter {
        min_confidence: Some(1.0),
        ..Filter::default()
    };
    let got = Engine::built_in().extract("Your code is 482913", &sure);
    assert_eq!((got.code, got.confidence, got.candidates.len()), (None, 0.0, 1));
}

#[test]
fn filter_passes_over_what_does_not_fit() {
    let eight = Filter {
        length_min: Some(8),
        ..Filter::default()
    };
    let got = Engine::built_in().extract("Your code is 482913, and the PIN 48291355", &eight);
    assert_eq!(got.code.as_deref(), Some("48291355"));
    let named = Filter {
        sender: Some("Shop*".to_owned()),
        ..Filter::default()
    };
    assert!(named.accepts_sender("SHOPALERT") && !named.accepts_sender("Bank"));
}
