//! Rules of the operator, through the built program: checked by `otp check-rules`, and refused with their line when the gateway loads them.

use std::path::PathBuf;
use std::process::{Command, Output};

const GOOD: &str = r#"
[[rule]]
name = "example-bank"
contains = ["example bank"]
pattern = 'ref [A-Z]{3}-(?P<code>[0-9]{6})'
example = "Example Bank: ref QXR-204418"
code = "204418"
counter_example = "Example Bank: loan ref LQXR-2044187"
"#;

fn ringback(arguments: &[&str], rules: Option<&PathBuf>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(arguments);
    if let Some(file) = rules {
        command.env("RINGBACK__OTP__RULES", file);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_built_in_data_hold() {
    let checked = ringback(&["otp", "check-rules"], None);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn a_rule_is_held_to_its_own_example() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.toml"), folder.path().join("bad.toml"));
    std::fs::write(&good, GOOD).unwrap();
    std::fs::write(&bad, GOOD.replace("code = \"204418\"", "code = \"999999\"")).unwrap();
    let check = |file: &PathBuf| ringback(&["otp", "check-rules", file.to_str().unwrap()], None);
    assert!(check(&good).status.success(), "{}", text(&check(&good).stderr));
    let refused = check(&bad);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("example-bank"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn a_bad_rule_refuses_the_load_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.toml"), folder.path().join("bad.toml"));
    std::fs::write(&good, GOOD).unwrap();
    std::fs::write(
        &bad,
        format!("# a comment\n{}", GOOD.replace("[0-9]{6})", "[0-9]{7})")),
    )
    .unwrap();
    assert!(ringback(&["check-config"], Some(&good)).status.success());
    let refused = ringback(&["check-config"], Some(&bad));
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("bad.toml:4: rule `example-bank`"),
        "{}",
        text(&refused.stderr)
    );
}
