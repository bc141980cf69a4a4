//! Carriers: each message is brought until it is acknowledged or its patience is over; repeated, crossed with others, or brought by two
//! ways at once; and a carrier may hang up before it hears the answer.

use std::sync::Arc;
use std::time::Duration;

use ringback::carrier::simulate::{Draft, signed};
use ringback::gateway::Inbound;

use super::books::{CarrierId, Sms};
use super::plant::Plant;
use super::process::{SOURCES, signer, url_of};
use super::world::World;

/// How long carriers go on: the 72 hours for which repetitions are known, less the hour that a clock may be off.
const PATIENCE_MS: u64 = 71 * 3_600_000;
/// Waits between a carrier's attempts, in milliseconds; the last one again and again.
const WAITS_MS: [u64; 6] = [1000, 10_000, 60_000, 600_000, 3_600_000, 14_400_000];

/// A new message to this number is on its way.
pub fn dispatch(world: &Arc<World>, source: usize, to: String, text: String) {
    let mut books = world.books();
    let id = format!("sms-{}", books.messages.len());
    let draft = Draft {
        id: id.clone(),
        from: "Google".into(),
        to,
        text,
        sent_at: world.wall.true_now(),
    };
    let sms = Sms {
        draft,
        is_acknowledged: false,
        is_open: true,
    };
    let id = (SOURCES[source].0, id);
    books.messages.insert(id.clone(), sms);
    drop(books);
    let ways = if world.dice.one_in(6) { 2 } else { 1 };
    for _ in 0..ways {
        tokio::spawn(bring(world.clone(), source, id.clone()));
    }
}

/// Brings it until it is acknowledged, and perhaps once more.
async fn bring(world: Arc<World>, source: usize, id: CarrierId) {
    let dice = &world.dice;
    let began_ms = world.wall.elapsed_ms();
    wait(dice.below(if dice.one_in(10) { 600_000 } else { 300 })).await;
    for n in 0.. {
        if post(&world, source, &id).await {
            break;
        }
        let wait_ms = WAITS_MS[WAITS_MS.len().min(n + 1) - 1];
        if world.wall.elapsed_ms() + wait_ms > began_ms + PATIENCE_MS {
            break;
        }
        wait(wait_ms + dice.below(wait_ms)).await;
    }
    if let Some(sms) = world.books().messages.get_mut(&id) {
        sms.is_open = false;
    }
    if dice.one_in(3) {
        let left_ms = (began_ms + PATIENCE_MS).saturating_sub(world.wall.elapsed_ms());
        let longest_ms = *dice.pick(&[2000, 600_000, PATIENCE_MS]).expect("three");
        wait(dice.below(longest_ms.min(left_ms))).await;
        post(&world, source, &id).await;
    }
}

/// One request; true if it was acknowledged.
async fn post(world: &Arc<World>, source: usize, id: &CarrierId) -> bool {
    let Some(draft) = world.books().messages.get(id).map(|sms| sms.draft.clone()) else {
        return false;
    };
    let request = signed(&signer(source), &draft, &url_of(source), world.wall.true_now());
    let mut headers = http::HeaderMap::new();
    for (name, value) in &request.headers {
        let name: http::HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.parse().expect("a header's value"));
    }
    let inbound = Inbound {
        source: SOURCES[source].0.into(),
        path_token: None,
        method: http::Method::POST,
        query: None,
        headers,
        body: request.body.into(),
    };
    if world.plant == Some(Plant::LogsTexts) {
        tracing::debug!(text = draft.text, "a message");
    }
    let asking = world.ask(|gateway| async move { gateway.receive(inbound).await.is_ok() });
    let hangs_up = world.dice.one_in(15);
    let patience = Duration::from_millis(if hangs_up { world.dice.below(20) } else { 30_000 });
    let is_taken = tokio::time::timeout(patience, asking).await == Ok(Some(true));
    world.note(&format!("sms   {} {is_taken}", id.1));
    if is_taken {
        let mut books = world.books();
        books.unchecked.push(id.clone());
        if let Some(sms) = books.messages.get_mut(id) {
            sms.is_acknowledged = true;
        }
    }
    is_taken
}

async fn wait(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
