//! No input panics, and none takes more than linear time.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ringback::core::otp::{CHARS_MAX, Engine, Filter, render};

/// Longest time for one message, in release. A build without optimisation gets more.
const RELEASE_MAX: Duration = Duration::from_millis(2);
const DEBUG_MAX: Duration = Duration::from_millis(200);

fn hostile() -> Vec<(&'static str, String)> {
    let fill = |unit: &str| unit.chars().cycle().take(CHARS_MAX).collect::<String>();
    let after = |head: &str, unit: &str| {
        head.chars()
            .chain(unit.chars().cycle())
            .take(CHARS_MAX)
            .collect::<String>()
    };
    vec![
        ("digits", fill("1")),
        ("dashes", fill("a-")),
        ("digit dashes", fill("1-")),
        ("list", after("code ", "1,")),
        ("blanks", after("code", " ")),
        ("long word", fill("a")),
        ("code words", fill("code ")),
        ("code words and numbers", fill("code 1234 ")),
        ("codes after colons", fill("code: ABCD ")),
        ("numbers", fill("123456 ")),
        ("split numbers", fill("123-456 ")),
        ("separators", fill("1-2.3 4:5/6'7,")),
        ("points", fill("1234. ")),
        ("purpose words", after("verify login confirm ", "1234 code ")),
        ("chinese", fill("验证码1234")),
        ("chinese code words alone", fill("验证码")),
        ("code words and slashes", after("验证码", "码/")),
        ("origin-bound", fill("@a #1234\n")),
        ("addresses", fill("a.b/c ")),
        ("ats", fill("@")),
        ("combining", fill("e\u{301}")),
        ("percents", after("code ", "1%")),
        ("brackets", fill("([{<\"'")),
        (
            "words of every language",
            fill("kod код コード 코드 kode pin رمز "),
        ),
    ]
}

fn fastest(text: &str) -> Duration {
    let engine = Engine::built_in();
    let once = || {
        let start = Instant::now();
        std::hint::black_box(engine.extract(text, &Filter::default()));
        start.elapsed()
    };
    (0..5).map(|_| once()).min().unwrap_or_default()
}

fn limit() -> Duration {
    if cfg!(debug_assertions) {
        DEBUG_MAX
    } else {
        RELEASE_MAX
    }
}

#[test]
fn hostile_shapes_take_bounded_time() {
    let limit = limit();
    for (name, text) in hostile() {
        let took = (0..8).map(|_| fastest(&text)).find(|took| *took <= limit);
        println!("{name}: {took:?}");
        assert!(took.is_some(), "{name}: more than {limit:?}");
    }
}

/// Four times the text would take sixteen times the time if any part looked back at all before it.
#[test]
fn four_times_the_text_takes_about_four_times_the_time() {
    for (name, text) in hostile() {
        let quarter: String = text.chars().take(CHARS_MAX / 4).collect();
        let linear = || fastest(&text) <= fastest(&quarter) * 8 + Duration::from_micros(300);
        assert!(
            (0..8).any(|_| linear()),
            "{name}: more than eight times the time of its quarter"
        );
    }
}

#[test]
fn text_beyond_the_cap_is_not_read() {
    let text = format!("{}code is 482913", " ".repeat(CHARS_MAX));
    assert_eq!(Engine::built_in().extract(&text, &Filter::default()).code, None);
}

/// Many numbers that could all be the code: the best are named, the best first, and no more than the limit.
#[test]
fn candidates_are_few_and_the_best_comes_first() {
    let text =
        "Your code is 111222. Code 222333. Code 333444. Code 444555. Code 555666. Code 666777. Code 777888.";
    let got = Engine::built_in().extract(text, &Filter::default());
    assert_eq!(got.candidates.len(), 5);
    assert!(got.candidates.is_sorted_by(|a, b| a.score >= b.score));
    assert_eq!(got.code.as_deref(), Some("111222"));
}

fn check(text: &str) {
    let got = Engine::built_in().extract(text, &Filter::default());
    std::hint::black_box(render(text, &got));
    assert!(got.candidates.len() <= 5 && got.candidates.is_sorted_by(|a, b| a.score >= b.score));
    for candidate in &got.candidates {
        assert_eq!(
            text.get(candidate.span[0]..candidate.span[1]),
            Some(candidate.raw.as_str())
        );
        assert!((0.0..=1.0).contains(&candidate.confidence));
    }
    for masked in &got.masked {
        assert!(text.get(masked.span[0]..masked.span[1]).is_some());
    }
    if let Some(code) = got.code {
        assert!(
            (4..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{code}"
        );
    }
}

/// What messages are made of, and what hides in them: marks of direction, control characters, ends of lines of every kind.
fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "code",
        "your",
        "is",
        ":",
        " ",
        "123456",
        "12",
        "-",
        ".",
        "\n",
        "@",
        "#",
        "<#>",
        "://",
        "a.com",
        "OTP",
        "验证码",
        "は",
        "رمز",
        "١٢",
        "\u{200b}",
        "e\u{301}",
        "ﾊﾞ",
        "%",
        "Rs",
        "€",
        "x4471",
        "**",
        "G-",
        "ABC",
        "é",
        "İ",
        "ß",
        "\u{1f600}",
        "!",
        "\r\n",
        "\r",
        "\0",
        "\t",
        "\u{1b}[31m",
        "\u{85}",
        "\u{2028}",
        "\u{200f}",
        "\u{202b}",
        "\u{2066}",
        "\u{2069}",
        "\u{feff}",
        "\u{ad}",
        "\u{e000}",
        "\u{10ffff}",
        "\n@shop.example #482913",
    ])
}

proptest! {
    #[test]
    fn any_text_is_read(text in prop::collection::vec(any::<char>(), 0..CHARS_MAX + 100)) {
        check(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_mixture_of_parts_is_read(parts in prop::collection::vec(part(), 0..40)) {
        check(&parts.concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Most of these end beyond the cap, with a code, a letter in parts or half a line end upon it.
    #[test]
    fn any_mixture_near_the_cap_is_read(parts in prop::collection::vec(part(), 0..40), more in prop::collection::vec(part(), 0..40)) {
        let chars = parts.concat().chars().count();
        let blanks = " ".repeat(CHARS_MAX.saturating_sub(chars + 20));
        check(&(parts.concat() + &blanks + &more.concat()));
    }

    #[test]
    fn any_long_mixture_is_read(parts in prop::collection::vec(part(), 400..900)) {
        check(&parts.concat());
    }

    /// Shapes that hurt matchers which go back: a beginning, and parts that nearly match, over and over.
    #[test]
    fn any_repetition_takes_bounded_time(
        head in "(code is |验证码|@a\\.b #|OTP: |\\PC{0,8})",
        parts in prop::collection::vec("(code|is|:|[0-9]{1,7}|[A-Z0-9]{1,6}|-|\\.|,| |\n|@|#|/|['\"(]|رمز|码|\\PC)", 1..6),
    ) {
        let parts = parts.concat();
        let text: String = head.chars().chain(parts.chars().cycle()).take(CHARS_MAX).collect();
        prop_assert!((0..8).any(|_| fastest(&text) <= limit()), "more than {:?}", limit());
    }
}
