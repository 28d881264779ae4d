//! Files that are not to be read, and are said so.

use std::fs;
use std::path::Path;

use squall_record::{Error, Record};

use crate::write_sample;

fn refusal(path: &Path) -> String {
    Record::open(path).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_newer_record_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    write_sample(&path);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let text = refusal(&path);
    assert!(text.contains("newer squall (format 3, this one reads up to 2)"), "{text}");
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("text"), "This is a shopping list, longer than a header of SQLite would be.").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("header only"), b"SQLite format 3\0").unwrap();
    let other = rusqlite::Connection::open(path("other")).unwrap();
    other.execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1").unwrap();
    drop(other);
    for name in ["text", "empty", "header only", "other"] {
        let text = refusal(&path(name));
        assert!(text.ends_with("is not a record of squall"), "{name}: {text}");
    }
    assert!(matches!(Record::open(&path("missing")), Err(Error::Open { .. })));
}

#[test]
fn pipes_devices_and_directories_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for path in [&*pipe, Path::new("/dev/zero"), dir.path()] {
        let text = refusal(path);
        assert!(text.ends_with("it is not a regular file"), "{text}");
    }
}

#[test]
fn a_damaged_record_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    for (damage, complaint) in [
        ("UPDATE cells SET outcome = 'lost'", "unknown outcome \"lost\""),
        ("UPDATE cells SET response = x'09'", "unknown version 9"),
        ("UPDATE window_users SET class = 99", "number 99 is not in the plan"),
        ("UPDATE window_users SET users = 4294967295", "users is 4294967295"),
        ("UPDATE windows SET phase = 99", "phase 99 is not in the plan"),
        ("UPDATE cells SET phase = 99", "phase 99 is not in the plan"),
        ("UPDATE cells SET class = 99", "class 99 is not in the plan"),
        ("UPDATE cells SET endpoint = 999", "endpoint 999 is not in the plan"),
        ("UPDATE cells SET count = 9223372036854775807", "count is 9223372036854775807"),
        ("UPDATE errors SET endpoint = 999", "endpoint 999 is not in the plan"),
        ("UPDATE windows SET span_ns = 9223372036854775807", "span_ns is 9223372036854775807"),
        ("UPDATE windows SET span_ns = 3000000000000000000", "its windows take "),
        (
            "UPDATE meta SET value = json_set(value, '$.load.phases[0].users', 4294967295) WHERE key = 'plan'",
            "users is 4294967295",
        ),
        ("UPDATE phases SET users = 2147483648", "users is 2147483648"),
        ("UPDATE windows SET start_ns = -1", "start_ns is -1"),
        ("UPDATE meta SET value = '{}' WHERE key = 'plan'", "the plan: missing field"),
        ("DELETE FROM meta WHERE key = 'started'", "started is missing"),
        ("UPDATE samples SET series = 8", "series 8 is not in the plan"),
        ("UPDATE samples SET series = -1", "out of range"),
        ("UPDATE samples SET value = 9e999 WHERE series = 1", "a sample of generator.rss is no number"),
        ("UPDATE samples SET value = 'much'", "Invalid column type"),
        ("UPDATE samples SET at_ns = -1", "at_ns is -1"),
        ("UPDATE faults SET id = 2 WHERE id = 1", "fault 2 is not in the plan"),
        ("UPDATE faults SET end_ns = -1", "end_ns is -1"),
        ("UPDATE phases SET end_ns = 9223372036854775807", "end_ns is 9223372036854775807"),
        ("UPDATE window_iterations SET class = 2", "class 2 is not in the plan"),
        ("UPDATE window_iterations SET phase = 2", "phase 2 is not in the plan"),
        ("UPDATE window_iterations SET dropped = -1", "dropped is -1"),
        ("UPDATE marks SET kind = 'joke'", "unknown variant"),
        ("DROP TABLE samples", "no such table"),
        ("DROP TABLE errors", "no such table"),
    ] {
        write_sample(&path);
        rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let text = refusal(&path);
        assert!(text.contains(complaint), "{damage}: {text}");
        fs::remove_file(&path).unwrap();
    }
    write_sample(&path);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(Record::open(&path).is_err(), "half a record");
}
