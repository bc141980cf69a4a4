//! What happens in a world: actions drawn by weight, pauses of all lengths, faults; then the faults stop, and everything must drain.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ringback::core::id::{AccountId, RentalId};
use ringback::core::key::Key;
use ringback::core::money::Price;
use ringback::core::number::{Number, Sharing};
use ringback::core::phone::PhoneNumber;

use super::carrier;
use super::codes;
use super::customer::{self, ACCOUNTS};
use super::invariants::{self, Violation};
use super::network::Weather;
use super::replays;
use super::subscriber;
use super::wall::START;
use super::world::World;

const STEPS: usize = 160;
const HOUR_MS: u64 = 3_600_000;
/// After the faults stop: longer than the retry schedule and than any carrier's patience.
const CALM_MS: u64 = 84 * HOUR_MS;

#[derive(Debug, Clone, Copy)]
pub enum Action {
    Sms,
    Outbound,
    Rent,
    Cancel,
    Look,
    Poll,
    Subscribe,
    Unsubscribe,
    Pause,
    Resume,
    Rotate,
    Edit,
    AskAgain,
    Replay,
    Weather,
    Start,
    Guess,
    Guesses,
    TakeBack,
    Clock,
    Crash,
    Stop,
    BreakDown,
    Refuse,
    Share,
}

const ACTIONS: [(u64, Action); 20] = [
    (40, Action::Sms),
    (4, Action::Outbound),
    (16, Action::Rent),
    (4, Action::Cancel),
    (10, Action::Look),
    (16, Action::Poll),
    (2, Action::Subscribe),
    (1, Action::Unsubscribe),
    (3, Action::Pause),
    (4, Action::Resume),
    (2, Action::Rotate),
    (2, Action::Edit),
    (4, Action::AskAgain),
    (2, Action::Replay),
    (8, Action::Weather),
    (2, Action::Clock),
    (4, Action::Crash),
    (1, Action::Stop),
    (1, Action::BreakDown),
    (1, Action::Refuse),
];

/// Besides, where numbers are shared.
const SHARING: [(u64, Action); 2] = [(20, Action::Rent), (3, Action::Share)];

pub fn numbers() -> Vec<PhoneNumber> {
    let number = |n: usize| format!("+1{}555010{n}", if n < 5 { 202 } else { 212 });
    (0..8)
        .map(|n| PhoneNumber::parse(&number(n)).expect("a number"))
        .collect()
}

/// Those of this world: few where they are shared, or nobody would have to.
pub fn numbers_of(world: &World) -> Vec<PhoneNumber> {
    let every = if world.shares() { 4 } else { 1 };
    numbers().into_iter().skip(every / 2).step_by(every).collect()
}

/// The service that a text of this world names.
pub fn service_of(text: &str) -> Option<&'static str> {
    match (text.contains("Google"), text.contains("Telegram")) {
        (true, false) => Some("google"),
        (false, true) => Some("telegram"),
        _ => None,
    }
}

/// Plays one world to its end.
pub async fn play(world: &Arc<World>) -> Result<(), Violation> {
    open(world).await;
    for _ in 0..3 {
        subscriber::subscribe(world.clone()).await;
    }
    let shares: &[_] = if world.shares() { &SHARING } else { &[] };
    go_through(world, (&[&ACTIONS, shares].concat(), CALM_MS)).await
}

/// Acts of these weights, then calm for so long; each is followed by a look.
pub async fn go_through(
    world: &Arc<World>,
    (actions, calm_ms): (&[(u64, Action)], u64),
) -> Result<(), Violation> {
    for _ in 0..STEPS {
        let action = world.dice.weighted(actions);
        act(world, action).await;
        invariants::check(world).await?;
        pause(world).await;
        invariants::check(world).await?;
    }
    calm(world, calm_ms).await?;
    invariants::check_end(world)
}

