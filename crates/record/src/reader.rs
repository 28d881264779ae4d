//! Reads a record back, also one whose writer was killed and whose `-wal` lies beside it.
//!
//! Reading changes nothing: what cannot be read in place (a directory without write permission and an unfinished
//! record, or a full disk) is read from a temporary copy.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row};
use squall_core::PhaseId;
use squall_plan::{Plan, SeriesPlan};
use tempfile::TempDir;

use crate::rows::{all, from_json, from_word, get, moment, moment_if_any, users, users_at_most};
use crate::{End, Error, FaultMark, LogLine, Mark, PhaseMark, Point, Run, Series, schema, windows};

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

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
                let (dir, copy) = copy_away(path).map_err(failed)?;
                let run = read(&copy, path);
                drop(dir);
                run
            }
            other => other,
        }
    }
}

/// SQLite would make an empty file into a database, and calls some strange files merely locked or unreadable.
fn check_magic(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut magic = Vec::new();
    // A pipe would be waited for, a device read without end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
    }
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut magic)).map_err(failed)?;
    if magic == b"SQLite format 3\0" { Ok(()) } else { Err(Error::NotARecord(path.to_owned())) }
}

/// Reading an unfinished record in place takes a small file beside it, for which there may be no permission or no room.
fn needs_copy(error: &rusqlite::Error) -> bool {
    let copied =
        [ErrorCode::CannotOpen, ErrorCode::ReadOnly, ErrorCode::DiskFull, ErrorCode::SystemIoFailure];
    error.sqlite_error_code().is_some_and(|code| copied.contains(&code))
}

/// A copy where there is room: among temporary files, or in memory when the disk of those is the full one.
fn copy_away(path: &Path) -> io::Result<(TempDir, PathBuf)> {
    let copy = |dir: TempDir| copy_into(dir.path(), path).map(|copy| (dir, copy));
    let first = tempfile::tempdir().and_then(copy);
    first.or_else(|error| tempfile::tempdir_in(MEMORY).and_then(copy).map_err(|_| error))
}

fn copy_into(dir: &Path, path: &Path) -> io::Result<PathBuf> {
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
    let version = version(&connection, shown)?;
    // One transaction: all tables as of one moment, even while a writer goes on.
    let snapshot = connection.unchecked_transaction()?;
    let plan: Plan = from_json("the plan", &meta(&snapshot, "plan")?)?;
    plan.load.phases.iter().try_for_each(|phase| users_at_most(phase.users).map(drop))?;
    let phases = all(&snapshot, "SELECT * FROM phases ORDER BY id", phase)?;
    let windows = windows::load(&snapshot, version, &plan, &phases)?;
    let merged = meta_if_any(&snapshot, "merged_windows")?;
    let started = meta(&snapshot, "started")?;
    Ok(Run {
        squall_version: meta(&snapshot, "squall_version")?,
        settings: from_json("the settings", &meta(&snapshot, "settings")?)?,
        environment: from_json("the environment", &meta(&snapshot, "environment")?)?,
        started: started.parse().map_err(|error| Error::Damaged(format!("start time: {error}")))?,
        phases,
        marks: marks(&snapshot, version)?,
        series: series(&snapshot, version, &plan)?,
        faults: faults(&snapshot, version, &plan)?,
        log: all(&snapshot, "SELECT * FROM log ORDER BY rowid", log_line)?,
        end: all(&snapshot, "SELECT * FROM run_end", end)?.pop(),
        merged_windows: merged.map_or(Ok(0), |text| from_json("the number of merged windows", &text))?,
        plan,
        windows,
    })
}

/// The format of the file, if it is one that can be read.
fn version(connection: &Connection, shown: &Path) -> Result<i64, Error> {
    let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let id = match pragma("application_id") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(Error::NotARecord(shown.to_owned()));
        }
        other => other?,
    };
    let found = pragma("user_version")?;
    match (id, found) {
        (schema::APPLICATION_ID, schema::OLDEST..=schema::VERSION) => Ok(found),
        (schema::APPLICATION_ID, found) if found > schema::VERSION => {
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

fn phase(row: &Row<'_>) -> Result<PhaseMark, Error> {
    Ok(PhaseMark {
        id: PhaseId(get(row, "id")?),
        name: get(row, "name")?,
        start: moment(row, "start_ns")?,
        ramped: moment_if_any(row, "ramped_ns")?,
        end: moment_if_any(row, "end_ns")?,
        measured: get(row, "measured")?,
        users: users(row, "users")?,
    })
}

fn marks(connection: &Connection, version: i64) -> Result<Vec<Mark>, Error> {
    let note = if version < 2 { "''" } else { "note" };
    all(connection, &format!("SELECT at_ns, kind, {note} AS note FROM marks ORDER BY rowid"), |row| {
        Ok(Mark { at: moment(row, "at_ns")?, kind: from_word(get(row, "kind")?)?, note: get(row, "note")? })
    })
}

/// The series of the plan with their samples. Before format 2 nothing was watched.
fn series(connection: &Connection, version: i64, plan: &Plan) -> Result<Vec<Series>, Error> {
    if version < 2 {
        return Ok(Vec::new());
    }
    let empty = |series: SeriesPlan| Series { name: series.name, unit: series.unit, samples: Vec::new() };
    let mut list: Vec<Series> = plan.series().into_iter().map(empty).collect();
    // Written as they came: several monitors, each at its own pace, and one may have come late.
    all(connection, "SELECT series, at_ns, value FROM samples ORDER BY at_ns, rowid", |row| {
        let number: u32 = get(row, "series")?;
        let series = list.get_mut(number as usize);
        let series = series.ok_or_else(|| Error::Damaged(format!("series {number} is not in the plan")))?;
        let value: Option<f64> = get(row, "value")?;
        if value.is_some_and(|value| !value.is_finite()) {
            return Err(Error::Damaged(format!("a sample of {} is no number", series.name)));
        }
        series.samples.push(Point { at: moment(row, "at_ns")?, value });
        Ok(())
    })?;
    Ok(list)
}

/// The faults that were made. Before format 2 there were none.
fn faults(connection: &Connection, version: i64, plan: &Plan) -> Result<Vec<FaultMark>, Error> {
    if version < 2 {
        return Ok(Vec::new());
    }
    let list = all(connection, "SELECT * FROM faults ORDER BY start_ns, id", fault)?;
    match list.iter().find(|fault| fault.id as usize >= plan.faults.len()) {
        Some(fault) => Err(Error::Damaged(format!("fault {} is not in the plan", fault.id))),
        None => Ok(list),
    }
}

fn fault(row: &Row<'_>) -> Result<FaultMark, Error> {
    Ok(FaultMark {
        id: get(row, "id")?,
        name: get(row, "name")?,
        start: moment(row, "start_ns")?,
        end: moment_if_any(row, "end_ns")?,
        failed: get(row, "failed")?,
        outcome: get(row, "outcome")?,
    })
}

fn log_line(row: &Row<'_>) -> Result<LogLine, Error> {
    Ok(LogLine { at: moment(row, "at_ns")?, level: from_word(get(row, "level")?)?, text: get(row, "text")? })
}

fn end(row: &Row<'_>) -> Result<End, Error> {
    let reason: String = get(row, "reason")?;
    Ok(End { reason: from_json("the end", &reason)?, at: moment(row, "at_ns")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_what_is_still_in_the_log() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = dir.path().join("live.squall");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (7)")
            .unwrap();
        let copy = copy_into(other.path(), &path).unwrap();
        let copy = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(copy.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
    }
}
