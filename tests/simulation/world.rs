//! The world of one seed: virtual time, dice, a network, a disk, one gateway that lives and dies, and what is known about it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringback::gateway::Gateway;
use ringback::store::sim::Disk as Image;
use tokio::sync::oneshot;

use super::books::Books;
use super::dice::Dice;
use super::disk::Disk;
use super::invariants::News;
use super::model::Model;
use super::network::Network;
use super::plant::Plant;
use super::process::Process;
use super::trace::{Log, Trace};
use super::wall::Wall;

pub struct World {
    pub plant: Option<Plant>,
    pub dice: Dice,
    pub wall: Arc<Wall>,
    pub trace: Trace,
    pub network: Network,
    model: Mutex<Model>,
    books: Mutex<Books>,
    process: Mutex<Option<Process>>,
    /// What the last life of the gateway left.
    left: Mutex<Image>,
    boots: AtomicUsize,
    sends_codes: AtomicBool,
    shares: AtomicBool,
    news: Mutex<News>,
    /// How often what happened, by its name.
    counts: Mutex<BTreeMap<&'static str, u64>>,
    /// All that the gateway logged, where somebody listens.
    pub log: Log,
}

impl World {
    pub fn new(seed: u64, plant: Option<Plant>, wall: Arc<Wall>) -> Arc<Self> {
        let thrown = if plant == Some(Plant::WildDice) {
            u64::from_be_bytes(ringback::clock::random())
        } else {
            seed
        };
        Arc::new(Self {
            plant,
            dice: Dice::new(thrown),
            wall,
            trace: Trace::default(),
            network: Network::default(),
            model: Mutex::default(),
            books: Mutex::default(),
            process: Mutex::default(),
            left: Mutex::default(),
            boots: AtomicUsize::new(0),
            sends_codes: AtomicBool::new(false),
            shares: AtomicBool::new(false),
            news: Mutex::default(),
            counts: Mutex::default(),
            log: Log::default(),
        })
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was judged last.
    pub fn last_news(&self) -> News {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_last_news(&self, news: News) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = news;
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once more.
    pub fn count(&self, what: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn note(&self, what: &str) {
        self.trace.note(self.wall.elapsed_ms(), what);
    }

    /// Something that must never happen did.
    pub fn wrong(&self, invariant: u8, what: String) {
        self.books().wrong.push((invariant, what));
    }

    pub fn boot_count(&self) -> usize {
        self.boots.load(Ordering::Relaxed)
    }

    /// Whether its gateway looks after codes that it sent.
    pub fn sends_codes(&self) -> bool {
        self.sends_codes.load(Ordering::Relaxed)
    }

    /// Whether its numbers are shared.
    pub fn shares(&self) -> bool {
        self.shares.load(Ordering::Relaxed)
    }

    pub fn share_numbers(&self) {
        self.shares.store(true, Ordering::Relaxed);
    }

    pub fn send_codes(&self) {
        self.sends_codes.store(true, Ordering::Relaxed);
    }

    pub fn is_up(&self) -> bool {
        self.process().is_some()
    }

    pub fn disk(&self) -> Option<Arc<Disk>> {
        self.process().as_ref().map(|process| process.disk.clone())
    }

    pub fn gateway(&self) -> Option<Arc<Gateway>> {
        self.process().as_ref().map(|process| process.gateway.clone())
    }

    /// Starts the gateway on what its last life left.
    pub fn boot(self: &Arc<Self>) {
        let boot = 1 + self.boots.fetch_add(1, Ordering::Relaxed);
        self.note(&format!("boot  {boot}"));
        self.network.trouble(self.wall.elapsed_ms());
        let image = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.wall.clock.begin();
        *self.process() = Some(Process::start(image, self));
        // Whatever was promised must be there now.
        let mut books = self.books();
        let acknowledged = books.messages.iter().filter(|(_, sms)| sms.is_acknowledged);
        books.unchecked = acknowledged.map(|(id, _)| id.clone()).collect();
    }

    /// The power goes: of the gateway only what was synced is left.
    pub fn crash(&self, how: &str) {
        let Some(mut process) = self.process().take() else {
            return;
        };
        self.note(&format!("crash {how}"));
        self.count("a crash");
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = process.disk.image();
        process.kill();
    }

    /// As an operator stops it: what is under way may end.
    pub async fn stop(&self) {
        let Some(process) = self.process().take() else {
            return;
        };
        self.note("stop");
        for poll in &mut self.books().polls {
            poll.drained |= poll.ended.is_none();
        }
        let disk = process.disk.clone();
        process.stop().await;
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = disk.image();
    }

    /// Sweeps up ended tasks of the gateway; a panic in one is wrong whatever caused it.
    pub fn reap(&self) {
        let panicked = self.process().as_mut().map_or_else(Vec::new, Process::reap);
        for panic in panicked {
            self.wrong(0, format!("a task of the gateway panicked: {panic}"));
        }
    }

    /// Asks the gateway, which goes on to the end even if nobody waits for the answer. `None`: it is down, or died over it.
    pub async fn ask<T, F>(&self, question: impl FnOnce(Arc<Gateway>) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        {
            let mut process = self.process();
            let process = process.as_mut()?;
            let asked = question(process.gateway.clone());
            process.tasks.spawn(async move {
                let _ = answer.send(asked.await);
            });
        }
        answered.await.ok()
    }

    /// As `ask`, but the question is dropped with the one who asked, as a connection is.
    pub async fn ask_held<T, F>(&self, question: impl FnOnce(Arc<Gateway>) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let keeps = self.plant == Some(Plant::KeepsTheGone);
        let (mut answer, answered) = oneshot::channel();
        {
            let mut process = self.process();
            let process = process.as_mut()?;
            let asked = question(process.gateway.clone());
            process.tasks.spawn(async move {
                tokio::select! {
                    biased;
                    value = asked => drop(answer.send(value)),
                    () = answer.closed(), if !keeps => {}
                }
            });
        }
        answered.await.ok()
    }
}
