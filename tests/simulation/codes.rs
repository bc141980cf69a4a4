//! Worlds in which codes are sent: people ask for them, give them back right and wrong, one at a time and many at once, while providers,
//! the disk, the clock and the power fail.

use std::sync::Arc;
use std::time::Duration;

use ringback::core::abuse::gate::{DAY_MS, HOUR_MS, Limit, MINUTE_MS};
use ringback::core::abuse::spend::Caps;
use ringback::core::abuse::{self, Who};
use ringback::core::id::{AccountId, VerificationId};
use ringback::core::key::Key;
use ringback::core::money::Price;
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::{Channel, Class, Order, Refusal, Sent, Taken};
use ringback::core::verification::address::To;
use ringback::core::verification::fallback::{Step, Words};
use ringback::core::verification::{Own, code};
use ringback::gateway::{Gateway, Guess, Provider, Providers, VerifyError, VerifyRules, VerifyWish};
use tokio::task::JoinSet;

use super::books::Code;
use super::customer::{self, ACCOUNTS};
use super::invariants::Violation;
use super::script::{self, Action};
use super::wall::START;
use super::world::World;
use crate::verify_rules::{abuse_rules, verify_rules};

const ACTIONS: [(u64, Action); 9] = [
    (40, Action::Start),
    (40, Action::Guess),
    (8, Action::Guesses),
    (3, Action::TakeBack),
    (2, Action::Clock),
    (4, Action::Crash),
    (1, Action::Stop),
    (1, Action::BreakDown),
    (1, Action::Refuse),
];
/// After the faults stop: longer than any code lives.
const CALM_MS: u64 = 3 * HOUR_MS;

pub const TTL_MS: u64 = 600_000;
pub const ATTEMPTS_MAX: u8 = 5;
/// To one person, by contract 002.
pub const PERSON: [Limit; 3] = [
    Limit::new(3, 10 * MINUTE_MS),
    Limit::new(5, HOUR_MS),
    Limit::new(10, DAY_MS),
];
/// Twelve codes.
pub const HOUR_CAP: Price = Price(6_000);

/// Plays one world to its end.
pub async fn play(world: &Arc<World>) -> Result<(), Violation> {
    world.send_codes();
    script::open(world).await;
    script::go_through(world, (&ACTIONS, CALM_MS)).await
}

/// What runs beside the requests.
pub fn tend(gateway: &Arc<Gateway>, tasks: &mut JoinSet<()>) {
    let gateway = gateway.clone();
    tasks.spawn(async move { gateway.go_on_for_ever(Duration::from_secs(5)).await });
}

/// One provider of each channel.
pub fn providers(world: &Arc<World>) -> Providers {
    let channels = [Channel::Sms, Channel::Voice];
    Providers {
        all: channels.map(|channel| provider(channel, world.clone())).into(),
        ..Providers::default()
    }
}

fn provider(channel: Channel, world: Arc<World>) -> Provider {
    let carry = move |order: Order| {
        let answer: ringback::gateway::Carrying = Box::pin(carried(world.clone(), order));
        answer
    };
    Provider::new(channel.as_str(), "simulated", channel, Box::new(carry))
}

/// Takes a code, or not, or leaves open which, sooner or later.
async fn carried(world: Arc<World>, order: Order) -> Sent {
    had(&world, &order);
    let slow = world.dice.one_in(8);
    tokio::time::sleep(Duration::from_millis(world.dice.below(if slow {
        20_000
    } else {
        300
    })))
    .await;
    match world.dice.below(10) {
        0 => {
            world.count("a code that no provider took");
            Sent::Refused(Refusal::new(Class::Unreachable, "not now"))
        }
        1 => {
            world.count("a code of which nobody knows");
            Sent::Unknown("no answer".into())
        }
        _ => {
            world.count("a code sent");
            Sent::Accepted(Taken {
                carrier_message_id: order.key,
                ..Taken::default()
            })
        }
    }
}

/// A provider has a code in its hands: it is paid for by then, on the disk, and it is the one that it was.
fn had(world: &World, order: &Order) {
    let told = order.code.clone().unwrap_or_default();
    let (id, nth) = order.key.rsplit_once('-').expect("an id and a number");
    let id: VerificationId = id.parse().expect("an id");
    let nth: u8 = nth.parse().expect("a number");
    world.note(&format!("code  {id} goes out, {nth}"));
    let charged = {
        let model = world.model();
        let mut charged = model.tally.charged.iter();
        charged
            .find(|charged| charged.id == id && charged.nth == nth)
            .map(|charged| charged.account.clone())
    };
    let Some(account) = charged else {
        return world.wrong(9, format!("{id} went out and was never charged"));
    };
    let known = {
        let mut books = world.books();
        let at = books.codes.iter().position(|code| code.id == id);
        if at.is_none() {
            books.codes.push(Code {
                account,
                id,
                code: told.clone(),
                had_ms: world.wall.elapsed_ms(),
                boot: world.boot_count(),
                judged: 0,
                approved: 0,
                is_taken_back: false,
            });
        }
        at.map(|at| books.codes[at].code.clone())
    };
    if let Some(known) = known {
        world.count("a code sent once more");
        if known != told {
            world.wrong(9, format!("{id} went out as another code than before"));
        }
    }
}