/// Starts a gateway with accounts and numbers.
pub async fn open(world: &Arc<World>) {
    world.boot();
    let sharing = match world.shares() {
        true => Sharing::Next,
        false => Sharing::Off,
    };
    let new = |number| Number {
        sharing,
        ..Number::new(number, "US".into(), Price(0))
    };
    let all: Vec<Number> = numbers_of(world).into_iter().map(new).collect();
    let added = world
        .ask(|gateway| async move {
            for name in ACCOUNTS {
                let account = customer::account(name);
                let key = Key::new(&customer::plain_key(&account), account, START);
                gateway.add_key(key).await?;
            }
            gateway.add_numbers(all).await
        })
        .await;
    assert!(
        matches!(added, Some(Ok(()))),
        "a new gateway takes numbers and keys"
    );
}

async fn pause(world: &World) {
    let longest_ms = world.dice.weighted(&[
        (60, 50),
        (25, 3000),
        (10, 120_000),
        (4, HOUR_MS / 2),
        (1, 12 * HOUR_MS),
    ]);
    tokio::time::sleep(Duration::from_millis(world.dice.below(longest_ms))).await;
}

async fn act(world: &Arc<World>, action: Action) {
    if !world.is_up() && world.dice.one_in(3) {
        world.boot();
    }
    match action {
        Action::Sms => {
            let burst = if world.dice.one_in(10) { 12 } else { 1 };
            (0..burst).for_each(|_| send(world));
        }
        Action::Outbound => {
            let account = customer::account(world.dice.pick(&ACCOUNTS).expect("two"));
            tokio::spawn(carrier::send_and_report(world.clone(), account));
        }
        Action::Rent => {
            (0..world.dice.between(1, 3)).for_each(|_| drop(tokio::spawn(customer::rent(world.clone()))));
        }
        Action::Cancel => with_rental(world, customer::cancel),
        Action::Look => with_rental(world, customer::look),
        Action::Poll => with_rental(world, customer::poll),
        Action::Subscribe => drop(tokio::spawn(subscriber::subscribe(world.clone()))),
        Action::Unsubscribe => drop(tokio::spawn(subscriber::unsubscribe(world.clone()))),
        Action::Pause => drop(tokio::spawn(subscriber::pause(world.clone()))),
        Action::Resume => drop(tokio::spawn(subscriber::resume(world.clone()))),
        Action::Rotate => drop(tokio::spawn(subscriber::rotate(world.clone()))),
        Action::Edit => drop(tokio::spawn(subscriber::edit(world.clone()))),
        Action::AskAgain => drop(tokio::spawn(subscriber::ask_again(world.clone()))),
        Action::Replay => drop(tokio::spawn(replays::replay(world.clone()))),
        Action::Share => drop(tokio::spawn(customer::share(world.clone()))),
        Action::Weather => weather(world),
        Action::Start => drop(tokio::spawn(codes::start(world.clone()))),
        Action::Guess => codes::guess(world, 1),
        Action::Guesses => codes::guess(world, 8),
        Action::TakeBack => codes::take_back(world),
        Action::Clock => clock(world),
        Action::Crash => crash(world).await,
        Action::Stop => {
            world.count("a stop");
            world.stop().await;
        }
        Action::BreakDown => {
            if let Some(disk) = world.disk() {
                world.note("disk  a sync fails");
                world.count("a failed sync");
                disk.break_down();
                // Its operator sees that it is not ready, and restarts it.
                tokio::time::sleep(Duration::from_millis(world.dice.below(5000))).await;
                world.crash("to restart it");
            }
        }
        Action::Refuse => {
            if let Some(disk) = world.disk() {
                let now = !disk.refuses.fetch_xor(true, Ordering::Relaxed);
                world.count("a full disk");
                world.note(&format!("disk  refuses: {now}"));
            }
        }
    }
    trouble(world);
}

/// While the gateway itself is not well, nothing is said about its speed.
fn trouble(world: &World) {
    let refuses = world
        .disk()
        .is_none_or(|disk| disk.refuses.load(Ordering::Relaxed));
    if refuses {
        world.network.trouble(world.wall.elapsed_ms());
    }
}

