//! Long messages to a number that two have: the whole tells whose it is, never a part alone.

use ringback::core::number::Unmatched;
use ringback::core::phone::PhoneNumber;
use ringback::gateway::UnmatchedWish;

use super::house::{House, number};

const FROM: &str = "+12025550187";
const PARTS_WAIT_MS: u64 = 1_800_000;

/// `acme` has the number for Google, `globex` for Telegram.
async fn shared() -> House {
    let house = House::new().await;
    let of_both = PhoneNumber::parse(&number("202")).unwrap();
    house.gateway.share(&of_both, true).await.unwrap();
    house.rent_for("google", "acme", "202").await;
    house.rent_for("telegram", "globex", "202").await;
    house
}

async fn part(house: &House, id: &str, [reference, at]: [u8; 2], text: &str) {
    let udh = [5, 0, 3, reference, 2, at];
    house.kannel_from(FROM, (id, &number("202")), &udh, text).await;
}

async fn reasons(house: &House) -> Vec<Option<Unmatched>> {
    let wish = UnmatchedWish {
        limit: 100,
        ..UnmatchedWish::default()
    };
    let page = house.gateway.unmatched(wish).await.unwrap();
    page.messages.iter().map(|message| message.owner.err()).collect()
}

fn heard(house: &House) -> (Vec<String>, Vec<String>) {
    (house.heard("acme"), house.heard("globex"))
}

#[tokio::test]
async fn the_whole_tells_whose_it_is_although_no_part_does() {
    let house = shared().await;
    part(&house, "a", [1, 1], "Your Tele").await;
    part(&house, "b", [1, 2], "gram code is 731925").await;
    let told = "verification.code_received Your Telegram code is 731925";
    assert_eq!(heard(&house), (vec![], vec![told.to_owned()]));
    assert_eq!(reasons(&house).await, []);
}

/// The first part could be of the one who is named in it, but the second names the other.
#[tokio::test]
async fn what_names_both_is_nobodys_although_each_part_names_one() {
    let house = shared().await;
    part(&house, "a", [1, 1], "Your Telegram code is 731925. Get it on ").await;
    part(&house, "b", [1, 2], "Google Play.").await;
    assert_eq!(heard(&house), (vec![], vec![]));
    assert_eq!(reasons(&house).await, [Some(Unmatched::Ambiguous)]);
}

#[tokio::test]
async fn a_part_that_is_left_alone_is_told_by_its_own_text() {
    let house = shared().await;
    part(&house, "a", [1, 1], "Your Google code is 482913, and do not").await;
    part(&house, "b", [2, 1], "Your code is 482914, and do not").await;
    assert_eq!(heard(&house), (vec![], vec![]));
    house.pass(PARTS_WAIT_MS);
    while house.gateway.sweep_parts().await.unwrap() > 0 {}
    // It was whose it was when it came, although the rental is over by then.
    let told = "verification.code_received Your Google code is 482913, and do not";
    assert_eq!(heard(&house), (vec![told.to_owned()], vec![]));
    assert_eq!(reasons(&house).await, [Some(Unmatched::Ambiguous)]);
}
