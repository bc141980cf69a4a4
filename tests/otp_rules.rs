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
    let said = text(&refused.stderr);
    assert!(said.contains("bad.toml:3: rule `example-bank`"), "{said}");
}

/// A rule's name may begin another's, and two may even be alike: the line is that of the wrong one.
#[test]
fn the_wrong_one_of_several_rules_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("several.toml");
    let named = |name: &str| GOOD.replace("example-bank", name);
    let bad = |name: &str| named(name).replace("[0-9]{6})", "[0-9]{7})");
    let several = [named("bank-de"), bad("bank"), named("twice"), bad("twice")].concat();
    std::fs::write(&file, several).unwrap();
    let checked = ringback(&["otp", "check-rules", file.to_str().unwrap()], None);
    let said = text(&checked.stderr);
    for place in ["several.toml:11: rule `bank`", "several.toml:27: rule `twice`"] {
        assert!(said.contains(place), "{said}");
    }
    assert!(
        !said.contains("bank-de") && said.matches("rule `").count() == 2,
        "{said}"
    );
    let loaded = ringback(&["check-config"], Some(&file));
    assert!(
        text(&loaded.stderr).contains("several.toml:11: rule `bank`"),
        "{}",
        text(&loaded.stderr)
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

/// The program checks files of languages too, and says where each fault stands.
#[test]
fn faults_of_a_language_file_are_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let file = folder.path().join("words.toml");
        std::fs::write(&file, text).unwrap();
        let checked = ringback(&["otp", "check-rules", file.to_str().unwrap()], None);
        (checked.status.code(), self::text(&checked.stderr))
    };
    let good = "[[language]]\nid = \"xx\"\nname = \"Xx\"\nweak = [\n  \"kodo\",\n  \"(pin|kod) kodo*\",\n]\n";
    assert_eq!(check(good).0, Some(0));
    let faults = [
        ("\"kodo\"", "kodo", "words.toml: TOML parse error at line 5"),
        ("\"kodo\"", "\" \"", "words.toml:5: language `xx`, entry ` `"),
        (
            "|kod)",
            "|kod",
            "words.toml:6: language `xx`, entry `(pin|kod kodo*`",
        ),
        ("weak =", "week =", "words.toml: TOML parse error at line 4"),
    ];
    for (from, to, said) in faults {
        let (code, error) = check(&good.replace(from, to));
        assert!(code == Some(1) && error.contains(said), "{error}");
    }
    let clash = format!("{good}\n[[language]]\nid = \"yy\"\nweak = [\"koda\"]\nnot = [\"a\",\n  \"koda\"]\n");
    let (code, error) = check(&clash);
    let places = [
        "words.toml:11: language `yy`, entry `koda`",
        "words.toml:13: language `yy`, entry `koda`",
    ];
    assert!(
        code == Some(1) && places.iter().any(|place| error.contains(place)),
        "{error}"
    );
}
