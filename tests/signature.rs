//! Standard Webhooks signatures against the published vectors, the reference libraries' negative cases, and by property.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use ringback::core::signature::{Error, Received, Scheme, SigningKey, VerifyingKey, sign, verify};
use serde_json::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

struct Vector {
    keys: Vec<String>,
    id: String,
    timestamp_s: i64,
    body: Vec<u8>,
    header: String,
    public: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let text = std::fs::read_to_string("fixtures/signature/standard-webhooks-outbound.json").unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |case: &Value| Vector {
        keys: match &case["secrets"] {
            Value::Array(keys) => keys.iter().map(|key| text(key).unwrap()).collect(),
            _ => vec![text(&case["secret"]).unwrap()],
        },
        id: text(&case["id"]).unwrap(),
        timestamp_s: case["timestamp"].as_i64().unwrap(),
        body: match text(&case["body"]) {
            Some(body) => body.into_bytes(),
            None => STANDARD.decode(text(&case["body_b64"]).unwrap()).unwrap(),
        },
        header: text(&case["expected"]).or_else(|| text(&case["header"])).unwrap(),
        public: text(&case["public"]),
    };
    cases.iter().map(read).collect()
}

fn check(key: &str, id: &str, timestamp: &str, signature: &str, now_s: i64) -> Result<(), Error> {
    let key: VerifyingKey = key.parse().unwrap();
    verify(
        &[key],
        &Received {
            id,
            timestamp,
            signature,
            body: BODY,
        },
        now_s,
    )
}

#[test]
fn signs_every_published_vector() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let keys: Vec<SigningKey> = vector.keys.iter().map(|key| key.parse().unwrap()).collect();
        assert_eq!(
            sign(&keys, &vector.id, vector.timestamp_s, &vector.body),
            vector.header
        );
    }
}

#[test]
fn verifies_every_published_vector_with_each_key_alone() {
    for vector in vectors() {
        let timestamp = vector.timestamp_s.to_string();
        let received = Received {
            id: &vector.id,
            timestamp: &timestamp,
            signature: &vector.header,
            body: &vector.body,
        };
        for key in vector.keys.iter().chain(&vector.public) {
            let key: VerifyingKey = key.parse().unwrap();
            assert_eq!(
                verify(&[key], &received, vector.timestamp_s),
                Ok(()),
                "{}",
                vector.header
            );
        }
    }
}

#[test]
fn public_half_is_the_published_one() {
    let vector = vectors()
        .into_iter()
        .find(|vector| vector.public.is_some())
        .unwrap();
    let key: SigningKey = vector.keys[0].parse().unwrap();
    assert_eq!(key.public().unwrap().to_string(), vector.public.unwrap());
    assert!(SECRET.parse::<SigningKey>().unwrap().public().is_none());
}

