//! What is left when the writer dies or the disk is full. The writer is this test binary, started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use squall_core::{EndReason, Nanos};
use squall_record::{Record, Run, Writer};

use crate::sample::{header, phases, window};

const PATH: &str = "SQUALL_TEST_RECORD";
const TICK: Duration = Duration::from_millis(2);
/// Neither parent nor child waits longer than this for the other: 60 s.
const TICKS: u32 = 30_000;

/// In the child, where to write.
fn asked_to_write() -> Option<PathBuf> {
    std::env::var_os(PATH).map(PathBuf::from)
}

/// This binary, running only the named test, as a child that writes to `path`. `shell` runs it as `"$0" "$@"`.
fn start_child(test: &str, path: &Path, shell: &str) -> Child {
    Command::new("/bin/sh")
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(PATH, path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A record whose phases have begun.
fn begin(path: &Path) -> Result<Writer, squall_record::Error> {
    let writer = Writer::create(path, &header())?;
    phases().into_iter().for_each(|phase| writer.phase(phase));
    Ok(writer)
}

/// What `look` finds, sooner or later.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..TICKS {
        if let Some(found) = look() {
            return found;
        }
        sleep(TICK);
    }
    panic!("nothing happened");
}

/// The same of a record that may have no window at all.
fn assert_whole_so_far(run: &Run) {
    if !run.windows.is_empty() {
        assert_whole(run);
    }
}

/// Windows follow each other without a gap, and hold what `window` put in them.
fn assert_whole(run: &Run) {
    let mut at = Nanos::ZERO;
    for window in &run.windows {
        assert_eq!(window.start, at);
        at = window.start + window.span;
    }
    let seconds = at.whole_secs();
    assert_eq!(run.summary(|_| true).completed(), seconds * 14);
    assert_eq!(run.windows.iter().map(|w| w.started).sum::<u64>(), seconds * 15);
    assert_eq!(run.errors().entries()[0].count, seconds * 2);
}

#[test]
fn a_killed_run_is_readable_up_to_its_last_window() {
    if let Some(path) = asked_to_write() {
        let writer = begin(&path).unwrap();
        for second in 0..TICKS {
            writer.window(Arc::new(window(u64::from(second))));
            sleep(TICK);
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let mut child =
        start_child("survives::a_killed_run_is_readable_up_to_its_last_window", &path, "exec \"$0\" \"$@\"");
    let live = eventually(|| Record::open(&path).ok().filter(|run| run.windows.len() >= 20));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_whole(&live);
    assert!(path.with_extension("squall-wal").exists(), "what was written last is in the log beside");

    for _ in 0..2 {
        let run = Record::open(&path).unwrap();
        assert!(run.was_cut_off());
        assert_whole(&run);
        assert!(run.duration() >= live.duration(), "what was seen once is there for good");
        assert_eq!(run.phases, phases());
    }
}

#[test]
fn a_full_disk_is_reported_and_the_record_kept() {
    if let Some(path) = asked_to_write() {
        let writer = begin(&path).unwrap();
        let mut second = 0;
        let why = eventually(|| {
            writer.window(Arc::new(window(second)));
            second += 1;
            writer.failed()
        });
        assert!(why.contains("cannot access the record"), "{why}");
        assert!(writer.finish(EndReason::Aborted(why), Nanos::from_secs(second)).is_err());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    // A file size limit (in blocks of 512 bytes) stands for the full disk: writing fails, the writer lives on.
    let mut child = start_child(
        "survives::a_full_disk_is_reported_and_the_record_kept",
        &path,
        "trap '' XFSZ; ulimit -f 800; exec \"$0\" \"$@\"",
    );
    assert!(child.wait().unwrap().success());
    let run = Record::open(&path).unwrap();
    assert!(run.windows.len() > 5, "only {} windows", run.windows.len());
    assert!(run.was_cut_off());
    assert_whole(&run);
}

#[test]
fn however_small_the_disk_there_is_no_record_or_a_readable_one() {
    if let Some(path) = asked_to_write() {
        let Ok(writer) = begin(&path) else { return };
        let mut second = 0;
        let why = eventually(|| {
            writer.window(Arc::new(window(second)));
            second += 1;
            writer.failed()
        });
        assert!(writer.finish(EndReason::Aborted(why), Nanos::from_secs(second)).is_err());
        return;
    }
    let mut readable = 0;
    // From too little for an empty record to enough for a few windows, in blocks of 512 bytes.
    for blocks in [1, 40, 120, 160, 180, 200, 220, 260, 400] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.squall");
        let mut child = start_child(
            "survives::however_small_the_disk_there_is_no_record_or_a_readable_one",
            &path,
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
        );
        assert!(child.wait().unwrap().success(), "{blocks}");
        if path.exists() {
            assert_whole_so_far(&Record::open(&path).unwrap());
            readable += 1;
        } else {
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{blocks}: files are left behind");
        }
    }
    assert!((1..9).contains(&readable), "{readable}");
}

#[test]
fn a_slow_disk_merges_windows_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = begin(&path).unwrap();
    // Somebody holds the write lock, which stands for the slow disk.
    let blocker = rusqlite::Connection::open(&path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    for second in 0..40 {
        writer.window(Arc::new(window(second)));
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    drop(blocker);
    writer.finish(EndReason::Completed, Nanos::from_secs(40)).unwrap();

    let run = Record::open(&path).unwrap();
    assert_eq!(run.windows.len(), 8);
    assert_eq!(run.merged_windows, 32);
    assert_eq!(run.duration(), Nanos::from_secs(40));
    assert_whole(&run);
}

#[test]
fn somebody_who_reads_does_not_spoil_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = begin(&path).unwrap();
    writer.window(Arc::new(window(0)));
    eventually(|| Record::open(&path).ok().filter(|run| run.windows.len() == 1));
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM windows").unwrap();
    let seen = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(seen("SELECT count(*) FROM run_end"), 0);

    writer.window(Arc::new(window(1)));
    writer.finish(EndReason::Completed, Nanos::from_secs(2)).unwrap();
    assert_eq!(seen("SELECT count(*) FROM windows"), 1, "who reads sees one moment");
    let run = Record::open(&path).unwrap();
    assert_eq!((run.windows.len(), run.was_cut_off()), (2, false));
}
