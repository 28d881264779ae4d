//! Every format that was ever written stays readable. The files are never edited and never written again; a new
//! format adds one: run this test with `SQUALL_WRITE_GOLDEN=<path>` to write the sample run there.

use std::path::{Path, PathBuf};

use squall_core::{EndReason, Nanos};
use squall_plan::{MonitorKind, ProcessTarget};
use squall_record::{MarkKind, Record, Run};
use squall_stats::Iterations;

use crate::{sample, write_sample};

fn golden(name: &str) -> Run {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    Record::open(&path).unwrap()
}

#[test]
fn format_2_stays_readable() {
    if let Some(path) = std::env::var_os("SQUALL_WRITE_GOLDEN") {
        write_sample(Path::new(&path));
    }
    let run = golden("v2.squall");
    assert_same_load(&run);
    assert_eq!(run.plan.monitors[1].kind, MonitorKind::Process(ProcessTarget::Port(8_000)));
    assert_eq!(run.plan.faults[0].lasts, Some(Nanos::from_millis(700)));
    assert_eq!(run.faults, sample::faults());
    assert_eq!((run.marks[1].kind, run.marks[1].note.contains("thread 1")), (MarkKind::WorkerLost, true));
    let cpu: Vec<_> = run.series("generator.cpu").unwrap().samples.iter().map(|point| point.value).collect();
    assert_eq!(cpu, [Some(0.25), None, Some(0.5)]);
    assert_eq!(run.series("process.api.threads").unwrap().values().next().unwrap().1, 12.0);
    let iterations = run.iterations(|_, _| true);
    assert_eq!(iterations, Iterations { offered: 75, started: 55, completed: 50, dropped: 2 });
}

#[test]
fn format_1_stays_readable() {
    let run = golden("v1.squall");
    assert_same_load(&run);
    assert!(run.series.is_empty() && run.faults.is_empty(), "format 1 has none");
    assert_eq!(run.iterations(|_, _| true), Iterations::default());
    assert_eq!((run.marks.len(), run.marks[0].note.as_str()), (1, ""));
}

/// What the sample run has had since format 1.
fn assert_same_load(run: &Run) {
    assert_eq!(run.squall_version, "0.1.0");
    assert_eq!((run.plan.name.as_str(), run.plan.seed), ("sample", 42));
    assert_eq!(run.plan.classes[1].name, "writer");
    assert_eq!(run.environment.hostname, "loadgen");
    assert_eq!(run.settings["users"]["value"], 9);
    assert_eq!(run.started.to_string(), "2026-01-02T03:04:05.25Z");
    assert_eq!(run.phases[0].ramped, Some(Nanos::from_millis(700)));
    assert_eq!((run.phases[1].name.as_str(), run.phases[1].end), ("peak", None));
    assert_eq!(run.end.as_ref().unwrap().reason, EndReason::Aborted("enough".into()));
    assert_eq!(run.last_reset(), Some(Nanos::from_secs(2)));
    assert_eq!(run.log.len(), 2);

    let all = run.summary(|_| true);
    assert_eq!((all.ok(), all.failed(), all.rate_limited(), all.cut()), (30, 9, 3, 1));
    let p50 = all.percentile(50.0).unwrap();
    assert_eq!((p50.value.as_micros() / 1_000, p50.at_least), (61, false));
    assert_eq!(all.max().unwrap().value, Nanos::from_secs(30));
    assert_eq!((all.attempts, all.bytes_in, all.body_in), (86, 43_000, 34_400));
    assert_eq!(run.errors().entries()[0].samples[0], "upstream is down");
    assert_eq!(run.tasks()[1].skipped, 3);
    assert_eq!(run.windows[2].users, [6, 3]);
}
