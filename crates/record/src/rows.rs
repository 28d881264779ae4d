//! Rows of the file as values; what does not fit its type is damage, not a panic.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;
use squall_core::Nanos;

use crate::Error;

pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(items)
}

pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    Ok(row.get(column)?)
}

/// Nothing that is counted comes near this bound, and sums of what lies below it stay exact.
const MOST: i64 = 1 << 53;

pub(crate) fn count(row: &Row<'_>, column: &str) -> Result<u64, Error> {
    up_to(MOST, row, column)
}

/// A sum over requests may be any number; see [`moment`] for a point in a run.
pub(crate) fn nanos(row: &Row<'_>, column: &str) -> Result<Nanos, Error> {
    up_to(i64::MAX, row, column).map(Nanos)
}

/// A moment of a run or a part of its length: a century at most.
pub(crate) fn moment(row: &Row<'_>, column: &str) -> Result<Nanos, Error> {
    const CENTURY_NS: i64 = 100 * 366 * 86_400 * 1_000_000_000;
    up_to(CENTURY_NS, row, column).map(Nanos)
}

/// A number of users.
pub(crate) fn users(row: &Row<'_>, column: &str) -> Result<u32, Error> {
    users_at_most(get(row, column)?)
}

/// `users`, unless they are more than ten times what a suite may ask for: what is made of them takes time for each.
pub(crate) fn users_at_most(users: u32) -> Result<u32, Error> {
    const MOST_USERS: u32 = 10_000_000;
    if users <= MOST_USERS { Ok(users) } else { Err(Error::Damaged(format!("users is {users}"))) }
}

/// A moment that may not have come.
pub(crate) fn moment_if_any(row: &Row<'_>, column: &str) -> Result<Option<Nanos>, Error> {
    get::<Option<i64>>(row, column)?.map(|_| moment(row, column)).transpose()
}

fn up_to(most: i64, row: &Row<'_>, column: &str) -> Result<u64, Error> {
    let value: i64 = get(row, column)?;
    match u64::try_from(value) {
        Ok(positive) if value <= most => Ok(positive),
        _ => Err(Error::Damaged(format!("{column} is {value}"))),
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Damaged(format!("{what}: {error}")))
}

pub(crate) fn from_word<T: DeserializeOwned>(word: String) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|error| Error::Damaged(error.to_string()))
}
