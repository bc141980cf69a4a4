//! Which layer wins: built-in < file < conf.d in the order of names < environment < flags.

use std::fs;

use ringback::config::{Layers, load};
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn layers(folder: &TempDir, environment: &[(&str, &str)]) -> Layers {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Layers {
        file: Some(folder.path().join("ringback.toml")),
        environment: environment.collect(),
        ..Layers::default()
    }
}

#[test]
fn each_layer_lies_over_the_one_before() {
    let file = "[poll]\ndefault_s = 1\n";
    let default_s = |layers: Layers| load(layers).unwrap().poll.default_s;
    assert_eq!(default_s(Layers::default()), 15);
    let preset = Layers {
        preset: toml::toml! { poll = { default_s = 0 } },
        ..Layers::default()
    };
    assert_eq!(default_s(preset), 0);

    let folder_of_one = folder(&[("ringback.toml", file)]);
    assert_eq!(default_s(layers(&folder_of_one, &[])), 1);
    let folder = folder(&[
        ("ringback.toml", file),
        ("conf.d/20-late.toml", "[poll]\ndefault_s = 3\n"),
        ("conf.d/10-early.toml", "[poll]\ndefault_s = 2\nmax_s = 20\n"),
        ("conf.d/30-not.conf", "this is not read"),
    ]);
    assert_eq!(default_s(layers(&folder, &[])), 3, "the later name wins");
    assert_eq!(
        load(layers(&folder, &[])).unwrap().poll.max_s,
        20,
        "and leaves what it does not name"
    );
    let environment = [
        ("RINGBACK__POLL__DEFAULT_S", "4"),
        ("RINGBACK_POLL_DEFAULT_S", "9"),
        ("POLL__DEFAULT_S", "9"),
    ];
    assert_eq!(default_s(layers(&folder, &environment)), 4);
    let flags = Layers {
        flags: toml::toml! { poll = { default_s = 5 } },
        ..layers(&folder, &environment)
    };
    assert_eq!(default_s(flags), 5);
}

#[test]
fn the_environment_writes_every_type() {
    let folder = folder(&[("ringback.toml", "")]);
    let config = load(layers(
        &folder,
        &[
            ("RINGBACK__SERVER__LISTEN", "0.0.0.0:9"),
            ("RINGBACK__LOG__JSON", "true"),
            ("RINGBACK__OTP__MIN_CONFIDENCE", "0.75"),
            ("RINGBACK__OUTBOUND__PORTS", "[443, 9000]"),
            ("RINGBACK__OUTBOUND__RETRY", "{ schedule_s = [0, 9] }"),
            ("RINGBACK__STORE__MASTER_KEY", "123"),
        ],
    ))
    .unwrap();
    assert_eq!(
        (config.server.listen.as_str(), config.log.json),
        ("0.0.0.0:9", true)
    );
    assert!((config.otp.min_confidence - 0.75).abs() < f32::EPSILON);
    assert_eq!(config.outbound.ports, [443, 9000]);
    assert_eq!(config.outbound.retry["schedule_s"].as_array().unwrap().len(), 2);
    assert_eq!(
        config.store.master_key, "123",
        "a text stays a text whatever it looks like"
    );
}

#[test]
fn tables_of_sources_services_and_numbers_replace_those_below() {
    let folder = folder(&[
        (
            "ringback.toml",
            "[[service]]\nname = \"mine\"\ndescription = \"Mine\"\nprice = \"1\"\nlifetime_s = 60\n",
        ),
        (
            "conf.d/n.toml",
            "[[number]]\nnumber = \"+12025550143\"\ncountry = \"US\"\n",
        ),
    ]);
    let config = load(layers(&folder, &[])).unwrap();
    assert_eq!(
        config.service.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["mine"]
    );
    assert_eq!(config.number.len(), 1);
}
