//! Reads a record back, also one whose writer was killed and whose `-wal` lies beside it.
//!
//! Reading changes nothing: what cannot be read in place (a directory without write permission and an unfinished
//! record) is read from a temporary copy.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use squall_core::{EndpointId, ErrorClass, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::Plan;
use squall_stats::{Cell, CellKey, ErrorCode as Code, ErrorEntry, ErrorKey, TaskCounts, Window};

use crate::{End, Error, LogLine, Mark, PhaseMark, Run, blob, schema};

/// A record on the disk.
#[derive(Debug)]
pub struct Record;

impl Record {
    /// Read the record at `path`, whole. A record that is still being written reads as it is now.
    ///
    /// # Errors
    /// [`Error::NotARecord`] and [`Error::Newer`] for other files, [`Error::Damaged`] for a broken one,
    /// [`Error::Open`] when there is nothing to read.
    pub fn open(path: &Path) -> Result<Run, Error> {
        check_magic(path)?;
        match read(path, path) {
            Err(Error::Database(error)) if needs_copy(&error) => {
                let failed = |source| Error::Open { path: path.to_owned(), source };
                let dir = tempfile::tempdir().map_err(failed)?;
                let copy = copy_into(dir.path(), path).map_err(failed)?;
                read(&copy, path)
            }
            other => other,
        }
    }
}

/// SQLite would make an empty file into a database, and calls some strange files merely locked or unreadable.
fn check_magic(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut magic = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut magic)).map_err(failed)?;
    if magic == b"SQLite format 3\0" { Ok(()) } else { Err(Error::NotARecord(path.to_owned())) }
}

fn needs_copy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn copy_into(dir: &Path, path: &Path) -> std::io::Result<PathBuf> {
    let beside = |path: &Path| {
        let mut name = OsString::from(path);
        name.push("-wal");
        PathBuf::from(name)
    };
    let copy = dir.join("run.squall");
    fs::copy(path, &copy)?;
    if beside(path).exists() {
        fs::copy(beside(path), beside(&copy))?;
    }
    Ok(copy)
}

/// Read the file at `path`; `shown` is what the user calls it.
fn read(path: &Path, shown: &Path) -> Result<Run, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    check_version(&connection, shown)?;
    // One transaction: all tables as of one moment, even while a writer goes on.
    let snapshot = connection.unchecked_transaction()?;
    let plan: Plan = from_json("the plan", &meta(&snapshot, "plan")?)?;
    let windows = windows(&snapshot, &plan)?;
    let merged = meta_if_any(&snapshot, "merged_windows")?;
    let started = meta(&snapshot, "started")?;
    Ok(Run {
        squall_version: meta(&snapshot, "squall_version")?,
        settings: from_json("the settings", &meta(&snapshot, "settings")?)?,
        environment: from_json("the environment", &meta(&snapshot, "environment")?)?,
        started: started.parse().map_err(|error| Error::Damaged(format!("start time: {error}")))?,
        phases: all(&snapshot, "SELECT * FROM phases ORDER BY id", phase)?,
        marks: all(&snapshot, "SELECT * FROM marks ORDER BY rowid", mark)?,
        log: all(&snapshot, "SELECT * FROM log ORDER BY rowid", log_line)?,
        end: all(&snapshot, "SELECT * FROM run_end", end)?.pop(),
        merged_windows: merged.map_or(Ok(0), |text| from_json("the number of merged windows", &text))?,
        plan,
        windows,
    })
}

fn check_version(connection: &Connection, shown: &Path) -> Result<(), Error> {
    let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let id = match pragma("application_id") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(Error::NotARecord(shown.to_owned()));
        }
        other => other?,
    };
    let found = pragma("user_version")?;
    match (id, found) {
        (schema::APPLICATION_ID, schema::VERSION) => Ok(()),
        (schema::APPLICATION_ID, schema::VERSION..) => {
            Err(Error::Newer { path: shown.to_owned(), found, supported: schema::VERSION })
        }
        _ => Err(Error::NotARecord(shown.to_owned())),
    }
}

fn meta(connection: &Connection, key: &str) -> Result<String, Error> {
    meta_if_any(connection, key)?.ok_or_else(|| Error::Damaged(format!("{key} is missing")))
}

fn meta_if_any(connection: &Connection, key: &str) -> Result<Option<String>, Error> {
    let value = connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0));
    Ok(value.optional()?)
}

