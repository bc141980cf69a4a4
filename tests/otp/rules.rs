//! Data files and service rules: they hold to their own examples, and wrong ones are refused by name and place.

use ringback::core::otp::{
    Engine, Error, Filter, Rule, check_built_in, check_language_file, check_rule_file,
};

fn rule() -> Rule {
    Rule {
        name: "acme".to_owned(),
        contains: vec!["acme".to_owned()],
        pattern: "acme says (?P<code>[0-9]{6})".to_owned(),
        example: "ACME says 482913!".to_owned(),
        code: "482913".to_owned(),
        counter_example: "Acme sells 482913 hats".to_owned(),
    }
}

fn refuses(rule: Rule, reason: &str) {
    match Engine::with_rules(&[rule]) {
        Err(error @ Error::Rule { .. }) => {
            let shown = error.to_string();
            assert!(shown.contains("`acme`") && shown.contains(reason), "{shown}");
        }
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("the rule was taken"),
    }
}

#[test]
fn built_in_files_are_sound() {
    let errors = check_built_in();
    assert!(
        errors.is_empty(),
        "{}",
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// `Rules::new` runs example and counter-example of every rule; the engine must give the same answers as a whole.
#[test]
fn service_examples_survive_the_whole_engine() {
    #[derive(serde::Deserialize)]
    struct File {
        rule: Vec<Rule>,
    }
    let path = format!("{}/src/core/otp/data/services.toml", env!("CARGO_MANIFEST_DIR"));
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for rule in file.rule {
        let got = Engine::built_in().extract(&rule.example, &Filter::default());
        assert_eq!(got.code.as_deref(), Some(rule.code.as_str()), "{}", rule.name);
        let got = Engine::built_in().extract(&rule.counter_example, &Filter::default());
        assert_ne!(got.rule, rule.name, "{}", rule.name);
    }
}

#[test]
fn operator_rule_comes_first() {
    let engine = Engine::with_rules(&[rule()]).unwrap();
    let got = engine.extract("Acme says 111222. Your code is 333444.", &Filter::default());
    assert_eq!((got.code.as_deref(), got.rule.as_ref()), (Some("111222"), "acme"));
}

#[test]
fn bad_rules_are_refused_by_name() {
    let long = format!("acme says (?P<code>[0-9]{{6}}){}", " ?".repeat(300));
    let patterns = [
        ("acme (", "unclosed group"),
        ("acme says ([0-9]{6})", "no group named `code`"),
        (long.as_str(), "longer than 500 bytes"),
        (r"(?P<code>(\w{50}){50}){50}", "size limit"),
    ];
    for (pattern, reason) in patterns {
        refuses(
            Rule {
                pattern: pattern.to_owned(),
                ..rule()
            },
            reason,
        );
    }
    refuses(
        Rule {
            contains: vec![],
            ..rule()
        },
        "`contains` is empty",
    );
    refuses(
        Rule {
            contains: vec![" ".to_owned()],
            ..rule()
        },
        "is empty",
    );
    refuses(
        Rule {
            code: "482914".to_owned(),
            ..rule()
        },
        "another code",
    );
    refuses(
        Rule {
            example: "ACME is shut".to_owned(),
            ..rule()
        },
        "not matched",
    );
    refuses(
        Rule {
            counter_example: "acme says 555666".to_owned(),
            ..rule()
        },
        "is matched",
    );
}

#[test]
fn bad_files_are_refused_by_place() {
    let broken = "[[rule]]\nname = \"a\"\ncontains = 5\n";
    let shown = check_rule_file("my.toml", broken)[0].to_string();
    assert!(shown.contains("my.toml") && shown.contains("line 3"), "{shown}");
    let unknown = "[[language]]\nid = \"xx\"\nstrnog = [\"code\"]\n";
    let shown = check_language_file("xx.toml", unknown)[0].to_string();
    assert!(shown.contains("xx.toml") && shown.contains("strnog"), "{shown}");
    let clash = "[[language]]\nid = \"xx\"\nweak = [\"kodo\"]\nnot = [\"kodo\"]\n";
    let shown = check_language_file("xx.toml", clash)[0].to_string();
    assert!(shown.contains("`xx`") && shown.contains("`kodo`"), "{shown}");
    let open = "[[language]]\nid = \"xx\"\nweak = [\"(kodo|pin\"]\n";
    assert!(
        check_language_file("xx.toml", open)[0]
            .to_string()
            .contains("parenthesis")
    );
}
