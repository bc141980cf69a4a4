//! The subscribers and the network between, as a `Sender`: each host has its weather, and every call is written down and checked
//! in the moment it is made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ringback::core::attempt::Timing;
use ringback::core::event;
use ringback::core::id::{EventId, SubscriptionId};
use ringback::core::signature::{self, Received, VerifyingKey};
use ringback::core::time::UnixMs;
use ringback::dispatch::sender::{Answer, Attempted, Call, Failure, Outcome, RetryAfter, Sender};

use super::books::{Came, Sent};
use super::plant::Plant;
use super::process::{ATTEMPT_TIMEOUT_MS, CONCURRENCY_MAX};
use super::standing;
use super::subscriber;
use super::world::World;
use crate::schema;

/// How a subscriber fares, until the script changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fine,
    /// Takes long to accept a call.
    Slow,
    /// 4xx, 5xx and redirects.
    Errors,
    /// 429 or 503 with a hint when to come again.
    Busy,
    /// 410.
    Gone,
    /// Takes the call and never answers.
    Hangs,
    /// The connection ends in the middle of the answer.
    Resets,
    /// Answers 200 when the gateway has given up waiting.
    Late,
    NoName,
    /// Nothing comes through.
    Cut,
    /// A bit of everything.
    Mixed,
}

impl Weather {
    pub const BAD: [Self; 9] = [
        Self::Slow,
        Self::Errors,
        Self::Busy,
        Self::Hangs,
        Self::Resets,
        Self::Late,
        Self::NoName,
        Self::Cut,
        Self::Mixed,
    ];
}

#[derive(Debug)]
struct Host {
    weather: Weather,
    since_ms: u64,
    in_flight: usize,
}

#[derive(Debug, Default)]
pub struct Network {
    hosts: Mutex<BTreeMap<SubscriptionId, Host>>,
    /// The latest time that the gateway itself was not well, in virtual time: a start, a slow disk, a stepped clock.
    ill_ms: Mutex<u64>,
}

impl Network {
    fn hosts(&self) -> MutexGuard<'_, BTreeMap<SubscriptionId, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, host: SubscriptionId, weather: Weather, now_ms: u64) {
        let mut hosts = self.hosts();
        let host = hosts.entry(host).or_insert(Host {
            weather,
            since_ms: now_ms,
            in_flight: 0,
        });
        (host.weather, host.since_ms) = (weather, now_ms);
    }

    /// Something about the gateway itself slows it down now.
    pub fn trouble(&self, now_ms: u64) {
        *self.ill_ms.lock().unwrap_or_else(PoisonError::into_inner) = now_ms;
    }

    pub fn clear_up(&self, now_ms: u64) {
        for host in self.hosts().values_mut() {
            (host.weather, host.since_ms) = (Weather::Fine, now_ms);
        }
    }

    fn weather(&self, host: SubscriptionId) -> Weather {
        self.hosts().get(&host).map_or(Weather::Fine, |host| host.weather)
    }

    /// For how long nothing was in the way of a call to this host.
    fn well_ms(&self, host: SubscriptionId, now_ms: u64) -> u64 {
        let ill_ms = *self.ill_ms.lock().unwrap_or_else(PoisonError::into_inner);
        match self.hosts().get(&host) {
            Some(host) if host.weather == Weather::Fine => now_ms - host.since_ms.max(ill_ms),
            _ => 0,
        }
    }

    /// One more call to this host, where so many are allowed; how many there are now.
    pub fn enter(&self, to: SubscriptionId, most: usize) -> Result<usize, String> {
        let mut hosts = self.hosts();
        let host = hosts.get_mut(&to).ok_or("a host without weather")?;
        host.in_flight += 1;
        let in_flight = host.in_flight;
        if in_flight > most {
            return Err(format!("{in_flight} calls at once to {to}"));
        }
        let all: usize = hosts.values().map(|host| host.in_flight).sum();
        if all > CONCURRENCY_MAX {
            return Err(format!("{all} calls at once"));
        }
        Ok(in_flight)
    }

    pub fn in_flight(&self) -> usize {
        self.hosts().values().map(|host| host.in_flight).sum()
    }
}

/// A call in flight; dropped before it ended, it was cut off.
struct Flight {
    world: Arc<World>,
    subscription: SubscriptionId,
    at: usize,
}

