//! `extract`: a text, standard input, JSON lines.

use serde_json::{Value, json};

use super::process::{Ended, Home};

const RULES: &str = r#"
    [[rule]]
    name = "example-bank"
    contains = ["example bank"]
    pattern = 'ref [A-Z]{3}-(?P<code>[0-9]{6})'
    example = "Example Bank: ref QXR-204418"
    code = "204418"
    counter_example = "Example Bank: loan ref LQXR-2044187"
"#;

const TEXT: &str = "G-482913 is your Google verification code.";

#[tokio::test]
async fn a_text_and_standard_input_give_the_same() {
    let home = Home::new();
    let argument = home.run(&["extract", TEXT]).await;
    assert_eq!(argument.code, Some(0), "{}", argument.err);
    let found: Value = serde_json::from_str(&argument.out).unwrap();
    assert_eq!(found["code"], "482913");
    let input = home.run_with(&["extract"], TEXT, &[]).await;
    assert_eq!((input.code, input.out), (Some(0), argument.out));
}

#[tokio::test]
async fn json_lines_keep_their_order_and_a_wrong_one_is_named() {
    let home = Home::new();
    let texts = ["Your code is 111222", "no code in here", "Code: 333444"];
    let lines: String = texts
        .iter()
        .map(|text| json!({ "text": text }).to_string() + "\n")
        .collect();
    let found = home.run_with(&["extract", "--jsonl"], &lines, &[]).await;
    let codes: Vec<Value> = found
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["code"].clone())
        .collect();
    assert_eq!(codes, [json!("111222"), Value::Null, json!("333444")]);
    let wrong = home
        .run_with(&["extract", "--jsonl"], &format!("{lines}{{\"txt\":1}}\n"), &[])
        .await;
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("line 4: missing field `text`"),
        "{}",
        wrong.err
    );
}

/// The program answers as a gateway of the same configuration does: by its rules and its threshold.
#[tokio::test]
async fn the_rules_and_the_threshold_of_the_configuration_count() {
    let home = Home::new();
    let rules = home.write("rules.toml", RULES);
    let unsure = "482155 is what you need to finish signing in";
    let config = home.write(
        "ringback.toml",
        &format!("[otp]\nrules = '{rules}'\nmin_confidence = 0.97\n"),
    );
    let found = |ended: Ended| -> Value {
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    };
    let by_rule = found(
        home.run(&["extract", "--config", &config, "Example Bank: ref WPT-771204"])
            .await,
    );
    assert_eq!(
        (&by_rule["code"], &by_rule["rule"]),
        (&json!("771204"), &json!("example-bank"))
    );
    let plain = found(home.run(&["extract", unsure]).await);
    assert_eq!(plain["code"], "482155");
    let line = json!({ "text": unsure }).to_string();
    for (arguments, environment) in [
        (vec!["extract", "--config", &config, unsure], vec![]),
        (
            vec!["extract", unsure],
            vec![("RINGBACK__OTP__MIN_CONFIDENCE", "0.97")],
        ),
        (
            vec!["extract", "--jsonl"],
            vec![("RINGBACK__OTP__MIN_CONFIDENCE", "0.97")],
        ),
    ] {
        let sure = found(home.run_with(&arguments, &line, &environment).await);
        assert_eq!(
            (&sure["code"], &sure["candidates"][0]["code"]),
            (&Value::Null, &json!("482155"))
        );
    }
    let bad = home.write("bad.toml", "[[rule]]\nname = 5\n");
    let refused = home
        .run_with(&["extract", "x"], "", &[("RINGBACK__OTP__RULES", &bad)])
        .await;
    assert!(
        refused.code == Some(2) && refused.err.contains("bad.toml"),
        "{}",
        refused.err
    );
}

/// On a terminal the code is green, what was passed over is dim with its reason, and the message paints nothing of its own.
#[tokio::test]
async fn explain_marks_the_message_in_colour_on_a_terminal() {
    let home = Home::new();
    let text = "Sent at 14:30, your Velora code is 482-913\u{1b}[31m.";
    let shown = home.run_shown(&["extract", "--explain", text]).await;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    let marks = [
        "\u{1b}[1;32m482-913\u{1b}[0m",
        "\u{1b}[2m14:30\u{1b}[0m\u{1b}[2m[time]\u{1b}[0m",
        "code \u{1b}[1;32m482913\u{1b}[0m",
    ];
    for mark in marks {
        assert!(shown.out.contains(mark), "{mark:?} in {:?}", shown.out);
    }
    assert!(!shown.out.contains("\u{1b}[31m"), "{:?}", shown.out);
}

#[tokio::test]
async fn explain_writes_no_colour_into_a_pipe_and_does_not_go_with_json_lines() {
    let home = Home::new();
    let shown = home
        .run(&["extract", "--explain", "G-482913 is your code\u{1b}[31m."])
        .await;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(
        shown.out.contains("482913") && !shown.out.contains('\u{1b}'),
        "{:?}",
        shown.out
    );
    assert_eq!(home.run(&["extract", "--jsonl", "--explain"]).await.code, Some(2));
    assert_eq!(home.run(&["extract", "--jsonl", "x"]).await.code, Some(2));
}

/// `ringback extract ... | head`: who has read enough closes the pipe, and nobody wants to hear of it.
#[tokio::test]
async fn a_closed_pipe_ends_it_without_a_word() {
    let home = Home::new();
    let many = (json!({ "text": TEXT }).to_string() + "\n").repeat(2_000);
    for (arguments, input) in [
        (&["extract"][..], TEXT),
        (&["extract", "--explain"], TEXT),
        (&["extract", "--jsonl"], &many),
    ] {
        let ended = home.run_unread(arguments, input).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(141), ""), "{arguments:?}");
    }
}