/// A number that is rented now, was, or never was, and a text for it.
fn sms(world: &World) -> Option<(String, String)> {
    let dice = &world.dice;
    let rented: Vec<PhoneNumber> = {
        let model = world.model();
        let open = model.rentals.values().filter(|(rental, _)| !rental.closed);
        open.map(|(rental, _)| rental.number.clone()).collect()
    };
    let to = match dice.below(10) {
        0 => "+12125550199".to_owned(),
        1 => "12345".to_owned(),
        2 | 3 => dice.pick(&numbers_of(world)).expect("some").as_str().to_owned(),
        _ => dice.pick(&rented)?.as_str().to_owned(),
    };
    let code = dice.between(100_000, 999_999);
    let text = match dice.below(4) {
        0 => format!("Your parcel {code} of Tuesday is on its way, see you soon"),
        1 => format!("Your Telegram code: {code}"),
        _ => format!("G-{code} is your Google verification code."),
    };
    Some((to, text))
}

fn send(world: &Arc<World>) {
    let Some((to, text)) = sms(world) else { return };
    match world.dice.below(12) {
        0 => carrier::dispatch_parts(world, &to, &text),
        1 => {
            let others = (0..world.dice.between(1, 3)).filter_map(|_| sms(world));
            let all = std::iter::once((to, text)).chain(others).collect();
            carrier::dispatch_together(world, all);
        }
        _ => carrier::dispatch(world, world.dice.below(4) as usize, to, text),
    }
}

fn with_rental<F>(world: &Arc<World>, act: impl Fn(Arc<World>, AccountId, RentalId) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let books = world.books();
    let newest = &books.rentals[books.rentals.len().saturating_sub(12)..];
    let picked = world.dice.pick(newest).cloned();
    drop(books);
    if let Some((account, id)) = picked {
        tokio::spawn(act(world.clone(), account, id));
    }
}

fn weather(world: &World) {
    let hosts: Vec<_> = world.books().subscribed.iter().map(|known| known.id).collect();
    let Some(host) = world.dice.pick(&hosts) else {
        return;
    };
    let weather = match world.dice.below(12) {
        0 => Weather::Gone,
        1..=5 => Weather::Fine,
        _ => *world.dice.pick(&Weather::BAD).expect("some"),
    };
    world.note(&format!("net   {host} {weather:?}"));
    world.network.set(*host, weather, world.wall.elapsed_ms());
}

fn clock(world: &World) {
    let dice = &world.dice;
    match dice.below(5) {
        0 => {
            world.note("clock stands");
            world.count("a clock that stands");
            world.wall.stall();
        }
        1 | 2 => {
            world.note("clock is right");
            world.wall.step_to(0);
        }
        _ => {
            let furthest = *dice.pick(&[500, 30_000, HOUR_MS]).expect("three");
            let by = dice.below(furthest) as i64;
            let (by, what) = if dice.one_in(2) {
                (-by, "a clock set back by an hour or less")
            } else {
                (by, "a clock set ahead by an hour or less")
            };
            world.count(what);
            world.note(&format!("clock is {by} ms off"));
            world.wall.step_to(by);
        }
    }
}

/// The power goes: now, or in a moment that the disk chooses.
async fn crash(world: &Arc<World>) {
    let Some(disk) = world.disk() else {
        return;
    };
    match world.dice.below(3) {
        0 => world.crash("at any time"),
        1 => {
            // Handed in, and not synced.
            let handed_in = disk.handed_in.notified();
            let _ = tokio::time::timeout(Duration::from_secs(60), handed_in).await;
            world.crash("before a sync");
        }
        _ => {
            tokio::time::sleep(Duration::from_millis(world.dice.below(30))).await;
            disk.sync(false);
            world.crash("after a sync, before its answers");
        }
    }
}

/// The faults stop. What is owed is delivered, and what is open ends, within the bound.
async fn calm(world: &Arc<World>, calm_ms: u64) -> Result<(), Violation> {
    world.note("calm");
    world.network.clear_up(world.wall.elapsed_ms());
    world.wall.step_to(0);
    match world.disk() {
        Some(disk) => disk.refuses.store(false, Ordering::Relaxed),
        None => world.boot(),
    }
    trouble(world);
    let end_ms = world.wall.elapsed_ms() + calm_ms;
    while world.wall.elapsed_ms() < end_ms {
        // Who has paused or was gone says that it is back.
        subscriber::resume_all(world).await;
        tokio::time::sleep(Duration::from_millis(HOUR_MS)).await;
        invariants::check(world).await?;
    }
    Ok(())
}
