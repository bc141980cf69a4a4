//! Customers: they rent, look, wait for codes, hang up and cancel; and what they are shown must agree with what they were shown before.

use std::sync::Arc;
use std::time::Duration;

use ringback::core::id::{AccountId, RentalId};
use ringback::core::key::Key;
use ringback::core::rental::{Rental, Status};
use ringback::gateway::{Code, Error, Gateway, Wish};
use ringback::store::Store;

use super::books::{Ended, Poll};
use super::process::{POLL_MAX_MS, SERVICES};
use super::script;
use super::wall::START;
use super::world::World;

pub const ACCOUNTS: [&str; 2] = ["acme", "globex"];

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).expect("a short word")
}

/// The key of an account, as its holder writes it.
pub fn plain_key(account: &AccountId) -> String {
    format!("simulated-key-of-{}", account.as_str())
}

/// Rents a number, and looks what became of it if no answer came.
pub async fn rent(world: Arc<World>) {
    let account = account(world.dice.pick(&ACCOUNTS).expect("two"));
    let wish = Wish {
        service: world.dice.pick(&SERVICES).expect("two").0.into(),
        area_code: world.dice.one_in(2).then(|| "202".to_owned()),
        ..Wish::default()
    };
    let holder = account.clone();
    let rented = world
        .ask(|gateway| async move { gateway.rent(&holder, &wish).await })
        .await;
    match rented {
        Some(Ok(rental)) => {
            world.note(&format!("rent  {}", rental.id));
            let number = world.disk().and_then(|disk| disk.live().number(&rental.number));
            if number.is_some_and(|number| number.open().count() > 1) {
                world.count("a number that several have");
            }
            world.books().rentals.push((account, rental.id));
            shown(&world, rental);
        }
        Some(Err(error)) => world.note(&format!("rent  {error}")),
        None => world.note("rent  no answer"),
    }
}

/// The operator lets several have a number at once, mostly, or no more.
pub async fn share(world: Arc<World>) {
    let number = world
        .dice
        .pick(&script::numbers_of(&world))
        .expect("some")
        .clone();
    let wanted = !world.dice.one_in(4);
    world.note(&format!("share {} {wanted}", number.as_str()));
    drop(
        world
            .ask(|gateway| async move { gateway.share(&number, wanted).await })
            .await,
    );
}

pub async fn cancel(world: Arc<World>, account: AccountId, id: RentalId) {
    let cancelled = world
        .ask(|gateway| async move { gateway.cancel(&account, id).await })
        .await;
    match cancelled {
        Some(Ok(rental)) => {
            world.books().cancelled.insert(id);
            shown(&world, rental);
        }
        Some(Err(Error::AlreadyOver(_) | Error::Store(_))) | None => {}
        Some(Err(error)) => world.wrong(1, format!("{id} cannot be cancelled: {error}")),
    }
}

/// Looks at a rental; another account must not see it.
pub async fn look(world: Arc<World>, account: AccountId, id: RentalId) {
    let stranger = ACCOUNTS
        .map(self::account)
        .into_iter()
        .find(|other| *other != account);
    let both = world
        .ask(|gateway| async move {
            let foreign = gateway.rental(&stranger.expect("two accounts"), id).await;
            (gateway.rental(&account, id).await, foreign)
        })
        .await;
    let Some((own, foreign)) = both else {
        return;
    };
    if foreign.is_ok() {
        world.wrong(3, format!("{id} is shown to another account"));
    }
    match own {
        Ok(rental) => shown(&world, rental),
        Err(error) => world.wrong(1, format!("{id} was acknowledged, and is not shown: {error}")),
    }
}

/// A held poll; some clients hang up before its time.
pub async fn poll(world: Arc<World>, account: AccountId, id: RentalId) {
    let dice = &world.dice;
    let (began_ms, wait_ms) = (world.wall.elapsed_ms(), dice.between(1, POLL_MAX_MS));
    let at = {
        let mut books = world.books();
        books.polls.push(Poll {
            rental: id,
            began_ms,
            wait_ms,
            drained: false,
            ended: None,
        });
        books.polls.len() - 1
    };
    let patience_ms = if dice.one_in(4) {
        dice.below(wait_ms)
    } else {
        u64::MAX >> 20
    };
    let key = Key::new(&plain_key(&account), account, START);
    let asking = world.ask_held(|gateway: Arc<Gateway>| async move {
        gateway.code(&key, id, Duration::from_millis(wait_ms)).await
    });
    let ended = match tokio::time::timeout(Duration::from_millis(patience_ms), asking).await {
        Err(_) => Ended::HungUp,
        Ok(None) => Ended::Lost,
        Ok(Some(Ok(Code::Pending))) => Ended::Pending,
        Ok(Some(Ok(Code::Settled(rental)))) => Ended::Settled(rental),
        Ok(Some(Err(error))) => Ended::Refused(error.to_string()),
    };
    let told = match &ended {
        Ended::Settled(rental) => format!("{:?}", rental.status),
        other => format!("{other:?}"),
    };
    world.note(&format!("poll  {id} {told}"));
    if let Ended::Settled(rental) = &ended {
        if rental.status == Status::Active {
            world.wrong(5, format!("a poll for {id} was answered, and nothing is decided"));
        }
        shown(&world, (**rental).clone());
    }
    world.books().polls[at].ended = Some((world.wall.elapsed_ms(), ended));
}

/// What a customer reads never takes anything back.
fn shown(world: &World, rental: Rental) {
    let id = rental.id;
    let mut books = world.books();
    if let Some(before) = books
        .shown
        .get(&id)
        .filter(|before| before.version > rental.version)
    {
        // An older answer that took longer; it says nothing new, but must fit.
        check_growth(&rental, &before.clone(), &mut books.wrong);
        return;
    }
    if let Some(before) = books.shown.insert(id, rental.clone()) {
        check_growth(&before, &rental, &mut books.wrong);
    }
}

fn check_growth(before: &Rental, after: &Rental, wrong: &mut Vec<(u8, String)>) {
    let (same, grown) = (
        before.version == after.version,
        after.messages.len() >= before.messages.len(),
    );
    if (same && before != after) || !grown || after.messages[..before.messages.len()] != before.messages {
        wrong.push((4, format!("{} showed other messages before", after.id)));
    }
    let moved = before.status == after.status || before.status == Status::Active;
    if !moved || (before.code.is_some() && after.code.is_none()) {
        wrong.push((4, format!("{} took back {:?}", after.id, before.status)));
    }
}
