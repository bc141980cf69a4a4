//! SMPP through a scripted SMSC: what becomes of submissions, receipts that close the loop, messages that come in, and a session that breaks.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback::core::sending::{Order, Sent};
use rusmpp::pdus::{BindTransceiverResp, DeliverSm, SubmitSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::codec::Framed;
use toml::Table;

use super::rig::{order, start, try_out};
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::{until, within};

/// What becomes of one submit_sm.
#[derive(Debug, Clone, Copy)]
enum Act {
    Take(&'static str),
    Refuse(CommandStatus),
    /// Nothing is said.
    Silence,
    /// The connection is closed.
    Close,
    /// No SMPP.
    Noise,
}

#[derive(Default)]
struct Seen {
    /// Short messages of all submissions, as they came.
    texts: Vec<Vec<u8>>,
    binds: usize,
    enquiries: usize,
    acknowledged: Vec<CommandStatus>,
}

struct Smsc {
    port: u16,
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Seen>>,
    /// Sent to whoever is bound.
    deliver: mpsc::UnboundedSender<Command>,
    /// What a bind is answered.
    bind: Arc<Mutex<CommandStatus>>,
}

impl Smsc {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (deliver, mut delivered) = mpsc::unbounded_channel();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            script: Arc::default(),
            seen: Arc::default(),
            deliver,
            bind: Arc::default(),
        };
        let (script, seen, bind) = (this.script.clone(), this.seen.clone(), this.bind.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let bind = *bind.lock().unwrap();
                serve(stream, &script, &seen, bind, &mut delivered).await;
            }
        });
        this
    }

    fn provider(&self, more: Table) -> Table {
        let mut table = toml::toml! {
            name = "smsc"
            kind = "smpp"
            host = "127.0.0.1"
            system_id = "acme"
            password = "secret"
            from = "+12025550143"
            timeout_ms = 600
        };
        table.insert("port".into(), i64::from(self.port).into());
        table.extend(more);
        table
    }

    fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    /// Delivers a short message with this class and alphabet.
    fn deliver(&self, esm_class: u8, coding: u8, bytes: &[u8]) {
        let delivery = DeliverSm::builder()
            .source_addr(COctetString::from_str("12025550187").unwrap())
            .destination_addr(COctetString::from_str("12025550100").unwrap())
            .esm_class(EsmClass::from(esm_class))
            .data_coding(DataCoding::from(coding))
            .short_message(OctetString::from_slice(bytes).unwrap())
            .build();
        self.deliver
            .send(Command::new(CommandStatus::EsmeRok, 77, delivery))
            .unwrap();
    }

    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }
}

