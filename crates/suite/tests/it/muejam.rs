//! The suite that ships with Squall.

use std::path::{Path, PathBuf};

use squall_plan::{Plan, Step};
use squall_suite::{Planned, Selection, Suite};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/muejam/suite.toml")
}

fn suite() -> Suite {
    let text = std::fs::read_to_string(path()).unwrap();
    // No environment and no files beside it: it is embedded into the program.
    match squall_suite::parse(&text, "suite.toml", Path::new("/nowhere"), &|_| None) {
        Ok(suite) => suite,
        Err(errors) => panic!("{:?}", miette::Report::new(errors)),
    }
}

fn planned(profile: &str) -> Planned {
    let selection = Selection { profile: Some(profile.to_owned()), ..Selection::default() };
    suite().plan(&selection).unwrap()
}

fn facts(plan: &Plan) -> String {
    let mut out = String::new();
    for class in &plan.classes {
        let wait = class.wait.mean_secs();
        out += &format!("{} weight {} wait {wait:.3}\n", class.name, class.weight);
        for task in &class.tasks {
            let needs: Vec<_> = task.needs.iter().map(|v| class.vars[usize::from(v.0)].as_str()).collect();
            let Some(Step::Request(request)) = task.steps.first() else { panic!("no request") };
            let endpoint = &plan.endpoints[request.endpoint.index()];
            let (method, name) = (&endpoint.method, &endpoint.name);
            out += &format!("  {} {} {method} {name} needs {needs:?}\n", task.weight, task.name);
        }
    }
    for criterion in &plan.criteria {
        let unit = criterion.measure.unit();
        out += &format!("{}", criterion.measure);
        let levels = [
            ("target", criterion.target),
            ("acceptable", criterion.acceptable),
            ("failure", criterion.failure),
        ];
        for (name, level) in levels {
            if let Some(level) = level {
                out += &format!(" {name} {}", level.display(unit));
            }
        }
        out += "\n";
    }
    for pending in &plan.pending {
        out += &format!("pending {} ({})\n", pending.measure, pending.levels);
    }
    out
}

#[test]
fn the_basic_profile_is_the_guides() {
    let planned = planned("basic");
    assert_eq!(planned.warnings, []);
    let phase = &planned.plan.load.phases[0];
    assert_eq!((phase.users, phase.spawn_rate, phase.run_time.unwrap().as_secs_f64()), (100, 10.0, 300.0));
    insta::assert_snapshot!(facts(&planned.plan));
}
