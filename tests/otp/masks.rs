//! What is passed over is named with the reason that it is: each reason once, for the very stretch of the message.

use ringback::core::otp::{Engine, Filter};

use crate::extract;

/// A message, the stretch of it that is no code, and why.
const MASKED: [(&str, &str, &str); 13] = [
    ("You paid 1,249.50 at the shop", "1,249.50", "amount"),
    ("You paid $4471 at the shop", "4471", "amount"),
    ("Paid with card **4471 just now", "4471", "card"),
    ("We meet on 28.11.2026 at noon", "28.11.2026", "date"),
    ("Write to help@shop.example today", "help@shop.example", "email"),
    ("<#> Your code is 482913\nkW8/zQ2mP+x", "kW8/zQ2mP+x", "hash"),
    ("Parcel 123456789012 is on its way", "123456789012", "long"),
    ("Fraud? Call 1930 at once", "1930", "phone"),
    ("Your order 482913 has shipped", "482913", "reference"),
    ("The train leaves at 14:30 sharp", "14:30", "time"),
    ("You have used 4096 MB of data", "4096", "unit"),
    (
        "Look at https://shop.example/a/4471 today",
        "https://shop.example/a/4471",
        "url",
    ),
    ("Update your app to 10.2.114.33 now", "10.2.114.33", "version"),
];

#[test]
fn each_reason_is_given_for_what_it_says() {
    for (text, part, reason) in MASKED {
        let got = extract(text);
        let masked: Vec<(&str, &str)> = got
            .masked
            .iter()
            .map(|masked| (&text[masked.span[0]..masked.span[1]], masked.reason.word()))
            .collect();
        assert_eq!(masked, [(part, reason)], "{text}");
    }
}

#[test]
fn what_is_not_expected_is_masked_as_such() {
    let six = Filter {
        length_min: Some(6),
        ..Filter::default()
    };
    let got = Engine::built_in().extract("Your code is 4829", &six);
    assert_eq!((got.code, got.masked.len()), (None, 1));
    assert_eq!(
        (got.masked[0].span, got.masked[0].reason.word()),
        ([13, 17], "filter")
    );
}
