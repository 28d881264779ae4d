//! One batch into the file: all of it or nothing.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use squall_core::Nanos;
use squall_stats::{Cell, CellKey, ErrorEntry, Iterations, MAX_SAMPLES, Window};

use crate::queue::Batch;
use crate::{End, Error, FaultMark, LogLine, Mark, PhaseMark, Point, blob};

/// Write `batch` in one transaction.
pub(crate) fn write(connection: &mut Connection, batch: &Batch) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for phase in batch.phases.values() {
        insert_phase(&transaction, phase)?;
    }
    if let Some(started) = &batch.started {
        transaction.execute("UPDATE meta SET value = ?1 WHERE key = 'started'", [started.to_string()])?;
    }
    for Mark { at, kind, note } in &batch.marks {
        let mut insert = transaction.prepare_cached("INSERT INTO marks VALUES (?1, ?2, ?3)")?;
        insert.execute(params![ns(*at), word(kind)?, note])?;
    }
    for (series, Point { at, value }) in &batch.samples {
        let mut insert = transaction.prepare_cached("INSERT INTO samples VALUES (?1, ?2, ?3)")?;
        // What is no number is no value.
        insert.execute(params![series, ns(*at), value.filter(|value| value.is_finite())])?;
    }
    for FaultMark { id, name, start, end, failed, outcome } in batch.faults.values() {
        let mut insert =
            transaction.prepare_cached("INSERT OR REPLACE INTO faults VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        insert.execute(params![id, name, ns(*start), end.map(ns), failed, outcome])?;
    }
    for LogLine { at, level, text } in &batch.log {
        let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3)")?;
        insert.execute(params![ns(*at), word(level)?, text])?;
    }
    if let Some(window) = &batch.window {
        insert_window(&transaction, window)?;
    }
    if let Some(merged) = batch.merged {
        let mut insert =
            transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('merged_windows', ?1)")?;
        insert.execute([merged.to_string()])?;
    }
    if let Some(End { reason, at }) = &batch.end {
        let reason = serde_json::to_string(reason).map_err(|error| Error::Damaged(error.to_string()))?;
        transaction.execute("INSERT INTO run_end VALUES (?1, ?2)", params![reason, ns(*at)])?;
    }
    Ok(transaction.commit()?)
}

fn insert_phase(transaction: &Transaction<'_>, phase: &PhaseMark) -> Result<(), Error> {
    let PhaseMark { id, name, start, ramped, end, measured, users } = phase;
    let mut insert =
        transaction.prepare_cached("INSERT OR REPLACE INTO phases VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    insert.execute(params![id.0, name, ns(*start), ramped.map(ns), end.map(ns), measured, users])?;
    Ok(())
}

fn insert_window(transaction: &Transaction<'_>, window: &Window) -> Result<(), Error> {
    let mut insert =
        transaction.prepare_cached("INSERT INTO windows VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let id = insert.insert(params![
        int(window.seq),
        ns(window.start),
        ns(window.span),
        window.phase.map(|phase| phase.0),
        int(window.started),
        blob::encode(&window.send_lag),
        blob::encode(&window.loop_lag),
        int(window.errors.overflowed),
    ])?;
    let mut insert = transaction.prepare_cached("INSERT INTO window_users VALUES (?1, ?2, ?3)")?;
    for (class, users) in window.users.iter().enumerate().filter(|(_, users)| **users > 0) {
        insert.execute(params![id, int(class as u64), users])?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO window_tasks VALUES (?1, ?2, ?3, ?4)")?;
    for (task, counts) in window.tasks.iter().enumerate().filter(|(_, task)| task.runs + task.skipped > 0) {
        insert.execute(params![id, int(task as u64), int(counts.runs), int(counts.skipped)])?;
    }
    let mut insert =
        transaction.prepare_cached("INSERT INTO window_iterations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (phase, class, Iterations { offered, started, completed, dropped }) in window.iterations() {
        let [offered, started, completed, dropped] = [offered, started, completed, dropped].map(|n| int(*n));
        insert.execute(params![id, phase.0, class.0, offered, started, completed, dropped])?;
    }
    for (key, cell) in window.cells() {
        insert_cell(transaction, id, key, cell)?;
    }
    for error in window.errors.entries() {
        insert_error(transaction, id, error)?;
    }
    Ok(())
}

fn insert_cell(transaction: &Transaction<'_>, window: i64, key: &CellKey, cell: &Cell) -> Result<(), Error> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO cells VALUES (
            ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
            ?20)",
    )?;
    insert.execute(params![
        window,
        key.phase.0,
        key.class.0,
        key.endpoint.0,
        key.outcome.name(),
        int(cell.count),
        int(cell.attempts),
        int(cell.connects),
        int(cell.retries),
        int(cell.bytes_out),
        int(cell.bytes_in),
        int(cell.body_in),
        ns(cell.response_sum),
        ns(cell.response_min),
        ns(cell.response_max),
        ns(cell.first_byte_sum),
        ns(cell.connect_sum),
        ns(cell.tls_sum),
        blob::encode(&cell.response),
        cell.service.as_ref().map(blob::encode),
    ])?;
    Ok(())
}

/// An error's text is stored once, and its samples only until there are as many as anybody will see: a server
/// that fails in every request must not fill the disk.
fn insert_error(transaction: &Transaction<'_>, window: i64, entry: &ErrorEntry) -> Result<(), Error> {
    let key = &entry.key;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO errors VALUES (NULL, ?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (class, endpoint, error, code) DO UPDATE SET class = class RETURNING id",
    )?;
    let error: i64 = insert.query_row(
        params![key.class.0, key.endpoint.0, key.error.name(), key.code.0, entry.message],
        |row| row.get(0),
    )?;
    let mut insert = transaction.prepare_cached("INSERT INTO window_errors VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![window, error, int(entry.count), ns(entry.first), ns(entry.last)])?;
    let mut known = transaction.prepare_cached("SELECT count(*) FROM error_samples WHERE error = ?1")?;
    let known: u32 = known.query_row([error], |row| row.get(0))?;
    let mut insert = transaction.prepare_cached("INSERT INTO error_samples VALUES (?1, ?2, ?3)")?;
    for sample in entry.samples.iter().take(MAX_SAMPLES.saturating_sub(known as usize)) {
        insert.execute(params![window, error, sample])?;
    }
    Ok(())
}

fn ns(nanos: Nanos) -> i64 {
    int(nanos.0)
}

/// SQLite's integers are signed; no count or time of a run comes near their bound.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The stable name of a variant, as serde writes it.
fn word(value: &impl serde::Serialize) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(Error::Damaged(format!("{other:?} is no word"))),
    }
}
