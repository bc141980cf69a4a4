//! Carriers: each message, alone, in parts or with others, is brought until it is acknowledged or its patience is over; repeated, crossed with others, or brought by two
//! ways at once; and a carrier may hang up before it hears the answer.

use std::sync::Arc;
use std::time::Duration;

use ringback::carrier::simulate::{Draft, ReceiptDraft, SignedRequest, signed, signed_receipt};
use ringback::core::id::AccountId;
use ringback::core::outbound::{Accepted, State};
use ringback::core::phone::Address;
use ringback::gateway::Inbound;
use serde_json::{Value, json};

use super::books::{CarrierId, Sms};
use super::plant::Plant;
use super::process::{BULK, PHONE, SMPP, SOURCES, signer, url_of};
use super::world::World;

/// How long carriers go on: the 72 hours for which repetitions are known, less the hour that a clock may be off.
const PATIENCE_MS: u64 = 71 * 3_600_000;
/// Waits between a carrier's attempts, in milliseconds; the last one again and again.
const WAITS_MS: [u64; 6] = [1000, 10_000, 60_000, 600_000, 3_600_000, 14_400_000];

/// A new message to this number is on its way.
pub fn dispatch(world: &Arc<World>, source: usize, to: String, text: String) {
    let id = write_down(world, source, (to, text), None);
    let ways = if world.dice.one_in(6) { 2 } else { 1 };
    for _ in 0..ways {
        tokio::spawn(bring(world.clone(), source, vec![id.clone()]));
    }
}

/// Several in one request.
pub fn dispatch_together(world: &Arc<World>, all: Vec<(String, String)>) {
    world.count("a request with several messages");
    let ids = all.into_iter().map(|sms| write_down(world, BULK, sms, None));
    tokio::spawn(bring(world.clone(), BULK, ids.collect()));
}

/// One in parts, each by itself and in no order; some never come.
pub fn dispatch_parts(world: &Arc<World>, to: &str, text: &str) {
    world.count("a message in parts");
    let (reference, half) = (world.dice.below(256), text.len() / 2);
    for (n, part) in [&text[..half], &text[half..]].into_iter().enumerate() {
        if n == 1 && world.dice.one_in(5) {
            continue;
        }
        let udh = format!("%05%00%03%{reference:02X}%02%0{}", n + 1);
        let id = write_down(world, SMPP, (to.to_owned(), part.to_owned()), Some(udh));
        tokio::spawn(bring(world.clone(), SMPP, vec![id]));
    }
}

fn write_down(world: &World, source: usize, (to, text): (String, String), udh: Option<String>) -> CarrierId {
    let mut books = world.books();
    let id = format!("sms-{}", books.messages.len());
    let draft = Draft {
        id: id.clone(),
        // Where several have a number, the text alone tells.
        from: if world.shares() { "+12025550199" } else { "Google" }.into(),
        to,
        text,
        sent_at: world.wall.true_now(),
    };
    let sms = Sms {
        draft,
        udh,
        is_acknowledged: false,
        is_open: true,
    };
    let id = (SOURCES[source].0, id);
    books.messages.insert(id.clone(), sms);
    id
}

/// Brings them until they are acknowledged, and perhaps once more.
async fn bring(world: Arc<World>, source: usize, ids: Vec<CarrierId>) {
    let dice = &world.dice;
    let began_ms = world.wall.elapsed_ms();
    wait(dice.below(if dice.one_in(10) { 600_000 } else { 300 })).await;
    for n in 0.. {
        if post(&world, source, &ids).await {
            break;
        }
        let wait_ms = WAITS_MS[WAITS_MS.len().min(n + 1) - 1];
        if world.wall.elapsed_ms() + wait_ms > began_ms + PATIENCE_MS {
            break;
        }
        wait(wait_ms + dice.below(wait_ms)).await;
    }
    for id in &ids {
        if let Some(sms) = world.books().messages.get_mut(id) {
            sms.is_open = false;
        }
    }
    if dice.one_in(3) {
        let left_ms = (began_ms + PATIENCE_MS).saturating_sub(world.wall.elapsed_ms());
        let longest_ms = *dice.pick(&[2000, 600_000, PATIENCE_MS]).expect("three");
        wait(dice.below(longest_ms.min(left_ms))).await;
        post(&world, source, &ids).await;
    }
}

