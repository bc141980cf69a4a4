//! The session itself: binds, keeps the window, asks whether the SMSC is there, and begins again after a pause that grows.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::COctetString;
use rusmpp::values::{InterfaceVersion, Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::codec::Framed;

use super::super::connect::Stream;
use super::super::progress::Progress;
use super::flight::Flight;
use super::id::ReceiptIds;
use super::{Hear, Smsc, State, Submit, pdu};
use crate::clock;
use crate::core::id::MessageId;
use crate::core::retry::{Policy, spread_ms};
use crate::core::sending::{Class, Refusal, Sent};

/// How long the SMSC may take to answer a bind or an enquiry, and to read what is sent to it.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a submission may be without an answer before its place in the window is given away.
const FORGET: Duration = Duration::from_secs(60);
/// Longest PDU that is read, in bytes: a message_payload of 64 KiB fits.
const PDU_BYTES_MAX: usize = 70_000;
/// deliver_sm on their way to the disk; one more is put off.
const HEARING_MAX: usize = 64;
/// The first pause before another bind, and the longest.
const PAUSE_MS: u64 = 500;
const PAUSE_MS_MAX: u64 = 60_000;

type Wire = Framed<Box<dyn Stream>, CommandCodec>;

pub struct Session {
    pub name: String,
    pub smsc: Smsc,
    pub submitted: mpsc::Receiver<Submit>,
    pub state: watch::Sender<State>,
    pub hear: Hear,
    pub stopped: watch::Receiver<bool>,
}

/// One bound connection.
struct Bound {
    wire: Wire,
    sequence: u32,
    flight: Flight,
    heard_at: Instant,
    /// When the SMSC was asked whether it is there, as long as it has not answered.
    asked_at: Option<Instant>,
    hearing: Arc<Semaphore>,
    acknowledged: mpsc::Sender<(u32, bool)>,
    ids: ReceiptIds,
}

impl Session {
    /// Until it is stopped, or nobody can submit any more.
    pub async fn run(mut self) {
        let pauses = Policy::Exponential {
            initial_ms: PAUSE_MS,
            multiplier: 2.0,
            delay_max_ms: PAUSE_MS_MAX,
            attempts_max: u16::MAX,
        };
        let mut failures = 0;
        loop {
            let why = match self.bind().await {
                Ok(wire) => {
                    failures = 0;
                    tracing::info!(provider = %self.name, "bound to the SMSC");
                    self.state.send_replace(State::Bound);
                    self.serve(wire).await
                }
                Err(why) => why,
            };
            self.state.send_replace(State::Down(why.clone()));
            if *self.stopped.borrow() {
                return;
            }
            failures = (failures + 1).min(20);
            let pause_ms = pauses.delay_ms(failures).unwrap_or(PAUSE_MS_MAX);
            let dice = f64::from(u16::from_be_bytes(clock::random())) / f64::from(u16::MAX);
            let pause_ms = spread_ms(pause_ms, None, dice);
            tracing::warn!(provider = %self.name, %why, pause_ms, "no session with the SMSC");
            if !self.pause(Duration::from_millis(pause_ms), &why).await {
                return;
            }
        }
    }

    /// Refuses what comes meanwhile; whether to go on.
    async fn pause(&mut self, pause: Duration, why: &str) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                () = stop(&mut self.stopped) => return false,
                submit = self.submitted.recv() => match submit {
                    None => return false,
                    Some(submit) => {
                        let reason = format!("no session with the SMSC: {why}");
                        let _ = submit.reply.send(Sent::Refused(Refusal::new(Class::CarrierDown, reason)));
                    }
                },
            }
        }
    }

    async fn bind(&mut self) -> Result<Wire, String> {
        let mut progress = Progress::start();
        let connected = self
            .smsc
            .connector
            .connect(&self.smsc.origin, &mut progress)
            .await;
        let stream = connected.map_err(|failure| failure.to_string())?.stream;
        let mut wire = Framed::new(stream, CommandCodec::new().with_max_length(PDU_BYTES_MAX));
        let settings = &self.smsc.settings;
        let wrong = |_| "a credential does not fit".to_owned();
        let bind = BindTransceiver::builder()
            .system_id(COctetString::from_str(&settings.system_id).map_err(wrong)?)
            .password(COctetString::from_str(&settings.password).map_err(wrong)?)
            .system_type(COctetString::from_str(&settings.system_type).map_err(wrong)?)
            .interface_version(InterfaceVersion::Smpp3_4)
            .addr_ton(Ton::from(0))
            .addr_npi(Npi::from(0))
            .address_range(COctetString::empty())
            .build();
        let asked = async {
            wire.send(Command::new(CommandStatus::EsmeRok, 1, bind))
                .await
                .map_err(|e| e.to_string())?;
            loop {
                let command = wire.next().await.ok_or("the SMSC closed the connection")?;
                let command = command.map_err(|e| e.to_string())?;
                match command.id() {
                    CommandId::BindTransceiverResp | CommandId::GenericNack => return Ok(command.status()),
                    // Some ask before they answer; they ask again.
                    _ => {}
                }
            }
        };
        let status: Result<CommandStatus, String> = match timeout(ANSWER, asked).await {
            Ok(status) => status,
            Err(_) => return Err("the SMSC did not answer the bind in time".into()),
        };
        match pdu::refusal(status?) {
            None => Ok(wire),
            Some(refusal) => Err(format!("the bind was refused, {}", refusal.reason)),
        }
    }

    /// Serves one bound connection to its end; why it ended.
    async fn serve(&mut self, wire: Wire) -> String {
        let window = self.smsc.settings.window.unwrap_or(10);
        let enquire = Duration::from_secs(self.smsc.settings.enquire_s.unwrap_or(30));
        let (acknowledged, mut acknowledgements) = mpsc::channel(HEARING_MAX);
        let mut bound = Bound {
            wire,
            sequence: 1,
            flight: Flight::default(),
            heard_at: Instant::now(),
            asked_at: None,
            hearing: Arc::new(Semaphore::new(HEARING_MAX)),
            acknowledged,
            ids: self.smsc.settings.receipt_ids,
        };
        let mut tick = interval(enquire.min(Duration::from_secs(1)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended: Result<(), String> = async {
            loop {
                bound.let_out(window).await?;
                let room = !bound.flight.has_waiting() && bound.flight.count() < window;
                tokio::select! {
                    submit = self.submitted.recv(), if room => match submit {
                        Some(submit) => bound.flight.take_on(submit),
                        None => return bound.unbind().await,
                    },
                    command = bound.wire.next() => {
                        let command = command.ok_or("the SMSC closed the connection")?;
                        bound.take(command.map_err(|e| e.to_string())?, &self.hear).await?;
                    }
                    Some((sequence, kept)) = acknowledgements.recv() => bound.acknowledge(sequence, kept).await?,
                    _ = tick.tick() => bound.look(enquire).await?,
                    () = stop(&mut self.stopped) => return bound.unbind().await,
                }
            }
        }
        .await;
        let why = ended
            .err()
            .unwrap_or_else(|| "the gateway is stopping".to_owned());
        bound.flight.broken(&why);
        why
    }
}

/// Until it is stopped, or whoever could stop it is gone.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

impl Bound {
    async fn send(&mut self, command: Command) -> Result<(), String> {
        match timeout(ANSWER, self.wire.send(command)).await {
            Ok(sent) => sent.map_err(|e| e.to_string()),
            Err(_) => Err("the SMSC reads nothing".into()),
        }
    }

    /// Numbers of our own requests, 1 to 0x7fffffff.
    fn next(&mut self) -> u32 {
        self.sequence = if self.sequence >= 0x7fff_ffff {
            1
        } else {
            self.sequence + 1
        };
        self.sequence
    }

    /// Sends what waits, as far as the window reaches.
    async fn let_out(&mut self, window: usize) -> Result<(), String> {
        while self.flight.has_waiting() && self.flight.count() < window {
            let sequence = self.next();
            if let Some(part) = self.flight.depart(sequence, Instant::now()) {
                self.send(Command::new(CommandStatus::EsmeRok, sequence, part))
                    .await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, command: Command, hear: &Hear) -> Result<(), String> {
        (self.heard_at, self.asked_at) = (Instant::now(), None);
        let sequence = command.sequence_number();
        match (command.id(), command.pdu()) {
            (CommandId::SubmitSmResp | CommandId::GenericNack, body) => {
                let answer = match (pdu::refusal(command.status()), body) {
                    (Some(refusal), _) => Err(refusal),
                    (None, Some(Pdu::SubmitSmResp(taken))) => {
                        Ok(self.ids.of_answer(taken.message_id().as_str()))
                    }
                    (None, _) => Ok(String::new()),
                };
                self.flight.answered(sequence, answer);
                Ok(())
            }
            (CommandId::DeliverSm, Some(Pdu::DeliverSm(delivered))) => {
                self.hear(sequence, delivered, hear).await
            }
            (CommandId::EnquireLink, _) => {
                self.send(Command::new(
                    CommandStatus::EsmeRok,
                    sequence,
                    Pdu::EnquireLinkResp,
                ))
                .await
            }
            (CommandId::Unbind, _) => {
                self.send(Command::new(CommandStatus::EsmeRok, sequence, Pdu::UnbindResp))
                    .await?;
                Err("the SMSC ended the session".into())
            }
            _ if pdu::is_answer(&command) => Ok(()),
            _ => {
                self.send(Command::new(
                    CommandStatus::EsmeRinvcmdid,
                    sequence,
                    Pdu::GenericNack,
                ))
                .await
            }
        }
    }

    /// Has a delivery taken to the disk, beside the session; the SMSC is answered once it is there.
    async fn hear(&mut self, sequence: u32, delivered: &DeliverSm, hear: &Hear) -> Result<(), String> {
        let id = MessageId(clock::random()).to_string();
        let Some(report) = pdu::report(delivered, &id, self.ids) else {
            return self.acknowledge(sequence, true).await;
        };
        let Ok(place) = self.hearing.clone().try_acquire_owned() else {
            return self.acknowledge(sequence, false).await;
        };
        let (acknowledged, hearing) = (self.acknowledged.clone(), hear(vec![report]));
        tokio::spawn(async move {
            let kept = hearing.await;
            // A session that ended meanwhile answers nothing: then it is delivered again.
            let _ = acknowledged.send((sequence, kept)).await;
            drop(place);
        });
        Ok(())
    }

    /// `kept` or not now: then the SMSC delivers it again.
    async fn acknowledge(&mut self, sequence: u32, kept: bool) -> Result<(), String> {
        let status = if kept {
            CommandStatus::EsmeRok
        } else {
            CommandStatus::EsmeRxTAppn
        };
        self.send(Command::new(status, sequence, DeliverSmResp::default()))
            .await
    }

    /// Once a second: who is silent is asked, who does not answer is given up.
    async fn look(&mut self, enquire: Duration) -> Result<(), String> {
        let now = Instant::now();
        if let Some(forgotten) = now.checked_sub(FORGET) {
            self.flight.forget_before(forgotten);
        }
        match self.asked_at {
            Some(asked_at) if now - asked_at >= ANSWER.min(enquire) => {
                Err("the SMSC does not answer enquire_link".into())
            }
            None if now - self.heard_at >= enquire => {
                self.asked_at = Some(now);
                let sequence = self.next();
                self.send(Command::new(CommandStatus::EsmeRok, sequence, Pdu::EnquireLink))
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn unbind(&mut self) -> Result<(), String> {
        let sequence = self.next();
        self.send(Command::new(CommandStatus::EsmeRok, sequence, Pdu::Unbind))
            .await
    }
}
