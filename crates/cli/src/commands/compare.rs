//! `squall compare`: two saved runs against each other.

use squall_verdict::compare::{Finding, Margins};
use squall_verdict::{CompareError, FAILED, compare};

use super::outputs;
use super::report::open;
use crate::args::{CompareArgs, Format};
use crate::errors::{Exit, Failure, Outcome, Problem};
use crate::overlap::Files;
use crate::terminal;

/// Compare, print, and say by the exit code whether B became worse.
pub(super) fn run(args: &CompareArgs) -> Outcome {
    let margins = Margins { margin: margin(&args.margin)?, ..Margins::default() };
    let mut files = Files::default();
    files.record("the first run", &args.a, false);
    files.record("the second run", &args.b, false);
    if let Some(path) = &args.html {
        files.output("--html", path);
    }
    files.distinct()?;
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let comparison = compare(&a, &b, &margins).map_err(|error| refused(&error, args))?;
    if let Some(path) = &args.html {
        outputs::write(path, "--html", |out| squall_report::compare::html(&comparison, &a, &b, out))?;
    }
    let mut text = Vec::new();
    match args.format {
        Format::Json => squall_report::compare::json(&comparison, &mut text),
        Format::Text => {
            squall_report::compare::text(&comparison, terminal::style(&std::io::stdout()), &mut text)
        }
    }
    .map_err(|error| Problem::new("the comparison cannot be rendered").cause(error))?;
    super::print(&String::from_utf8_lossy(&text))?;
    Ok(match comparison.finding {
        Finding::Regressed => Exit::Code(FAILED),
        Finding::Improved | Finding::Equivalent | Finding::Inconclusive => Exit::Passed,
    })
}

/// A percentage above 0 and below 100, as a share.
fn margin(text: &str) -> Result<f64, Problem> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    number.filter(|percent| *percent > 0.0 && *percent < 100.0).map(|percent| percent / 100.0).ok_or_else(
        || {
            Problem::new(format!("`{text}` is not a value of --margin"))
                .help("write a percentage above 0 and below 100, with its sign: `--margin 5%`")
        },
    )
}

fn refused(error: &CompareError, args: &CompareArgs) -> Failure {
    let file = |run: char| if run == 'A' { args.a.display() } else { args.b.display() };
    match error {
        CompareError::NotValid { run, doubts } => {
            let remedies: Vec<&str> = doubts.iter().map(|doubt| doubt.kind.remedy()).collect();
            Failure::from(Problem::new(format!("{error} ({})", file(*run))).help(remedies.join(" ")))
                .exit(Exit::Invalid)
        }
        CompareError::NothingMeasured { run } => Failure::from(
            Problem::new(format!("{error} ({})", file(*run)))
                .help("compare runs that got beyond their warm-up"),
        )
        .exit(Exit::Invalid),
        CompareError::NothingInCommon => Problem::new(error.to_string())
            .help("compare two runs of one suite: requests are matched by method and name")
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::margin;

    #[test]
    fn a_margin_is_a_percentage() {
        for (text, share) in [("5%", 0.05), (" 2.5 % ", 0.025), ("0.1%", 0.001)] {
            assert!((margin(text).unwrap() - share).abs() < 1e-12, "{text}");
        }
        for text in ["5", "0%", "-3%", "100%", "%", "five%", "nan%", ""] {
            assert!(margin(text).is_err(), "{text}");
        }
    }
}
