//! How often each task runs, as Locust's `--show-task-ratio` prints it.

use std::fmt::Write as _;

use squall_suite::TaskRatio;

/// Both tables: shares within each class, and of everything.
pub(super) fn text(ratio: &TaskRatio) -> String {
    let mut out = String::new();
    let rule = "-".repeat(80);
    for (title, classes) in
        [("Task ratio per User class", &ratio.per_class), ("Total task ratio", &ratio.total)]
    {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n {title}\n{rule}");
        for class in classes {
            line(&mut out, "", class.ratio, &class.name);
            for (task, share) in &class.tasks {
                line(&mut out, "  ", *share, task);
            }
        }
    }
    out
}

fn line(out: &mut String, padding: &str, share: f64, name: &str) {
    let percent = format!("{padding}{:<6.1}", share * 100.0);
    let name = format!("{padding}{name}");
    let line = format!(" {percent:<10} {name:<50}");
    let _ = writeln!(out, "{}", line.trim_end());
}
