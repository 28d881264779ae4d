//! Every format that was ever written stays readable. The files are never edited and never written again; a new
//! format adds one: run this test with `SQUALL_WRITE_GOLDEN=<path>` to write the sample run there.

use std::path::{Path, PathBuf};

use squall_core::{EndReason, Nanos};
use squall_record::Record;

use crate::write_sample;

#[test]
fn format_1_stays_readable() {
    if let Some(path) = std::env::var_os("SQUALL_WRITE_GOLDEN") {
        write_sample(Path::new(&path));
    }
    let golden: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "v1.squall"].iter().collect();
    let run = Record::open(&golden).unwrap();
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
