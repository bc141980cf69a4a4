//! 10: nothing that is secret stands on the disk, or in what is logged, in the clear.

use aho_corasick::AhoCorasick;

use super::{News, ensure};
use crate::simulation::customer::{ACCOUNTS, account, plain_key};
use crate::simulation::script;
use crate::simulation::world::World;

const CODE_DIGITS: usize = 6;

pub fn nothing_in_the_clear(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let mut secrets: Vec<String> = ACCOUNTS.map(|name| plain_key(&account(name))).into();
    secrets.extend(script::numbers().iter().map(|number| number.as_str().to_owned()));
    let books = world.books();
    secrets.extend(books.messages.values().map(|sms| sms.draft.text.clone()));
    secrets.extend(books.subscribed.iter().flat_map(|known| known.keys.clone()));
    secrets.push("token=simulated".into());
    let codes = books.messages.values().filter_map(|sms| code_of(&sms.draft.text));
    secrets.extend(codes.map(str::to_owned));
    // Where it sends to may be logged.
    let logged_never = secrets.len();
    secrets.extend(books.subscribed.iter().map(|known| known.host.clone()));
    let places = [
        ("on the disk", disk.bytes(), secrets.len()),
        ("in the log", world.log.bytes(), logged_never),
    ];
    for (place, bytes, count) in places {
        let secrets = &secrets[..count];
        let wanted = AhoCorasick::new(secrets).map_err(|e| e.to_string())?;
        // A code within a longer number or an id is none.
        let is_word = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_alphanumeric)
        };
        let mut found = wanted.find_iter(&bytes);
        let found = found.find(|found| {
            let is_code = secrets[found.pattern()].len() == CODE_DIGITS;
            !is_code || !is_word(found.start().checked_sub(1)) && !is_word(Some(found.end()))
        });
        let found = found.map(|found| &secrets[found.pattern()]);
        ensure(found.is_none(), || format!("{found:?} is {place} in the clear"))?;
    }
    Ok(())
}

/// The digits in a text, where there are as many as a code has.
fn code_of(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == CODE_DIGITS)
}