fn windows(connection: &Connection, plan: &Plan) -> Result<Vec<Window>, Error> {
    let (classes, tasks) = (plan.classes.len(), plan.tasks().count());
    let mut positions: HashMap<i64, usize> = HashMap::new();
    let mut windows = all(connection, "SELECT * FROM windows ORDER BY id", |row| {
        positions.insert(get(row, "id")?, positions.len());
        let mut window = Window::new(classes, tasks);
        window.seq = count(row, "seq")?;
        window.start = nanos(row, "start_ns")?;
        window.span = nanos(row, "span_ns")?;
        window.phase = get::<Option<u16>>(row, "phase")?.map(PhaseId);
        window.started = count(row, "started")?;
        window.send_lag = blob::decode(&get::<Vec<u8>>(row, "send_lag")?)?;
        window.loop_lag = blob::decode(&get::<Vec<u8>>(row, "loop_lag")?)?;
        window.errors.overflowed = count(row, "errors_overflowed")?;
        Ok(window)
    })?;
    let mut each = |sql: &str, mut add: Box<dyn FnMut(&mut Window, &Row<'_>) -> Result<(), Error> + '_>| {
        all(connection, sql, |row| {
            let window = positions.get(&get(row, "window")?).and_then(|&at| windows.get_mut(at));
            add(window.ok_or_else(|| Error::Damaged("a row of no window".to_owned()))?, row)
        })
        .map(|_| ())
    };
    each("SELECT * FROM window_users", Box::new(add_users))?;
    each("SELECT * FROM window_tasks", Box::new(add_tasks))?;
    each("SELECT * FROM cells ORDER BY rowid", Box::new(add_cell))?;
    let mut samples: HashMap<(i64, i64), Vec<String>> = HashMap::new();
    all(connection, "SELECT * FROM error_samples ORDER BY rowid", |row| {
        let of = (get(row, "window")?, get(row, "error")?);
        samples.entry(of).or_default().push(get(row, "text")?);
        Ok(())
    })?;
    each(
        "SELECT w.window, w.count, w.first_ns, w.last_ns, e.id, e.class, e.endpoint, e.error, e.code, e.message
         FROM window_errors w JOIN errors e ON e.id = w.error ORDER BY w.rowid",
        Box::new(|window, row| {
            let samples = samples.remove(&(get(row, "window")?, get(row, "id")?)).unwrap_or_default();
            window.errors.add(&error_entry(row, samples)?);
            Ok(())
        }),
    )?;
    Ok(windows)
}

fn add_users(window: &mut Window, row: &Row<'_>) -> Result<(), Error> {
    let class: u16 = get(row, "class")?;
    *at(&mut window.users, class)? = get(row, "users")?;
    Ok(())
}

fn add_tasks(window: &mut Window, row: &Row<'_>) -> Result<(), Error> {
    let task: u16 = get(row, "task")?;
    *at(&mut window.tasks, task)? = TaskCounts { runs: count(row, "runs")?, skipped: count(row, "skipped")? };
    Ok(())
}

fn add_cell(window: &mut Window, row: &Row<'_>) -> Result<(), Error> {
    let outcome: String = get(row, "outcome")?;
    let key = CellKey {
        phase: PhaseId(get(row, "phase")?),
        class: UserClassId(get(row, "class")?),
        endpoint: EndpointId(get(row, "endpoint")?),
        outcome: OutcomeKind::from_name(&outcome)
            .ok_or_else(|| Error::Damaged(format!("unknown outcome {outcome:?}")))?,
    };
    *window.cell_mut(key) = Cell {
        count: count(row, "count")?,
        attempts: count(row, "attempts")?,
        connects: count(row, "connects")?,
        retries: count(row, "retries")?,
        bytes_out: count(row, "bytes_out")?,
        bytes_in: count(row, "bytes_in")?,
        response_sum: nanos(row, "response_sum_ns")?,
        response_min: nanos(row, "response_min_ns")?,
        response_max: nanos(row, "response_max_ns")?,
        first_byte_sum: nanos(row, "first_byte_sum_ns")?,
        connect_sum: nanos(row, "connect_sum_ns")?,
        tls_sum: nanos(row, "tls_sum_ns")?,
        response: blob::decode(&get::<Vec<u8>>(row, "response")?)?,
        service: get::<Option<Vec<u8>>>(row, "service")?.as_deref().map(blob::decode).transpose()?,
    };
    Ok(())
}

fn error_entry(row: &Row<'_>, samples: Vec<String>) -> Result<ErrorEntry, Error> {
    let error: String = get(row, "error")?;
    let key = ErrorKey {
        class: UserClassId(get(row, "class")?),
        endpoint: EndpointId(get(row, "endpoint")?),
        error: ErrorClass::from_name(&error)
            .ok_or_else(|| Error::Damaged(format!("unknown error {error:?}")))?,
        code: Code(get(row, "code")?),
    };
    Ok(ErrorEntry {
        key,
        message: get(row, "message")?,
        count: count(row, "count")?,
        first: nanos(row, "first_ns")?,
        last: nanos(row, "last_ns")?,
        samples,
    })
}

fn phase(row: &Row<'_>) -> Result<PhaseMark, Error> {
    Ok(PhaseMark {
        id: PhaseId(get(row, "id")?),
        name: get(row, "name")?,
        start: nanos(row, "start_ns")?,
        ramped: get::<Option<i64>>(row, "ramped_ns")?.map(|ns| Nanos(ns.max(0) as u64)),
        end: get::<Option<i64>>(row, "end_ns")?.map(|ns| Nanos(ns.max(0) as u64)),
        measured: get(row, "measured")?,
        users: get(row, "users")?,
    })
}

fn mark(row: &Row<'_>) -> Result<Mark, Error> {
    Ok(Mark { at: nanos(row, "at_ns")?, kind: from_word(get(row, "kind")?)? })
}

fn log_line(row: &Row<'_>) -> Result<LogLine, Error> {
    Ok(LogLine { at: nanos(row, "at_ns")?, level: from_word(get(row, "level")?)?, text: get(row, "text")? })
}

fn end(row: &Row<'_>) -> Result<End, Error> {
    let reason: String = get(row, "reason")?;
    Ok(End { reason: from_json("the end", &reason)?, at: nanos(row, "at_ns")? })
}

fn all<T>(
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

fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    Ok(row.get(column)?)
}

fn count(row: &Row<'_>, column: &str) -> Result<u64, Error> {
    let value: i64 = get(row, column)?;
    u64::try_from(value).map_err(|_| Error::Damaged(format!("{column} is {value}")))
}

fn nanos(row: &Row<'_>, column: &str) -> Result<Nanos, Error> {
    count(row, column).map(Nanos)
}

/// The element at `index`, which the plan must have room for.
fn at<T>(items: &mut [T], index: u16) -> Result<&mut T, Error> {
    items
        .get_mut(usize::from(index))
        .ok_or_else(|| Error::Damaged(format!("number {index} is not in the plan")))
}

fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Damaged(format!("{what}: {error}")))
}

fn from_word<T: DeserializeOwned>(word: String) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|error| Error::Damaged(error.to_string()))
}