impl Flight {
    fn ended(&self, came: Came) {
        let mut books = self.world.books();
        books.sent[self.at].came = came;
        books.sent[self.at].ended_ms = Some(self.world.wall.elapsed_ms());
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(host) = self.world.network.hosts().get_mut(&self.subscription) {
            host.in_flight -= 1;
        }
        let mut books = self.world.books();
        let sent = &mut books.sent[self.at];
        if sent.came == Came::UnderWay {
            sent.came = Came::CutOff;
            self.world.count("a call cut off by a crash");
        }
    }
}

/// The gateway's end of the network.
pub struct Wire(pub Arc<World>);

impl Sender for Wire {
    async fn send(&self, call: Call) -> Attempted {
        let world = &self.0;
        let began_ms = world.wall.elapsed_ms();
        let host = call.target.origin().host.to_string();
        let flight = begin(world, &host, &call);
        let (came, outcome) = match &flight {
            Some(flight) => answered(world, world.network.weather(flight.subscription)).await,
            None => (Came::Failed, Outcome::Failed(Failure::Dns)),
        };
        let came = match (world.plant, came) {
            (Some(Plant::NeverEnds), Came::Failed) => std::future::pending().await,
            (_, came) => came,
        };
        world.note(&format!("call  {host} {came:?}"));
        if let Some(flight) = &flight {
            flight.ended(came);
        }
        let outcome = match (world.plant, came) {
            (Some(Plant::Flatters), Came::Refused(500)) => status(200, None),
            _ => outcome,
        };
        Attempted {
            outcome,
            timing: Timing {
                total_us: ((world.wall.elapsed_ms() - began_ms) * 1000) as u32,
                ..Timing::default()
            },
            remote: None,
            reused: false,
        }
    }
}

/// Writes a call down, and looks at what can only be seen now. `None` where nobody has such a host.
fn begin(world: &Arc<World>, host: &str, call: &Call) -> Option<Flight> {
    let mut books = world.books();
    if books.subscribed.iter().all(|known| known.host != host) {
        books.subscribed.extend(subscriber::unanswered(world, host));
    }
    let known = books.subscribed.iter().find(|known| known.host == host)?;
    let (subscription, told) = (known.id, known.knows_all_keys.then(|| known.keys.clone()));
    let heard = Heard::of(call, world.wall.clock.now().secs());
    let foreign = told.filter(|keys| !heard.is_signed_by(keys));
    let foreign = foreign.map(|_| {
        format!(
            "{host} heard {} with a signature that is not its own",
            heard.event
        )
    });
    let mut wrong: Vec<(u8, String)> = foreign.map(|what| (6, what)).into_iter().collect();
    let is_first = books.heard.insert((host.to_owned(), heard.kind()));
    let unlike = if is_first {
        schema::wrong_body(&call.body)
    } else {
        Vec::new()
    };
    wrong.extend(
        unlike
            .into_iter()
            .map(|what| (6, format!("{host} heard {}: {what}", heard.event))),
    );
    let (recorded, due_at) = recorded(world, subscription, heard.event, call).unwrap_or_else(|what| {
        wrong.push((6, what));
        (0, None)
    });
    let began_ms = world.wall.elapsed_ms();
    let at = books.sent.len();
    let sent = Sent {
        subscription,
        event: heard.event,
        began_ms,
        now: world.wall.clock.moment(),
        recorded,
        due_at,
        boot: world.boot_count(),
        well_ms: world.network.well_ms(subscription, began_ms),
        came: Came::UnderWay,
        ended_ms: None,
    };
    wrong.extend(standing::look(world, &sent, &heard).err());
    books.sent.push(sent);
    let place = (subscription, heard.event);
    books.by_delivery.entry(place).or_default().push(at);
    books.wrong.append(&mut wrong);
    let world = world.clone();
    Some(Flight {
        world,
        subscription,
        at,
    })
}

/// A call as its subscriber reads it.
pub struct Heard {
    pub event: EventId,
    received: [String; 3],
    body: Bytes,
    now_s: i64,
}

