//! Judges every vector of every carrier by name: verdict, reason, normalised reports and the answer.

use super::vectors::{Vector, answer_of, load};
use ringback::carrier::captured::normalized;
use ringback::carrier::{Carrier, Received, Reject, Request};
use serde_json::Value;

/// The verdict on a request at the vector's time; `None` for the two kinds whose payloads are no messages, so that only the signature
/// can be judged.
pub fn receive(
    carrier: &Carrier,
    vector: &Vector,
    request: &Request<'_>,
) -> Result<Option<Received>, Reject> {
    match (carrier, vector.kind.as_str()) {
        (Carrier::StandardWebhooks(keys), "outbound_webhook") => {
            keys.verify(request, vector.now()).map(|_| None)
        }
        (Carrier::Messagebird(keys), "legacy") => keys.verify(request, vector.now()).map(|_| None),
        _ => carrier.receive(request, vector.now()).map(Some),
    }
}

/// What is wrong with the verdict on `vector`, if anything.
pub fn judge(vector: &Vector) -> Result<(), String> {
    let verdict = receive(&vector.source(), vector, &vector.request());
    match (vector.expect.as_str(), verdict) {
        ("reject", Err(reject)) if Some(reject.as_str()) == vector.reject_reason.as_deref() => Ok(()),
        ("reject", Err(reject)) => Err(format!("refused as {reject}, not {:?}", vector.reject_reason)),
        ("reject", Ok(_)) => Err(format!(
            "accepted, but must be refused as {:?}",
            vector.reject_reason
        )),
        ("accept", Err(reject)) => Err(format!("refused as {reject}, but must be accepted")),
        ("accept", Ok(None)) => Ok(()),
        ("accept", Ok(Some(received))) => {
            let mut expected = vector.normalized.clone().unwrap_or_default();
            let got: Vec<Value> = received.reports.iter().map(normalized).collect();
            for event in expected
                .iter_mut()
                .filter(|event| event["event"] == "sms.received")
            {
                fill_id(event);
            }
            // The vectors leave open what a JSON event comes to.
            if got != expected && vector.kind != "json_event" {
                return Err(format!("reports\n  got      {got:?}\n  expected {expected:?}"));
            }
            match answer_of(vector) {
                Some(answer) if answer != received.answer => {
                    Err(format!("answer {:?}, not {answer:?}", received.answer))
                }
                _ => Ok(()),
            }
        }
        (other, _) => Err(format!("unknown expectation {other:?}")),
    }
}

/// Where a carrier gives no id of the message, what makes it the same message is its id.
fn fill_id(event: &mut Value) {
    if event["carrier_message_id"].is_null() {
        event["carrier_message_id"] = event["dedupe_key"].clone();
    }
}

/// How many vectors each file must hold, so that none can go missing.
pub const FILES: &[(&str, usize)] = &[
    ("android_sms_gateway", 13),
    ("aws_sns", 27),
    ("bandwidth", 11),
    ("clicksend", 3),
    ("httpsms", 8),
    ("infobip", 6),
    ("jasmin", 8),
    ("kannel", 4),
    ("messagebird", 24),
    ("meta_whatsapp", 13),
    ("plivo", 29),
    ("signalwire", 17),
    ("sinch", 20),
    ("standard_webhooks", 20),
    ("telnyx", 25),
    ("textbee", 5),
    ("textverified", 12),
    ("twilio", 42),
    ("vonage", 38),
];

#[test]
fn every_vector_gets_its_verdict() {
    let mut failures = Vec::new();
    for (file, count) in FILES {
        let vectors = load(file);
        assert_eq!(vectors.len(), *count, "{file}: vectors were added or lost");
        for vector in &vectors {
            if let Err(problem) = judge(vector) {
                failures.push(format!("{file}/{}: {problem}", vector.name));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} wrong verdicts:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// No file of vectors may be left out of the list above.
#[test]
fn every_file_is_listed() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/carrier");
    let folders = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap());
    let with_vectors = folders.filter(|folder| folder.path().join("vectors.json").exists());
    let mut names: Vec<_> = with_vectors
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(FILES.iter().map(|(_, count)| count).sum::<usize>(), 325);
}

/// The judge itself can fail: a wrong expectation is found.
#[test]
fn a_wrong_expectation_is_found() {
    let mut vector = load("telnyx").remove(0);
    assert_eq!(judge(&vector), Ok(()));
    vector.expect = "reject".to_owned();
    assert!(judge(&vector).is_err());
    vector.expect = "accept".to_owned();
    vector.normalized.as_mut().unwrap()[0]["text"] = Value::from("another text");
    assert!(judge(&vector).is_err());
}
