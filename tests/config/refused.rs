//! What is refused, and that the refusal names the place, the key and what would be right.

use ringback::app::check;
use ringback::config::{Layers, RANGES, load};
use toml::{Table, Value};

fn error_of(flags: &str) -> String {
    let flags: Table = flags.parse().unwrap();
    let loaded = load(Layers {
        flags,
        ..Layers::default()
    });
    loaded.map_or_else(
        |e| e.to_string(),
        |config| check(&config).map_or_else(|e| e.to_string(), |()| "no error".into()),
    )
}

fn error_of_variable(name: &str, value: &str) -> String {
    let environment = vec![(name.to_owned(), value.to_owned())];
    load(Layers {
        environment,
        ..Layers::default()
    })
    .map_or_else(|e| e.to_string(), |_| "no error".into())
}

fn assert_says(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[test]
fn unknown_keys_come_with_the_nearest_known_one() {
    assert_says(
        &error_of("pool = { default_s = 1 }"),
        &["unknown key `pool`", "did you mean `poll`?"],
    );
    assert_says(
        &error_of("poll = { defaults = 1 }"),
        &["[poll]", "unknown key `defaults`", "did you mean `default_s`?"],
    );
    assert_says(
        &error_of("completely_different = 1"),
        &["unknown key `completely_different`"],
    );
    assert!(!error_of("completely_different = 1").contains("did you mean"));
    assert_says(
        &error_of_variable("RINGBACK__POLL__MAX", "1"),
        &[
            "RINGBACK__POLL__MAX",
            "unknown key `max`",
            "did you mean `max_s`?",
        ],
    );
    assert_says(
        &error_of_variable("RINGBACK__STOR__FOLDER", "x"),
        &["unknown key `stor`", "did you mean `store`?"],
    );
    assert_says(
        &error_of_variable("RINGBACK__LISTEN", "x"),
        &["RINGBACK__SECTION__KEY"],
    );
}

#[test]
fn files_are_named_when_a_key_in_them_is_unknown_or_they_are_no_toml() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("conf.d")).unwrap();
    let file = folder.path().join("ringback.toml");
    let load_file = || {
        load(Layers {
            file: Some(file.clone()),
            ..Layers::default()
        })
        .map_or_else(|e| e.to_string(), |_| "no error".into())
    };
    assert_says(&load_file(), &["ringback.toml"]);
    std::fs::write(&file, "[server\n").unwrap();
    assert_says(&load_file(), &["ringback.toml", "line 1"]);
    std::fs::write(&file, "[server]\nlistn = \"x\"\n").unwrap();
    assert_says(
        &load_file(),
        &["ringback.toml", "[server]", "did you mean `listen`?"],
    );
    std::fs::write(&file, "").unwrap();
    assert_eq!(load_file(), "no error");
    std::fs::write(folder.path().join("conf.d/10-x.toml"), "[log]\nfiltre = \"x\"\n").unwrap();
    assert_says(&load_file(), &["10-x.toml", "[log]", "did you mean `filter`?"]);
}

#[test]
fn every_number_out_of_its_range_is_refused_with_the_range() {
    for (key, min, max) in RANGES {
        let (section, name) = key.split_once('.').unwrap();
        let with = |value: i64| {
            let inner = Table::from_iter([(name.to_owned(), Value::Integer(value))]);
            let flags = Table::from_iter([(section.to_owned(), Value::Table(inner))]);
            load(Layers {
                flags,
                ..Layers::default()
            })
        };
        let (least, most) = (i64::try_from(min).unwrap(), i64::try_from(max).unwrap());
        for value in [least - 1, most + 1, i64::MIN, i64::MAX, -1] {
            let error = with(value).unwrap_err().to_string();
            assert_says(&error, &[&format!("`{key}`"), &format!("write {min} to {max}")]);
        }
        for value in [least, most] {
            with(value).unwrap_or_else(|e| panic!("{key} = {value}: {e}"));
        }
    }
}

#[test]
fn a_retry_schedule_ends_and_fits_into_the_retention() {
    assert_says(
        &error_of("outbound = { retry = { schedule_s = [] } }"),
        &["outbound.retry", "1 to 50 entries"],
    );
    assert_says(
        &error_of("outbound = { retry = { schedule_s = [0, 86400, 86400, 86400, 86400] } }"),
        &["outbound.retry", "lasts 106 h", "96 h", "store.log_days"],
    );
    assert_says(
        &error_of("outbound = { retry = { never = true } }"),
        &["outbound.retry", "schedule_s"],
    );
}

