//! `check-config` and `print-config` of the built program: exit codes, what they say, and what they hide.

use std::path::Path;
use std::process::{Command, Output};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MASTER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Runs the program with nothing of this process's environment.
fn ringback(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied());
    command.output().expect("the program was built with this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8")
}

fn write(folder: &Path, text: &str) -> String {
    let file = folder.join("ringback.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn good() -> String {
    format!(
        "[store]\nmaster_key = \"env:MASTER\"\n[[source]]\nname = \"main\"\ncarrier = \"standard_webhooks\"\nsecrets = [\"{SECRET}\"]\n\
         [[number]]\nnumber = \"+12025550143\"\ncountry = \"US\"\n"
    )
}

fn smpp(more: &str) -> String {
    format!(
        "[[provider]]\nname = \"out\"\nkind = \"smpp\"\nhost = \"smsc\"\nsystem_id = \"acme\"\nfrom = \"Acme\"\n{more}"
    )
}

fn plivo(more: &str) -> String {
    format!("[[provider]]\nname = \"out\"\nkind = \"plivo\"\nauth_id = \"MA1\"\nauth_token = \"tok\"\n{more}")
}

#[test]
fn a_good_configuration_is_told_so() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = write(folder.path(), &good());
    let checked = ringback(&["check-config", "--config", &file], &[("MASTER", MASTER)]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout), "ok: 1 sources, 5 services, 1 numbers\n");
    assert_eq!(
        ringback(&["check-config"], &[]).status.code(),
        Some(0),
        "the built-in one alone"
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing was made"
    );
}

fn assert_refused(folder: &Path, wrong: &str, says: &str) {
    let file = write(folder, wrong);
    let checked = ringback(&["check-config", "--config", &file], &[("MASTER", MASTER)]);
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.starts_with("ringback: ") && said.contains(says), "{said}");
    assert!(!said.contains(SECRET) && !said.contains(MASTER), "{said}");
    assert!(checked.stdout.is_empty());
}

#[test]
fn a_wrong_provider_is_told_so() {
    let folder = tempfile::TempDir::new().unwrap();
    for (wrong, says) in [
        (
            good() + "[[provider]]\nname = \"out\"\nkind = \"pigeon\"\n",
            "provider out: unknown kind \"pigeon\": write one of android_sms_gateway,",
        ),
        (
            good() + &plivo("from = \"1\"\nprices = { \"+1\" = \"1\" }\n"),
            "provider out: prices: \"+1\" is no prefix",
        ),
        (
            good() + &plivo("from = \"1\"\nsource = \"other\"\n"),
            "no source other is configured",
        ),
        (
            good() + &plivo("from = \"1\"\ntimeout_ms = 1\n"),
            "`timeout_ms` must be 100 to 60000",
        ),
        (good() + &plivo(""), "missing field `from`"),
        (
            good()
                + "[[provider]]\nname = \"mail\"\nkind = \"smtp\"\nhost = \"mx\"\nfrom = \"a@b.example\"\nusername = \"a\"\npassword = \"b\"\ntls = \"none\"\n",
            "a password does not go out in the clear",
        ),
        (
            good() + &smpp("password = \"far too long\"\n"),
            "`password` is wrong: write at most 8",
        ),
        (
            good() + &smpp("password = \"a\"\nwindow = 0\n"),
            "`window` is wrong: write 1 to 1000",
        ),
        (
            good() + &smpp("password = \"a\"\nsource = \"main\"\n"),
            "its reports come over the session",
        ),
    ] {
        assert_refused(folder.path(), &wrong, says);
    }
}

#[test]
fn a_wrong_configuration_is_exit_code_2_and_one_sentence() {
    let folder = tempfile::TempDir::new().unwrap();
    for (wrong, says) in [
        (good().replace("secrets", "secret"), "source main"),
        (
            good().replace("[[number]]", "dedupe = \"text\"\n[[number]]"),
            "`dedupe` is \"id\", \"content\" or \"off\"",
        ),
        (
            good().replace("[[number]]", "[[numbers]]"),
            "did you mean `number`?",
        ),
        (
            good().replace("[store]", "[store]\nqueue_max = 1"),
            "write 16 to 1000000",
        ),
        (
            good().replace("env:MASTER", "env:NOT_THERE"),
            "no variable NOT_THERE",
        ),
        ("not toml".to_owned(), "ringback.toml"),
    ] {
        assert_refused(folder.path(), &wrong, says);
    }
    let missing = ringback(&["check-config", "--config", "/nowhere/ringback.toml"], &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(
        ringback(&["check-config", "--confg", "x"], &[]).status.code(),
        Some(2)
    );
    let variable = ringback(&["check-config"], &[("RINGBACK__POLL__MAX_S", "61")]);
    assert_eq!(
        variable.status.code(),
        Some(2),
        "the environment is a layer here too"
    );
}

#[test]
fn print_config_shows_the_result_and_redact_hides_what_is_secret() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = write(folder.path(), &good());
    let environment = [("MASTER", MASTER), ("RINGBACK__POLL__DEFAULT_S", "7")];
    let redacted = ringback(&["print-config", "--redact", "--config", &file], &environment);
    let shown = text(&redacted.stdout);
    assert_eq!(redacted.status.code(), Some(0), "{}", text(&redacted.stderr));
    assert!(
        shown.contains("default_s = 7") && shown.contains("name = \"main\"") && shown.contains("***"),
        "{shown}"
    );
    for secret in [SECRET, &SECRET[6..], MASTER] {
        assert!(!shown.contains(secret) && !text(&redacted.stderr).contains(secret));
    }
    let plain = text(&ringback(&["print-config", "--config", &file], &environment).stdout);
    assert!(
        plain.contains(SECRET) && plain.contains(MASTER),
        "the same scan finds them where they are"
    );
    let again = write(folder.path(), &plain);
    assert_eq!(
        ringback(&["check-config", "--config", &again], &[]).status.code(),
        Some(0),
        "it is a configuration itself"
    );
    let wrong = ringback(&["print-config", "--config", "/nowhere"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_credential_of_systemd_is_filled_in() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("master"), format!("{MASTER}\n")).unwrap();
    let file = write(folder.path(), &good().replace("env:MASTER", "cred:master"));
    let directory = folder.path().display().to_string();
    let shown = ringback(
        &["print-config", "--config", &file],
        &[("CREDENTIALS_DIRECTORY", &directory)],
    );
    assert!(text(&shown.stdout).contains(MASTER), "{}", text(&shown.stderr));
    let missing = ringback(&["check-config", "--config", &file], &[]);
    assert_eq!(missing.status.code(), Some(2));
}
