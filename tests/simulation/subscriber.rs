//! Customers as subscribers: they subscribe, change what they want, pause and resume, take new keys, ask for a delivery again, and leave.

use std::sync::Arc;

use ringback::core::id::{AccountId, DeliveryId, SubscriptionId};
use ringback::core::retry;
use ringback::core::signature::Scheme;
use ringback::core::subscription::policy::{Order, Rate};
use ringback::core::subscription::{Pattern, Payload, Settings};
use ringback::gateway::NewKey;

use super::books::Subscribed;
use super::customer::{ACCOUNTS, account};
use super::dice::Dice;
use super::fare::Fare;
use super::network::Weather;
use super::world::World;

/// Old keys go on signing for one of these, in seconds.
const OVERLAPS_S: [u64; 4] = [0, 60, 3600, 86_400];

fn patterns(dice: &Dice) -> Vec<Pattern> {
    let text = dice.pick(&["*", "*", "verification.*", "verification.code_received"]);
    vec![Pattern::parse(text.expect("four")).expect("a pattern")]
}

fn settings(dice: &Dice, host: &str) -> Settings {
    let mut settings = Settings::new(format!("https://{host}/hook?token=simulated"), patterns(dice));
    let policy = &mut settings.policy;
    if dice.one_in(4) {
        policy.order = Order::Rental;
    }
    if dice.one_in(6) {
        policy.rate = Some(Rate {
            per_second: 2.0,
            burst: 2,
        });
    }
    if dice.one_in(6) {
        policy.concurrency_max = Some(2);
    }
    if dice.one_in(6) {
        policy.deadline_s = Some(7200);
    }
    if dice.one_in(6) {
        policy.retry = Some(retry::Policy::Exponential {
            initial_ms: 2000,
            multiplier: 2.0,
            delay_max_ms: 7_200_000,
            attempts_max: 30,
        });
    }
    if dice.one_in(5) {
        settings.payload = Payload::Thin;
    }
    settings
}

fn new_key(dice: &Dice) -> NewKey {
    NewKey {
        scheme: if dice.one_in(3) { Scheme::V1a } else { Scheme::V1 },
        key: None,
    }
}

pub async fn subscribe(world: Arc<World>) {
    let dice = &world.dice;
    let account = account(dice.pick(&ACCOUNTS).expect("two"));
    let host = format!("s{}.example", dice.next());
    let settings = settings(dice, &host);
    make(&world, account, (host, settings)).await;
}

pub async fn make(world: &Arc<World>, account: AccountId, (host, settings): (String, Settings)) {
    let new = new_key(&world.dice);
    let holder = account.clone();
    let (shared, url_host) = (world.clone(), host.clone());
    // Written down where the answer leaves the gateway: a delivery may come before its reader.
    let asked = world.ask(|gateway| async move {
        let made = gateway.subscribe(&holder, settings, new).await.ok()?;
        let now_ms = shared.wall.elapsed_ms();
        shared.network.set(made.id, Weather::Fine, now_ms);
        shared.books().subscribed.push(Subscribed {
            id: made.id,
            account: holder,
            host: url_host,
            keys: vec![made.signing_keys[0].secret.clone()],
            knows_all_keys: true,
            until_ms: None,
        });
        Some(made.id)
    });
    let made = asked.await.flatten();
    world.note(&format!("hook  {host} {made:?}"));
}

/// One that was made, and whose maker heard nothing of it; the first call tells.
pub fn unanswered(world: &World, host: &str) -> Option<Subscribed> {
    let model = world.model();
    let newest = model.fares.values().filter_map(|fare| fare.all().last());
    let made = { newest }.find(|made| made.settings.url.contains(host))?;
    world.network.set(made.id, Weather::Fine, world.wall.elapsed_ms());
    world.count("a subscription whose answer was lost");
    Some(Subscribed {
        id: made.id,
        account: made.account.clone(),
        host: host.to_owned(),
        keys: Vec::new(),
        knows_all_keys: false,
        until_ms: None,
    })
}

/// One that was not deleted.
fn any(world: &World) -> Option<(AccountId, SubscriptionId)> {
    let books = world.books();
    let left: Vec<_> = books
        .subscribed
        .iter()
        .filter(|known| known.until_ms.is_none())
        .collect();
    world
        .dice
        .pick(&left)
        .map(|known| (known.account.clone(), known.id))
}

/// Deletes one: from the request on nothing more is promised to it.
pub async fn unsubscribe(world: Arc<World>) {
    let (account, id) = {
        let mut books = world.books();
        let now_ms = world.wall.elapsed_ms();
        let mut left: Vec<_> = books
            .subscribed
            .iter_mut()
            .filter(|known| known.until_ms.is_none())
            .collect();
        if left.len() < 3 {
            return;
        }
        let at = world.dice.below(left.len() as u64) as usize;
        left[at].until_ms = Some(now_ms);
        (left[at].account.clone(), left[at].id)
    };
    let deleted = world
        .ask(|gateway| async move { gateway.unsubscribe(&account, id).await.is_ok() })
        .await;
    world.note(&format!("hook  {id} deleted {deleted:?}"));
}

