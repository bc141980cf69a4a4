//! What was submitted and has no answer yet: which part of which text, and what becomes of the whole when its last part is answered. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusmpp::pdus::SubmitSm;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Submit;
use crate::core::sending::{Class, Refusal, Sent, Taken};

/// One text with parts under way.
struct Text {
    reply: oneshot::Sender<Sent>,
    left: Arc<AtomicBool>,
    /// Parts that are not answered.
    open: usize,
    segments: u32,
    first_id: Option<String>,
    refusal: Option<Refusal>,
}

/// See the module.
#[derive(Default)]
pub struct Flight {
    texts: HashMap<u64, Text>,
    /// By sequence number: whose part it is, and when it went out.
    parts: HashMap<u32, (u64, Instant)>,
    outbox: VecDeque<(u64, SubmitSm)>,
    next: u64,
}

impl Flight {
    /// Submissions without an answer.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    pub fn has_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Puts a text into the outbox, unless nobody waits for it any more.
    pub fn take_on(&mut self, submit: Submit) {
        submit.left.store(true, Ordering::SeqCst);
        if submit.reply.is_closed() {
            return;
        }
        self.next += 1;
        let text = Text {
            reply: submit.reply,
            left: submit.left,
            open: submit.parts.len(),
            segments: u32::try_from(submit.parts.len()).unwrap_or(u32::MAX),
            first_id: None,
            refusal: None,
        };
        self.texts.insert(self.next, text);
        let id = self.next;
        self.outbox
            .extend(submit.parts.into_iter().map(|part| (id, part)));
    }

    /// The next part that goes out, under this number.
    pub fn depart(&mut self, sequence: u32, now: Instant) -> Option<SubmitSm> {
        let (text, part) = self.outbox.pop_front()?;
        self.parts.insert(sequence, (text, now));
        Some(part)
    }

    /// The answer to a part: its id, or why not.
    pub fn answered(&mut self, sequence: u32, answer: Result<String, Refusal>) {
        let Some((id, _)) = self.parts.remove(&sequence) else {
            return;
        };
        let Some(text) = self.texts.get_mut(&id) else {
            return;
        };
        text.open -= 1;
        match answer {
            Ok(id) => drop(text.first_id.get_or_insert(id)),
            Err(refusal) => drop(text.refusal.get_or_insert(refusal)),
        }
        if text.open == 0
            && let Some(text) = self.texts.remove(&id)
        {
            // Nobody may wait any more: then it was unknown.
            let _ = text.reply.send(ended(text.first_id, text.refusal, text.segments));
        }
    }

    /// Parts that went out before this moment and have no answer: nobody waits for them any more, and their places are free.
    pub fn forget_before(&mut self, moment: Instant) {
        let late: Vec<u32> = self
            .parts
            .iter()
            .filter(|(_, (_, at))| *at < moment)
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in late {
            if let Some((id, _)) = self.parts.remove(&sequence) {
                self.texts.remove(&id);
            }
        }
    }

    /// The session ended: what of a text went out may have arrived, and what did not has not.
    pub fn broken(self, why: &str) {
        let mut departed: Vec<u64> = self.parts.into_values().map(|(text, _)| text).collect();
        departed.sort_unstable();
        for (id, text) in self.texts {
            let went_out = text.first_id.is_some() || departed.binary_search(&id).is_ok();
            let sent = if went_out {
                Sent::Unknown(format!("the session ended before the SMSC answered: {why}"))
            } else {
                text.left.store(false, Ordering::SeqCst);
                Sent::Refused(Refusal::new(
                    Class::CarrierDown,
                    format!("the session ended: {why}"),
                ))
            };
            let _ = text.reply.send(sent);
        }
    }
}

/// A text is taken when all of it is, and refused when none of it is.
fn ended(id: Option<String>, refusal: Option<Refusal>, segments: u32) -> Sent {
    match (id, refusal) {
        (Some(id), None) if !id.is_empty() => Sent::Accepted(Taken {
            carrier_message_id: id,
            segments: Some(segments),
            price: None,
        }),
        (None, Some(refusal)) => Sent::Refused(refusal),
        (Some(_), Some(_)) => Sent::Unknown("some parts of the text were taken and others refused".into()),
        _ => Sent::Unknown("the SMSC took it and gave no id".into()),
    }
}
