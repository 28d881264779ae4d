//! `squall report`: a saved run, rendered again.

use std::path::Path;

use squall_record::{Record, Run};
use squall_verdict::judge;

use super::outputs;
use crate::args::{Format, ReportArgs};
use crate::errors::{Exit, Outcome, Problem};
use crate::overlap::Files;
use crate::terminal;

/// Write the files that are asked for; without any, print the run.
pub(super) fn run(args: &ReportArgs) -> Outcome {
    // Where the name of the HTML report needs the run, it is compared below.
    files(args, args.html.as_ref().filter(|name| !name.contains('{')).map(Path::new)).distinct()?;
    let run = open(&args.record)?;
    let verdict = judge(&run);
    if let Some(name) = &args.html {
        let path = outputs::html_path(name, &run.plan);
        files(args, Some(&path)).distinct()?;
        outputs::write_html(&run, &verdict, &path)?;
    }
    if let Some(prefix) = &args.csv {
        outputs::write_csv(&run, Path::new(prefix), args.csv_full_history)?;
    }
    if let Some(path) = &args.junit {
        outputs::write_junit(&run, &verdict, path)?;
    }
    if let Some(path) = &args.markdown {
        outputs::write_markdown(&run, &verdict, path)?;
    }
    let to_file =
        args.html.is_some() || args.csv.is_some() || args.junit.is_some() || args.markdown.is_some();
    match args.format {
        _ if args.json => outputs::print_locust_json(&run)?,
        Format::Json => outputs::print_json(&run, &verdict)?,
        Format::Text if to_file => {}
        // The tables are what this command was asked for: data, and so for stdout.
        Format::Text => super::print(&outputs::tables(&run, &verdict, terminal::style(&std::io::stdout())))?,
    }
    Ok(Exit::Passed)
}

/// The run saved at `path`.
pub(super) fn open(path: &Path) -> Result<Run, Problem> {
    Record::open(path).map_err(|error| {
        Problem::new(format!("{} cannot be read", path.display()))
            .help("name a saved run: a file that `squall run` or `squall demo` wrote, ending in .squall")
            .cause(error)
    })
}

fn files(args: &ReportArgs, html: Option<&Path>) -> Files {
    let mut files = Files::default();
    files.record("the saved run", &args.record, false);
    if let Some(path) = html {
        files.output("--html", path);
    }
    if let Some(prefix) = &args.csv {
        files.csv(prefix);
    }
    for (option, path) in [("--junit", &args.junit), ("--markdown", &args.markdown)] {
        path.iter().for_each(|path| files.output(option, path));
    }
    files
}
