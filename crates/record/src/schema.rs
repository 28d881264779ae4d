//! The file's format: what marks it as a record, its tables, and its first and last moments.
//!
//! Every table's rows are in the order they were written. Times are nanoseconds of run time.
//!
//! Format 2 added `window_iterations`, `samples`, `faults` and the note of a mark; in format 1 there are none.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use crate::{Error, Header};

/// `SQLL`: tells a record from any other SQLite file.
pub(crate) const APPLICATION_ID: i64 = 0x5351_4c4c;
/// The format this version writes, and the newest it reads.
pub(crate) const VERSION: i64 = 2;
/// The oldest format it reads.
pub(crate) const OLDEST: i64 = 1;

/// At the end, how long to wait for somebody who reads.
const PATIENCE: Duration = Duration::from_millis(500);

const TABLES: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE phases (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, start_ns INTEGER NOT NULL, ramped_ns INTEGER,
        end_ns INTEGER, measured INTEGER NOT NULL, users INTEGER NOT NULL);
    CREATE TABLE marks (at_ns INTEGER NOT NULL, kind TEXT NOT NULL, note TEXT NOT NULL);
    CREATE TABLE log (at_ns INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL);
    CREATE TABLE windows (
        id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, start_ns INTEGER NOT NULL, span_ns INTEGER NOT NULL,
        phase INTEGER, started INTEGER NOT NULL, send_lag BLOB NOT NULL, loop_lag BLOB NOT NULL,
        errors_overflowed INTEGER NOT NULL);
    CREATE TABLE window_users (window INTEGER NOT NULL, class INTEGER NOT NULL, users INTEGER NOT NULL);
    CREATE TABLE window_tasks (
        window INTEGER NOT NULL, task INTEGER NOT NULL, runs INTEGER NOT NULL, skipped INTEGER NOT NULL);
    CREATE TABLE cells (
        window INTEGER NOT NULL, phase INTEGER NOT NULL, class INTEGER NOT NULL, endpoint INTEGER NOT NULL,
        outcome TEXT NOT NULL, count INTEGER NOT NULL, attempts INTEGER NOT NULL, connects INTEGER NOT NULL,
        retries INTEGER NOT NULL, bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
        body_in INTEGER NOT NULL,
        response_sum_ns INTEGER NOT NULL, response_min_ns INTEGER NOT NULL, response_max_ns INTEGER NOT NULL,
        first_byte_sum_ns INTEGER NOT NULL, connect_sum_ns INTEGER NOT NULL, tls_sum_ns INTEGER NOT NULL,
        response BLOB NOT NULL, service BLOB);
    CREATE TABLE errors (
        id INTEGER PRIMARY KEY, class INTEGER NOT NULL, endpoint INTEGER NOT NULL, error TEXT NOT NULL,
        code INTEGER NOT NULL, message TEXT NOT NULL, UNIQUE (class, endpoint, error, code));
    CREATE TABLE window_errors (
        window INTEGER NOT NULL, error INTEGER NOT NULL, count INTEGER NOT NULL, first_ns INTEGER NOT NULL,
        last_ns INTEGER NOT NULL);
    CREATE TABLE error_samples (window INTEGER NOT NULL, error INTEGER NOT NULL, text TEXT NOT NULL);
    CREATE INDEX error_samples_of ON error_samples (error);
    CREATE TABLE window_iterations (
        window INTEGER NOT NULL, phase INTEGER NOT NULL, class INTEGER NOT NULL, offered INTEGER NOT NULL,
        started INTEGER NOT NULL, completed INTEGER NOT NULL, dropped INTEGER NOT NULL);
    CREATE TABLE samples (series INTEGER NOT NULL, at_ns INTEGER NOT NULL, value REAL);
    CREATE TABLE faults (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER,
        failed INTEGER NOT NULL, outcome TEXT NOT NULL);
    CREATE TABLE run_end (reason TEXT NOT NULL, at_ns INTEGER NOT NULL);
";

/// Make the empty file at `path` a record that has begun.
pub(crate) fn create(path: &Path, header: &Header) -> Result<Connection, Error> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // One transaction: a file that says it is a record has a header.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    for (key, value) in meta(header)? {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    set_journal(&connection, "WAL")?;
    // In WAL mode this survives the death of the process; after a power loss the last seconds may be missing.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // The first write makes the files beside the record: a disk without room for them is found before the run.
    connection.execute("UPDATE meta SET value = value WHERE key = 'seed'", [])?;
    Ok(connection)
}

/// Bring everything into the one file.
pub(crate) fn close(connection: Connection) -> Result<(), Error> {
    connection.busy_timeout(PATIENCE)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    match set_journal(&connection, "DELETE") {
        // Somebody is reading: the record is complete, a small file beside it stays until they are done.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        other => other?,
    }
    connection.close().map_err(|(_, error)| error.into())
}

fn set_journal(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", mode, |_| Ok(()))
}

fn meta(header: &Header) -> Result<[(&'static str, String); 7], Error> {
    let json = |what: &str, value: serde_json::Result<String>| {
        value.map_err(|error| Error::Damaged(format!("{what} cannot be stored: {error}")))
    };
    Ok([
        ("squall_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("name", header.plan.name.clone()),
        ("seed", header.plan.seed.to_string()),
        ("started", header.started.to_string()),
        ("plan", json("the plan", serde_json::to_string(&header.plan))?),
        ("settings", json("the settings", serde_json::to_string(&header.settings))?),
        ("environment", json("the environment", serde_json::to_string(&header.environment))?),
    ])
}
