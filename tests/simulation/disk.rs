//! The simulated store behind a disk that takes its time: commits wait for the next sync, may be refused, and are lost with the power.
//! What was synced goes to the model in the same moment. The bugs planted in it are in `bend.rs`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use ringback::core::id::{MessageId, Seq, SubscriptionId};
use ringback::core::time::{Moment, UnixMs};
use ringback::store::sim::{Disk as Image, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{
    Access, Commit, Committed, Error, Kept, Live, Queried, Query, Reads, Store, Ticket, Work,
};
use tokio::sync::{Notify, oneshot};

use super::model::{At, Model};
use super::plant::Plant;
use super::world::World;

struct Pending {
    commit: Commit,
    at: At,
    ticket: Ticket,
    answer: oneshot::Sender<Result<Committed, Error>>,
}

pub struct Disk {
    pub(super) inner: Simulated,
    pending: Mutex<Vec<Pending>>,
    /// Rung when there is something to sync.
    pub handed_in: Notify,
    /// Refuses commits, as a full queue or a full disk does.
    pub refuses: AtomicBool,
    pub(super) world: Weak<World>,
}

impl Disk {
    pub fn open(image: Image, world: &Arc<World>) -> Self {
        let inner = Simulated::open(image, Vault::new(&[7; 32]), Sync::ByHand);
        Self {
            inner: inner.expect("what was synced can be read again"),
            pending: Mutex::default(),
            handed_in: Notify::new(),
            refuses: AtomicBool::new(false),
            world: Arc::downgrade(world),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_planted(&self, plant: Plant) -> bool {
        self.world
            .upgrade()
            .is_some_and(|world| world.plant == Some(plant))
    }

    /// Makes durable what was handed in, and answers it unless the power goes in just this moment.
    pub fn sync(&self, answers: bool) {
        let Some(world) = self.world.upgrade() else {
            return;
        };
        let pending = std::mem::take(&mut *self.pending());
        self.inner.sync();
        for Pending {
            commit,
            at,
            ticket,
            answer,
        } in pending
        {
            let answered = ready(ticket);
            let at = At {
                ms: world.wall.elapsed_ms(),
                ..at
            };
            world.note(&format!("disk  {} {answered:?}", told(&commit)));
            if let Ok(committed) = &answered {
                let mut model = world.model();
                model.apply(&commit, committed, at);
                self.tell_beside(&mut model, committed, at);
            }
            if answers {
                // Who asked may be gone.
                let _ = answer.send(answered);
            }
        }
    }

    /// Events that the writer made of a commit, and whom they are owed to: the commit does not hold them.
    fn tell_beside(&self, model: &mut Model, committed: &Committed, at: At) {
        let Committed::New(Some(last)) = *committed else {
            return;
        };
        for seq in [Seq(last.0 - 1), last] {
            let event = self.inner.event(seq).expect("what was synced can be read");
            let operational = event.filter(|event| event.kind.is_operational());
            let Some(event) = operational.filter(|event| model.event(event.id).is_none()) else {
                continue;
            };
            let live = self.inner.live();
            let is_owed = |id: &SubscriptionId| {
                let due = live.due(*id, UnixMs(u64::MAX), usize::MAX);
                due.iter().any(|due| due.event == seq)
            };
            let all = live.subscriptions(&event.account).into_iter().map(|s| s.id);
            let targets: Vec<SubscriptionId> = all.filter(is_owed).collect();
            model.log(&event, &targets, seq, at);
        }
    }

    /// What is pending is lost, and nothing is taken any more.
    pub fn break_down(&self) {
        self.inner.fail_sync();
        let pending = std::mem::take(&mut *self.pending());
        for lost in pending {
            let answered = ready(lost.ticket);
            let _ = lost.answer.send(answered);
        }
    }

    pub fn image(&self) -> Image {
        self.inner.cut_power()
    }

    /// All that stands on it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.image().bytes();
        if self.is_planted(Plant::WritesPlain)
            && let Some(world) = self.world.upgrade()
        {
            let kept = &world.model().kept;
            bytes.extend(kept.iter().flat_map(|kept| kept.message.text.bytes()));
        }
        bytes
    }

    fn hand_in(&self, commit: Commit, now: Moment) -> oneshot::Receiver<Result<Committed, Error>> {
        let (answer, answered) = oneshot::channel();
        let at = At {
            ms: 0,
            decided_ms: self.world.upgrade().map_or(0, |world| world.wall.elapsed_ms()),
            now: now.steady,
            was_set_ahead: now.wall > now.steady,
            clock_changes: self.world.upgrade().map_or(0, |world| world.wall.changes()),
            boot: self.world.upgrade().map_or(0, |world| world.boot_count()),
        };
        let forgotten = self.forgotten(&commit);
        let ticket = self.inner.commit(self.bent_unseen(commit.clone()), now);
        for due in forgotten {
            drop(self.inner.commit(Commit::Forget(due), now));
        }
        self.pending().push(Pending {
            commit,
            at,
            ticket,
            answer,
        });
        self.handed_in.notify_one();
        answered
    }
}

/// A commit in a few words that a seed repeats.
fn told(commit: &Commit) -> String {
    match commit {
        Commit::Receive(batch) => {
            let brought = batch.messages.iter().map(|filed| {
                let message = &filed.message;
                format!(" {} {:?}", message.carrier_message_id, message.owner)
            });
            format!(
                "receive{} and {} events",
                brought.collect::<String>(),
                batch.events.len()
            )
        }
        Commit::Rent { change, number } => format!("rent {} {:?}", change.rental.id, number.version),
        Commit::End { change, .. } => format!("end {} {:?}", change.rental.id, change.rental.status),
        Commit::Release { rental, .. } => format!("release {}", rental.id),
        Commit::Record(attempt, _) => format!(
            "record {} #{} {:?} {:?}",
            attempt.due.subscription,
            attempt.number(),
            attempt.outcome,
            attempt.next
        ),
        Commit::Publish(event, _) => format!("publish {}", event.kind.as_str()),
        Commit::LogInbound(..) | Commit::TrimInboundLog(_) => "inbound log".to_owned(),
        Commit::Once(commit, _) => told(commit),
        Commit::Answer(..) => "answer anew".to_owned(),
        Commit::Redeliver(id, event) => format!("redeliver {} to {id}", event.0),
        Commit::Replay(step) => format!("replay {} {}", step.next.id, step.next.status()),
        Commit::Supply(step) => format!("supply {} {}", step.next.rental, step.next.stage.as_str()),
        Commit::ForgetPurchases(ids) => format!("forget purchases {ids:?}"),
        Commit::Forget(due) => format!("forget {due:?}"),
        Commit::Reschedule(due, at) => format!("reschedule {due:?} to {at}"),
        Commit::Subscribe(subscription) => format!("subscribe {}", subscription.id),
        Commit::Resubscribe(subscription, _) => format!("resubscribe {}", subscription.id),
        Commit::Unsubscribe(_, id) => format!("unsubscribe {id}"),
        Commit::AddNumbers(numbers) => format!("add {} numbers", numbers.len()),
        Commit::SetService(name, _) => format!("service {name}"),
        Commit::ChangeNumber(number) => format!("change {:?} {}", number.number, number.version),
        Commit::Access(Access::AddKey(key)) => format!("add a key of {}", key.account.as_str()),
        Commit::Access(_) => "accounts and keys".to_owned(),
        Commit::Verify(step) => {
            let codes = step.verifications.iter();
            let codes: String = codes
                .map(|(code, _)| format!(" {} {:?} {}", code.id, code.status, code.attempts))
                .collect();
            format!("verify{codes}, {} settled", step.settled.len())
        }
        Commit::Profile(_) => "profile".to_owned(),
    }
}

/// What the store has answered by now; tokio's share of work for a task, which many answers at once use up, must not hide it.
fn ready(ticket: Ticket) -> Result<Committed, Error> {
    let answered = tokio::task::unconstrained(ticket).now_or_never();
    answered.unwrap_or(Err(Error::Closed))
}

impl Queried for Disk {
    type Rows = <Simulated as Queried>::Rows;

    fn query<T>(&self, read: impl FnOnce(Query<'_, Self::Rows>) -> Result<T, Error>) -> Result<T, Error> {
        self.inner.query(read)
    }
}

impl Store for Disk {
    fn commit(&self, commit: Commit, now: Moment) -> Ticket {
        if self.refuses.load(Ordering::Relaxed) {
            return Box::pin(std::future::ready(Err(Error::Busy)));
        }
        let mut commit = self.bent(commit);
        if self.is_planted(Plant::ForgetsIds)
            && let Some(other) = self.as_another(&commit)
        {
            commit = other;
        }
        let brought: Vec<MessageId> = match &commit {
            Commit::Receive(batch) => batch.messages.iter().map(|filed| filed.message.id).collect(),
            _ => Vec::new(),
        };
        let answered = self.hand_in(commit, now);
        if !brought.is_empty() && self.is_planted(Plant::AnswersUnsynced) {
            return Box::pin(std::future::ready(Ok(Committed::New(None))));
        }
        if !brought.is_empty() && self.is_planted(Plant::WakesNobody) {
            return Box::pin(async {
                let committed = answered.await.unwrap_or(Err(Error::Closed))?;
                Ok(match committed {
                    Committed::New(_) => Committed::Known(brought),
                    other => other,
                })
            });
        }
        Box::pin(async { answered.await.unwrap_or(Err(Error::Closed)) })
    }

    fn live(&self) -> &Live {
        self.inner.live()
    }

    fn run(&self, work: Work) {
        self.inner.run(work);
    }

    fn drop_old_logs(&self, now: UnixMs, kept: Kept) -> Result<usize, Error> {
        self.inner.drop_old_logs(now, kept)
    }

    fn is_healthy(&self) -> bool {
        self.inner.is_healthy()
    }

    fn close(&self) {
        self.sync(true);
        self.inner.close();
    }
}