#[test]
fn values_of_the_wrong_type_or_meaning_are_refused() {
    assert_says(
        &error_of("poll = { max_s = \"20\" }"),
        &["`max_s` must be of type integer"],
    );
    assert_says(&error_of("poll = 20"), &["`poll` must be of type table"]);
    assert_says(
        &error_of_variable("RINGBACK__POLL__MAX_S", "twenty"),
        &["RINGBACK__POLL__MAX_S", "not a value of TOML"],
    );
    assert_says(
        &error_of("otp = { min_confidence = 1.5 }"),
        &["`otp.min_confidence`", "0.0 to 1.0"],
    );
    assert_says(
        &error_of("server = { tls_cert = \"a.pem\" }"),
        &["`server.tls_cert`", "`server.tls_key`", "both or none"],
    );
    assert_says(
        &error_of("rental = { country = \"us\" }"),
        &["`rental.country`", "two capital letters"],
    );
    assert_says(
        &error_of("outbound = { allow_cidrs = [\"0.0.0.0/0\"] }"),
        &["outbound.allow_cidrs", "0.0.0.0/0"],
    );
    assert_says(&error_of("log = { filter = \"a=b=c\" }"), &["log.filter"]);
    assert_says(
        &error_of("store = { durability = \"maybe\" }"),
        &["maybe", "power"],
    );
    assert_says(
        &error_of("[[number]]\nnumber = \"12\"\ncountry = \"US\""),
        &["number 1"],
    );
    assert_says(
        &error_of("[[number]]\nnumber = \"+12025550143\"\ncountry = \"us\""),
        &["number 1", "country"],
    );
    let service = "[[service]]\nname = \"a\"\ndescription = \"A\"\nprice = \"1\"\nlifetime_s = 60\n";
    assert_says(
        &error_of(&format!("{service}{service}")),
        &["service a is there twice"],
    );
    assert_says(
        &error_of(&service.replace("60", "9")),
        &["service a", "`lifetime_s` must be 10 to 86400"],
    );
    assert_says(&error_of(&service.replace("\"1\"", "\"free\"")), &["service a"]);
    assert_says(&error_of(&service.replace("price", "prise")), &["prise", "price"]);
}

#[test]
fn a_wrong_source_is_named_with_the_keys_that_are_known() {
    let source = |rest: &str| error_of(&format!("[[source]]\nname = \"main\"\n{rest}"));
    assert_says(
        &source("carrier = \"telnix\""),
        &[
            "source main",
            "unknown carrier",
            "telnyx",
            "twilio",
            "standard_webhooks",
        ],
    );
    assert_says(&source("carrier = \"telnyx\""), &["source main", "public_keys"]);
    assert_says(
        &source("carrier = \"telnyx\"\npublic_key = \"x\""),
        &["source main", "`public_key`", "public_keys", "window_s"],
    );
    let short = source("carrier = \"telnyx\"\npublic_keys = [\"c2VjcmV0\"]");
    assert_says(&short, &["source main", "`public_keys`", "32 byte ed25519"]);
    assert!(!short.contains("c2VjcmV0"), "the value is not repeated");
    assert_says(
        &source("carrier = \"twilio\"\naccount_sid = \"AC1\""),
        &["source main", "`auth_tokens`", "`shared_keys`"],
    );
    let named = |name: &str| {
        error_of(&format!(
            "[[source]]\nname = \"{name}\"\ncarrier = \"telnyx\"\npublic_keys = []"
        ))
    };
    assert_says(&named("Main Source"), &["Main Source", "1 to 64 of a-z 0-9 - _"]);
    assert_says(&named("a/b"), &["1 to 64 of a-z 0-9 - _"]);
}