pub async fn pause(world: Arc<World>) {
    let Some((account, id)) = any(&world) else { return };
    let paused = world
        .ask(|gateway| async move { gateway.pause(&account, id).await.is_ok() })
        .await;
    world.count("a pause");
    world.note(&format!("hook  {id} paused {paused:?}"));
}

/// Mostly one that needs it.
pub async fn resume(world: Arc<World>) {
    let needing = needing(&world);
    let picked = world.dice.pick(&needing).cloned().or_else(|| any(&world));
    if let Some((account, id)) = picked {
        resume_one(&world, account, id).await;
    }
}

async fn resume_one(world: &World, account: AccountId, id: SubscriptionId) -> bool {
    let resumed = world
        .ask(|gateway| async move { gateway.resume(&account, id).await.is_ok() })
        .await;
    world.count("a resuming");
    world.note(&format!("hook  {id} resumed {resumed:?}"));
    resumed == Some(true)
}

fn needing(world: &World) -> Vec<(AccountId, SubscriptionId)> {
    let (books, model) = (world.books(), world.model());
    let needs = |id| model.fares.get(&id).is_some_and(Fare::wants_resuming);
    let needing = books.subscribed.iter().filter(|known| needs(known.id));
    needing.map(|known| (known.account.clone(), known.id)).collect()
}

/// All that need it, as their owners do when the faults are over.
pub async fn resume_all(world: &World) {
    for (account, id) in needing(world) {
        resume_one(world, account, id).await;
    }
}

pub async fn rotate(world: Arc<World>) {
    let Some((account, id)) = any(&world) else { return };
    let overlap_s = *world.dice.pick(&OVERLAPS_S).expect("four");
    let (wish, shared) = (new_key(&world.dice), world.clone());
    // Until it has heard of the new key, it may be surprised by it.
    told(&world, id, None);
    let rotated = world
        .ask(|gateway| async move {
            let known = gateway.rotate_key(&account, id, (wish, overlap_s)).await.ok()?;
            told(
                &shared,
                id,
                Some(known.subscription.signing_keys[0].secret.clone()),
            );
            Some(())
        })
        .await;
    world.count("a new key");
    world.note(&format!(
        "hook  {id} new key {rotated:?}, the old one for {overlap_s} s"
    ));
}

fn told(world: &World, id: SubscriptionId, key: Option<String>) {
    let mut books = world.books();
    if let Some(known) = books.subscribed.iter_mut().find(|known| known.id == id) {
        known.knows_all_keys = key.is_some();
        known.keys.extend(key);
    }
}

/// Changes what it wants, while deliveries to it are under way.
pub async fn edit(world: Arc<World>) {
    let Some((account, id)) = any(&world) else { return };
    let (dice, events) = (&world.dice, patterns(&world.dice));
    let (payload, fast) = (dice.one_in(2), dice.one_in(2));
    let edited = world
        .ask(|gateway| async move {
            let change = move |settings: &mut Settings| {
                settings.events.clone_from(&events);
                settings.payload = if payload { Payload::Full } else { Payload::Thin };
                settings.policy.concurrency_max = (!fast).then_some(1);
                Ok(())
            };
            gateway.set_subscription(&account, id, change).await.is_ok()
        })
        .await;
    world.count("a changed subscription");
    world.note(&format!("hook  {id} changed {edited:?}"));
}

/// Asks for something again that it was owed before.
pub async fn ask_again(world: Arc<World>) {
    let picked = {
        let (books, model) = (world.books(), world.model());
        let recent = &model.logged[model.logged.len().saturating_sub(30)..];
        let owed = recent
            .iter()
            .flat_map(|logged| logged.targets.iter().map(|to| (*to, logged.seq)));
        let left = |to| books.subscribed(to).is_some_and(|known| known.until_ms.is_none());
        let owed: Vec<_> = owed.filter(|(to, _)| left(*to)).collect();
        let picked = world.dice.pick(&owed).copied();
        picked.and_then(|(to, seq)| Some((books.subscribed(to)?.account.clone(), to, seq)))
    };
    let Some((account, id, seq)) = picked else { return };
    let delivery = DeliveryId::new(seq, id);
    let asked = world
        .ask(|gateway| async move { gateway.redeliver(&account, id, delivery).await.is_ok() })
        .await;
    world.count("a delivery asked for again");
    world.note(&format!("hook  {id} wants {} again: {asked:?}", seq.0));
}
