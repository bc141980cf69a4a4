//! A request with a key of its client's across a power cut at each of its commits: after the start it is made, once, and answered as before.

use std::sync::Arc;

use ringback::core::money::Price;
use ringback::core::number::Number;
use ringback::core::once::Fingerprint;
use ringback::core::phone::PhoneNumber;
use ringback::core::rental::Rental;
use ringback::gateway::{Begun, Error, Once, Wish};
use ringback::store::sim::Disk;

use super::fused::Cut;
use super::script::World;

/// How long an answer counts.
const LIFE_MS: u64 = 86_400_000;

fn body(rental: &Rental) -> Vec<u8> {
    rental.id.to_string().into_bytes()
}

/// As the transport does it: the answer, and whether it was given before.
async fn rent(world: &World) -> Result<(Vec<u8>, bool), Error> {
    let place = ("POST /api/verifications", "k");
    let begun = world
        .gateway
        .begin_once(&world.account, place, Fingerprint::of(b"{}"));
    let first = match begun.await? {
        Begun::Answered(answered) => return Ok((answered.body, true)),
        Begun::First(first) => first,
    };
    let once = Once {
        first,
        status: 201,
        body: Box::new(body),
    };
    let wish = Wish {
        service: "google".into(),
        once: Some(Arc::new(once)),
        ..Wish::default()
    };
    let rental = world.gateway.rent(&world.account, &wish).await?;
    Ok((body(&rental), false))
}

async fn rentals(world: &World) -> usize {
    world
        .gateway
        .rentals(&world.account, None, 100)
        .await
        .unwrap()
        .len()
}

/// A gateway on this disk, a moment after its beginning.
fn opened(cut: Option<Cut>, disk: Disk) -> World {
    let world = World::open(disk, cut);
    world.clock.pass(1);
    world
}

#[tokio::test]
async fn the_power_goes_at_the_commit_of_a_request_that_comes_again() {
    let first = World::open(Disk::default(), None);
    let number = |text: &str| Number::new(PhoneNumber::parse(text).unwrap(), "US".into(), Price(0));
    let numbers = ["+12025550143", "+12125550143"].map(number).to_vec();
    first.gateway.add_numbers(numbers).await.unwrap();
    let disk = first.store.disk();
    for synced in [false, true] {
        let world = opened(Some(Cut { at: 0, synced }), disk.clone());
        tokio::select! {
            biased;
            () = world.store.blown.notified() => {}
            answered = rent(&world) => panic!("answered over a cut: {answered:?}"),
        }
        let world = opened(None, world.store.disk());
        assert_eq!(
            rentals(&world).await,
            usize::from(synced),
            "the rental is there with its answer or not at all"
        );
        let (answer, is_again) = rent(&world).await.unwrap();
        assert_eq!(is_again, synced);
        assert_eq!(rent(&world).await.unwrap(), (answer.clone(), true));
        assert_eq!(rentals(&world).await, 1);
        world.clock.pass(LIFE_MS - 10);
        assert_eq!(rent(&world).await.unwrap(), (answer.clone(), true));
        world.clock.pass(10);
        let (next, is_again) = rent(&world).await.unwrap();
        assert!(
            !is_again && next != answer,
            "after its time the key is free again"
        );
    }
}