#[test]
fn accounts_are_checked() {
    for (account, words) in [
        (r#"id = "a b""#, &["account \"a b\"", "1 to 64"][..]),
        (
            r#"id = "a", rentals_max = 1000001"#,
            &["account a", "`rentals_max` must be 0 to 1000000"],
        ),
        (r#"id = "a", rents_max = 1"#, &["rents_max"]),
        (r#"id = "a", name = "two\nlines""#, &["account \"a\"", "one line"]),
    ] {
        assert_says(&error_of(&format!("account = [{{ {account} }}]")), words);
    }
    assert_says(
        &error_of(r#"account = [{ id = "a" }, { id = "a" }]"#),
        &["account a", "twice"],
    );
}

/// The file of the catalogue, with what is wrong and the line on which it stands.
#[test]
fn a_fault_in_the_catalogues_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("services.toml");
    let error = |text: &str| {
        std::fs::write(&file, text).unwrap();
        error_of(&format!(
            "catalogue = {{ file = {:?} }}",
            file.display().to_string()
        ))
    };
    let service = |name: &str, lifetime_s: u32| {
        format!(
            "[[service]]\nname = \"{name}\"\ndescription = \"A\"\nprice = \"1\"\nlifetime_s = {lifetime_s}\n"
        )
    };
    assert_eq!(
        error(&format!("{}{}", service("a", 60), service("google", 60))),
        "no error"
    );
    let second = |table: String| error(&format!("{}\n{table}", service("a", 60)));
    assert_says(
        &second(service("b", 5)),
        &["services.toml:7: service b", "10 to 86400"],
    );
    assert_says(
        &second(service("a", 60)),
        &["services.toml:7: service a", "twice"],
    );
    assert_says(
        &second(service("b", 60).replace("price", "cost")),
        &["services.toml:", "cost"],
    );
    let code = format!(
        "{}code = {{ length_min = 9, length_max = 4 }}\n",
        service("b", 60)
    );
    assert_says(&second(code), &["services.toml:7:", "length_min"]);
    assert_says(&error("[[service]\n"), &["services.toml:1:"]);
    let missing = error_of("catalogue = { file = \"/nowhere.toml\" }");
    assert_says(&missing, &["catalogue.file", "/nowhere.toml"]);
    let partner = error_of("partner = { service = \"nobody\" }");
    assert_says(&partner, &["partner.service", "nobody"]);
}

#[test]
fn a_supplier_is_checked() {
    let supplier = |more: &str| {
        let base = "name = \"tv\"\nkind = \"textverified\"\nurl = \"https://x\"\nuser = \"u\"\nkey = \"k\"";
        error_of(&format!("[[supplier]]\n{base}\n{more}"))
    };
    let fine = "price_max = \"2.0\"";
    assert_eq!(supplier(fine), "no error");
    assert_says(&supplier("price_max = \"free\""), &["supplier tv", "`price_max`"]);
    assert_says(
        &supplier(&format!("{fine}\npoll_ms = 199")),
        &["`poll_ms`", "200 to 600000"],
    );
    assert_says(
        &supplier(&format!("{fine}\ntimeout_ms = 60001")),
        &["`timeout_ms`", "100 to 60000"],
    );
    assert_says(
        &supplier(&format!("{fine}\nmarkup_percent = 1001")),
        &["`markup_percent`", "0 to 1000"],
    );
    let twice = "[[supplier]]\nname = \"a\"\nkind = \"partner\"\nurl = \"https://x\"\nkey = \"k\"\nprice_max = \"1\"\n";
    assert_says(&error_of(&twice.repeat(2)), &["supplier \"a\"", "twice"]);
    assert_says(
        &error_of(&twice.replace("partner", "other")),
        &["supplier a", "textverified, partner"],
    );
}

#[test]
fn peppers_are_keys_and_two_of_them() {
    let of = |newest: &str, before: &str| {
        error_of(&format!(
            "verify = {{ pepper = {newest:?}, pepper_before = {before:?} }}"
        ))
    };
    let [old, new] = ["07", "08"].map(|byte| byte.repeat(32));
    assert_eq!(of(&new, &old), "no error");
    assert_eq!(of("", &old), "no error");
    assert_says(
        &of(&old, &old),
        &["verify.pepper", "verify.pepper_before", "one pepper"],
    );
    assert_says(&of("short", ""), &["verify.pepper is no key", "64 hexadecimal"]);
    assert_says(
        &of(&new, "0708"),
        &["verify.pepper_before is no key", "64 hexadecimal"],
    );
}
