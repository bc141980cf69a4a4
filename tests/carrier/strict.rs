//! How strictly requests are read: batches whole or not at all, JSON without doubles and depth, and the answer that each carrier wants.

use ringback::carrier::simulate::{Draft, Signer, signed};
use ringback::carrier::{Answer, Received, Reject};
use ringback::core::message::Report;

use super::rules::{NOW, URL, carrier, draft, receive, signer, simulated};

/// Posts a body of the test's own with the credentials of a carrier that does not sign it.
fn posted(name: &str, body: &str) -> Result<Received, Reject> {
    let signer = signer(name, 1);
    let mut request = signed(&signer, &draft("x"), URL, NOW);
    request.body = body.as_bytes().to_vec();
    receive(&carrier(name, signer.settings()), &request)
}

/// All or nothing: one bad item refuses the batch, and the carrier repeats all of it.
#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let item = |id: &str| {
        format!(
            r#"{{"type":"message-received","to":"+12025550143","message":{{"id":"{id}","from":"+12025550187","text":"x"}}}}"#
        )
    };
    let (good, bad) = (item("1"), item("2").replace("\"text\"", "\"texts\""));
    assert_eq!(
        posted("bandwidth", &format!("[{good},{}]", item("2")))
            .unwrap()
            .reports
            .len(),
        2
    );
    assert_eq!(
        posted("bandwidth", &format!("[{good},{bad}]")).unwrap_err(),
        Reject::MissingField
    );
    assert_eq!(
        posted("bandwidth", &format!("[{good},7]")).unwrap_err(),
        Reject::MissingField
    );
    let item =
        |id: &str| format!(r#"{{"messageId":"{id}","from":"12025550187","to":"12025550143","text":"x"}}"#);
    let (good, bad) = (item("1"), item(""));
    assert_eq!(
        posted("infobip", &format!(r#"{{"results":[{good},{}]}}"#, item("2")))
            .unwrap()
            .reports
            .len(),
        2
    );
    assert_eq!(
        posted("infobip", &format!(r#"{{"results":[{good},{bad}]}}"#)).unwrap_err(),
        Reject::MissingField
    );
    assert_eq!(
        posted("infobip", r#"{"results":{}}"#).unwrap_err(),
        Reject::MalformedBody
    );
}

/// Two readers must not see two messages, and nesting is bounded.
#[test]
fn json_is_read_strictly() {
    let body = |extra: &str| {
        format!(
            r#"[{{"type":"message-received","to":"+12025550143","message":{{"id":"1","from":"+12025550187","text":"x"{extra}}}}}]"#
        )
    };
    let nested = |depth: usize| format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(posted("bandwidth", &body("")).is_ok());
    assert!(posted("bandwidth", &body(&nested(29))).is_ok());
    assert_eq!(
        posted("bandwidth", &body(&nested(30))).unwrap_err(),
        Reject::MalformedBody
    );
    assert_eq!(
        posted("bandwidth", &body(r#","text":"y""#)).unwrap_err(),
        Reject::MalformedBody
    );
    assert_eq!(
        posted("bandwidth", &body(r#","te\u0078t":"y""#)).unwrap_err(),
        Reject::MalformedBody
    );
}

/// A carrier that wants a certain answer gets it; the wrong one makes it repeat itself or write to the sender of the SMS.
#[test]
fn each_carrier_gets_its_answer() {
    for name in simulated() {
        let signer = signer(name, 1);
        let answer = receive(
            &carrier(name, signer.settings()),
            &signed(&signer, &draft("x"), URL, NOW),
        )
        .unwrap()
        .answer;
        let expected = match name {
            "twilio" | "signalwire" | "plivo" => Answer::Twiml,
            "jasmin" => Answer::Text("ACK/Jasmin".to_owned()),
            "clicksend" | "infobip" | "kannel" | "messagebird" | "meta_whatsapp" => Answer::OK,
            _ => Answer::Empty,
        };
        assert_eq!(answer, expected, "{name}");
    }
}

/// An empty id would make every such message the repetition of the first one. Found by the fuzz target of MessageBird.
#[test]
fn an_empty_id_is_no_id() {
    let legacy = Signer::Messagebird {
        signing_key: "k".to_owned(),
        // Its other scheme has the id in the token as well, and refuses that first.
        scheme: Some("legacy".to_owned()),
    };
    let others = simulated().filter(|name| *name != "messagebird");
    let others = others.map(|name| (name, signer(name, 1)));
    for (name, signer) in others.chain([("messagebird", legacy)]) {
        let draft = Draft {
            id: String::new(),
            ..draft("x")
        };
        let request = signed(&signer, &draft, URL, NOW);
        match receive(&carrier(name, signer.settings()), &request) {
            Err(reject) => assert_eq!(reject, Reject::MissingField, "{name}"),
            // Its id is optional: made of all that the message says.
            Ok(received) if name == "clicksend" => {
                let [Report::Message(message)] = &received.reports[..] else {
                    panic!("{received:?}")
                };
                assert!(!message.carrier_message_id.is_empty());
            }
            Ok(_) => panic!("{name}: an empty id was taken"),
        }
    }
}

/// Sources are shared by all connections.
#[test]
fn a_carrier_may_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<ringback::carrier::Carrier>();
}
