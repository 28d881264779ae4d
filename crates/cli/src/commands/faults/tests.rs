use std::fs;
use std::path::Path;
use std::time::Duration;

use squall_core::Nanos;
use squall_record::FaultMark;
use tempfile::TempDir;

use super::*;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn fault(name: &str, at_ms: u64, run: &str, undo: Option<&str>, for_ms: Option<u64>) -> FaultPlan {
    FaultPlan {
        name: name.to_owned(),
        at: Nanos::from_millis(at_ms),
        run: words(run),
        undo: undo.map(words),
        lasts: for_ms.map(Nanos::from_millis),
    }
}

fn plan(faults: Vec<FaultPlan>) -> Plan {
    let text = "schema = 1\nhost = \"http://127.0.0.1\"\n[users.A.tasks]\nt = { get = \"/\" }\n";
    let suite = squall_suite::parse(text, "s.toml", Path::new(""), &|_| None).unwrap();
    let mut plan = suite.plan(&squall_suite::Selection::default()).unwrap().plan;
    plan.faults = faults;
    plan
}

/// Until every fault is over.
fn reports(faults: &mut Faults) -> Vec<Report> {
    std::iter::from_fn(|| faults.reports.blocking_recv()).collect()
}

fn last_mark(reports: &[Report]) -> FaultMark {
    reports.iter().filter_map(|report| report.mark.clone()).next_back().unwrap()
}

#[test]
fn faults_have_to_be_allowed_and_their_programs_to_be_there() {
    assert!(permit(&plan(Vec::new()), false).is_ok());
    let plan = plan(vec![
        fault("db", 60_000, "sh -c x", Some("no-such-program up"), Some(1000)),
        fault("cache", 1, "/no/such/path", None, None),
    ]);
    let refused = permit(&plan, false).unwrap_err().0;
    let help = miette::Diagnostic::help(&refused[0]).unwrap().to_string();
    assert!(help.contains("--allow-faults"), "{help}");
    assert!(help.contains("db at 1m: `sh -c x`, for 1s, then `no-such-program up`"), "{help}");
    let missing: Vec<String> = permit(&plan, true).unwrap_err().0.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "the fault `db` cannot be made: there is no program `no-such-program`",
            "the fault `cache` cannot be made: there is no program `/no/such/path`",
        ]
    );
}

#[test]
fn commands_are_shown_as_one_types_them() {
    assert_eq!(shown(&words("docker stop db-1")), "`docker stop db-1`");
    assert_eq!(shown(&["sh".to_owned(), "-c".to_owned(), "a 'b'".to_owned()]), r"`sh -c 'a '\''b'\'''`");
    assert_eq!(shown(&[String::new()]), "`''`");
}

#[test]
fn a_fault_is_made_at_its_moment_and_taken_back_after_its_time() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("broken");
    let (touch, rm) = (format!("touch {}", file.display()), format!("rm {}", file.display()));
    let plan = plan(vec![fault("file", 100, &touch, Some(&rm), Some(200))]);
    let mut faults = Faults::start(&plan, RunClock::start());
    let mark = last_mark(&reports(&mut faults));
    assert!(!file.exists(), "taken back");
    assert!(!mark.failed, "{mark:?}");
    assert!(mark.start >= Nanos::from_millis(100), "{mark:?}");
    assert!(mark.end.unwrap() >= mark.start + Nanos::from_millis(200), "{mark:?}");
    assert_eq!(mark.outcome, format!("`{touch}` ended well; `{rm}` ended well"));
}

#[test]
fn the_end_of_the_load_takes_back_what_is_broken_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let touch = |name: &str| format!("touch {}", at(name).display());
    let plan = plan(vec![
        fault("begun", 0, &touch("begun"), Some(&touch("begun-undone")), None),
        fault("long", 0, "sleep 1000", Some(&touch("long-undone")), Some(3_600_000)),
        fault("later", 3_600_000, &touch("later"), Some(&touch("later-undone")), None),
    ]);
    let mut faults = Faults::start(&plan, RunClock::start());
    while !at("begun").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // The other one, too, has been tried by now, or will be before it hears of the end.
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(faults.reports.blocking_recv());
    }
    faults.stop();
    let reports = reports(&mut faults);
    for name in ["begun-undone", "long-undone"] {
        assert!(at(name).exists(), "{name}");
    }
    assert!(!at("later").exists() && !at("later-undone").exists(), "what never began is not taken back");
    let marks: Vec<_> = reports.iter().filter_map(|report| report.mark.as_ref()).collect();
    let long = marks.iter().rfind(|mark| mark.name == "long").unwrap();
    assert!(!long.failed && long.outcome.starts_with("`sleep 1000` was stopped; "), "{long:?}");
    let never = reports.iter().find(|report| report.mark.is_none()).unwrap();
    assert_eq!(never.text, "Fault later: not made, because the load ended before");
}

#[test]
fn dropping_the_faults_takes_them_back() {
    let directory = TempDir::new().unwrap();
    let (made, undone) = (directory.path().join("made"), directory.path().join("undone"));
    let (touch, undo) = (format!("touch {}", made.display()), format!("touch {}", undone.display()));
    let plan = plan(vec![fault("file", 0, &touch, Some(&undo), None)]);
    let died = std::thread::spawn(move || {
        let _faults = Faults::start(&plan, RunClock::start());
        while !made.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("as a defect of the run would");
    });
    assert!(died.join().is_err());
    assert!(undone.exists());
}

#[test]
fn what_fails_is_taken_back_at_once_and_said() {
    let directory = TempDir::new().unwrap();
    let undone = directory.path().join("undone");
    let undo = format!("touch {}", undone.display());
    for (run, words) in [("false", "failed with exit code 1"), ("/no/such/program", "could not be run")] {
        let _ = fs::remove_file(&undone);
        let plan = plan(vec![fault("f", 0, run, Some(&undo), Some(3_600_000))]);
        let reports = reports(&mut Faults::start(&plan, RunClock::start()));
        let mark = last_mark(&reports);
        assert!(undone.exists() && mark.failed && mark.end.is_some(), "{mark:?}");
        assert!(mark.outcome.contains(words), "{mark:?}");
    }
    let plan = plan(vec![fault("f", 0, "true", Some("false"), Some(1))]);
    let reports = reports(&mut Faults::start(&plan, RunClock::start()));
    assert!(last_mark(&reports).failed);
    let last = reports.last().unwrap();
    assert_eq!(last.text, "Fault f WAS NOT TAKEN BACK: `false` failed with exit code 1; do it by hand");
}

#[test]
fn a_command_nothing_takes_back_is_the_fault() {
    let plan =
        plan(vec![fault("blow", 0, "true", None, None), fault("load", 0, "sleep 1000", None, Some(100))]);
    let reports = reports(&mut Faults::start(&plan, RunClock::start()));
    let mark = |name: &str| {
        let mut marks = reports.iter().filter_map(|report| report.mark.as_ref());
        marks.rfind(|mark| mark.name == name && mark.end.is_some()).unwrap().clone()
    };
    assert_eq!(mark("blow").outcome, "`true` ended well");
    let load = mark("load");
    assert_eq!((load.failed, load.outcome.as_str()), (false, "`sleep 1000` was stopped"));
    assert!(load.end.unwrap() >= load.start + Nanos::from_millis(100));
}