/// The request that brings these; where there are several, the signature covers no body.
fn request(world: &World, source: usize, ids: &[CarrierId]) -> SignedRequest {
    let (books, now) = (world.books(), world.wall.true_now());
    let known = ids.iter().map(|id| &books.messages[id]);
    let mut requests = known.map(|sms| {
        let mut request = signed(&signer(source), &sms.draft, &url_of(source), now);
        let udh = sms.udh.iter().map(|udh| format!("&udh={udh}"));
        request.url.extend(udh);
        request
    });
    let mut first = requests.next().expect("a request brings something");
    let results = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        body["results"].as_array().cloned().unwrap_or_default()
    };
    if ids.len() > 1 {
        let mut all = results(&first.body);
        all.extend(requests.flat_map(|request| results(&request.body)));
        first.body = json!({ "results": all }).to_string().into_bytes();
    }
    first
}

/// One request; true if it was acknowledged.
async fn post(world: &Arc<World>, source: usize, ids: &[CarrierId]) -> bool {
    let is_taken = hand_over(world, source, request(world, source, ids)).await;
    let named: Vec<&str> = ids.iter().map(|id| id.1.as_str()).collect();
    world.note(&format!("sms   {named:?} {is_taken}"));
    if is_taken {
        let mut books = world.books();
        for id in ids {
            books.unchecked.push(id.clone());
            if let Some(sms) = books.messages.get_mut(id) {
                sms.is_acknowledged = true;
            }
        }
    }
    is_taken
}

/// Sends a request, and waits for the answer unless it hangs up; true if it was acknowledged.
async fn hand_over(world: &Arc<World>, source: usize, request: SignedRequest) -> bool {
    let mut headers = http::HeaderMap::new();
    for (name, value) in &request.headers {
        let name: http::HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.parse().expect("a header's value"));
    }
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let token = path
        .strip_prefix(&url_of(source))
        .and_then(|rest| rest.strip_prefix('/'));
    let inbound = Inbound {
        source: SOURCES[source].0.into(),
        path_token: token.map(str::to_owned),
        method: request.method.parse().expect("a method"),
        query: (!query.is_empty()).then(|| query.to_owned()),
        headers,
        body: request.body.into(),
    };
    if world.plant == Some(Plant::LogsTexts) {
        tracing::debug!(body = %String::from_utf8_lossy(&inbound.body), "a request");
    }
    let asking = world.ask(|gateway| async move { gateway.receive(inbound).await.is_ok() });
    let hangs_up = world.dice.one_in(15);
    let patience = Duration::from_millis(if hangs_up { world.dice.below(20) } else { 30_000 });
    tokio::time::timeout(patience, asking).await == Ok(Some(true))
}

/// A message goes out, its carrier takes it, and reports on it: perhaps before that is known here, again, or the other way round.
pub async fn send_and_report(world: Arc<World>, account: AccountId) {
    let dice = &world.dice;
    let id = format!("out-{}", dice.next());
    world.books().outbound.insert(id.clone(), None);
    let accepted = Accepted {
        source: SOURCES[PHONE].0.into(),
        carrier_message_id: id.clone(),
        account,
        to: Address::new("+12125550123"),
        code: None,
    };
    for delivered in [true, false] {
        if dice.one_in(3) {
            tokio::spawn(report(world.clone(), id.clone(), delivered));
        }
    }
    wait(dice.below(2000)).await;
    for _ in 0..20 {
        let accepted = accepted.clone();
        let asking = world.ask(|gateway| async move { gateway.accepted(&accepted).await.is_ok() });
        if asking.await == Some(true) {
            break;
        }
        wait(60_000).await;
    }
    world.count("a message sent");
}

async fn report(world: Arc<World>, id: String, delivered: bool) {
    wait(world.dice.below(4000)).await;
    for n in 0..WAITS_MS.len() * 3 {
        let draft = ReceiptDraft {
            id: id.clone(),
            from: "+12025550100".into(),
            to: "+12125550123".into(),
            delivered,
            at: world.wall.true_now(),
        };
        let now = world.wall.true_now();
        let request = signed_receipt(&signer(PHONE), &draft, &url_of(PHONE), now);
        if hand_over(&world, PHONE, request.expect("it has receipts")).await {
            world.count("a receipt");
            let state = if delivered {
                State::Delivered
            } else {
                State::Failed
            };
            let mut books = world.books();
            let known = books.outbound.entry(id).or_default();
            *known = (*known).max(Some(state));
            return;
        }
        wait(WAITS_MS[WAITS_MS.len().min(n + 1) - 1]).await;
    }
}

async fn wait(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