/// One connection to its end.
async fn serve(
    stream: TcpStream,
    script: &Mutex<VecDeque<Act>>,
    seen: &Mutex<Seen>,
    bind: CommandStatus,
    delivered: &mut mpsc::UnboundedReceiver<Command>,
) {
    let mut wire = Framed::new(stream, CommandCodec::new());
    loop {
        let command = tokio::select! {
            command = wire.next() => command,
            Some(command) = delivered.recv() => {
                let _ = wire.send(command).await;
                continue;
            }
        };
        let Some(Ok(command)) = command else { return };
        let sequence = command.sequence_number();
        let answer = |status, pdu: Pdu| Command::new(status, sequence, pdu);
        let answer = match (command.id(), command.pdu()) {
            (CommandId::BindTransceiver, _) => {
                seen.lock().unwrap().binds += 1;
                answer(bind, BindTransceiverResp::default().into())
            }
            (CommandId::EnquireLink, _) => {
                seen.lock().unwrap().enquiries += 1;
                answer(CommandStatus::EsmeRok, Pdu::EnquireLinkResp)
            }
            (CommandId::DeliverSmResp, _) => {
                seen.lock().unwrap().acknowledged.push(command.status());
                continue;
            }
            (CommandId::SubmitSm, Some(Pdu::SubmitSm(submission))) => {
                seen.lock()
                    .unwrap()
                    .texts
                    .push(submission.short_message().as_ref().to_vec());
                let act = script.lock().unwrap().pop_front().unwrap_or(Act::Take("id"));
                match act {
                    Act::Take(id) => {
                        let taken = SubmitSmResp::builder()
                            .message_id(COctetString::from_str(id).unwrap())
                            .build();
                        answer(CommandStatus::EsmeRok, taken.into())
                    }
                    Act::Refuse(status) => answer(status, SubmitSmResp::default().into()),
                    Act::Silence => continue,
                    Act::Close => return,
                    Act::Noise => return drop(wire.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").await),
                }
            }
            (CommandId::Unbind, _) => answer(CommandStatus::EsmeRok, Pdu::UnbindResp),
            _ => continue,
        };
        if wire.send(answer).await.is_err() {
            return;
        }
    }
}

async fn send(gateway: &Gateway, text: &str) -> Sent {
    let order = Order {
        text: text.into(),
        ..order()
    };
    let sent = gateway.running.gateway.send_through("smsc", None, order).await;
    sent.unwrap().sent
}

fn word(sent: &Sent) -> &str {
    match sent {
        Sent::Accepted(taken) => &taken.carrier_message_id,
        Sent::Refused(refusal) => refusal.class.as_str(),
        Sent::Unknown(_) => "unknown",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_out_and_its_receipt_comes_back() {
    let smsc = Smsc::start().await;
    let gateway = start(vec![smsc.provider(Table::new())]).await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway
        .subscribe(
            &subscriber.url,
            &["outbound.sent", "outbound.delivered", "outbound.failed"],
        )
        .await;
    smsc.then([Act::Take("0A1B")]);
    let answer = try_out(&gateway, "smsc", "acme").await;
    assert_eq!(
        (&answer["outcome"], &answer["carrierMessageId"]),
        (&json!("accepted"), &json!("A1B"))
    );
    assert_eq!(
        smsc.seen(|seen| seen.texts.clone()),
        [b"Your code is 123456.".to_vec()]
    );
    for (stat, kind) in [("ENROUTE", "outbound.sent"), ("DELIVRD", "outbound.delivered")] {
        let text = format!(
            "id:0A1B sub:001 dlvrd:001 submit date:2611271200 done date:2611271201 stat:{stat} err:000 text:"
        );
        smsc.deliver(0x04, 0, text.as_bytes());
        assert_eq!(subscriber.next().await.kind(), kind);
    }
    until("both to be acknowledged", || {
        smsc.seen(|seen| seen.acknowledged.len() == 2)
    })
    .await;
    assert!(smsc.seen(|seen| {
        seen.acknowledged
            .iter()
            .all(|status| *status == CommandStatus::EsmeRok)
    }));
}

/// In another base, padded, in small letters: it is the same message; and another one's receipt is not taken for its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_finds_its_message_however_its_id_is_written() {
    for (setting, answer, another, receipt) in [
        ("same", "0A1B", "a1c", "00000a1b"),
        ("decimal", "1234", "4660", "0000004660"),
        ("hex", "0004660", "1234", "1234"),
    ] {
        let smsc = Smsc::start().await;
        let mut provider = smsc.provider(Table::new());
        provider.insert("receipt_ids".into(), setting.into());
        let gateway = start(vec![provider]).await;
        let mut subscriber = Subscriber::start(&[]).await;
        gateway.subscribe(&subscriber.url, &["outbound.delivered"]).await;
        smsc.then([Act::Take(answer), Act::Take(another)]);
        let sent = try_out(&gateway, "smsc", "acme").await;
        try_out(&gateway, "smsc", "acme").await;
        smsc.deliver(0x04, 0, format!("id:{receipt} stat:DELIVRD err:000").as_bytes());
        let event = subscriber.next().await.json().to_string();
        assert!(
            event.contains(sent["outboundId"].as_str().unwrap()),
            "{setting}: {event}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_in_brings_its_code() {
    let smsc = Smsc::start().await;
    let gateway = start(vec![smsc.provider(Table::new())]).await;
    let rental = gateway.rent("google").await;
    assert_eq!(rental.number, "+12025550100");
    let poll = gateway.poll(&rental, 10);
    until("the session to be bound", || smsc.seen(|seen| seen.binds == 1)).await;
    // In two parts, each with a header; the code is in the second.
    smsc.deliver(0x40, 0, b"\x05\x00\x03\x2a\x02\x01Welcome! ");
    smsc.deliver(
        0x40,
        0,
        b"\x05\x00\x03\x2a\x02\x02G-482913 is your Google verification code.",
    );
    let answer = within("the code", poll).await.unwrap();
    assert_eq!(answer.expect(200)["otpCode"], "482913");
    until("both to be acknowledged", || {
        smsc.seen(|seen| seen.acknowledged.len() == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_meaning() {
    let smsc = Smsc::start().await;
    let gateway = start(vec![smsc.provider(Table::new())]).await;
    for (acts, text, expected) in [
        (vec![Act::Take("a1")], "code 1", "A1"),
        (
            vec![Act::Refuse(CommandStatus::EsmeRinvdstadr)],
            "code 2",
            "invalid_recipient",
        ),
        (
            vec![Act::Refuse(CommandStatus::EsmeRthrottled)],
            "code 3",
            "rate_limited",
        ),
        (
            vec![Act::Refuse(CommandStatus::EsmeRsyserr)],
            "code 4",
            "carrier_down",
        ),
        (
            vec![Act::Refuse(CommandStatus::EsmeRinvsrcadr)],
            "code 5",
            "misconfigured",
        ),
        (vec![Act::Take("b1"), Act::Take("b2")], &"Ж".repeat(80), "B1"),
        (
            vec![Act::Take("c1"), Act::Refuse(CommandStatus::EsmeRsyserr)],
            &"Ж".repeat(80),
            "unknown",
        ),
        (vec![Act::Take("")], "code 6", "unknown"),
        (vec![Act::Silence], "code 7", "unknown"),
        (vec![Act::Close], "code 8", "unknown"),
    ] {
        let before = smsc.seen(|seen| seen.texts.len());
        let count = acts.len();
        smsc.then(acts.clone());
        let sent = send(&gateway, text).await;
        assert_eq!(word(&sent), expected, "{acts:?}: {sent:?}");
        assert_eq!(
            smsc.seen(|seen| seen.texts.len()),
            before + count,
            "{acts:?}: each part once"
        );
    }
    assert!(smsc.seen(|seen| seen.texts[5][..6] != seen.texts[6][..6] && seen.texts[5][..3] == [5, 0, 3]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_broke_is_bound_again() {
    for end in [Act::Close, Act::Noise] {
        let smsc = Smsc::start().await;
        let gateway = start(vec![smsc.provider(Table::new())]).await;
        smsc.then([end]);
        assert_eq!(word(&send(&gateway, "code 1").await), "unknown");
        // Until it is bound again nothing goes out, and another provider could be asked.
        assert_eq!(word(&send(&gateway, "code 2").await), "carrier_down");
        until("another bind", || smsc.seen(|seen| seen.binds == 2)).await;
        let sent = crate::support::until_async("the session", async || {
            let sent = send(&gateway, "code 3").await;
            matches!(sent, Sent::Accepted(_)).then_some(sent)
        });
        sent.await;
        let texts = smsc.seen(|seen| seen.texts.clone());
        assert_eq!(
            texts,
            [b"code 1".to_vec(), b"code 3".to_vec()],
            "what was unknown is not sent again"
        );
        gateway.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_bind_says_so() {
    let smsc = Smsc::start().await;
    *smsc.bind.lock().unwrap() = CommandStatus::EsmeRinvpaswd;
    let gateway = start(vec![smsc.provider(Table::new())]).await;
    let sent = send(&gateway, "code 1").await;
    assert!(
        matches!(&sent, Sent::Refused(refusal) if refusal.reason.contains("EsmeRinvpaswd")),
        "{sent:?}"
    );
    assert_eq!(smsc.seen(|seen| seen.texts.len()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_go_out_than_the_window_holds() {
    let smsc = Smsc::start().await;
    let gateway = Arc::new(start(vec![smsc.provider(toml::toml! { window = 3 enquire_s = 1 })]).await);
    smsc.then([Act::Silence, Act::Silence, Act::Silence]);
    let sent: Vec<_> = (0..5)
        .map(|n| {
            let gateway = gateway.clone();
            tokio::spawn(async move { send(&gateway, &format!("code {n}")).await })
        })
        .collect();
    let mut words = Vec::new();
    for sent in sent {
        words.push(word(&sent.await.unwrap()).to_owned());
    }
    words.sort();
    // Three went out and were not answered; two never left, so another provider may send them.
    assert_eq!(
        words,
        ["carrier_down", "carrier_down", "unknown", "unknown", "unknown"]
    );
    assert_eq!(smsc.seen(|seen| seen.texts.len()), 3);
    until("an enquiry in the silence", || {
        smsc.seen(|seen| seen.enquiries > 0)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
}