/// Somebody asks for a code.
pub async fn start(world: Arc<World>) {
    let number = format!("+1202555{:04}", 100 + world.dice.below(4));
    let wish = VerifyWish {
        key: key(&world),
        profile: None,
        to: To::Number(PhoneNumber::parse(&number).expect("a number")),
        channel: Channel::Sms,
        digits: 6,
        words: Words {
            language: "en".into(),
            ..Words::default()
        },
        who: Who::default(),
        own: Own::default(),
        ttl_ms: None,
        once: None,
    };
    let started = world
        .ask(|gateway| async move { gateway.start_verification(wish).await })
        .await;
    match started {
        Some(Ok(started)) => world.note(&format!("code  {} started", started.id)),
        Some(Err(VerifyError::Limited(_))) => world.count("a code that was too many"),
        Some(Err(error)) => world.note(&format!("code  {error}")),
        None => world.note("code  no answer"),
    }
}

fn key(world: &World) -> Arc<Key> {
    let account = customer::account(world.dice.pick(&ACCOUNTS).expect("two"));
    Arc::new(Key::new(&customer::plain_key(&account), account, START))
}

/// One of the newest codes: whose it is, its id, and what its person read.
fn picked(world: &World) -> Option<(AccountId, VerificationId, String)> {
    let books = world.books();
    let newest = &books.codes[books.codes.len().saturating_sub(6)..];
    let picked = world.dice.pick(newest);
    picked.map(|code| (code.account.clone(), code.id, code.code.clone()))
}

/// Its owner takes one of the newest codes back.
pub fn take_back(world: &Arc<World>) {
    let Some((account, id, _)) = picked(world) else {
        return;
    };
    let key = Key::new(&customer::plain_key(&account), account, START);
    let world = world.clone();
    tokio::spawn(async move {
        let answer = world
            .ask(|gateway| async move { gateway.cancel_verification(&key, id).await })
            .await;
        match answer {
            Some(Ok(_)) => world.count("a code taken back"),
            Some(Err(error)) => return world.note(&format!("back  {error}")),
            None => return world.note("back  no answer"),
        }
        world.note(&format!("back  {id}"));
        let is_approved = {
            let mut books = world.books();
            let code = books.codes.iter_mut().find(|code| code.id == id);
            let code = code.expect("it was picked");
            code.is_taken_back = true;
            code.approved > 0
        };
        if is_approved {
            world.wrong(9, format!("{id} was approved, and then taken back"));
        }
    });
}

/// So many guesses at once at one of the newest codes; one in three is right.
pub fn guess(world: &Arc<World>, times: usize) {
    let Some((account, id, right)) = picked(world) else {
        return;
    };
    let key = Arc::new(Key::new(&customer::plain_key(&account), account, START));
    for _ in 0..times {
        let is_right = world.dice.one_in(3);
        let text = if is_right { right.clone() } else { another(&right) };
        let guess = Guess {
            key: key.clone(),
            id,
            code: code::Code::parse(&text).expect("digits"),
            ip: None,
        };
        tokio::spawn(guessed(world.clone(), guess, is_right));
    }
}

/// Not this one.
fn another(code: &str) -> String {
    let turned = code.chars().map(|digit| if digit == '9' { '0' } else { '9' });
    turned.collect()
}

/// What is said to a guess, which is held against what the person knows.
async fn guessed(world: Arc<World>, guess: Guess, is_right: bool) {
    let (id, began_ms) = (guess.id, world.wall.elapsed_ms());
    let answer = world
        .ask(|gateway| async move { gateway.check_verification(guess).await })
        .await;
    let is_approved = match answer {
        Some(Ok(_)) => true,
        Some(Err(VerifyError::Wrong(_))) => false,
        Some(Err(VerifyError::NoAttempts)) => return world.count("a guess too many"),
        Some(Err(VerifyError::NotFound)) => return world.count("a guess at what is over"),
        Some(Err(error)) => return world.note(&format!("guess {error}")),
        None => return world.note("guess no answer"),
    };
    world.note(&format!("guess {id} {is_approved}"));
    world.count(if is_approved {
        "a code approved"
    } else {
        "a wrong guess"
    });
    if is_approved != is_right {
        return world.wrong(
            9,
            format!("{id}: a guess was right: {is_right}, and was told to be: {is_approved}"),
        );
    }
    let said = {
        let mut books = world.books();
        let code = books.codes.iter_mut().find(|code| code.id == id);
        let code = code.expect("it was guessed at");
        code.judged += 1;
        code.approved += usize::from(is_approved);
        // Nobody can tell the age of a code over a restart with a clock that is off.
        let is_clear = world.boot_count() == code.boot || world.wall.changes() == 0;
        let is_late = is_approved && is_clear && began_ms > code.had_ms + TTL_MS;
        [
            (code.approved > 1, "was approved twice"),
            (
                code.judged > usize::from(ATTEMPTS_MAX),
                "was guessed at too often",
            ),
            (is_late, "was approved after its end"),
            (
                is_approved && code.is_taken_back,
                "was approved after it was taken back",
            ),
        ]
    };
    for (_, what) in said.into_iter().filter(|(is_so, _)| *is_so) {
        world.wrong(9, format!("{id} {what}"));
    }
}

/// Within the limits and the cap that are looked at. Nothing of it runs on a thread of its own, which no seed would repeat.
pub fn rules() -> VerifyRules {
    let step = |channel, wait_s| Step {
        channel,
        provider: None,
        wait_s,
    };
    VerifyRules {
        abuse: abuse::Rules {
            person: PERSON,
            caps: Caps([Some(HOUR_CAP), None, None]),
            ..abuse_rules()
        },
        ttl_ms: TTL_MS,
        attempts_max: ATTEMPTS_MAX,
        fallback: vec![step(Channel::Sms, Some(60)), step(Channel::Voice, None)],
        ..verify_rules()
    }
}
