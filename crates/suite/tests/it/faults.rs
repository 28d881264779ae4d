//! Faults in the plan.

use squall_core::Nanos;
use squall_suite::{Planned, Selection, Warning};

use crate::{USERS, good};

const FAULTS: &str = r#"
[profiles.p]
users = 1
run_time = "5m"

[[profiles.p.faults]]
at = "2m"
run = ["docker", "stop", "redis"]
undo = ["docker", "start", "redis"]
for = "30s"

[[profiles.p.faults]]
name = "kill -9"
at = "1m"
run = ["pkill", "-9", ""]
"#;

fn planned(run_time: Option<u64>) -> Planned {
    let suite = good(&format!("schema = 1\nhost = \"http://localhost\"\n{USERS}{FAULTS}"));
    let run_time = run_time.map(Nanos::from_secs);
    suite.plan(&Selection { profile: Some("p".into()), run_time, ..Selection::default() }).unwrap()
}

#[test]
fn faults_come_in_the_order_of_time() {
    let faults = planned(None).plan.faults;
    let names: Vec<_> = faults.iter().map(|f| (f.name.as_str(), f.at.as_secs_f64())).collect();
    assert_eq!(names, [("kill -9", 60.0), ("fault-1", 120.0)]);
    assert_eq!(
        (faults[0].run.as_slice(), &faults[0].undo, faults[0].lasts),
        (["pkill", "-9", ""].map(str::to_owned).as_slice(), &None, None)
    );
    assert_eq!(faults[1].undo.as_deref(), Some(["docker", "start", "redis"].map(str::to_owned).as_slice()));
    assert_eq!(faults[1].lasts, Some(Nanos::from_secs(30)));
}

#[test]
fn a_fault_after_the_end_of_a_shorter_run_is_left_out_and_said() {
    let planned = planned(Some(90));
    assert_eq!(planned.plan.faults.len(), 1);
    let (at, run_time) = (Nanos::from_secs(120), Nanos::from_secs(90));
    assert_eq!(planned.warnings, [Warning::FaultTooLate { fault: "fault-1".into(), at, run_time }]);
    assert_eq!(
        planned.warnings[0].to_string(),
        "fault fault-1 never happens: it begins at 2m, and the run ends after 1m30s"
    );
}
