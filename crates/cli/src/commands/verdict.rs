//! `squall verdict`: a saved run, judged again, by its own criteria or by others.

use squall_record::Run;
use squall_suite::{CriteriaChoice, Judgement, load_criteria};
use squall_verdict::{judge, judge_by};

use super::github::{self, Stream};
use super::report::open;
use super::{judged, outputs};
use crate::args::{Format, VerdictArgs};
use crate::errors::{Exit, Failure, Outcome};
use crate::overlap::Files;
use crate::preflight;
use crate::terminal::{self, Terminal};

/// Judge, say so, and exit as the run would have.
pub(super) fn run(args: &VerdictArgs, terminal: &Terminal) -> Outcome {
    files(args).distinct()?;
    for (option, path) in [("--junit", &args.junit), ("--markdown", &args.markdown)] {
        path.as_deref().map_or(Ok(()), |path| preflight::writable(path, option))?;
    }
    let run = open(&args.record)?;
    let verdict = match criteria(&run, args)? {
        Some(other) => judge_by(&run, &other.criteria, &other.pending),
        None => judge(&run),
    };
    if let Some(path) = &args.junit {
        outputs::write_junit(&run, &verdict, path)?;
    }
    if let Some(path) = &args.markdown {
        outputs::write_markdown(&run, &verdict, path)?;
    }
    let stream = match args.format {
        Format::Json => {
            outputs::print_json(&run, &verdict)?;
            Stream::Talk
        }
        Format::Text => {
            super::print(&outputs::verdict(&run, &verdict, terminal::style(&std::io::stdout())))?;
            Stream::Data
        }
    };
    github::tell(&run, &verdict, stream, terminal)?;
    Ok(Exit::Code(judged::code(&run, &verdict, None)))
}

/// Those of the file that was named, which take the place of the run's own; `None` when none was named.
fn criteria(run: &Run, args: &VerdictArgs) -> Result<Option<Judgement>, Failure> {
    let Some(path) = &args.criteria else { return Ok(None) };
    let choice = match (&args.set, &args.profile) {
        (Some(set), _) => CriteriaChoice::Set(set.clone()),
        (None, Some(profile)) => CriteriaChoice::Profile(profile.clone()),
        (None, None) => CriteriaChoice::Natural,
    };
    Ok(Some(load_criteria(path, &choice, &run.plan)?))
}

fn files(args: &VerdictArgs) -> Files {
    let mut files = Files::default();
    files.record("the saved run", &args.record, false);
    if let Some(path) = &args.criteria {
        files.input("--criteria", path);
    }
    for (option, path) in [("--junit", &args.junit), ("--markdown", &args.markdown)] {
        path.iter().for_each(|path| files.output(option, path));
    }
    files
}
