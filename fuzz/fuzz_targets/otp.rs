//! Any text must be read without a panic, and an answer must point into the text it came from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::core::otp::{Engine, Filter, render};

fuzz_target!(|text: &str| {
    let got = Engine::built_in().extract(text, &Filter::default());
    for candidate in &got.candidates {
        assert_eq!(text.get(candidate.span[0]..candidate.span[1]), Some(candidate.raw.as_str()));
    }
    if let Some(code) = &got.code {
        assert!((4..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
    render(text, &got);
});
