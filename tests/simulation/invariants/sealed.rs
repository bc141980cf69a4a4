//! 10: nothing that is secret stands on the disk in the clear.

use aho_corasick::AhoCorasick;

use super::{News, ensure};
use crate::simulation::customer::{ACCOUNTS, account, plain_key};
use crate::simulation::script;
use crate::simulation::world::World;

pub fn nothing_in_the_clear(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let mut secrets: Vec<String> = ACCOUNTS.map(|name| plain_key(&account(name))).into();
    secrets.extend(script::numbers().iter().map(|number| number.as_str().to_owned()));
    let books = world.books();
    secrets.extend(books.messages.values().map(|sms| sms.draft.text.clone()));
    secrets.extend(
        books
            .subscribed
            .iter()
            .flat_map(|known| [known.key.clone(), known.host.clone()]),
    );
    let image = disk.bytes();
    let wanted = AhoCorasick::new(&secrets).map_err(|e| e.to_string())?;
    let found = wanted.find(&image).map(|found| &secrets[found.pattern()]);
    ensure(found.is_none(), || {
        format!("{found:?} is on the disk in the clear")
    })
}