#[test]
fn refuses_what_the_reference_libraries_refuse() {
    let sent = SENT_S.to_string();
    let cases = [
        ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", Error::Mismatch),
        ("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Error::Mismatch),
        (
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            Error::Mismatch,
        ),
        ("v1,", Error::Mismatch),
        ("v1", Error::Mismatch),
        ("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Error::Mismatch),
        (" ", Error::Mismatch),
        ("", Error::Missing("webhook-signature")),
    ];
    for (signature, error) in cases {
        assert_eq!(
            check(SECRET, ID, &sent, signature, SENT_S),
            Err(error),
            "{signature:?}"
        );
    }
    assert_eq!(
        check(SECRET, "", &sent, GOOD, SENT_S),
        Err(Error::Missing("webhook-id"))
    );
    assert_eq!(
        check(SECRET, ID, "", GOOD, SENT_S),
        Err(Error::Missing("webhook-timestamp"))
    );
    assert_eq!(check(SECRET, "msg.1", &sent, GOOD, SENT_S), Err(Error::Id));
    for timestamp in ["+1614265330", "1614265330.0", "now", "-5", "99999999999999999999"] {
        assert_eq!(
            check(SECRET, ID, timestamp, GOOD, SENT_S),
            Err(Error::Timestamp),
            "{timestamp}"
        );
    }
}

#[test]
fn passes_over_unknown_versions_beside_a_good_signature() {
    let header = format!("v2,AAAA v1a,AAAA v1,AAAA {GOOD}");
    assert_eq!(check(SECRET, ID, &SENT_S.to_string(), &header, SENT_S), Ok(()));
    let buried = format!("{}{GOOD}", "v2,AAAA ".repeat(16));
    assert_eq!(
        check(SECRET, ID, &SENT_S.to_string(), &buried, SENT_S),
        Err(Error::Mismatch)
    );
}

#[test]
fn holds_the_window_on_both_sides() {
    for (skew_s, result) in [
        (0, Ok(())),
        (299, Ok(())),
        (300, Ok(())),
        (301, Err(Error::Window)),
        (i64::MAX / 2, Err(Error::Window)),
    ] {
        for now_s in [SENT_S + skew_s, SENT_S - skew_s] {
            assert_eq!(
                check(SECRET, ID, &SENT_S.to_string(), GOOD, now_s),
                result,
                "{skew_s}"
            );
        }
    }
    let extreme = i64::MAX.to_string();
    assert_eq!(check(SECRET, ID, &extreme, GOOD, i64::MIN), Err(Error::Window));
}

#[test]
fn reads_only_sound_keys() {
    let of_bytes = |prefix: &str, bytes: usize| format!("{prefix}{}", STANDARD.encode(vec![7; bytes]));
    let mut torn: Vec<u8> = STANDARD.decode(&vectors()[2].keys[0][5..]).unwrap();
    torn[40] ^= 1;
    let cases = [
        (String::new(), Error::Prefix),
        ("secret".to_owned(), Error::Prefix),
        ("whsec_".to_owned(), Error::SecretLength(0)),
        (of_bytes("whsec_", 23), Error::SecretLength(23)),
        (of_bytes("whsec_", 65), Error::SecretLength(65)),
        ("whsec_!!!!".to_owned(), Error::Base64),
        (of_bytes("whsk_", 32), Error::Pair),
        (of_bytes("whpk_", 32), Error::Prefix),
        (format!("whsk_{}", STANDARD.encode(torn)), Error::Pair),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<SigningKey>().err(), Some(error), "{text}");
    }
    assert_eq!(
        of_bytes("whpk_", 31).parse::<VerifyingKey>().err(),
        Some(Error::Pair)
    );
    // Without its padding, as some libraries write it.
    assert!(
        of_bytes("whsec_", 64)
            .trim_end_matches('=')
            .parse::<SigningKey>()
            .is_ok()
    );
}

#[test]
fn debug_hides_what_display_shows() {
    for scheme in [Scheme::V1, Scheme::V1a] {
        let key = SigningKey::from_random(scheme, [9; 32]);
        let shown = key.to_string();
        assert!(shown.len() > 40);
        for hidden in [format!("{key:?}"), format!("{:?}", VerifyingKey::from(&key))] {
            assert!(!hidden.contains(&shown[6..20]), "{hidden}");
        }
    }
}

proptest! {
    // ed25519 is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn keys_survive_being_written_down(random: [u8; 32], asymmetric: bool) {
        let scheme = if asymmetric { Scheme::V1a } else { Scheme::V1 };
        let text = SigningKey::from_random(scheme, random).to_string();
        prop_assert_eq!(text.parse::<SigningKey>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else(
        randoms in prop::collection::vec((any::<[u8; 32]>(), any::<bool>()), 1..4),
        id in "[a-zA-Z0-9_]{1,40}",
        (sent_s, skew_s) in (0i64..4_000_000_000, -300i64..=300),
        body in prop::collection::vec(any::<u8>(), 0..200),
        flipped: prop::sample::Index,
    ) {
        let scheme = |asymmetric| if asymmetric { Scheme::V1a } else { Scheme::V1 };
        let keys: Vec<_> = randoms.iter().map(|(r, a)| SigningKey::from_random(scheme(*a), *r)).collect();
        let signature = sign(&keys, &id, sent_s, &body);
        let timestamp = sent_s.to_string();
        let received = Received { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
        for key in &keys {
            prop_assert_eq!(verify(&[key.into()], &received, sent_s + skew_s), Ok(()));
        }

        let all: Vec<VerifyingKey> = keys.iter().map(VerifyingKey::from).collect();
        let mut other = body.clone();
        if other.is_empty() { other.push(0) } else { let at = flipped.index(other.len()); other[at] ^= 1 }
        prop_assert_eq!(verify(&all, &Received { body: &other, ..received }, sent_s), Err(Error::Mismatch));
        let renamed = format!("{id}x");
        prop_assert_eq!(verify(&all, &Received { id: &renamed, ..received }, sent_s), Err(Error::Mismatch));
        let later = (sent_s + 1).to_string();
        prop_assert_eq!(verify(&all, &Received { timestamp: &later, ..received }, sent_s), Err(Error::Mismatch));
        let stranger = SigningKey::from_random(scheme(randoms[0].1), [0x5a; 32]);
        prop_assert_eq!(verify(&[(&stranger).into()], &received, sent_s), Err(Error::Mismatch));
    }

    #[test]
    fn nothing_received_makes_it_panic(id in ".{0,20}", timestamp in ".{0,20}", signature in ".{0,80}", now_s: i64) {
        let keys = [SECRET.parse().unwrap(), (&SigningKey::from_random(Scheme::V1a, [1; 32])).into()];
        let received = Received { id: &id, timestamp: &timestamp, signature: &signature, body: BODY };
        prop_assert!(verify(&keys, &received, now_s).is_err());
    }
}