impl Heard {
    fn of(call: &Call, now_s: u64) -> Self {
        let header = |name: &str| {
            let value = call.headers.iter().find(|(known, _)| known == name);
            let text = value.and_then(|(_, value)| value.to_str().ok());
            text.unwrap_or_default().to_owned()
        };
        let received = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header);
        Self {
            event: received[0].parse().expect("a webhook's id is its event's"),
            received,
            body: call.body.clone(),
            now_s: i64::try_from(now_s).unwrap_or(i64::MAX),
        }
    }

    /// The event's type, empty where it has none.
    fn kind(&self) -> String {
        let event: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        event["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether one of these keys signed it, just now.
    pub fn is_signed_by(&self, keys: &[String]) -> bool {
        let keys: Vec<VerifyingKey> = keys.iter().filter_map(|key| key.parse().ok()).collect();
        let [id, timestamp, signature] = &self.received;
        let received = Received {
            id,
            timestamp,
            signature,
            body: &self.body,
        };
        signature::verify(&keys, &received, self.now_s).is_ok()
    }
}

/// How many attempts are on the disk, and from when on it is owed; the event itself must be there, with this very body.
fn recorded(
    world: &World,
    to: SubscriptionId,
    event: EventId,
    call: &Call,
) -> Result<(usize, Option<UnixMs>), String> {
    let model = world.model();
    let logged = model.event(event);
    let logged = logged.ok_or_else(|| format!("{event} was sent, and is not on the disk"))?;
    let (full, thin) = (&logged.event.body, event::thin(&logged.event.body));
    if full.as_bytes() != call.body && thin.as_bytes() != call.body {
        return Err(format!("{event} has another body than the one on the disk"));
    }
    let place = (to, logged.seq);
    let again = model.again.get(&place).copied().flatten();
    let due_at = model.due_at.get(&place).copied().into_iter().chain(again);
    Ok((model.attempts(to, logged.seq), due_at.min()))
}

fn status(status: u16, retry_after: Option<RetryAfter>) -> Outcome {
    Outcome::Answered(Answer {
        status,
        retry_after,
        location: None,
        control: None,
        headers: Vec::new(),
        body: Bytes::new(),
        truncated: false,
    })
}

/// Lets the call take its time; what came of it, as the subscriber and as the gateway see it.
async fn answered(world: &World, weather: Weather) -> (Came, Outcome) {
    let dice = &world.dice;
    let weather = match weather {
        Weather::Mixed => *dice
            .pick(&[Weather::BAD.as_slice(), &[Weather::Fine; 4]].concat())
            .expect("some"),
        weather => weather,
    };
    world.count(match weather {
        Weather::Fine | Weather::Mixed => "answered at once",
        Weather::Slow => "answered slowly",
        Weather::Errors => "3xx, 4xx or 5xx",
        Weather::Busy => "429 or 503 with Retry-After",
        Weather::Gone => "410",
        Weather::Hangs => "hung",
        Weather::Resets => "reset in the answer",
        Weather::Late => "200 after the timeout",
        Weather::NoName => "name not found",
        Weather::Cut => "partition",
    });
    let failed = |failure| (Came::Failed, Outcome::Failed(failure));
    let after = |ms| tokio::time::sleep(Duration::from_millis(ms));
    after(dice.between(1, 200)).await;
    if weather == Weather::Slow {
        after(dice.between(1000, ATTEMPT_TIMEOUT_MS - 500)).await;
    }
    match weather {
        Weather::Fine | Weather::Slow | Weather::Mixed => (
            Came::Accepted,
            status(*dice.pick(&[200, 202, 204]).expect("three"), None),
        ),
        Weather::Errors => {
            let refused = *dice.pick(&[500, 500, 502, 503, 404, 400, 301]).expect("some");
            (Came::Refused(refused), status(refused, None))
        }
        Weather::Busy => {
            let hint = if dice.one_in(2) {
                RetryAfter::Seconds(dice.between(0, 7200))
            } else {
                RetryAfter::At(world.wall.clock.now().secs() + dice.between(0, 7200))
            };
            let refused = *dice.pick(&[429, 503]).expect("two");
            (Came::Refused(refused), status(refused, Some(hint)))
        }
        Weather::Gone => (Came::Refused(410), status(410, None)),
        Weather::Hangs | Weather::Late => {
            after(ATTEMPT_TIMEOUT_MS - 200).await;
            failed(Failure::Timeout)
        }
        Weather::Resets => failed(Failure::Reset),
        Weather::NoName => failed(Failure::Dns),
        Weather::Cut => {
            after(5000).await;
            failed(Failure::ConnectTimeout)
        }
    }
}
