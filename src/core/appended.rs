//! Members that were appended to a stored record: one that was written before there was such a member is read as if it had the default.

use serde::{Deserialize, Deserializer};

/// Only for the last member of a record: a record is sealed whole, so what is missing at its end was never there.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    record: D,
) -> Result<T, D::Error> {
    Ok(T::deserialize(record).unwrap_or_default())
}
